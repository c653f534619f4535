"""The worker: every duty has its turn whatever fails beside it, and a kill at any moment loses no mail."""

import logging
import os
import signal
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from django.conf import settings as django_settings
from django.core.management import call_command
from django.db import OperationalError, connection, transaction
from django.utils import timezone

from kyoten.post.actions import send
from kyoten.post.mailbox import LIMIT
from kyoten.post.models import InboundMail, OutboundMail
from kyoten.post.worker import deliver_due
from kyoten.records import files
from kyoten.records.actions import record
from kyoten.records.models import Seal
from kyoten.rules.clock import JST
from kyoten.web.management.commands import worker as command
from tests.flows import imap_server
from tests.flows.smtp_server import Server

AT = datetime(2025, 7, 24, 16, 0, tzinfo=JST)
ROOT = Path(django_settings.ROOT)


@pytest.fixture(autouse=True)
def quiet(caplog):
    caplog.set_level(logging.CRITICAL, "kyoten")


def queue(*to, key="k"):
    to = to or ["a@example.jp"]
    return send(to=to, subject="照会", text="本文", at=AT, key=key, by=None, section_id=1)


def mail_settings(port, **more):
    return {"sender": "kyoten@example.jp", "host": "127.0.0.1", "port": port, "security": "none"} | more


@pytest.fixture
def rounds(monkeypatch):
    """The list of what the apps have due, empty for one test."""
    calls = []
    monkeypatch.setattr(command, "rounds", lambda: calls)
    return calls


@pytest.mark.django_db
def test_once_delivers_takes_in_runs_the_rounds_and_seals(settings, tmp_path, rounds):
    moments = []
    rounds.append(moments.append)
    settings.MAILBOX = {"directory": str(tmp_path)}
    (tmp_path / "a.eml").write_bytes(b"From: a@example.jp\r\n\r\nmoshi moshi")
    [mail] = queue()
    with transaction.atomic():
        record("submit", "提出", kind="application", record_id=1, by=None, at=AT)
    with Server() as server:
        settings.MAIL = mail_settings(server.port)
        call_command("worker", once=True)
    mail.refresh_from_db()
    assert (mail.state, [to for to, _ in server.taken]) == ("sent", ["a@example.jp"])
    assert InboundMail.objects.get().sender == "a@example.jp"
    assert (len(moments), Seal.objects.count()) == (1, 1)
    assert abs(moments[0] - timezone.now()) < timedelta(minutes=1)


@pytest.mark.django_db
def test_a_round_that_fails_stops_no_other_duty(settings, rounds):
    done = []
    rounds += [lambda at: 1 / 0, done.append]
    [mail] = queue()
    with Server() as server:
        settings.MAIL = mail_settings(server.port)
        command.Worker(threading.Event()).turn()
    mail.refresh_from_db()
    assert (mail.state, len(done)) == ("sent", 1)


@pytest.mark.django_db
def test_a_stop_ends_the_turn_after_the_duty_at_hand(settings, rounds):
    stop, done = threading.Event(), []
    rounds += [lambda at: stop.set(), done.append]
    [mail] = queue()
    with Server() as server:
        settings.MAIL = mail_settings(server.port)
        command.Worker(stop).turn()
    mail.refresh_from_db()
    assert (mail.state, done, server.connections) == ("queued", [], 0)


@pytest.mark.django_db
def test_a_mail_server_that_is_down_is_left_alone_for_a_while(settings, rounds):
    queue("a@example.jp", "b@example.jp")
    with Server(lambda step, argument: "421 busy" if step == "CONNECT" else None) as server:
        settings.MAIL = mail_settings(server.port)
        worker = command.Worker(threading.Event())
        worker.turn()
        worker.turn()
    assert server.connections == 1
    assert sorted(OutboundMail.objects.values_list("attempts", flat=True)) == [0, 1]


@pytest.mark.django_db
def test_a_full_mailbox_comes_in_without_waiting_for_the_next_look(settings, rounds):
    mails = {n: b"Subject: %d\r\n\r\n" % n for n in range(1, LIMIT + 2)}
    with imap_server.Server(mails) as server:
        settings.MAILBOX = server.settings(password="x")
        worker = command.Worker(threading.Event())
        worker.turn()
        assert InboundMail.objects.count() == LIMIT
        worker.turn()
        assert InboundMail.objects.count() == LIMIT + 1
        worker.turn()
        assert len(server.examined) == 2


@pytest.mark.django_db
@pytest.mark.parametrize("secret, pause", [({"password": "x"}, 15 * 60), ({"oauth2_token": "stale"}, 60)])
def test_a_refused_password_is_not_asked_again_at_once_because_that_locks_the_account(settings, rounds, secret, pause):
    with imap_server.Server({}) as server:
        server.capabilities = "IMAP4rev1"
        settings.MAILBOX = server.settings(**secret)
        worker = command.Worker(threading.Event())
        worker.turn()
    assert worker.next["fetch"] - time.monotonic() == pytest.approx(pause, abs=30)


