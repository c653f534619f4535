"""After the deadline: every page says it before somebody goes for a 決裁, and what was let through is not forgotten."""

from datetime import date, timedelta

import pytest
from django.test import Client
from django.urls import reverse

from kyoten.calls.actions import applying, gathering
from kyoten.calls.models import Application
from kyoten.records.models import Event
from tests.flows import calling
from tests.world import login

pytestmark = pytest.mark.django_db
AFTER = calling.DEADLINE + calling.MICROSECOND
CALL = ["r7-zaitaku"]
SAID = "事務局への提出期限を過ぎています"
AWAITED = "期限後の受付を認めた団体のうち、まだ届いていないものがあります"


def page(seat, name: str, *args) -> str:
    return login(Client(), seat).get(reverse(name, args=args)).text


@pytest.fixture
def waiting(world):
    """松戸市's application at its prefecture, with the prefecture's officer."""
    return calling.with_officer(world, calling.submitted(world))


@pytest.mark.parametrize(("at", "times"), [(calling.GATHERING, 0), (AFTER, 1)])
def test_the_prefecture_is_told_before_it_goes_for_a_decision(world, clock, waiting, at, times):
    bundle = calling.prepared(world, waiting.call)
    clock(at)
    pages = [page(world.seat_chiba, "calls:prepare", *CALL), page(world.seat_chiba, "calls:bundle", bundle.pk)]
    assert [html.count(SAID) for html in pages] == [times, times]


def test_who_was_let_through_is_not_warned(world, clock, waiting):
    gathering.allow_late(waiting.call, world.matsudo, "通信の障害のため", by=world.seat_secretariat, at=AFTER)
    clock(AFTER)
    assert SAID not in page(world.seat_chiba, "calls:prepare", *CALL)


def test_the_applicant_sees_that_it_may_still_submit(world, clock):
    application = calling.drafted(world)
    gathering.allow_late(application.call, world.matsudo, "通信の障害のため", by=world.seat_secretariat, at=AFTER)
    clock(AFTER)
    html = page(world.seat_matsudo, "calls:submit", application.pk)
    assert "<dt>期限後の受付</dt><dd>事務局が認めています</dd>" in html


def test_what_came_late_is_marked_where_it_is_judged(world, clock, waiting):
    gathering.allow_late(waiting.call, world.matsudo, "通信の障害のため", by=world.seat_secretariat, at=AFTER)
    bundle = calling.prepared(world, waiting.call, at=AFTER)
    gathering.carry_out(bundle, decided_on=date(2025, 7, 31), document_number="1", by=world.seat_chiba, at=AFTER)
    clock(calling.SELECTING)
    for name in ("calls:application", "calls:decide"):
        assert page(world.seat_secretariat, name, waiting.pk).count("期限後の受付</span>") == 1


def test_before_announcing_the_organiser_learns_who_was_let_through_and_has_not_come(world, clock):
    decision = calling.decided(world)
    call = decision.application.call
    gathering.allow_late(call, world.kashiwa, "通信の障害のため", by=world.seat_secretariat, at=AFTER)
    clock(calling.ANNOUNCING)
    html = page(world.seat_secretariat, "calls:announce", *CALL)
    assert AWAITED in html
    assert "柏市　結果を通知すると" in html


def test_nothing_is_announced_while_something_is_undecided(world, clock):
    calling.forwarded(world)
    clock(calling.ANNOUNCING)
    html = page(world.seat_secretariat, "calls:announce", *CALL)
    assert "決定していない申込みが 1 件あります" in html
    assert "結果を通知する</button>" not in html


def test_silence_is_counted_as_what_it_means(world, clock):
    calling.submitted(world)
    clock(AFTER)
    html = page(world.seat_chiba, "calls:gather", *CALL)
    assert "<small>該当なし</small><strong>2</strong><small>うち回答がなく該当なしとみなすもの 2</small>" in html
    assert "<small>未回答・検討中</small><strong>0</strong>" in html
    assert "回答のなかった市町村が 2 あります" in html


@pytest.mark.parametrize(
    ("day", "said"),
    [
        ("", "収受日を入れてください。"),
        ("2025-08-07", "収受日が本日より後になっています。日付を確かめてください。"),
    ],
)
def test_a_refused_receipt_changes_nothing(world, clock, day, said):
    application = calling.forwarded(world)
    clock(calling.SELECTING)
    before = Event.objects.count()
    typed = {"received_on": day, "receipt_number": "収1"}
    response = login(Client(), world.seat_secretariat).post(reverse("calls:take_in", args=[application.pk]), typed)
    assert said in response.text
    assert 'value="収1"' in response.text
    application.refresh_from_db()
    assert (application.received_on, application.receipt_number, Event.objects.count()) == (None, "", before)


def test_a_paper_typed_in_is_not_taken_as_come_where_its_receipt_is_refused(world, clock):
    call = calling.asked(world)
    by, at = world.seat_secretariat, calling.WRITING
    typed_in = applying.start(
        call, municipalities=[world.kashiwa], applicant=world.kashiwa, proxy="secretariat", by=by, at=at
    )
    applying.keep_original(typed_in, b"%PDF-1.7 original", "申込書.pdf", "mail", by=by, at=at)
    clock(at)
    tomorrow = (at + timedelta(days=1)).date().isoformat()
    client, url = login(Client(), by), reverse("calls:take_in", args=[typed_in.pk])
    html = client.post(url, {"arrived_at": "2025-07-14T09:00:00", "received_on": tomorrow}).text
    assert "収受日が本日より後になっています。" in html
    assert Application.objects.get(pk=typed_in.pk).state == "draft"
    client.post(url, {"arrived_at": "2025-07-14T09:00:00"})
    assert Application.objects.get(pk=typed_in.pk).state == "forwarded"
