"""Answers of municipalities: on screen, by link, by mail, by telephone; reminders; passing on; areas."""

import pytest
from django.urls import reverse

from kyoten.calls.actions import applying
from kyoten.inquiries import actions
from kyoten.inquiries.models import Addressee, MailAnswer
from kyoten.organisations.models import Section
from kyoten.post.models import OutboundMail
from kyoten.records.models import Event, Refused
from tests.flows.calling import ASKING, MICROSECOND, PREFECTURE_DUE, WRITING, asked, case
from tests.world import login

pytestmark = pytest.mark.django_db


@pytest.fixture
def row(world):
    return case(asked(world), world.matsudo)


def test_answer_on_screen(world, row):
    actions.answer(row, "not_applicable", by=world.seat_matsudo, at=WRITING, remark="来年度に検討")
    row.refresh_from_db()
    assert (row.state, row.way, row.late, row.remark) == ("not_applicable", "screen", False, "来年度に検討")
    assert [e.act for e in Event.objects.of("addressee", row.pk)] == ["receive", "answer"]


@pytest.mark.parametrize(("at", "late"), [(PREFECTURE_DUE, False), (PREFECTURE_DUE + MICROSECOND, True)])
def test_a_soft_date_only_marks_late_answers(world, row, at, late):
    actions.answer(row, "not_applicable", by=world.seat_matsudo, at=at)
    row.refresh_from_db()
    assert (row.state, row.late) == ("not_applicable", late)


def test_link_answers_without_login_and_a_get_changes_nothing(client, world, row):
    url = reverse("inquiries:link", args=[row.token])
    assert client.get(url).status_code == 200
    row.refresh_from_db()
    assert row.state == "unread"
    client.post(url, {"state": "not_applicable", "name": "中川 圭", "remark": ""})
    row.refresh_from_db()
    assert (row.state, row.way, row.answered_by) == ("not_applicable", "link", f"{row.section.name}　中川 圭")


def test_a_forged_link_is_not_found(client, row):
    assert client.get(reverse("inquiries:link", args=[row.token[:-2] + "xx"])).status_code == 404


def test_link_without_a_choice_says_what_to_do(client, row):
    response = client.post(reverse("inquiries:link", args=[row.token]), {"name": "中川"})
    assert "「該当なし」か「検討中」を選んでください" in response.content.decode()
    row.refresh_from_db()
    assert row.state == "unread"


def test_the_mail_says_everything_in_its_text(row):
    mail = OutboundMail.objects.get(about_kind="addressee", about_id=row.pk)
    for words in ("御検討ください。", "令和7年7月24日（木）", "該当なし", row.token):
        assert words in mail.text


@pytest.mark.parametrize(
    ("text", "state"),
    [("該当なし", "not_applicable"), ("「該当なし」です", None), ("検討中。\n\n松戸市", "considering"), ("　申込　\n", "considering"),
     ("> 該当なし", None), ("", None), ("お世話になっております。", None)],
)  # fmt: skip
def test_first_line_of_a_reply_is_the_answer(text, state):
    assert actions.word_of(text) == state


def test_remind_only_who_has_not_answered(world, row):
    actions.answer(row, "not_applicable", by=world.seat_matsudo, at=WRITING)
    inquiry = row.inquiry
    count = actions.remind(
        inquiry,
        list(inquiry.addressees.missing().select_related("inquiry__asker__organisation", "section", "organisation")),
        by=world.seat_chiba,
        at=WRITING,
    )
    assert count == 2
    assert sorted(inquiry.addressees.filter(reminded=1).values_list("organisation__name", flat=True)) == sorted(
        [world.kashiwa.name, world.kamagaya.name]
    )


def test_reminding_nobody_is_refused(world, row):
    before = OutboundMail.objects.count()
    with pytest.raises(Refused, match="再依頼する相手がありません"):
        actions.remind(row.inquiry, [], by=world.seat_chiba, at=WRITING)
    assert OutboundMail.objects.count() == before


