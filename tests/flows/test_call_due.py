"""回答期限の変更 by a prefecture, and 締切の変更の通知 by the organiser: everyone is told, nothing moves unsaid."""

from datetime import datetime, timedelta

import pytest
from django.urls import reverse

from kyoten.calls.actions.deadline import tell_deadline
from kyoten.calls.models import Call
from kyoten.inquiries.actions import answer, change_due
from kyoten.inquiries.models import Addressee, Inquiry
from kyoten.post.models import OutboundMail
from kyoten.programmes.actions import publish
from kyoten.records.models import Event, Refused
from kyoten.rules.clock import JST
from kyoten.web import todo
from tests.flows.calling import ASKING, DEADLINE, MICROSECOND, PREFECTURE_DUE, WRITING, asked, case, opened
from tests.world import login

pytestmark = pytest.mark.django_db
LATER = PREFECTURE_DUE + timedelta(days=4)
REASON = "庁内の調整のため"


@pytest.fixture
def below(world):
    """千葉県's asking of 松戸市, 柏市 and 鎌ケ谷市."""
    asked(world)
    return Inquiry.objects.select_related("asker__organisation", "parent__inquiry").get(parent__isnull=False)


def everything():
    return (
        list(Inquiry.objects.values_list()),
        list(Addressee.objects.values_list()),
        Event.objects.count(),
        OutboundMail.objects.count(),
    )


def test_everyone_asked_is_told_the_new_date_and_why(world, below):
    row = Addressee.objects.select_related("inquiry", "organisation").get(organisation=world.kashiwa)
    answer(row, "not_applicable", by=world.seat_kashiwa, at=WRITING)
    change_due(below, LATER, REASON, by=world.seat_chiba, at=WRITING)
    below.refresh_from_db()
    assert below.due == LATER
    mails = OutboundMail.objects.filter(subject__startswith="【期限変更】").order_by("to")
    assert sorted(mail.to for mail in mails) == sorted(
        section.email for section in (world.section_matsudo, world.section_kashiwa, world.section_kamagaya)
    )
    first = [
        "回答期限を令和7年7月24日（木）から令和7年7月28日（月）に変更しました。",
        "理由　庁内の調整のため",
        "",
    ]
    answered = [*first[:2], "※すでに御回答いただいた場合は、あらためての御回答は不要です。"]
    assert mails.get(to=world.section_matsudo.email).text.splitlines()[:3] == first
    assert mails.get(to=world.section_kashiwa.email).text.splitlines()[:3] == answered
    assert "■ 回答期限　令和7年7月28日（月）" in mails.get(to=world.section_matsudo.email).text.splitlines()
    assert Event.objects.of("inquiry", below.pk).last().title == (
        "回答期限を令和7年7月24日（木）から令和7年7月28日（月）に変更"
    )


def test_an_answer_that_was_late_is_in_time_by_the_new_date(world, below):
    for town, seat, at in (
        (world.matsudo, world.seat_matsudo, LATER),
        (world.kashiwa, world.seat_kashiwa, LATER + MICROSECOND),
    ):
        row = Addressee.objects.select_related("inquiry", "organisation").get(organisation=town)
        answer(row, "not_applicable", by=seat, at=at)
    assert sorted(Addressee.objects.filter(late=True).values_list("organisation", flat=True)) == sorted(
        [world.matsudo.pk, world.kashiwa.pk]
    )
    change_due(below, LATER, REASON, by=world.seat_chiba, at=PREFECTURE_DUE + MICROSECOND)
    assert list(Addressee.objects.filter(late=True).values_list("organisation", flat=True)) == [world.kashiwa.pk]


@pytest.mark.parametrize(
    ("seat", "due", "reason", "at", "said"),
    [
        ("seat_viewer", LATER, REASON, WRITING, "照会を出した団体の担当だけ"),
        ("seat_saitama", LATER, REASON, WRITING, "照会を出した団体の担当だけ"),
        ("seat_chiba", LATER, "　", WRITING, "変更の理由"),
        ("seat_chiba", WRITING, REASON, WRITING, "いまより後"),
        ("seat_chiba", DEADLINE, REASON, WRITING, "上の期限（令和7年7月31日（木））"),
        ("seat_chiba", PREFECTURE_DUE, REASON, WRITING, "期限は変わっていません"),
    ],
)
def test_a_refused_change_changes_nothing(world, below, seat, due, reason, at, said):
    before = everything()
    with pytest.raises(Refused, match=said):
        change_due(below, due, reason, by=getattr(world, seat), at=at)
    assert everything() == before


def test_the_date_may_move_up_to_the_day_before_the_organisers_own(world, below):
    change_due(below, DEADLINE - timedelta(days=1), REASON, by=world.seat_chiba, at=WRITING)
    below.refresh_from_db()
    assert below.due == DEADLINE - timedelta(days=1)


