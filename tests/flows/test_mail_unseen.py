"""An answer to any mail of ours is somebody's to see, and one that cannot be taken stops no other."""

import re

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from kyoten.calls.actions import applying, opening
from kyoten.inquiries.actions import take_replies
from kyoten.organisations.actions import people
from kyoten.organisations.models import Seat
from kyoten.post import mime
from kyoten.post.actions import receive
from kyoten.post.inbox import read_new
from kyoten.post.models import InboundMail, OutboundMail
from kyoten.records.models import Event
from kyoten.web.rounds import rounds
from tests.flows import calling
from tests.flows.racing import race, towns
from tests.world import login

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def host(settings):
    settings.ALLOWED_HOSTS = ["testserver"]


def answered(mail, text):
    found = receive(mime.answer(mail, text, [], at=calling.GATHERING), source="test", at=calling.GATHERING)
    read_new(calling.GATHERING)
    return found


def go_round():
    for call in rounds:
        call(calling.GATHERING)


def test_the_answer_to_a_request_for_mending_is_shown_to_the_section_that_asked(world):
    application = calling.submitted(world)
    applying.send_back(application, {"": "直してください"}, by=world.seat_chiba, at=calling.GATHERING)
    mail = answered(OutboundMail.objects.get(subject__startswith="【補正依頼】"), "来週になります。")
    go_round()
    page, one = reverse("post:attention"), reverse("post:attention_mail", args=[mail.pk])
    asker = login(Client(), world.seat_chiba)
    assert "補正依頼" in asker.get(page).content.decode()
    assert "来週になります。" in asker.get(one).content.decode()
    assert "自動では処理できなかった受信メール" in asker.get("/").content.decode()
    for seat in (world.seat_saitama, world.seat_matsudo, world.seat_ministry, world.seat_secretariat):
        client = login(Client(), seat)
        assert (client.get(one).status_code, "補正依頼" in client.get(page).content.decode()) == (404, False)
        assert client.post(reverse("post:attention_settle", args=[mail.pk])).status_code == 404
    asker.post(reverse("post:attention_settle", args=[mail.pk]))
    mail.refresh_from_db()
    assert mail.state == "taken"


def test_every_answer_is_taken_or_shown(world):
    """To the mail of each act: none stays in the inbox with nobody told."""
    application = calling.submitted(world)
    applying.send_back(application, {"": "直してください"}, by=world.seat_chiba, at=calling.GATHERING)
    applying.withdraw(application, "取りやめ", by=world.seat_matsudo, at=calling.GATHERING)
    for mail in OutboundMail.objects.all():
        answered(mail, f"{mail.pk}について承知しました。")
    go_round()
    assert InboundMail.objects.filter(state="new").count() == 0
    assert {m.answers.about_kind for m in InboundMail.objects.filter(state="attention")} == {"application"}


@pytest.mark.django_db(transaction=True)
def test_two_workers_at_once_take_every_answer_once(world):
    seats = towns(world, 6)
    call = calling.opened(world)
    opening.ask_municipalities(
        calling.case(call, world.chiba), call, covering_text="x", due=calling.PREFECTURE_DUE,
        to=[seat.organisation for seat in seats], by=world.seat_chiba, at=calling.ASKING,
    )  # fmt: skip
    for seat in seats:
        answered(OutboundMail.objects.get(to=seat.section.email), "該当なし")
    assert race(*[lambda: take_replies(at=calling.GATHERING)] * 3) == ["done"] * 3
    assert [calling.case(call, seat.organisation).state for seat in seats] == ["not_applicable"] * 6
    assert Event.objects.filter(act="answer").exclude(facts_text__contains="considering").count() == 6


def test_an_invitation_that_did_not_arrive_is_no_key_for_the_senders_colleagues(world):
    """An officer, or a 閲覧 seat, of the inviting section must not take the 管理 seat of the invited body."""
    manager = Seat.objects.create(person=world.seat_approver.person, section=world.section_chiba, role="manager")
    people.invite(world.section_kashiwa, role="manager", name="新任", by=manager, at=timezone.now())
    mail = OutboundMail.objects.latest("pk")
    token = re.search(r"/invitation/([^/\s]+)/", mail.text)[1]
    OutboundMail.objects.filter(pk=mail.pk).update(state="failed", failed_at=timezone.now())
    page = reverse("post:failure", args=[mail.pk])
    for seat in (world.seat_chiba, world.seat_viewer):
        shown = login(Client(), seat).get(page)
        assert (shown.status_code, token in shown.content.decode()) == (200, False)
    client = login(Client(), world.seat_chiba)
    client.post(reverse("post:failure_resend", args=[mail.pk]), {"to": "mine@example.jp"})
    assert not OutboundMail.objects.filter(to="mine@example.jp").exists()
    client.post(reverse("post:failure_resend", args=[mail.pk]), {"to": mail.to})
    again = OutboundMail.objects.latest("pk")
    assert (again.to, again.text, again.secret) == (mail.to, mail.text, True)
