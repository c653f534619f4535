"""送信: against a real SMTP server that refuses, stalls, drops and lies, nothing is lost and nothing goes out twice,
except after a connection lost behind the final dot: then a second copy, with the same Message-ID, flagged."""

import logging
import socket
from datetime import datetime, timedelta

import pytest
from django.db import connection
from django.utils import timezone

from kyoten.post.actions import send
from kyoten.post.models import OutboundMail
from kyoten.post.smtp import Outcome
from kyoten.post.worker import BACK_OFF, GIVE_UP, claim, deliver_due, finish, release_orphans
from kyoten.records.actions import store_file
from kyoten.records.models import Actor
from kyoten.rules.clock import JST
from tests.flows.smtp_server import PASSWORD, TOKEN, Certificate, Server

AT = datetime(2025, 7, 24, 16, 0, tzinfo=JST)
BY = Actor(7, "山下 結衣", "地域医療課", "松戸市", 122076, 31)
SOON = timedelta(minutes=2)
pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def quiet(caplog):
    """Refused deliveries are logged as warnings; the tests provoke hundreds."""
    caplog.set_level(logging.CRITICAL, "kyoten.post")
    logging.getLogger("mail.log").setLevel(logging.CRITICAL)


@pytest.fixture
def mail_to(settings):
    """Points the instance at a server; waits are tenths of a second."""

    def point(port, **options):
        times = {"step_timeout": 0.3, "dot_timeout": 0.3, "total_timeout": 0.8}
        server = {"sender": "kyoten@example.jp", "host": "127.0.0.1", "port": port, "security": "none"}
        settings.MAIL = server | times | options

    return point


def queue(*to, key="k", **given):
    options = {"subject": "照会", "text": "本文です。", "at": AT, "key": key, "by": BY, "section_id": 31}
    return send(to=to or ["a@city.example.jp"], **options | given)


def state(mail):
    mail.refresh_from_db()
    return mail.state, mail.attempts, mail.possibly_twice


def deliver(after=timedelta(0)):
    return deliver_due(AT, clock=lambda: timezone.now() + after)


def always(step, action):
    return lambda at, argument: action if at == step else None


def once(step, action):
    """Does `action` at the first time `step` is reached."""
    left = [action]
    return lambda at, argument: left.pop() if at == step and left else None


def test_a_mail_arrives_as_it_was_written(mail_to):
    file = store_file(b"%PDF-1.7\r\n.\r\n\x00", "申込書（案）.pdf", by=BY, at=AT)
    [mail] = queue(text="一行目\n.\n.点で始まる行\nFrom 行", attachments=[file], in_reply_to="<a@b>")
    with Server() as server:
        mail_to(server.port)
        assert deliver().sent == 1
    [(recipient, received)] = server.taken
    assert recipient == "a@city.example.jp"
    assert received["To"] == "a@city.example.jp"
    assert "".join(received["From"].split()) == "松戸市地域医療課（Kyoten経由）<kyoten@example.jp>"
    assert received["Reply-To"] == "kyoten@example.jp"
    assert received["Subject"] == "照会"
    assert received["Message-ID"] == mail.message_id
    assert received["In-Reply-To"] == received["References"] == "<a@b>"
    assert received["Auto-Submitted"] is None
    text = received.get_body().get_content()
    start = f"一行目\n.\n.点で始まる行\nFrom 行\n\n--\n管理番号 {mail.token}"
    assert text.replace("\r\n", "\n").startswith(start)
    [enclosed] = received.iter_attachments()
    assert (enclosed.get_filename(), enclosed.get_content()) == ("申込書（案）.pdf", b"%PDF-1.7\r\n.\r\n\x00")
    assert state(mail) == ("sent", 1, False)
    assert (mail.sent_at, mail.last_reply, mail.lease_token) == (AT, "250 2.0.0 taken", "")


def test_what_the_system_sends_by_itself_says_so(mail_to):
    queue(by=None, automatic=True)
    with Server() as server:
        mail_to(server.port)
        deliver()
    assert server.taken[0][1]["Auto-Submitted"] == "auto-generated"
    assert server.taken[0][1]["From"] == "Kyoten <kyoten@example.jp>"