def test_two_officers_move_it_once(world, below):
    stale = Inquiry.objects.select_related("asker__organisation", "parent__inquiry").get(pk=below.pk)
    change_due(below, LATER, REASON, by=world.seat_chiba, at=WRITING)
    before = everything()
    with pytest.raises(Refused, match="ほかの方が先に期限を変更しました"):
        change_due(stale, LATER + timedelta(days=1), REASON, by=world.seat_chiba, at=WRITING)
    assert everything() == before


def test_the_page_changes_it_and_goes_back_to_the_gathering(client, world, below, clock):
    clock(WRITING)
    login(client, world.seat_chiba)
    gather = reverse("calls:gather", args=["r7-zaitaku"])
    url = reverse("inquiries:due", args=[below.pk])
    assert f'href="{url}?back={gather}"' in client.get(gather).content.decode()
    refused = client.post(url, {"due": "2025-07-31", "reason": REASON, "back": gather})
    assert refused.status_code == 200
    assert refused.context["form"].non_field_errors() == [
        "回答期限は、上の期限（令和7年7月31日（木））より前の日にしてください。"
    ]
    assert client.post(url, {"due": "2025-07-28", "reason": REASON, "back": gather}).url == gather
    below.refresh_from_db()
    assert below.due == LATER


# ---- the organiser's own deadline: it lives in the definition, its notices in an act ------------


NEW_DEADLINE = datetime(2025, 8, 7, 23, 59, 59, 999999, tzinfo=JST)


def revised(world) -> Call:
    """The definition in force names 8/7 instead of 7/31."""
    text = world.programme.text.replace("at     = 2025-07-31 ", "at     = 2025-08-07 ").replace(
        "申込締切 令和7年7月31日", "申込締切 令和7年8月7日"
    )
    publish(text, by=world.seat_secretariat2, at=WRITING)
    return Call.objects.select_related("inquiry__asker__organisation", "organiser__organisation").get()


def test_a_moved_deadline_is_told_to_everyone_the_call_went_to(client, world, clock):
    asked(world)
    call = revised(world)
    assert (call.deadline, call.inquiry.due) == (NEW_DEADLINE, DEADLINE)
    clock(WRITING)
    login(client, world.seat_secretariat)
    assert (
        "申込締切が、通知した日から変わっています"
        in client.get(reverse("calls:show", args=[call.slug])).content.decode()
    )
    tasks = [task.note for task in todo.tasks(todo.Desk(world.seat_secretariat, WRITING))]
    assert "公募・申込　締切の変更の通知" in tasks
    response = client.post(reverse("calls:deadline", args=[call.slug]), {"reason": "台風のため"})
    assert response.url == reverse("calls:show", args=[call.slug])
    call = Call.objects.select_related("inquiry").get()
    assert call.inquiry.due == NEW_DEADLINE
    told = OutboundMail.objects.filter(subject__startswith="【期限変更】")
    assert told.count() == call.inquiry.addressees.count()
    assert told.get(to=world.section_chiba.email).text.splitlines()[:2] == [
        "回答期限を令和7年7月31日（木）から令和7年8月7日（木）に変更しました。", "理由　台風のため"
    ]  # fmt: skip
    assert "公募・申込　締切の変更の通知" not in [
        task.note for task in todo.tasks(todo.Desk(world.seat_secretariat, WRITING))
    ]
    row = case(call, world.chiba)
    answer(row, "not_applicable", by=world.seat_chiba, at=NEW_DEADLINE)
    assert case(call, world.chiba).late is False
    # the municipalities' date stays what their prefecture set
    assert Inquiry.objects.get(parent__isnull=False).due == PREFECTURE_DUE


@pytest.mark.parametrize(
    ("seat", "reason", "said"),
    [
        ("seat_chiba", "x", "事務局の担当だけ"),
        ("seat_ministry", "x", "事務局の担当だけ"),
        ("seat_secretariat", " ", "変更の理由"),
    ],
)
def test_a_refused_notice_changes_nothing(world, seat, reason, said):
    opened(world)
    call = revised(world)
    before = everything()
    with pytest.raises(Refused, match=said):
        tell_deadline(call, reason, by=getattr(world, seat), at=WRITING)
    assert everything() == before


def test_an_unmoved_deadline_is_not_told(world):
    call = opened(world)
    before = everything()
    with pytest.raises(Refused, match="同じです"):
        tell_deadline(call, "x", by=world.seat_secretariat, at=ASKING)
    assert everything() == before


def test_after_the_deadline_silence_is_no_longer_waited_for(world):
    opened(world)
    desk = todo.Desk(world.seat_secretariat, DEADLINE)
    assert [row.state[0] for row in todo.asked(desk)] == [
        f"未回答 {Addressee.objects.filter(purpose='answer').count()}団体"
    ]
    assert todo.asked(todo.Desk(world.seat_secretariat, DEADLINE + MICROSECOND)) == []
