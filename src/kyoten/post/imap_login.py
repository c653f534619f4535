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


class Unusable(ValueError):
    """The settings give nothing to log in with; says why in Japanese."""


class LoginRefused(imaplib.IMAP4.error):
    """The server does not let us in. `by_token`: it was asked with a token."""

    def __init__(self, said: str, *, by_token: bool) -> None:
        super().__init__(said)
        self.by_token = by_token


def log_in(server: imaplib.IMAP4, options: dict[str, Any]) -> None:
    """Raises LoginRefused, or Unusable where the settings give no token or a password no server could take."""
    token = _token(options)
    try:
        if token:
            _bear(server, options.get("user", ""), token)
        else:
            _say_password(server, options.get("user", ""), options.get("password", ""))
    except imaplib.IMAP4.abort:  # the connection is gone: nothing was refused
        raise
    except imaplib.IMAP4.error as error:
        raise LoginRefused(str(error), by_token=bool(token)) from None


def _bear(server: imaplib.IMAP4, user: str, token: str) -> None:
    answers = [f"user={user}\x01auth=Bearer {token}\x01\x01".encode(), b""]
    # A server that refuses says why in a second challenge, which is answered with nothing; then it says NO.
    server.authenticate("XOAUTH2", lambda challenge: answers.pop(0) if answers else b"")


def _say_password(server: imaplib.IMAP4, user: str, password: str) -> None:
    """PLAIN takes every letter (RFC 4616), LOGIN only ASCII."""
    if "AUTH=PLAIN" in server.capabilities:
        said = f"\0{user}\0{password}".encode()
        server.authenticate("PLAIN", lambda challenge: said)
        return
    try:
        server.login(user, password)
    except UnicodeEncodeError:
        raise Unusable(
            "このメールサーバーは、英数字と記号のほかの文字を含むパスワードを受け付けません。パスワードを変えてください。"
        ) from None


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