def test_many_mails_go_over_one_connection_each_to_its_recipient(mail_to):
    mails = queue(*[f"p{n}@example.jp" for n in range(47)])
    with Server() as server:
        mail_to(server.port)
        assert deliver().sent == 47
        assert deliver().tried == 0
    assert [recipient for recipient, _ in server.taken] == [mail.to for mail in mails]
    assert len({received["Message-ID"] for _, received in server.taken}) == 47
    assert server.connections == 1


def test_a_server_that_is_not_there(mail_to):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound, not listening: refused
        first, second = queue("a@example.jp", "b@example.jp")
        mail_to(taken.getsockname()[1])
        done = deliver()
    assert (done.tried, done.sent, done.down) == (1, 0, True)
    assert (state(first), state(second)) == (("queued", 1, False), ("queued", 0, False))
    with Server() as server:
        mail_to(server.port)
        assert deliver(SOON).sent == 2


def test_without_a_server_in_the_settings_mail_waits(mail_to, settings):
    [mail] = queue()
    settings.MAIL = {"sender": "kyoten@example.jp"}
    assert deliver().tried == 0
    assert state(mail) == ("queued", 0, False)


STEPS = ["CONNECT", "EHLO", "MAIL", "RCPT", "DATA"]


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("action", ["stall", "drop", "drip"])
def test_trouble_before_the_dot_is_tried_again_and_arrives_once(mail_to, step, action):
    [mail] = queue()
    with Server(once(step, action)) as server:
        mail_to(server.port)
        assert deliver().sent == 0
        assert state(mail) == ("queued", 1, False)
        assert deliver(SOON).sent == 1
    assert state(mail) == ("sent", 2, False)
    assert len(server.taken) == 1


@pytest.mark.parametrize("action", ["take, drop", "take, stall", "take, drip"])
def test_trouble_after_the_dot_is_the_only_way_to_a_second_copy_and_is_flagged(mail_to, action):
    [mail] = queue()
    with Server(once("DOT", action)) as server:
        mail_to(server.port)
        assert deliver().sent == 0
        assert state(mail) == ("queued", 1, True)
        assert deliver(SOON).sent == 1
    assert state(mail) == ("sent", 2, True)
    assert [received["Message-ID"] for _, received in server.taken] == [mail.message_id] * 2
    assert bytes(server.taken[0][1]) == bytes(server.taken[1][1])


@pytest.mark.parametrize("step", [*STEPS, "DOT"])
@pytest.mark.parametrize("reply", ["421 4.3.2 busy", "450 4.2.1 later", "451 4.3.0 error", "452 4.2.2 full"])
def test_a_refusal_for_now_is_tried_again_and_arrives_once(mail_to, step, reply):
    [mail] = queue()
    with Server(once(step, reply)) as server:
        mail_to(server.port)
        assert deliver().sent == 0
        assert state(mail) == ("queued", 1, False)
        assert mail.last_reply.startswith(reply)
        assert deliver(SOON).sent == 1
    assert state(mail) == ("sent", 2, False)
    assert len(server.taken) == 1


@pytest.mark.parametrize("step", ["MAIL", "RCPT", "DATA", "DOT"])
@pytest.mark.parametrize("reply", ["550 5.1.1 no such user", "552 5.2.2 full", "554 5.7.1 refused"])
def test_a_refusal_for_good_is_at_once_visible_to_the_section(mail_to, step, reply):
    [mail] = queue()
    with Server(always(step, reply)) as server:
        mail_to(server.port)
        assert deliver().sent == 0
    assert state(mail) == ("failed", 1, False)
    assert list(OutboundMail.objects.failed_for([31])) == [mail]
    assert list(OutboundMail.objects.failed_for([32])) == []
    assert list(OutboundMail.objects.bounced_since(AT)) == [mail]
    assert mail.last_reply.startswith(reply)
    assert server.taken == []


@pytest.mark.parametrize("step", ["CONNECT", "EHLO"])
def test_a_server_that_refuses_us_altogether_fails_no_mail(mail_to, step):
    [mail] = queue()
    with Server(always(step, "554 5.3.2 not today")) as server:
        mail_to(server.port)
        assert deliver().down is True
    assert state(mail) == ("queued", 1, False)


