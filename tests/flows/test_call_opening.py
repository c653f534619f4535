"""公募開始 and 管内へ照会: the tiers have an order (001, 000; domain 11)."""

from datetime import datetime, timedelta

import pytest
from django.conf import settings
from django.urls import reverse

from kyoten.calls.actions import opening
from kyoten.calls.models import Call
from kyoten.inquiries import actions
from kyoten.inquiries.models import Addressee, Inquiry
from kyoten.post.models import OutboundMail
from kyoten.records.models import Event, Refused
from kyoten.rules.clock import JST
from tests.flows.calling import ASKING, DEADLINE, OPENING, PREFECTURE_DUE, asked, case, opened
from tests.world import login

pytestmark = pytest.mark.django_db


def received(call):
    rows = Addressee.objects.filter(root=call.inquiry_id)
    return {row.organisation.name: (row.purpose, row.state) for row in rows.select_related("organisation")}


def test_opening_reaches_prefectures_only(world):
    call = opened(world)
    assert {purpose for purpose, _ in received(call).values()} <= {"answer", "reference"}
    answering = [name for name, (purpose, _) in received(call).items() if purpose == "answer"]
    assert sorted(answering) == sorted([world.chiba.name, world.saitama.name])
    assert (call.deadline, call.inquiry.hard) == (DEADLINE, True)
    assert [e.act for e in Event.objects.of("call", call.pk)] == ["open"]


def test_opening_mails_each_section_once(world):
    call = opened(world)
    mails = OutboundMail.objects.filter(about_kind="addressee")
    assert mails.count() == Addressee.objects.filter(root=call.inquiry_id).count()


def test_only_the_secretariat_opens(world):
    with pytest.raises(Refused, match="事務局の担当だけ"):
        opening.open_call(world.programme, "募集", by=world.seat_chiba, at=OPENING)
    assert (Call.objects.count(), Inquiry.objects.count(), OutboundMail.objects.count()) == (0, 0, 0)


def test_opening_twice_is_refused(world):
    opened(world)
    before = (Inquiry.objects.count(), OutboundMail.objects.count())
    with pytest.raises(Refused, match="すでに開始"):
        opened(world)
    assert (Call.objects.count(), Inquiry.objects.count(), OutboundMail.objects.count()) == (1, *before)


def test_opening_after_the_deadline_is_refused(world):
    with pytest.raises(Refused, match="締切"):
        opening.open_call(world.programme, "募集", by=world.seat_secretariat, at=DEADLINE + timedelta(microseconds=1))
    assert Call.objects.count() == 0


def test_nothing_at_the_city_before_the_prefecture_asks(world):
    call = opened(world)
    assert not Addressee.objects.filter(organisation=world.matsudo).exists()
    assert not Call.objects.visible_to(world.seat_matsudo).exists()
    asked(world, call)
    assert list(Call.objects.visible_to(world.seat_matsudo)) == [call]


def test_proposed_date_is_five_working_days_before(world):
    assert opening.proposed_due(opened(world)) == PREFECTURE_DUE


def test_asking_makes_the_prefecture_considering(world):
    call = asked(world)
    assert case(call, world.chiba).state == "considering"
    assert received(call)["松戸市"] == ("answer", "unread")


@pytest.mark.parametrize(
    ("due", "words"),
    [
        (DEADLINE + timedelta(microseconds=1), "上の期限"),
        (DEADLINE, "上の期限"),
        (DEADLINE - timedelta(hours=12), "上の期限"),
        (ASKING, "いまより後"),
        (ASKING - timedelta(days=1), "いまより後"),
    ],
)
def test_the_city_date_must_be_before_the_prefecture_date(world, due, words):
    call = opened(world)
    before = OutboundMail.objects.count()
    with pytest.raises(Refused, match=words):
        opening.ask_municipalities(
            case(call, world.chiba),
            call,
            covering_text="x",
            due=due,
            to=[world.matsudo],
            by=world.seat_chiba,
            at=ASKING,
        )
    assert (Inquiry.objects.count(), OutboundMail.objects.count()) == (1, before)


def test_another_prefecture_cannot_ask_for_this_one(world):
    call = opened(world)
    with pytest.raises(Refused, match="都道府県だけ"):
        opening.ask_municipalities(
            case(call, world.chiba), call, covering_text="x", due=PREFECTURE_DUE, to=[world.matsudo],
            by=world.seat_saitama, at=ASKING,
        )  # fmt: skip
    assert Inquiry.objects.count() == 1


def test_the_same_notice_by_two_ways_is_one_case(world):
    call = asked(world)
    again = actions.Ask(
        programme=call.slug, title="同じ件", covering_text="再度", due=PREFECTURE_DUE, silence="not_applicable"
    )
    actions.ask(again, to=[world.matsudo], parent=case(call, world.saitama), by=world.seat_saitama, at=ASKING)
    rows = Addressee.objects.filter(root=call.inquiry_id, organisation=world.matsudo)
    assert rows.count() == 1
    assert [e.act for e in Event.objects.of("addressee", rows[0].pk)] == ["receive", "again"]


def test_late_moment_is_stamped_in_japan(world):
    call = opened(world)
    utc = datetime(2025, 7, 31, 14, 59, 59, 999999, tzinfo=JST) + timedelta(hours=9)
    assert call.deadline == utc


def test_the_mail_carries_number_date_and_what_the_prefecture_itself_was_sent(world):
    asked(world)
    text = OutboundMail.objects.get(to=world.section_matsudo.email).text
    assert text.splitlines()[:3] == ["令和7年6月30日", "", "松戸市　地域医療課　御中"]
    annex = text.split("【別添】")[1].splitlines()
    assert annex[:2] == ["伴走支援 事務局 事務局からの通知　事務連絡　令和7年6月27日", "実施地域を募集します。"]
    above = OutboundMail.objects.get(to=world.section_chiba.email).text
    assert above.splitlines()[:2] == ["事務連絡", "令和7年6月27日"] and "【別添】" not in above


def test_the_proposed_text_of_the_opening_leads_to_the_guide(client, world, clock):
    clock(OPENING)
    login(client, world.seat_secretariat)
    text = client.get(reverse("calls:open", args=["r7-zaitaku"])).context["form"].initial["covering_text"]
    assert f"公募要領・申込書　{settings.BASE_URL}/calls/r7-zaitaku/guide/\n" in text
    assert "伴走支援の実施地域を募集します。" in text


def test_a_reminder_names_the_same_date_as_the_first_mail(world):
    call = asked(world)
    inquiry = Inquiry.objects.select_related("asker__organisation").get(parent__isnull=False)
    rows = inquiry.addressees.filter(organisation=world.matsudo).select_related("organisation", "section")
    actions.remind(inquiry, list(rows), by=world.seat_chiba, at=ASKING + timedelta(days=3))
    first, again = OutboundMail.objects.filter(to=world.section_matsudo.email).order_by("pk")
    assert call.inquiry_id == inquiry.root_id
    assert again.text == first.text and "■ 回答期限　令和7年7月24日（木）\n" in first.text
