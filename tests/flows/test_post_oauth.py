"""The mailbox with an OAuth2 token: given, or printed by a command; refused and stale ones are told, nothing is lost."""

import sys
from datetime import datetime

import pytest

from kyoten.post.mailbox import fetch, password_is_refused
from kyoten.post.models import InboundMail, MailboxState
from kyoten.post.trouble import LOGIN_LATER, PASSWORD_REFUSED, TOKEN_REFUSED
from kyoten.rules.clock import JST
from tests.flows.imap_server import USER, Server

AT = datetime(2025, 7, 24, 16, 0, tzinfo=JST)
MAIL = b"From: a@example.jp\r\nSubject: x\r\nMessage-ID: <1@a>\r\n\r\nx\r\n"
pytestmark = pytest.mark.django_db


@pytest.fixture
def mailbox(settings):
    """The instance pointed at the server, with what the test adds."""
    with Server({1: MAIL}) as server:

        def point(**more):
            settings.MAILBOX = server.settings(**more)
            return fetch(AT)

        point.server = server
        yield point


def test_a_token_of_the_settings(mailbox):
    assert mailbox(oauth2_token="good") == 1
    state = MailboxState.objects.get()
    assert (state.on_server, state.waiting, state.last_uid, state.problem) == (1, 0, 1, "")
    assert InboundMail.objects.get().raw == MAIL


def test_a_token_that_a_command_prints(mailbox):
    assert mailbox(oauth2_command=[sys.executable, "-c", "print('good')"]) == 1


def test_a_token_that_has_run_out_is_told_and_the_fresh_one_goes_on(mailbox, tmp_path):
    command = [sys.executable, "-c", f"print(open({str(tmp_path / 'token')!r}).read())"]
    (tmp_path / "token").write_text("stale")
    assert mailbox(oauth2_command=command) == 0
    said = f"{TOKEN_REFUSED}（[AUTHENTICATIONFAILED] Authentication failed.）。"
    assert MailboxState.objects.get().problem == said
    assert (mailbox.server.examined, InboundMail.objects.count()) == ([], 0)
    (tmp_path / "token").write_text("good")
    assert mailbox(oauth2_command=command) == 1
    assert MailboxState.objects.get().problem == ""


def test_a_login_that_is_away_for_a_while_is_not_blamed_on_the_settings(mailbox):
    mailbox.server.refusal = "NO [UNAVAILABLE] Temporary authentication failure."
    mailbox(oauth2_token="good but the server cannot ask")
    said = f"{LOGIN_LATER}（[UNAVAILABLE] Temporary authentication failure.）。"
    assert MailboxState.objects.get().problem == said


def test_a_password_may_have_any_letter(mailbox):
    password = """pa"ss\\wo rd%$'é拠点"""
    assert mailbox(password=password) == 1
    assert mailbox.server.logins == [f"\0{USER}\0{password}".encode()]


def test_a_server_without_plain_takes_ascii_only(mailbox):
    mailbox.server.capabilities = "IMAP4rev1"
    mailbox(password="拠点")
    assert MailboxState.objects.get().problem.startswith("このメールサーバーは、英数字と記号のほかの文字を含む")
    mailbox(password="kyoten")
    assert MailboxState.objects.get().problem.startswith(PASSWORD_REFUSED)
    assert password_is_refused() is True
    mailbox(oauth2_token="stale")
    assert password_is_refused() is False


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