def test_some_recipients_only(mail_to):
    replies = {"RCPT": {"b@example.jp": "550 5.1.1 no", "c@example.jp": "450 4.2.0 later"}}

    def script(step, argument):
        return next((reply for to, reply in replies.get(step, {}).items() if to in argument), None)

    mails = queue("a@example.jp", "b@example.jp", "c@example.jp", "d@example.jp")
    with Server(script) as server:
        mail_to(server.port)
        assert deliver().sent == 2
        assert [state(mail)[0] for mail in mails] == ["sent", "failed", "queued", "sent"]
        del replies["RCPT"]["c@example.jp"]
        assert deliver(SOON).sent == 1
        assert server.connections == 2
    assert [to for to, _ in server.taken] == ["a@example.jp", "d@example.jp", "c@example.jp"]


def test_a_recipient_that_stalls_does_not_hold_up_new_mail(mail_to):
    def script(step, argument):
        return "stall" if step == "RCPT" and "dead" in argument else None

    [dead] = queue("a@dead.example.jp", key="old")
    with Server(script) as server:
        mail_to(server.port)
        deliver()
        queue(*[f"p{n}@example.jp" for n in range(5)], key="new")
        deliver(SOON)
    assert [to for to, _ in server.taken] == [f"p{n}@example.jp" for n in range(5)]
    assert state(dead) == ("queued", 2, False)


def test_a_server_that_closes_the_line_after_each_mail(mail_to):
    count = []

    def script(step, argument):
        count.append(step)
        return "421 4.7.0 too many" if step == "MAIL" and count.count("MAIL") in (2, 4) else None

    mails = queue("a@example.jp", "b@example.jp", "c@example.jp")
    with Server(script) as server:
        mail_to(server.port)
        assert deliver().sent == 3
    assert [state(mail) for mail in mails] == [("sent", 1, False)] * 3
    assert len(server.taken) == 3


def test_an_encrypted_and_authenticated_line(mail_to, tmp_path):
    certificate = Certificate(tmp_path)
    queue()
    with Server(certificate=certificate) as server:
        mail_to(server.port, security="starttls", ca_file=certificate.file, user="kyoten", password=PASSWORD)
        assert deliver().sent == 1


def test_a_token_instead_of_a_password(mail_to, tmp_path):
    certificate = Certificate(tmp_path)
    (tmp_path / "token").write_text("stale")
    command = ["cat", str(tmp_path / "token")]
    [mail] = queue()
    with Server(certificate=certificate) as server:
        mail_to(server.port, security="starttls", ca_file=certificate.file, user="kyoten", oauth2_command=command)
        assert deliver().down is True
        assert state(mail) == ("queued", 1, False)
        mail.refresh_from_db()
        assert mail.last_reply == "送信サーバーに認証されませんでした（認証）"
        (tmp_path / "token").write_text(TOKEN)
        assert deliver(SOON).sent == 1
    assert len(server.taken) == 1


def test_a_command_that_prints_no_token_is_told_and_fails_no_mail(mail_to):
    [mail] = queue()
    with Server() as server:
        mail_to(server.port, user="kyoten", oauth2_command=["true"])
        assert deliver().down is True
    mail.refresh_from_db()
    assert mail.last_reply == "OAuth2 のトークンを取得できません。oauth2_command が何も出力しませんでした。（認証）"
    assert (mail.state, server.taken) == ("queued", [])


def test_a_wrong_password_fails_no_mail(mail_to):
    [mail] = queue()
    with Server() as server:
        mail_to(server.port, user="kyoten", password="違う")
        assert deliver().down is True
    assert state(mail) == ("queued", 1, False)
    assert server.taken == []


@pytest.mark.parametrize("step", ["STARTTLS", "AUTH"])
@pytest.mark.parametrize("action", ["stall", "drop", "drip", "421 4.3.2 busy", "454 4.7.0 later", "550 no"])
def test_trouble_while_encrypting_or_logging_in(mail_to, tmp_path, step, action):
    certificate, trouble = Certificate(tmp_path), {step: action}
    [mail] = queue()
    with Server(lambda at, argument: trouble.get(at), certificate=certificate) as server:
        mail_to(server.port, security="starttls", ca_file=certificate.file, user="kyoten", password=PASSWORD)
        assert deliver().down is True
        assert state(mail) == ("queued", 1, False)
        trouble.clear()
        assert deliver(SOON).sent == 1
    assert len(server.taken) == 1


