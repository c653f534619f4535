"""受信: mail comes in from a real IMAP server without leaving a trace there, each mail once, whatever is cut or broken."""

import imaplib
import os
import socket
import subprocess
import sys
import threading
from datetime import date, datetime
from pathlib import Path

import pytest

from kyoten.post import mailbox
from kyoten.post.actions import receive
from kyoten.post.inbox import read_new
from kyoten.post.mailbox import fetch
from kyoten.post.models import InboundMail, MailboxState
from kyoten.rules.clock import JST

AT = datetime(2025, 7, 24, 16, 0, tzinfo=JST)
PASSWORD = "himitsu"
pytestmark = pytest.mark.django_db


def raw(n, text="回答します。"):
    lines = ["From: Tantou <a@city.example.jp>", "To: kyoten@example.jp", f"Subject: mail {n}", f"Message-ID: <{n}@a>"]
    lines += ["Content-Type: text/plain; charset=utf-8", "Content-Transfer-Encoding: 8bit", "", text, ""]
    return "\r\n".join(lines).encode()


@pytest.fixture(scope="module")
def imap():
    """pymap with an empty INBOX, in a process of its own; yields a function that opens a session."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    program = Path(sys.executable).with_name("pymap")
    command = [program, "--host", "127.0.0.1", "--port", str(port), "--no-tls", "dict", "--demo-data"]
    command += ["--demo-user", "kyoten", "--demo-password", PASSWORD]
    with subprocess.Popen(command, env=os.environ | {"PYTHONWARNINGS": ""}) as process:
        try:
            yield lambda: opened(port)
        finally:
            process.terminate()


def opened(port):
    for _ in range(200):
        try:
            session = imaplib.IMAP4("127.0.0.1", port, timeout=10)
            break
        except ConnectionRefusedError:  # not up yet
            threading.Event().wait(0.05)
    session.login("kyoten", PASSWORD)
    return session


@pytest.fixture
def inbox(imap, settings):
    """An empty folder of its own for one test; the instance is pointed at it. Calling it puts mails into the folder."""
    folder = f"受信&{os.urandom(4).hex()}"
    with imap() as session:
        session.create(mailbox._quoted(folder))
        port = session.port
    settings.MAILBOX = {
        "host": "127.0.0.1",
        "port": port,
        "security": "none",
        "user": "kyoten",
        "password": PASSWORD,
        "folder": folder,
    }

    def put(*mails):
        with imap() as session:
            for mail in mails:
                assert session.append(mailbox._quoted(folder), None, None, mail)[0] == "OK"

    put.folder = folder
    return put


def subjects():
    read_new(AT)
    return list(InboundMail.objects.order_by("id").values_list("subject", flat=True))


def test_mail_comes_in_once_and_stays_unseen_on_the_server(inbox, imap):
    inbox(raw(1), raw(2))
    assert fetch(AT) == 2
    assert fetch(AT) == 0
    assert subjects() == ["mail 1", "mail 2"]
    mail = InboundMail.objects.order_by("id").first()
    assert (mail.raw, mail.received_at, mail.original.size) == (raw(1), AT, len(raw(1)))
    assert mail.source == f"imap:kyoten@127.0.0.1/{inbox.folder}"
    with imap() as session:
        session.select(mailbox._quoted(inbox.folder), readonly=True)
        assert session.search(None, "UNSEEN")[1] == [b"1 2"]


def test_a_mail_counts_from_when_the_server_took_it_in(inbox, imap):
    arrived = datetime(2025, 7, 23, 23, 59, 58, tzinfo=JST)
    with imap() as session:
        date_there = imaplib.Time2Internaldate(arrived)
        assert session.append(mailbox._quoted(inbox.folder), None, date_there, raw(1))[0] == "OK"
    inbox(raw(2))  # the clock of that server runs ahead of ours
    assert fetch(AT) == 2
    assert list(InboundMail.objects.order_by("id").values_list("received_at", flat=True)) == [arrived, AT]


def test_only_what_is_new_is_fetched(inbox):
    inbox(raw(1))
    fetch(AT)
    inbox(raw(2), raw(3))
    assert fetch(AT) == 2
    assert subjects() == ["mail 1", "mail 2", "mail 3"]


def test_a_folder_made_anew_by_the_server_brings_nothing_twice(inbox):
    inbox(raw(1), raw(2))
    fetch(AT)
    MailboxState.objects.update(uidvalidity=1)
    assert fetch(AT) == 2
    assert subjects() == ["mail 1", "mail 2"]


def test_a_stop_or_a_limit_leaves_the_rest_for_the_next_time(inbox):
    inbox(raw(1), raw(2), raw(3))
    assert fetch(AT, limit=1) == 1
    assert fetch(AT, stop=lambda: True) == 1
    assert fetch(AT) == 1
    assert subjects() == ["mail 1", "mail 2", "mail 3"]


def test_a_cut_between_storing_and_our_mark_brings_nothing_twice(inbox):
    inbox(raw(1), raw(2))
    fetch(AT, limit=1)
    MailboxState.objects.update(last_uid=0)
    assert fetch(AT) == 2
    assert subjects() == ["mail 1", "mail 2"]


def test_a_full_disk_leaves_the_mail_in_the_mailbox(inbox, settings, tmp_path):
    inbox(raw(1))
    settings.FILES = "/dev/full"
    assert fetch(AT) == 0
    assert InboundMail.objects.count() == 0
    assert MailboxState.objects.get().problem.startswith("ファイルを保存できませんでした")
    settings.FILES = tmp_path / "files"
    assert fetch(AT) == 1
    assert MailboxState.objects.get().problem == ""
    assert subjects() == ["mail 1"]


def test_of_a_huge_mail_the_head_comes_in_for_a_person_to_look_at(inbox, settings):
    settings.MAILBOX["size_limit"] = 1000
    inbox(raw(1, "長" * 1000), raw(2))
    assert fetch(AT) == 2
    assert subjects() == ["mail 1", "mail 2"]
    huge = InboundMail.objects.get(subject="mail 1")
    assert (huge.state, huge.problem, huge.text.strip()) == ("attention", mailbox.TOO_LARGE, "")


def test_an_old_mailbox_need_not_come_in_whole(inbox, settings):
    inbox(raw(1))
    settings.MAILBOX["since"] = date(2999, 1, 1)
    assert fetch(AT) == 0
    settings.MAILBOX["since"] = date(2001, 1, 1)
    assert fetch(AT) == 1


@pytest.mark.parametrize("wrong", [{"password": "違う"}, {"password": "no"}, {"folder": "ない"}, {"port": 1}])
def test_a_mailbox_that_is_down_is_a_word_and_no_stop(inbox, settings, wrong):
    inbox(raw(1))
    right = settings.MAILBOX
    settings.MAILBOX = right | wrong
    assert fetch(AT) == 0
    assert MailboxState.objects.exclude(problem="").count() == 1
    settings.MAILBOX = right
    assert fetch(AT) == 1


def test_files_of_a_directory_are_stored_then_moved_aside(settings, tmp_path):
    settings.MAILBOX = {"directory": str(tmp_path)}
    (tmp_path / "b.eml").write_bytes(raw(2))
    (tmp_path / "a.eml").write_bytes(raw(1))
    (tmp_path / "c.part").write_bytes(b"half")
    assert fetch(AT) == 2
    assert fetch(AT) == 0
    assert subjects() == ["mail 1", "mail 2"]
    assert sorted(path.name for path in tmp_path.rglob("*.*") if "files" not in path.parts) == [
        "a.eml",
        "b.eml",
        "c.part",
    ]


def test_without_a_mailbox_and_in_the_demo_nothing_is_fetched(settings, demo):
    settings.MAILBOX = {}
    assert fetch(AT) == 0
    settings.MAILBOX = {"host": "127.0.0.1", "port": 1, "user": "a"}
    assert fetch(AT) == 0
    assert MailboxState.objects.count() == 0


def test_the_same_bytes_are_one_mail():
    first = receive(raw(1), source="a", at=AT)
    assert receive(raw(1), source="b", at=AT) == first
    assert receive(raw(1) + b" ", source="b", at=AT) != first
    assert InboundMail.objects.count() == 2
