"""確認・決定 and 起案 on screen: what is confirmed is not called open, what cannot be done is not offered."""

import pytest
from django.test import Client
from django.urls import reverse

from kyoten.calls.actions import selecting
from tests.flows import calling
from tests.world import login

pytestmark = pytest.mark.django_db
OPEN = "まだ確認されていません"


def pages(world, application) -> list[str]:
    client = login(Client(), world.seat_secretariat)
    return [client.get(reverse(f"calls:{name}", args=[application.pk])).text for name in ("decide", "application")]


def test_a_confirmed_requirement_is_not_called_open(world, clock):
    application = calling.forwarded(world)
    clock(calling.SELECTING)
    type(application).objects.filter(pk=application.pk).update(ticks_text="{}")
    assert [OPEN in html for html in pages(world, application)] == [True, True]
    selecting.tick(application, "hub_led", True, by=world.seat_secretariat, at=calling.SELECTING)
    assert [OPEN in html for html in pages(world, application)] == [False, False]


def test_a_refused_conflict_keeps_what_was_written(world, clock):
    application = calling.forwarded(world)
    clock(calling.SELECTING)
    client = login(Client(), world.seat_secretariat)
    url = reverse("calls:conflict", args=[application.pk])
    html = client.post(url, {"person": "", "reason": "会議の委員である。"}).text
    assert "対象の方を選んでください。" in html
    assert "会議の委員である。</textarea>" in html


def test_what_cannot_be_sent_is_not_offered_to_be_frozen(world, clock):
    application = calling.submitted(world)
    clock(calling.GATHERING)
    client, url = login(Client(), world.seat_chiba), reverse("calls:prepare", args=["r7-zaitaku"])
    offer = "起案用一式を作成して確定する</button>"
    assert ("このままでは提出できません" in client.get(url).text, offer in client.get(url).text) == (True, False)
    calling.with_officer(world, application)
    assert ("このままでは提出できません" in client.get(url).text, offer in client.get(url).text) == (False, True)


def test_the_guide_says_each_requirement_once(world):
    calling.opened(world)
    aside = Client().get(reverse("calls:guide", args=["r7-zaitaku"])).text.partition("応募要件の確認の時期")[2]
    assert aside.count("<b>特定の職種・団体に偏らないように留意すること</b>") == 1
    assert aside.count("<li>") == len({rule.text for rule in world.programme.definition.call.rules})