def test_only_the_asker_reminds(world, row):
    with pytest.raises(Refused, match="照会を出した課"):
        actions.remind(row.inquiry, [row], by=world.seat_saitama, at=WRITING)
    row.refresh_from_db()
    assert row.reminded == 0


def test_pass_on_moves_the_case_to_another_section(world, row):
    other = Section.objects.create(organisation=world.matsudo, name="高齢者支援課", email="korei@matsudo.example.jp")
    actions.pass_on(row, other, by=world.seat_matsudo, at=WRITING)
    row.refresh_from_db()
    assert row.section == other
    assert not Addressee.objects.awaiting(world.seat_matsudo).filter(pk=row.pk).exists()


def test_pass_on_to_another_body_is_refused(world, row):
    with pytest.raises(Refused, match="同じ団体の中の課だけ"):
        actions.pass_on(row, world.seat_kashiwa.section, by=world.seat_matsudo, at=WRITING)
    before = row.section
    row.refresh_from_db()
    assert row.section == before


def test_two_answers_at_once_the_second_is_told(world, row):
    stale = Addressee.objects.select_related("inquiry", "organisation", "section").get(pk=row.pk)
    actions.answer(row, "not_applicable", by=world.seat_matsudo, at=WRITING)
    with pytest.raises(Refused, match="先に回答"):
        actions.answer(stale, "considering", by=world.seat_matsudo2, at=WRITING)
    row.refresh_from_db()
    assert row.state == "not_applicable"


def test_an_area_is_represented_by_its_applicant(world, row):
    applying.start(
        row.inquiry.root.call, municipalities=[world.matsudo, world.kashiwa], by=world.seat_matsudo, at=WRITING
    )
    other = case(row.inquiry.root.call, world.kashiwa)
    assert other.represented_by == world.matsudo
    assert other.shown_state(WRITING)[0] == "松戸市として応募"
    assert not other.overdue_at(PREFECTURE_DUE + MICROSECOND)


def test_a_city_others_apply_for_is_told_and_told_again_when_they_withdraw(world, row):
    application = applying.start(
        row.inquiry.root.call, municipalities=[world.matsudo, world.kashiwa], by=world.seat_matsudo, at=WRITING
    )
    told = OutboundMail.objects.filter(subject__startswith="【共同の応募】").order_by("pk")
    assert [mail.to for mail in told] == [world.section_kashiwa.email]
    assert "松戸市が、柏市を含む地域の申込書の作成を始めました。" in told[0].text
    applying.withdraw(application, "", by=world.seat_matsudo, at=WRITING + MICROSECOND)
    assert [mail.to for mail in told.all()] == [world.section_kashiwa.email] * 2
    assert "あらためて、先にお送りした通知に御回答ください。" in told.all()[1].text
    assert case(row.inquiry.root.call, world.kashiwa).represented_by is None


def test_who_is_missing_after_the_date(world, row):
    late = PREFECTURE_DUE + MICROSECOND
    assert (row.shown_state(PREFECTURE_DUE)[0], row.shown_state(late)[0]) == ("未読", "期限超過")


def test_silence_counts_as_not_applicable_once_gathering_is_over(world, row):
    late = PREFECTURE_DUE + MICROSECOND
    assert row.shown_state(late, closed=True) == ("該当なし（みなし）", "none")
    row.inquiry.silence = "must_answer"
    assert row.shown_state(late, closed=True) == ("期限超過", "stop")


def test_telephone_line_becomes_the_answer(client, world, row, clock):
    clock(ASKING)
    login(client, world.seat_chiba)
    url = reverse("inquiries:telephone", args=[row.inquiry_id])
    client.post(url, {"row": row.pk, "state": "not_applicable", "name": "中川係長　今年度は応募しない"})
    row.refresh_from_db()
    assert (row.state, row.way, row.remark) == ("not_applicable", "phone", "中川係長　今年度は応募しない")
    assert not MailAnswer.objects.exists()
