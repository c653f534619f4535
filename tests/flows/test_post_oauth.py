"""The mailbox with an OAuth2 token: given, or printed by a command; refused and stale ones are told, nothing is lost."""

import base64
import re
import socketserver
import sys
import threading
from datetime import datetime

import pytest

from kyoten.post.mailbox import fetch
from kyoten.post.models import InboundMail, MailboxState
from kyoten.rules.clock import JST

AT = datetime(2025, 7, 24, 16, 0, tzinfo=JST)
MAIL = b"From: a@example.jp\r\nSubject: x\r\nMessage-ID: <1@a>\r\n\r\nx\r\n"
pytestmark = pytest.mark.django_db


class Session(socketserver.StreamRequestHandler):
    """Just enough of IMAP: one mail in the folder, XOAUTH2 with the token "good"."""

    def say(self, *lines: bytes) -> None:
        for line in lines:
            self.wfile.write(line + b"\r\n")

    def handle(self) -> None:
        self.say(b"* OK ready")
        while line := self.rfile.readline().strip():
            tag, command = line.split(b" ", 1)
            self.answer(tag, command.upper(), line)

    def answer(self, tag: bytes, command: bytes, line: bytes) -> None:
        done = tag + b" OK done"
        if command.startswith(b"CAPABILITY"):
            self.say(b"* CAPABILITY IMAP4rev1 AUTH=XOAUTH2", done)
        elif command.startswith(b"AUTHENTICATE XOAUTH2"):
            self.say(b"+ ")
            said = base64.b64decode(self.rfile.readline())
            if said == b"user=desk@example.jp\x01auth=Bearer good\x01\x01":
                self.say(done)
            else:
                self.say(b"+ " + base64.b64encode(b'{"status":"400"}'))
                assert self.rfile.readline() == b"\r\n"
                self.say(tag + b" NO AUTHENTICATE failed")
        elif command.startswith(b"EXAMINE"):
            self.say(b"* 1 EXISTS", b"* OK [UIDVALIDITY 7] valid", tag + b" OK [READ-ONLY] done")
        elif command.startswith(b"UID SEARCH"):
            self.say(b"* SEARCH 1", done)
        elif b"RFC822.SIZE" in command:
            self.say(b'* 1 FETCH (UID 1 RFC822.SIZE %d INTERNALDATE "24-Jul-2025 10:00:00 +0900")' % len(MAIL), done)
        elif re.match(rb"UID FETCH 1 .*BODY", command):
            self.say(b"* 1 FETCH (UID 1 BODY[] {%d}" % len(MAIL))
            self.wfile.write(MAIL)
            self.say(b")", done)
        else:
            self.say(b"* BYE", done)


@pytest.fixture
def mailbox(settings):
    """The instance pointed at the server, with what the test adds."""
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Session) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        shared = {"host": "127.0.0.1", "port": server.server_address[1], "security": "none", "user": "desk@example.jp"}

        def point(**more):
            settings.MAILBOX = shared | more
            return fetch(AT)

        yield point
        server.shutdown()
        thread.join()


def test_a_token_of_the_settings(mailbox):
    assert mailbox(oauth2_token="good") == 1
    state = MailboxState.objects.get()
    assert (state.on_server, state.waiting, state.last_uid, state.problem) == (1, 0, 1, "")
    assert InboundMail.objects.get().raw == MAIL


def test_a_token_that_a_command_prints(mailbox):
    assert mailbox(oauth2_command=[sys.executable, "-c", "print('good')"]) == 1


def test_a_token_that_has_run_out_is_told_and_the_fresh_one_goes_on(mailbox):
    assert mailbox(oauth2_token="stale") == 0
    assert "AUTHENTICATE failed" in MailboxState.objects.get().problem
    assert mailbox(oauth2_token="good") == 1
    assert MailboxState.objects.get().problem == ""


@pytest.mark.parametrize(
    "command, reason",
    [
        (["/no/such/program"], "FileNotFoundError"),
        ([sys.executable, "-c", "raise SystemExit('locked')"], "locked"),
        ([sys.executable, "-c", ""], "何も出力しませんでした"),
        ([sys.executable, "-c", "print('a'); print('b')"], "使えない文字"),
    ],
)
def test_a_command_that_fails_is_told_in_words(mailbox, command, reason):
    assert mailbox(oauth2_command=command) == 0
    assert reason in MailboxState.objects.get().problem
    assert InboundMail.objects.count() == 0
