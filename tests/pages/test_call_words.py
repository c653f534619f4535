"""What the pages of a call say: each sentence once, names instead of ids, and only what is true by then."""

from datetime import datetime

import pytest
from django.test import Client
from django.urls import reverse

from kyoten.calls.words import precise, to_the_minute
from kyoten.rules.clock import JST
from tests.flows import calling
from tests.world import login

pytestmark = pytest.mark.django_db
SENTENCE = "特定の職種・団体に偏らないように留意すること"


def at(*moment: int) -> datetime:
    return datetime(*moment, tzinfo=JST)


@pytest.mark.parametrize(
    ("moment", "words"),
    [
        (at(2025, 7, 31, 23, 59, 59, 999999), "令和7年7月31日（木）23時59分59秒"),
        (at(2025, 8, 1), "令和7年8月1日（金）0時00分00秒"),
        (at(2025, 8, 1, 0, 0, 0, 1), "令和7年8月1日（金）0時00分00.000001秒"),
        (at(2024, 8, 23, 17), "令和6年8月23日（金）17時00分00秒"),
        (at(2024, 8, 23, 17, 0, 0, 999999), "令和6年8月23日（金）17時00分00.999999秒"),
    ],
)
def test_a_moment_in_a_refusal(moment, words):
    assert precise(moment) == words


def test_a_moment_in_a_mail():
    assert to_the_minute(at(2025, 7, 14, 9, 5, 59, 999999)) == "令和7年7月14日（月）9時05分"


def test_the_live_check_says_one_sentence_once_and_what_will_be(world, clock):
    application = calling.drafted(world)
    clock(calling.WRITING)
    page = login(Client(), world.seat_matsudo).get(reverse("calls:edit", args=[application.pk])).text
    assert page.count(f"<b>{SENTENCE}</b>") == 1
    assert [page.count(name) for name in ("職種の偏り", "団体の偏り")] == [1, 1]
    assert ("都道府県を経由して提出されます" in page, "提出されています" in page) == (True, False)


def test_what_was_submitted_is_said_to_be(world, clock):
    application = calling.submitted(world)
    clock(calling.WRITING)
    page = login(Client(), world.seat_matsudo).get(reverse("calls:application", args=[application.pk])).text
    assert "都道府県を経由して提出されています" in page


def test_the_board_and_the_decision_name_the_requirements(world, clock):
    application = calling.forwarded(world)
    clock(calling.SELECTING)
    client = login(Client(), world.seat_secretariat)
    client.post(reverse("calls:tick", args=[application.pk]), {"rule": "hub_led", "ok": "yes"})
    board = client.get(reverse("calls:board", args=["r7-zaitaku"])).text
    names = [rule.name for rule in application.definition.call.rules]
    assert [board.count(f">{name}</th>") for name in names] == [1] * len(names)
    decide = client.get(reverse("calls:decide", args=[application.pk])).text
    assert [decide.count(f"<b>{name}</b>") for name in names] == [1] * len(names)
    assert [decide.count(f"<h2>{title}</h2>") for title in ("経過", "事務局内の経過")] == [1, 1]
    assert [words in decide for words in ("千葉県が事務局へ提出", "要件「拠点中心の取組」の確認：満たす")] == [
        True,
        True,
    ]


def test_the_guide_says_when_it_was_sent_out(world):
    calling.opened(world)
    page = Client().get(reverse("calls:guide", args=["r7-zaitaku"])).text
    assert "発出日　令和7年6月25日（水）（事務連絡）" in page


def test_after_the_announcement_the_result_is_shown_and_nothing_left_to_announce(world, clock):
    calling.announced(world)
    clock(calling.ANNOUNCING)
    announce = login(Client(), world.seat_secretariat).get(reverse("calls:announce", args=["r7-zaitaku"])).text
    assert ("に通知しました" in announce, "結果を通知する</button>" in announce) == (True, False)
    own = login(Client(), world.seat_matsudo).get(reverse("calls:show", args=["r7-zaitaku"])).text
    assert '<b>選定結果</b>　<span class="tag ok">選定</span>' in own


def test_before_the_announcement_the_applicant_sees_no_result(world, clock):
    calling.decided(world)
    clock(calling.SELECTING)
    own = login(Client(), world.seat_matsudo).get(reverse("calls:show", args=["r7-zaitaku"])).text
    assert "選定結果" not in own
