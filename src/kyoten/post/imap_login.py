"""Logging in to the mailbox: with a password, or with an OAuth2 token (XOAUTH2) as Microsoft 365 and Google ask for.

Settings, in `[mailbox]`: `password`; or `oauth2_token`, a token; or `oauth2_command`, a program with its arguments that
prints a fresh one. How a token is got differs from office to office, so that is left to a program of theirs.
"""

from __future__ import annotations

import imaplib
import shlex
import subprocess
from typing import Any

COMMAND_SECONDS = 60


def log_in(server: imaplib.IMAP4, options: dict[str, Any]) -> None:
    """Raises imaplib.IMAP4.error where the server refuses, ValueError where no token can be had."""
    token = _token(options)
    if not token:
        server.login(options["user"], options.get("password", ""))
        return
    answers = [f"user={options['user']}\x01auth=Bearer {token}\x01\x01".encode(), b""]
    # A server that refuses says why in a second challenge, which is answered with nothing; then it says NO.
    server.authenticate("XOAUTH2", lambda challenge: answers.pop(0) if answers else b"")


def _token(options: dict[str, Any]) -> str:
    """A token holds no line ends or control characters: they would end the line it stands in."""
    token = _printed(options["oauth2_command"]) if options.get("oauth2_command") else options.get("oauth2_token", "")
    if token and not (token.isascii() and token.isprintable()):
        raise ValueError("OAuth2 のトークンに使えない文字があります。設定を確かめてください。")
    return token


def _printed(command: str | list[str]) -> str:
    """What the command prints. Its own errors go to our log, never the token."""
    words = shlex.split(command) if isinstance(command, str) else [str(word) for word in command]
    try:
        done = subprocess.run(words, capture_output=True, text=True, timeout=COMMAND_SECONDS, check=True)  # noqa: S603
    except (OSError, subprocess.SubprocessError) as error:
        reason = getattr(error, "stderr", None) or type(error).__name__
        raise ValueError(
            f"OAuth2 のトークンを取得できません。oauth2_command を確かめてください（{str(reason)[:200]}）。"
        ) from None
    if not done.stdout.strip():
        raise ValueError("OAuth2 のトークンを取得できません。oauth2_command が何も出力しませんでした。")
    return done.stdout.strip()
