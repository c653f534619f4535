"""Handing one mail to the mail server, with a time limit at every step and a clear word on how it ended."""

from __future__ import annotations

import contextlib
import re
import smtplib
import socket
import ssl
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from kyoten.post.tokens import Unusable, bearer

STEP = 60  # seconds, any single step
DOT = 300  # seconds, the server's answer after the final dot (RFC 5321 4.5.3.2.6: it may be slow, and must not be cut)
TOTAL = 600  # seconds, one mail from connecting to the answer; an outbox lease outlasts it


class Answered(Exception):
    """The server said no (code 4xx or 5xx) to the step at hand."""

    def __init__(self, code: int, reply: str) -> None:
        super().__init__(reply)
        self.code = code


@dataclass(frozen=True)
class Outcome:
    """How one delivery ended: "sent", "later" (try again) or "never" (the recipient's server refuses this mail).

    `twice`: the server may have taken the mail although we never heard so. `down`: the server serves nobody just now.
    """

    result: str
    reply: str
    twice: bool = False
    down: bool = False


class Courier:
    """Delivers mails one after the other, over one connection as long as it holds.

    `options`: host, port, user, password, security (starttls | tls | none), sender, ca_file;
    step_timeout, dot_timeout, total_timeout in seconds.
    """

    def __init__(self, options: Mapping[str, Any]) -> None:
        self.options = options
        self.step_timeout = options.get("step_timeout", STEP)
        self.smtp: smtplib.SMTP | None = None
        self.socket: socket.socket | None = None
        self.step = ""

    def deliver(self, sender: str, to: str, data: bytes) -> Outcome:
        """Try once. Never raises for what network or server do."""
        self.step = "接続"
        limit = threading.Timer(self.options.get("total_timeout", TOTAL), self._cut)
        limit.daemon = True
        limit.start()
        kept = self.smtp is not None
        try:
            outcome = self._try(sender, to, data)
            if kept and not self.smtp and self.step == "差出人":
                outcome = self._try(sender, to, data)  # the server had enough of the connection, not of the mail
            return outcome
        finally:
            limit.cancel()

    def close(self) -> None:
        """Say goodbye where the connection still stands."""
        if self.smtp:
            with contextlib.suppress(OSError, smtplib.SMTPException):
                self.smtp.sock.settimeout(min(5, self.step_timeout))
                self.smtp.docmd("QUIT")
        self._drop()

    def _try(self, sender: str, to: str, data: bytes) -> Outcome:
        try:
            return Outcome("sent", self._hand_over(sender, to, data))
        except Answered as error:
            return self._refused(error)
        except (OSError, smtplib.SMTPException, ValueError) as error:  # ValueError: settings no server could use
            return self._broken(error)

    def _hand_over(self, sender: str, to: str, data: bytes) -> str:
        smtp = self.smtp or self._open()
        self._ask("差出人", 250, smtp.mail, sender, [f"SIZE={len(data)}"] if smtp.has_extn("size") else [])
        self._ask("宛先", (250, 251), smtp.rcpt, to)
        self._ask("本文", 354, smtp.docmd, "DATA")
        smtp.send(_dotted(data))
        smtp.sock.settimeout(self.options.get("dot_timeout", DOT))
        reply = self._ask("受領", 250, smtp.getreply)
        smtp.sock.settimeout(self.step_timeout)
        return reply

    def _ask(
        self, step: str, wanted: int | tuple[int, ...], command: Callable[..., tuple[int, bytes]], *args: Any
    ) -> str:
        self.step = step
        code, text = command(*args)
        reply = f"{code} {text.decode('utf-8', 'replace')}"[:500]
        if not 200 <= code <= 599:  # cut off in the middle of a reply: as good as none
            raise smtplib.SMTPServerDisconnected(reply)
        if code not in (wanted if isinstance(wanted, tuple) else (wanted,)):
            raise Answered(code, reply)
        return reply

    def _open(self) -> smtplib.SMTP:
        """Connect, encrypt and log in. Never falls back to an open line where TLS was asked for."""
        options, security = self.options, self.options.get("security", "starttls")
        name = options.get("helo") or options["sender"].rpartition("@")[2]
        self.socket = socket.create_connection((options["host"], options.get("port", 587)), self.step_timeout)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if security == "tls":
            self._encrypt()
        self.smtp = smtp = smtplib.SMTP(local_hostname=name)
        smtp.sock = self.socket
        self._ask("接続", 220, smtp.getreply)
        self._ask("挨拶", 250, smtp.ehlo)
        if security == "starttls":
            self._ask("暗号化", 220, smtp.docmd, "STARTTLS")
            self._forget_plain_line(smtp)
            self._ask("挨拶", 250, smtp.ehlo)
        if options.get("user"):
            self._log_in(smtp)
        return smtp

    def _log_in(self, smtp: smtplib.SMTP) -> None:
        self.step = "認証"
        if token := bearer(self.options):
            # A server that refuses says why in a challenge, which is answered with nothing.
            smtp.auth("XOAUTH2", lambda challenge=None: token if challenge is None else "")
        else:
            smtp.login(self.options["user"], self.options.get("password", ""))

    def _forget_plain_line(self, smtp: smtplib.SMTP) -> None:
        """Go on encrypted, with nothing believed that was said before (injected answers, RFC 3207 4.2)."""
        if smtp.file:
            smtp.file.close()
        self._encrypt()
        smtp.sock, smtp.file, smtp.esmtp_features, smtp.does_esmtp, smtp.ehlo_resp = self.socket, None, {}, False, None

    def _encrypt(self) -> None:
        self.step = "暗号化"
        context = ssl.create_default_context(cafile=self.options.get("ca_file"))
        # the handshake comes second: by then `_cut` can reach the socket
        self.socket = context.wrap_socket(
            self.socket, server_hostname=self.options["host"], do_handshake_on_connect=False
        )
        self.socket.do_handshake()

    def _refused(self, error: Answered) -> Outcome:
        ours = self.step in ("接続", "挨拶", "暗号化", "認証") or error.code in (530, 534, 535, 538)
        down = ours or error.code == 421
        if down:
            self._drop()
        else:
            self._reset()
        # What the server says before it knows the mail is about us, not about the recipient: never final.
        final = 500 <= error.code <= 599 and not down
        return Outcome("never" if final else "later", f"{error}（{self.step}）", down=down)

    def _broken(self, error: Exception) -> Outcome:
        down = self.step in ("接続", "挨拶", "暗号化", "認証")
        self._drop()
        return Outcome("later", f"{_words(error)}（{self.step}）", twice=self.step == "受領", down=down)

    def _reset(self) -> None:
        try:
            self._ask(self.step, 250, self.smtp.rset)
        except (Answered, OSError, smtplib.SMTPException):
            self._drop()

    def _drop(self) -> None:
        if self.smtp:
            self.smtp.close()
        if self.socket:
            self.socket.close()
        self.smtp = self.socket = None

    def _cut(self) -> None:
        """Ends a server that answers byte by byte: no single wait is too long, the whole is."""
        if self.socket:
            with contextlib.suppress(OSError):
                self.socket.shutdown(socket.SHUT_RDWR)


def _dotted(data: bytes) -> bytes:
    """CRLF line ends only (a bare LF before a dot smuggles a second mail), dots doubled, the final dot."""
    lines = re.sub(rb"\r\n|\r|\n", b"\r\n", data.rstrip(b"\r\n"))
    return re.sub(rb"(?m)^\.", b"..", lines) + b"\r\n.\r\n"


def _words(error: Exception) -> str:
    if isinstance(error, TimeoutError):
        return "時間内に応答がありませんでした"
    if isinstance(error, smtplib.SMTPServerDisconnected):
        return "接続が切れました"
    if isinstance(error, smtplib.SMTPAuthenticationError):
        return "送信サーバーに認証されませんでした"
    if isinstance(error, Unusable):
        return str(error)
    return f"{type(error).__name__}: {error}"[:300]
