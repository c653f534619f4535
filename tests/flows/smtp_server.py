"""A real SMTP server (aiosmtpd) on a free port that does, at each step, what a script tells it."""

from __future__ import annotations

import asyncio
import base64
import ipaddress
import ssl
import threading
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage

from aiosmtpd.smtp import SMTP, AuthResult, Envelope
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

Script = Callable[[str, str], str | None]
PASSWORD = "himitsu"
TOKEN = "good"


class Server:
    """Use as a context manager. `script(step, argument)` answers None (go on), "stall", "drop", "drip" or a reply
    line such as "450 4.2.0 later". Steps: CONNECT EHLO STARTTLS AUTH MAIL RCPT DATA DOT. At DOT, "450 …" and the
    like refuse the mail, "take, drop" and "take, stall" keep it and never say so."""

    def __init__(self, script: Script = lambda step, argument: None, certificate: Certificate | None = None) -> None:
        self.script = script
        self.certificate = certificate
        self.taken: list[tuple[str, EmailMessage]] = []  # (envelope recipient, mail)
        self.sessions: list[Session] = []
        self.port = 0

    def __enter__(self) -> Server:
        started = threading.Event()
        self.thread = threading.Thread(target=lambda: asyncio.run(self._serve(started)), daemon=True)
        self.thread.start()
        assert started.wait(10)
        return self

    def __exit__(self, *error: object) -> None:
        self.loop.call_soon_threadsafe(self.closing.set)
        self.thread.join(10)

    async def _serve(self, started: threading.Event) -> None:
        self.loop, self.closing = asyncio.get_running_loop(), asyncio.Event()
        server = await self.loop.create_server(self._session, "127.0.0.1", self.port)
        self.port = server.sockets[0].getsockname()[1]
        started.set()
        await self.closing.wait()
        server.close()
        for session in self.sessions:
            session.end()
        others = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)
        await asyncio.sleep(0)  # transports close in the next turn of the loop

    @property
    def connections(self) -> int:
        return len(self.sessions)

    def _session(self) -> SMTP:
        context = self.certificate.server_context() if self.certificate else None
        self.sessions.append(Session(self, tls_context=context, authenticator=self._login, auth_require_tls=False))
        return self.sessions[-1]

    async def ask(self, step: str, argument: str) -> str | None:
        """In a thread of its own: a script may use the database."""
        return await self.loop.run_in_executor(None, self.script, step, argument)

    def _login(self, server: SMTP, session: object, envelope: object, mechanism: str, data: object) -> AuthResult:
        return AuthResult(success=data.password == PASSWORD.encode())

    async def auth_XOAUTH2(self, server: SMTP, words: list[str]) -> AuthResult:
        if base64.b64decode(words[1]) == f"user=kyoten\1auth=Bearer {TOKEN}\1\1".encode():
            return AuthResult(success=True)
        await server.challenge_auth('{"status":"400"}')
        return AuthResult(success=False, handled=False)

    async def handle_DATA(self, server: Session, session: object, envelope: Envelope) -> str:
        action = await self.ask("DOT", ",".join(envelope.rcpt_tos)) or ""
        if not action or action.startswith("take"):
            mail = message_from_bytes(envelope.content, policy=policy.default)
            self.taken += [(recipient, mail) for recipient in envelope.rcpt_tos]
        if action in ("", "take"):
            return "250 2.0.0 taken"
        await server.do(action.removeprefix("take, "))
        return "421 closing"


class Session(SMTP):
    """One client; every command asks the script first."""

    def __init__(self, owner: Server, **options: object) -> None:
        self.owner = owner
        self.transports = []
        super().__init__(owner, **options)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transports.append(transport)
        super().connection_made(transport)

    def end(self) -> None:
        for transport in self.transports:
            with suppress(AttributeError):  # Python 3.11.2 (Debian 12) cannot abort an encrypted line twice closed
                transport.abort()

    async def _handle_client(self) -> None:
        with suppress(ConnectionError):
            if not await self.obey("CONNECT", ""):
                await super()._handle_client()

    async def obey(self, step: str, argument: str | None) -> bool:
        action = await self.owner.ask(step, argument or "")
        if action:
            await self.do(action)
        return bool(action)

    async def do(self, action: str) -> None:
        if action == "stall":
            await asyncio.Event().wait()
        elif action == "drop":
            self.transport.abort()
        elif action == "drip":
            self._writer.write(b"250-")
            for byte in b"x" * 10_000:
                self._writer.write(bytes([byte]))
                await self._writer.drain()
                await asyncio.wait([self.loop.create_task(self.owner.closing.wait())], timeout=0.02)
        else:
            await self.push(action)

    async def smtp_EHLO(self, arg: str) -> None:
        if not await self.obey("EHLO", arg):
            await super().smtp_EHLO(arg)

    async def smtp_STARTTLS(self, arg: str) -> None:
        if not await self.obey("STARTTLS", arg):
            await super().smtp_STARTTLS(arg)

    async def smtp_AUTH(self, arg: str) -> None:
        if not await self.obey("AUTH", arg):
            await super().smtp_AUTH(arg)

    async def smtp_MAIL(self, arg: str) -> None:
        if not await self.obey("MAIL", arg):
            await super().smtp_MAIL(arg)

    async def smtp_RCPT(self, arg: str) -> None:
        if not await self.obey("RCPT", arg):
            await super().smtp_RCPT(arg)

    async def smtp_DATA(self, arg: str) -> None:
        if not await self.obey("DATA", arg):
            await super().smtp_DATA(arg)


class Certificate:
    """A certificate for 127.0.0.1 that signed itself, made anew for each run of the tests."""

    def __init__(self, folder) -> None:
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "smtp.example.jp")])
        now = datetime.now(UTC)
        names = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
        builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
        builder = builder.serial_number(x509.random_serial_number()).add_extension(names, critical=False)
        builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        builder = builder.not_valid_before(now - timedelta(days=1)).not_valid_after(now + timedelta(days=1))
        self.file, self.key = folder / "cert.pem", folder / "key.pem"
        self.file.write_bytes(builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM))
        plain = serialization.NoEncryption()
        pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain)
        self.key.write_bytes(pem)

    def server_context(self) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.file, self.key)
        return context