@pytest.mark.django_db
def test_a_database_that_is_away_is_waited_for(monkeypatch, rounds):
    def away(at):
        raise OperationalError("server closed the connection")

    monkeypatch.setattr(connection, "close", lambda: None)  # the connection of the test's transaction
    rounds.append(away)
    worker = command.Worker(threading.Event())
    worker.turn()
    assert worker.pause == command.DATABASE_PAUSE


@pytest.mark.django_db
def test_files_that_no_row_names_leave_the_disk_after_an_hour_and_then_daily(rounds):
    digest = files.put("消去された相談の添付".encode())
    os.utime(files.path_of(digest), (0, 0))
    worker = command.Worker(threading.Event())
    assert worker.next["sweep"] - time.monotonic() == pytest.approx(3600, abs=30)
    worker.turn()
    assert files.path_of(digest).exists()
    worker.next["sweep"] = 0
    worker.turn()
    assert not files.path_of(digest).exists()
    assert worker.next["sweep"] - time.monotonic() == pytest.approx(24 * 3600, abs=30)


@pytest.mark.django_db
def test_the_newest_seal_goes_outside_once_a_day(settings, rounds):
    settings.INSTANCE = settings.INSTANCE | {"seal_mail": "kansa@example.jp"}
    for n, at in enumerate([AT, AT + timedelta(hours=1), AT + timedelta(days=1)]):
        with transaction.atomic():
            record("submit", f"提出{n}", kind="application", record_id=1, by=None, at=at)
        command.Worker(threading.Event()).seal(at)
    mails = list(OutboundMail.objects.order_by("id"))
    assert [mail.subject for mail in mails] == ["記録の封印 1番", "記録の封印 3番"]
    assert Seal.objects.get(number=3).digest in mails[1].text
    assert mails[0].automatic is True


def environment(folder, port):
    """A worker process on the database of this test, with its own settings file."""
    folder.mkdir()
    lines = ["demo = false", 'secret_key = "x"', "[mail]", 'host = "127.0.0.1"', f"port = {port}", 'security = "none"']
    (folder / "settings.toml").write_text("\n".join(lines))
    database = connection.settings_dict
    url = ""
    if connection.vendor == "postgresql":
        user, host = database["USER"], database["HOST"]
        url = f"postgres://{user}:{database['PASSWORD']}@/{database['NAME']}?host={host}"
    else:
        (folder / "db.sqlite3").symlink_to(database["NAME"])
    product = {"DJANGO_SETTINGS_MODULE": "kyoten.web.settings", "PYTHONPATH": str(ROOT / "src")}
    return os.environ | product | {"KYOTEN_DATA": str(folder), "DATABASE_URL": url}


@contextmanager
def running(given):
    """`manage worker` as a process, gone at the end whatever happens."""
    with subprocess.Popen([sys.executable, "-m", "kyoten", "worker"], env=given, cwd=ROOT) as process:
        try:
            yield process
        finally:
            process.kill()


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("step, copies", [("RCPT", 1), ("DOT", 2)])
def test_a_worker_killed_between_claim_and_finish_loses_nothing(settings, tmp_path, step, copies):
    """Killed while the server holds its answer: after the lease the mail goes out once more, the same and flagged."""
    [mail] = queue()
    reached = threading.Event()

    def script(at, argument):
        if at != step or reached.is_set():
            return None
        reached.set()
        return "take, stall" if step == "DOT" else "stall"

    with Server(script) as server:
        given = environment(tmp_path / "worker", server.port)
        with running(given) as process:
            assert reached.wait(60)
            process.send_signal(signal.SIGKILL)
        mail.refresh_from_db()
        assert (mail.state, mail.attempts) == ("sending", 1)
        settings.MAIL = mail_settings(server.port)
        assert deliver_due(AT).tried == 0
        assert deliver_due(AT, clock=lambda: timezone.now() + timedelta(minutes=16)).sent == 1
    mail.refresh_from_db()
    assert (mail.state, mail.attempts, mail.possibly_twice) == ("sent", 2, True)
    assert [received["Message-ID"] for _, received in server.taken] == [mail.message_id] * copies


@pytest.mark.django_db(transaction=True)
def test_a_worker_told_to_stop_finishes_the_mail_at_hand(tmp_path):
    mails = queue("a@example.jp", "b@example.jp")
    reached, go_on = threading.Event(), threading.Event()

    def script(at, argument):
        if at == "DOT":
            reached.set()
            assert go_on.wait(60)

    with Server(script) as server:
        given = environment(tmp_path / "worker", server.port)
        with running(given) as process:
            assert reached.wait(60)
            process.terminate()
            go_on.set()
            assert process.wait(60) == 0
    assert [to for to, _ in server.taken] == ["a@example.jp"]
    assert list(OutboundMail.objects.order_by("id").values_list("state", flat=True)) == ["sent", "queued"]
    assert [mail.to for mail in mails] == ["a@example.jp", "b@example.jp"]
