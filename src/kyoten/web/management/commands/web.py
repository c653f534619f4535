"""The web server: waitress, on the loopback addresses unless told otherwise."""

import errno
import signal
import socket
from argparse import ArgumentParser
from types import FrameType
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from waitress.server import create_server

LOOPBACK = ("127.0.0.1", "::1")  # browsers take either for `localhost`
REQUEST_LIMIT = 5 * settings.UPLOAD_LIMIT  # bytes: a form with several attachments


class Command(BaseCommand):
    help = "画面のサーバーを動かします（./kyoten run が自動で動かします）。"
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--port", type=int, default=8000, help="待ち受けるポート番号")
        parser.add_argument("--host", action="append", help="待ち受けるアドレス（書かないときはこの端末からだけ）")
        parser.add_argument("--threads", type=int, default=8, help="同時に処理する要求の数")

    def handle(self, *args: object, **options: Any) -> None:
        from kyoten.web.wsgi import application

        sockets = listeners(options["host"] or LOOPBACK, options["port"])
        server = create_server(application, sockets=sockets, threads=options["threads"], **proxy(), **LIMITS)
        signal.signal(signal.SIGTERM, stop)
        if options["verbosity"]:
            self.stdout.write(f"http://localhost:{options['port']}")
        server.run()  # ends on SystemExit, after the requests in hand


LIMITS: dict[str, Any] = {"ident": None, "max_request_body_size": REQUEST_LIMIT}


def stop(number: int, frame: FrameType | None) -> None:
    raise SystemExit(0)


def proxy() -> dict[str, Any]:
    """What the TLS end in front may tell us; without one, such headers are dropped."""
    if not settings.INSTANCE.get("behind_proxy"):
        return {}
    return {"trusted_proxy": "*", "trusted_proxy_headers": "x-forwarded-proto", "clear_untrusted_proxy_headers": True}


def listeners(hosts: tuple[str, ...] | list[str], port: int) -> list[socket.socket]:
    """A bound socket for each address this machine has."""
    found = [bound for host in hosts if (bound := bind(host, port))]
    if not found:
        raise CommandError(f"{'、'.join(hosts)} では待ち受けられません。--host をご確認ください。")
    return found


def bind(host: str, port: int) -> socket.socket | None:
    """None where the machine has no such address (no IPv6); a taken or forbidden port is refused."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        bound = socket.socket(family)
    except OSError:
        return None
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if family == socket.AF_INET6:
        bound.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
    try:
        bound.bind((host, port))
    except OSError as error:
        bound.close()
        if error.errno in (errno.EADDRINUSE, errno.EACCES):
            raise CommandError(
                f"ポート {port} は使えません。--port で別の番号を指定してください（{error.strerror}）。"
            ) from error
        return None
    return bound
