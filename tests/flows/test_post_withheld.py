"""A mail the mail server does not hand over: it keeps back no other for ever, and somebody is told to look at it."""

from datetime import datetime

import pytest

from kyoten.post.inbox import read_new
from kyoten.post.mailbox import PASSED_OVER, TRIES, fetch
from kyoten.post.models import InboundMail, MailboxState
from kyoten.post.trouble import CUT, ONE_MAIL
from kyoten.rules.clock import JST
from tests.flows.imap_server import TOKEN, Server

AT = datetime(2025, 7, 24, 16, 0, tzinfo=JST)
pytestmark = pytest.mark.django_db


def mails(count):
    return {
        n: f"From: a@city.example.jp\r\nSubject: mail {n}\r\n\r\nbody {n}\r\n".encode() for n in range(1, count + 1)
    }


def look(server, settings, times=1):
    settings.MAILBOX = server.settings(oauth2_token=TOKEN)
    return [fetch(AT) for _ in range(times)]


def stored():
    read_new(AT)
    return list(InboundMail.objects.order_by("id").values_list("subject", "text", "problem"))


def whole(n):
    return (f"mail {n}", f"body {n}", InboundMail.objects.get(subject=f"mail {n}").problem)


def state():
    return MailboxState.objects.values_list("last_uid", "waiting", "on_server").get()


@pytest.mark.parametrize("trouble", ["cut", "cut over its body", "NO [SERVERBUG] Internal error occurred.", "NIL"])
def test_the_mails_behind_it_come_in_and_it_becomes_an_item(settings, trouble):
    with Server(mails(3), {2: trouble}) as server:
        assert look(server, settings, TRIES - 1) == [1] + [0] * (TRIES - 2)
        assert state() == (1, 2, 3)
        assert MailboxState.objects.get().problem.startswith(ONE_MAIL.format(uid=2))
        # where asking costs the connection, the mail behind it comes with the next look
        assert sum(look(server, settings, 2)) == 2
    assert (state(), MailboxState.objects.get().problem) == ((3, 0, 3), "")
    unknown = ("取り出せなかったメール（UIDVALIDITY 7, UID 2）", SOURCE, PASSED_OVER)
    item = ("mail 2", "", PASSED_OVER) if trouble == "cut over its body" else unknown
    assert stored() == [whole(1), item, whole(3)]
    assert InboundMail.objects.get(problem=PASSED_OVER).state == "attention"


SOURCE = "imap:desk@example.jp@127.0.0.1/INBOX"


def test_two_beside_each_other(settings):
    with Server(mails(4), {2: "cut", 3: "cut"}) as server:
        look(server, settings, 3 * TRIES + 3)
    assert state() == (4, 0, 4)
    assert [problem == PASSED_OVER for _, _, problem in stored()] == [False, True, True, False]


def test_where_no_other_is_handed_over_it_is_the_server(settings):
    """Nothing is given up while the line is bad: all come in whole afterwards."""
    with Server(mails(3), dict.fromkeys((1, 2, 3), "cut")) as server:
        assert look(server, settings, 3 * TRIES) == [0] * 3 * TRIES
        assert (state(), InboundMail.objects.count()) == ((0, 3, 3), 0)
        server.trouble = {}
        assert look(server, settings, 2) == [3, 0]
    assert stored() == [whole(1), whole(2), whole(3)]


def test_the_last_mail_of_the_folder_is_asked_for_until_it_comes(settings):
    with Server(mails(1), {1: "cut"}) as server:
        assert look(server, settings, 2 * TRIES) == [0] * 2 * TRIES
        assert (state(), InboundMail.objects.count()) == ((0, 1, 1), 0)
        server.trouble = {}
        assert look(server, settings) == [1]
    assert stored() == [whole(1)]


def test_a_line_cut_once_says_nothing_about_the_mail(settings):
    with Server(mails(2), {2: "cut"}) as server:
        assert look(server, settings) == [1]
        assert MailboxState.objects.get().problem.startswith(CUT)
        server.trouble = {}
        assert look(server, settings) == [1]
    assert stored() == [whole(1), whole(2)]


def test_a_short_mail_may_stand_in_quotes(settings):
    with Server(mails(1), {1: r'"Subject: \"x\\y\""'}) as server:
        assert look(server, settings) == [1]
    assert InboundMail.objects.get().raw == rb'Subject: "x\y"'
