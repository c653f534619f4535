"""What we log in with at the mail servers: a password, or an OAuth2 token (XOAUTH2) as Microsoft 365 and Google ask for.

Settings, in `[mailbox]` and `[mail]`: `password`; or `oauth2_token`, a token; or `oauth2_command`, a program with its
arguments that prints a fresh one. How a token is got differs from office to office, so that is left to a program of theirs.
"""

from __future__ import annotations

import shlex
import subprocess
from typing import Any

COMMAND_SECONDS = 60


class Unusable(ValueError):
    """The settings give nothing to log in with; says why in Japanese."""


def bearer(options: dict[str, Any]) -> str:
    """What XOAUTH2 says first; empty where the settings know no token. Raises Unusable where there is none to be had."""
    token = _token(options)
    return f"user={options.get('user', '')}\x01auth=Bearer {token}\x01\x01" if token else ""


def _token(options: dict[str, Any]) -> str:
    """A token holds no line ends or control characters: they would end the line it stands in."""
    token = _printed(options["oauth2_command"]) if options.get("oauth2_command") else options.get("oauth2_token", "")
    if token and not (token.isascii() and token.isprintable()):
        raise Unusable("OAuth2 のトークンに使えない文字があります。設定を確かめてください。")
    return token


def _printed(command: str | list[str]) -> str:
    """What the command prints. Its own errors go to our log, never the token."""
    words = shlex.split(command) if isinstance(command, str) else [str(word) for word in command]
    try:
        done = subprocess.run(words, capture_output=True, text=True, timeout=COMMAND_SECONDS, check=True)  # noqa: S603
    except (OSError, subprocess.SubprocessError) as error:
        reason = (getattr(error, "stderr", None) or "").strip() or type(error).__name__
        raise Unusable(
            f"OAuth2 のトークンを取得できません。oauth2_command を確かめてください（{reason[-200:]}）。"
        ) from None
    if not done.stdout.strip():
        raise Unusable("OAuth2 のトークンを取得できません。oauth2_command が何も出力しませんでした。")
    return done.stdout.strip()