def test_nothing_goes_over_a_line_that_should_be_encrypted_and_is_not(mail_to, tmp_path):
    [mail] = queue()
    with Server() as server:
        mail_to(server.port, security="starttls")
        assert deliver().down is True
    with Server(certificate=Certificate(tmp_path)) as server:
        mail_to(server.port, security="starttls")  # signed by nobody we know
        assert deliver(SOON).down is True
    assert server.taken == []
    assert state(mail) == ("queued", 2, False)


def test_tries_grow_rarer_and_end_after_five_days():
    [mail] = queue()
    now, waits = mail.recorded_at, []
    while state(mail)[0] == "queued":
        waits.append(mail.next_attempt_at - now)
        now = mail.next_attempt_at
        assert finish(claim(now), Outcome("later", "450 later"), at=AT, now=now)
    assert waits[:8] == [timedelta(0), *BACK_OFF, BACK_OFF[-1]]
    assert GIVE_UP - BACK_OFF[-1] < now - mail.recorded_at <= GIVE_UP
    assert state(mail) == ("failed", len(waits), False)
    assert mail.failed_at == AT


def test_a_mail_a_killed_worker_held_goes_out_after_its_lease_flagged(mail_to):
    [mail] = queue()
    now = timezone.now()
    held = claim(now)
    assert claim(now) is None
    with Server() as server:
        mail_to(server.port)
        assert deliver().tried == 0
        assert state(mail) == ("sending", 1, False)
        assert deliver(timedelta(minutes=16)).sent == 1
    assert state(mail) == ("sent", 2, True)
    assert finish(held, Outcome("later", "too late"), at=AT, now=now) is False
    assert state(mail) == ("sent", 2, True)


def test_the_lease_outlasts_the_longest_delivery():
    queue()
    now = timezone.now()
    mail = claim(now)
    assert (mail.lease_until - now).total_seconds() > 600
    assert release_orphans(now + timedelta(seconds=600)) == 0


def test_a_stop_lets_the_mail_at_hand_finish(mail_to):
    mails = queue("a@example.jp", "b@example.jp")
    asked = []
    with Server() as server:
        mail_to(server.port)
        done = deliver_due(AT, stop=lambda: asked.append(1) or len(asked) > 1)
    assert (done.tried, done.sent, len(server.taken)) == (1, 1, 1)
    assert [state(mail)[0] for mail in mails] == ["sent", "queued"]


def test_a_lost_enclosure_is_our_fault_and_fails_nothing(mail_to):
    file = store_file(b"x", "一.pdf", by=BY, at=AT)
    bad, good = *queue("a@example.jp", attachments=[file]), *queue("b@example.jp", key="other")
    file.path.unlink()
    with Server() as server:
        mail_to(server.port)
        assert deliver().sent == 1
    assert (state(bad), state(good)) == (("queued", 1, False), ("sent", 1, False))
    assert [to for to, _ in server.taken] == ["b@example.jp"]


@pytest.mark.django_db(transaction=True)
def test_no_row_is_locked_while_the_server_is_spoken_to(mail_to):
    [mail] = queue()
    seen = []

    def script(step, argument):
        if step == "DOT":
            seen.append(OutboundMail.objects.filter(pk=mail.pk).update(from_name="その間に"))
            connection.close()
        return

    with Server(script) as server:
        mail_to(server.port)
        assert deliver().sent == 1
    mail.refresh_from_db()
    assert (seen, mail.from_name, mail.state) == ([1], "その間に", "sent")


def test_in_the_demo_nothing_leaves(mail_to, demo):
    [mail] = queue()
    with Server() as server:
        mail_to(server.port)
        assert deliver().sent == 1
    assert (server.connections, state(mail), mail.sent_at) == (0, ("demo", 0, False), AT)
