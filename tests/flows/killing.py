"""Killing the intake and the sending of mail at their system calls, and what is there when they are run again.

    python -m tests.flows.killing take|send --every 7 --points 30 --seconds 60

Runs in a data folder of its own (KYOTEN_DATA, made anew) on the database of DATABASE_URL. Every point is a process that
gets SIGKILL from strace at the N-th call of one kind; where there is no strace, at the N-th of the calls this module
counts itself (statements, writes and renames of files). Then the same is run again, twice, by living processes, and
what was accepted must be stored once and be one case, or have gone out once. The result is printed as JSON.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import logging
import os
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

COUNTED = "counted"  # our own counting, without strace
LATER = timedelta(hours=2)  # leases of the killed have run out


@dataclass
class Found:
    """What the kills showed. `twice`: mails that went out twice with the same Message-ID and are flagged."""

    flow: str
    database: str
    points: int = 0
    killed: int = 0
    accepted: int = 0
    twice: int = 0
    calls: dict[str, int] = field(default_factory=dict)  # kind → kills
    faults: list[str] = field(default_factory=list)


def main() -> None:
    words = arguments()
    os.environ.setdefault("KYOTEN_DEMO", "0")
    os.environ["DJANGO_SETTINGS_MODULE"] = "kyoten.web.settings"
    import django

    django.setup()
    from django.core.management import call_command
    from django.db import connection

    logging.disable()
    call_command("migrate", verbosity=0)
    found = Found(words.flow, connection.vendor)
    flow = {"take": Taking, "send": Sending}[words.flow]
    with flow() as run:
        connection.close()  # a child must not inherit it
        kill_at_points(run, found, words)
    print(json.dumps(asdict(found), ensure_ascii=False))


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    parser.add_argument("flow", choices=("take", "send"))
    parser.add_argument("--every", type=int, default=7, help="every how many calls of one kind")
    parser.add_argument("--points", type=int, default=1000, help="kills at most")
    parser.add_argument("--seconds", type=float, default=3600, help="time at most")
    parser.add_argument("--no-strace", action="store_true")
    return parser.parse_args()


def kill_at_points(run: Taking | Sending, found: Found, words: argparse.Namespace) -> None:
    """Every kind of call in turn, the N-th for growing N, until a process lives to its end."""
    end = time.monotonic() + words.seconds
    strace = None if words.no_strace else shutil.which("strace")
    kinds = list(run.calls) if strace else [COUNTED]
    number = {kind: 1 + 3 * n % words.every for n, kind in enumerate(kinds)}
    while kinds and found.points < words.points and time.monotonic() < end:
        for kind in list(kinds):
            if found.points >= words.points or time.monotonic() >= end:
                break
            found.points += 1
            accepted = run.prepare(found.points)
            killed = killed_at(strace, kind, number[kind], run.do)
            found.killed += killed
            found.accepted += accepted
            if killed:
                found.calls[kind] = found.calls.get(kind, 0) + 1
            for _ in range(2):
                if not lives(run.again):
                    found.faults.append(f"{kind} {number[kind]}: the next run failed")
            faults, twice = in_child(run.check)
            found.faults += [f"{kind} {number[kind]}: {fault}" for fault in faults]
            found.twice += twice
            number[kind] += words.every
            if not killed:
                kinds.remove(kind)


# ---- processes


def killed_at(strace: str | None, kind: str, number: int, do: Callable[[], None]) -> bool:
    """Whether a child doing this was killed on its way."""
    ready, go = os.pipe()
    pid = os.fork()
    if not pid:
        os.close(go)
        os.read(ready, 1)
        child(counting(number, do) if kind == COUNTED else do)
    os.close(ready)
    tracer = attach(strace, pid, kind, number) if strace and kind != COUNTED else None
    os.write(go, b"x")
    os.close(go)
    _, status = os.waitpid(pid, 0)
    if tracer:
        tracer.wait(30)
        assert tracer.stderr is not None
        tracer.stderr.close()
    return os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL


def attach(strace: str, pid: int, kind: str, number: int) -> subprocess.Popen:
    inject = f"inject={kind}:signal=SIGKILL:when={number}"
    command = [strace, "-f", "-o", "/dev/null", "-e", f"trace={kind}", "-e", inject, "-p", str(pid)]
    tracer = subprocess.Popen(command, stderr=subprocess.PIPE)
    assert tracer.stderr is not None
    tracer.stderr.readline()  # "Process … attached"
    return tracer


def counting(number: int, do: Callable[[], None]) -> Callable[[], None]:
    """The same, killed at its N-th statement, file or folder on its way to the disk."""
    left = [number]

    def count(*args: object) -> None:
        left[0] -= 1
        if not left[0]:
            os.kill(os.getpid(), signal.SIGKILL)

    def counted() -> None:
        from django.db import connection

        def statement(execute, sql, params, many, context):
            count()
            return execute(sql, params, many, context)

        sys.addaudithook(lambda event, args: count() if event in ("os.rename", "os.mkdir") else None)
        with connection.execute_wrapper(statement):
            do()

    return counted


def lives(do: Callable[[], None]) -> bool:
    pid = os.fork()
    if not pid:
        child(do)
    return os.waitpid(pid, 0)[1] == 0


def in_child(ask: Callable[[], object]) -> tuple[list[str], int]:
    """What a child answers, as JSON over a pipe: the parent opens no database."""
    read, write = os.pipe()
    pid = os.fork()
    if not pid:
        os.close(read)
        child(lambda: os.write(write, json.dumps(ask()).encode()) and None)
    os.close(write)
    with os.fdopen(read, "rb") as answer:
        data = answer.read()
    os.waitpid(pid, 0)
    return tuple(json.loads(data)) if data else (["nothing could be checked"], 0)


def child(do: Callable[[], object]) -> None:
    code = 1
    with contextlib.suppress(BaseException):
        do()
        code = 0
    sys.stdout.flush()
    os._exit(code)


# ---- taking a folder of mails


class Taking:
    """Seven mails a point: four questions, a reply, a double by another way, and a broken file of Outlook."""

    calls = ("write", "pwrite64", "fsync", "fdatasync", "rename", "mkdir", "unlink", "ftruncate", "sendto")

    def __enter__(self) -> Taking:
        from kyoten.rules.clock import JST
        from kyoten.web import taking
        from tests import world

        self.taking = taking  # before anything forks: every process runs the code of this moment
        self.at = datetime(2025, 7, 22, 10, 0, tzinfo=JST)
        self.world = world.build()
        self.folder = Path(os.environ["KYOTEN_DATA"]) / "mails"
        return self

    def __exit__(self, *error: object) -> None:
        pass

    def prepare(self, point: int) -> int:
        self.point = point
        self.here = self.folder / str(point)
        self.here.mkdir(parents=True)
        for name, data in self.mails():
            (self.here / name).write_bytes(data)
        return 7

    def mails(self) -> Iterator[tuple[str, bytes]]:
        def mail(n: int, text: str, *more: str) -> bytes:
            head = [f"From: a{n}-{self.point}@city.example.jp", "To: zaitaku@example.jp", f"Subject: Q{n}", *more]
            head += ["Content-Type: text/plain; charset=utf-8", "", text]
            return "\r\n".join(head).encode()

        for n in range(4):
            yield f"{n}.eml", mail(n, f"質問{n}です。", f"Message-ID: <{n}.{self.point}@a>")
        yield "4", mail(0, "補足です。", f"Message-ID: <r.{self.point}@a>", f"In-Reply-To: <0.{self.point}@a>")
        yield "5.eml", b"Received: other\r\n" + mail(1, "質問1です。", f"Message-ID: <1.{self.point}@a>")
        yield "6.msg", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + str(self.point).encode()

    def do(self) -> None:
        self.taking.take_directory(self.here, at=self.at)

    again = do

    def check(self) -> tuple[list[str], int]:
        from kyoten.consultations.models import Consultation, Message
        from kyoten.post.models import InboundMail

        faults = []
        mails = [path.read_bytes() for path in self.here.iterdir()]
        stored = Counter(mail.raw for mail in InboundMail.objects.order_by("-pk")[:50])
        faults += [f"{stored[raw]} rows for one mail" for raw in mails if stored[raw] != 1]
        for n in range(4):
            cases = Consultation.objects.filter(email=f"a{n}-{self.point}@city.example.jp")
            said = Message.objects.filter(consultation__in=cases, kind="in").count()
            if (cases.count(), said) != (1, 2 if n == 0 else 1):
                faults.append(f"question {n}: {cases.count()} cases, {said} messages")
        if left := InboundMail.objects.filter(parsed_at=None).count():
            faults.append(f"{left} mails were not read")
        if Consultation.objects.count() != 4 * self.point:
            faults.append(f"{Consultation.objects.count()} cases in all, not {4 * self.point}")
        return faults, 0


# ---- sending


class Sending:
    """Three mails a point to a server of our own, which counts what arrives."""

    calls = ("sendto", "pwrite64", "write", "fdatasync")

    def __enter__(self) -> Sending:
        from django.conf import settings

        from kyoten.post import worker
        from tests.flows.smtp_server import Server

        self.worker = worker
        self.server = Server()
        self.server.__enter__()
        settings.MAIL = {
            "sender": "kyoten@example.jp",
            "host": "127.0.0.1",
            "port": self.server.port,
            "security": "none",
        }
        return self

    def __exit__(self, *error: object) -> None:
        self.server.__exit__()

    def prepare(self, point: int) -> int:
        self.point = point
        self.server.taken.clear()
        assert lives(self.queue)
        return 3

    def queue(self) -> None:
        from kyoten.post.actions import send

        to = [f"{n}-{self.point}@city.example.jp" for n in range(3)]
        send(to=to, subject="x", text="x", at=self.now(), key=f"k{self.point}", by=None, section_id=None)

    def now(self) -> datetime:
        from django.utils import timezone

        return timezone.now()

    def do(self) -> None:
        self.worker.deliver_due(self.now())

    def again(self) -> None:
        self.worker.deliver_due(self.now(), clock=lambda: self.now() + LATER)

    def check(self) -> tuple[list[str], int]:
        from kyoten.post.models import OutboundMail

        arrived = Counter((to, str(mail["Message-ID"])) for to, mail in list(self.server.taken))
        rows = OutboundMail.objects.filter(key=f"k{self.point}")
        faults, twice = [], 0
        for mail in rows:
            count = arrived[(mail.to, mail.message_id)]
            twice += count == 2
            if mail.state != "sent" or not 1 <= count <= 2 or count == 2 and not mail.possibly_twice:
                faults.append(f"{mail.to}: {mail.state}, arrived {count} times, flagged {mail.possibly_twice}")
        if len(rows) != 3 or sum(arrived.values()) != 3 + twice:
            faults.append(f"{len(rows)} rows, {sum(arrived.values())} arrived")
        return faults, twice


if __name__ == "__main__":
    main()
