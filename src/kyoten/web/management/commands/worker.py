"""The worker: delivers mail, brings mail in, runs what is due, seals the records. Any number may run at once.

Rows are the truth: whatever a killed worker had begun, the next one takes up again.
"""

from __future__ import annotations

import logging
import signal
import threading
import time
from argparse import ArgumentParser
from collections.abc import Callable, Iterable
from datetime import datetime
from importlib import import_module
from importlib.util import find_spec
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand
from django.db import InterfaceError, OperationalError, close_old_connections, connection

from kyoten.post.actions import send
from kyoten.post.inbox import read_new
from kyoten.post.mailbox import LIMIT, fetch, password_is_refused
from kyoten.post.worker import deliver_due
from kyoten.records.actions import seal
from kyoten.records.models import Seal
from kyoten.records.sweeping import GRACE, sweep
from kyoten.web import demo

log = logging.getLogger(__name__)

IDLE = 1  # seconds between two looks at the outbox
FETCH_EVERY = 60  # seconds between two looks into the mailbox
PASSWORD_PAUSE = 15 * 60  # seconds after a refused password: a server that is asked more often locks the account
ROUNDS_EVERY = 5  # seconds between two runs of what the apps have due
SEAL_EVERY = 60  # seconds a change waits at most to be sealed
SWEEP_EVERY = 24 * 3600  # seconds between two looks for files that no row names any more
SERVER_PAUSE = 60  # seconds a mail server that serves nobody is left alone
DELIVERY_SHARE = 30  # seconds of delivering after which the other duties have their turn
DATABASE_PAUSE = 5  # seconds to wait for a database that is restarting


class Command(BaseCommand):
    help = "メールの送受信、期限の到来に伴う処理、記録の封印を行います（./kyoten run が自動で動かします）。"
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--once", action="store_true", help="いま必要な処理を一度だけ行って終わります")

    def handle(self, *args: object, **options: Any) -> None:
        stop = threading.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda number, frame: stop.set())
        worker = Worker(stop)
        if options["once"]:
            worker.turn()
            return
        while not stop.is_set():
            close_old_connections()
            worker.turn()
            stop.wait(worker.pause)


class Worker:
    """One turn after the other; `stop` ends it after the mail at hand."""

    def __init__(self, stop: threading.Event) -> None:
        self.stop = stop
        self.pause = IDLE
        # duty → monotonic time of its next turn; just started, no file is old enough to be swept
        self.next = {"sweep": time.monotonic() + GRACE}

    def turn(self) -> None:
        """All duties once, each guarded: what goes wrong in one is logged and keeps nothing else from being done."""
        self.pause = IDLE
        at = self.guard("clock", demo.now)
        if at is None:
            return
        if self.due("fetch", FETCH_EVERY):
            self.guard("fetch", lambda: self.fetch(at))
        arrived = self.guard("read", lambda: read_new(at, stop=self.stop.is_set))
        if self.due("rounds", ROUNDS_EVERY) or arrived:
            self.rounds(at)
        if self.due("deliver", 0):
            self.guard("deliver", lambda: self.deliver(at))
        if self.due("seal", SEAL_EVERY):
            self.guard("seal", lambda: self.seal(at))
        if self.due("sweep", SWEEP_EVERY):
            self.guard("sweep", sweep)

    def due(self, duty: str, every: float) -> bool:
        now = time.monotonic()
        if self.stop.is_set() or now < self.next.get(duty, 0):
            return False
        self.next[duty] = now + every
        return True

    def guard(self, duty: str, call: Callable[[], Any]) -> Any:
        """None where it failed."""
        try:
            return call()
        except (OperationalError, InterfaceError) as error:
            log.warning("%s: the database is not there: %s", duty, error)
            connection.close()
            self.pause = DATABASE_PAUSE
        except Exception:
            log.exception("%s failed", duty)
        return None

    def fetch(self, at: datetime) -> None:
        if fetch(at, stop=self.stop.is_set) >= LIMIT:
            self.next["fetch"] = 0  # more waits there: go on as soon as the other duties had their turn
        elif password_is_refused():
            self.next["fetch"] = time.monotonic() + PASSWORD_PAUSE

    def rounds(self, at: datetime) -> None:
        for call in rounds():
            if not self.stop.is_set():
                self.guard(getattr(call, "__name__", "round"), lambda call=call: call(at))

    def deliver(self, at: datetime) -> None:
        end = time.monotonic() + DELIVERY_SHARE
        done = deliver_due(at, stop=lambda: self.stop.is_set() or time.monotonic() > end)
        if done.down:
            self.next["deliver"] = time.monotonic() + SERVER_PAUSE
        elif done.tried:
            self.pause = 0

    def seal(self, at: datetime) -> None:
        if seal(at):
            report_seal(at)


def rounds() -> Iterable[Callable[[datetime], object]]:
    """What the apps want done regularly, composed by the web app."""
    return import_module("kyoten.web.rounds").rounds if find_spec("kyoten.web.rounds") else []


def report_seal(at: datetime) -> None:
    """Once a day the newest seal goes outside, to `seal_mail` of the settings: whoever could rewrite everything in
    here cannot rewrite that mail."""
    address = settings.INSTANCE.get("seal_mail")
    if not address:
        return
    newest = Seal.objects.order_by("-number").first()
    send(
        to=[address],
        subject=f"記録の封印 {newest.number}番",
        text=f"記録の封印 {newest.number}番\n{newest.digest}\n\n確かめるとき:\nmanage verify-records --seal {newest.digest}\n",
        at=at,
        key=f"seal:{at:%Y-%m-%d}",
        by=None,
        section_id=None,
        automatic=True,
    )
