"""Logging in to the mailbox: with a password, or with an OAuth2 token."""

from __future__ import annotations

import imaplib
from typing import Any

from kyoten.post.tokens import Unusable, bearer


class LoginRefused(imaplib.IMAP4.error):
    """The server does not let us in. `by_token`: it was asked with a token."""

    def __init__(self, said: str, *, by_token: bool) -> None:
        super().__init__(said)
        self.by_token = by_token


def log_in(server: imaplib.IMAP4, options: dict[str, Any]) -> None:
    """Raises LoginRefused, or Unusable where the settings give no token or a password no server could take."""
    token = bearer(options)
    try:
        if token:
            _bear(server, token)
        else:
            _say_password(server, options.get("user", ""), options.get("password", ""))
    except imaplib.IMAP4.abort:  # the connection is gone: nothing was refused
        raise
    except imaplib.IMAP4.error as error:
        raise LoginRefused(str(error), by_token=bool(token)) from None


def _bear(server: imaplib.IMAP4, token: str) -> None:
    answers = [token.encode(), b""]
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
