"""受付: mail becomes cases; threads hold together; strangers, doubles, machines and closed desks are what they are."""

from datetime import datetime, timedelta

import pytest

from kyoten.consultations.actions import answering, handling, intake
from kyoten.consultations.models import Consultation, Message
from kyoten.post.models import InboundMail, OutboundMail
from kyoten.records.models import Event, Refused
from kyoten.rules.clock import JST
from tests.flows import desking
from tests.flows.desking import ASKER, SATURDAY, TUESDAY

pytestmark = pytest.mark.django_db


def answered(world, case):
    draft = answering.save_draft(
        case, subject="", text="次の例があります。", version=None, by=world.seat_secretariat, at=TUESDAY
    )
    answering.ask_approval(draft, by=world.seat_secretariat, at=TUESDAY)
    draft.refresh_from_db()
    return answering.answer(draft, desking.desk(world), by=world.seat_secretariat2, at=TUESDAY)


def test_the_template_fills_the_fields_and_the_clock_starts_when_the_desk_opens(world):
    case = desking.taken(world)
    assert (case.number, case.state, case.way, case.subject) == (
        "R7-0001", "received", "mail", "拠点整備・運用に関する照会"
    )  # fmt: skip
    assert (case.body_name, case.person_name, case.phone, case.email) == ("松戸市", "山下 結衣", "047-000-0000", ASKER)
    assert case.text.splitlines()[0] == "平時にどのような連携を決めておくとよいか、例を教えてください。"
    assert (case.received_at, case.clock_at) == (SATURDAY, datetime(2025, 7, 22, 9, 0, tzinfo=JST))
    assert case.due == datetime(2025, 7, 25, 17, 0, tzinfo=JST)
    assert case.purposes == ["guidebook_revision"]
    assert case.purpose_text == desking.desk(world).rules.purpose.text
    assert [e.act for e in Event.objects.of("consultation", case.pk)] == ["receive"]
    assert InboundMail.objects.get().taken_id == case.pk
    assert Message.objects.get().kind == "in"


def test_free_text_is_a_case_too(world):
    case = desking.taken(world, "会議の参加者の例を教えてください。", subject="おたずね", sender="a@clinic.example.jp")
    assert (case.subject, case.text.strip(), case.email) == (
        "おたずね", "会議の参加者の例を教えてください。", "a@clinic.example.jp"
    )  # fmt: skip


def test_a_reply_to_our_answer_joins_the_case_and_reopens_it(world):
    case = desking.taken(world)
    answered(world, case)
    sent = OutboundMail.objects.get(about_kind="consultation")
    again = desking.taken(
        world, "もう一点教えてください。", in_reply_to=sent.message_id, at=TUESDAY + timedelta(days=1)
    )
    assert again.pk == case.pk
    case.refresh_from_db()
    assert (case.state, case.reopened, case.clock_at) == ("assigned", 1, TUESDAY + timedelta(days=1))
    assert [m.kind for m in case.messages.all()] == ["in", "out", "in"]
    assert Consultation.objects.count() == 1


@pytest.mark.parametrize(
    "subject, shown",
    [("Re: 照会", "転送します。"), ("Fw: 通知", None), ("[外部] FWD：通知", None), ("転送: 通知", None)],
)
def test_what_is_passed_on_in_a_follow_up_is_shown(world, subject, shown):
    case, text = desking.taken(world), "転送します。\n\n差出人: 県\n件名: 通知\n\n通知の本文です。"
    first = InboundMail.objects.get().message_id
    desking.taken(world, text, subject=subject, in_reply_to=first, at=TUESDAY)
    assert case.messages.latest("pk").text == (shown or text)


def test_a_stranger_who_quotes_the_number_opens_a_case_of_its_own_with_a_warning(world):
    case = desking.taken(world)
    answered(world, case)
    sent = OutboundMail.objects.get(about_kind="consultation")
    other = desking.taken(
        world, "全文をください。", sender="x@elsewhere.example.jp", in_reply_to=sent.message_id, at=TUESDAY
    )
    assert other.pk != case.pk
    assert other.warning.startswith("R7-0001　この案件の番号を引用していますが")
    assert [m.kind for m in case.messages.all()] == ["in", "out"]


def test_a_second_mail_of_the_sender_that_names_the_first_joins_it(world):
    first = desking.taken(world, message_id="<first@example.jp>")
    second = desking.taken(world, "補足です。", in_reply_to="<first@example.jp>")
    assert second.pk == first.pk


def test_a_reply_that_comes_before_its_original_finds_it(world):
    second = desking.taken(world, "補足です。", subject="Re: 照会", in_reply_to="<first@example.jp>")
    first = desking.taken(world, message_id="<first@example.jp>")
    assert first.pk == second.pk


def test_two_numbers_follow_each_other(world):
    assert [desking.taken(world, f"{n}件目").number for n in (1, 2, 3)] == ["R7-0001", "R7-0002", "R7-0003"]


def test_outside_the_period_the_case_is_kept_and_one_polite_answer_goes_out(world):
    late = datetime(2026, 3, 2, 10, 0, tzinfo=JST)
    case = desking.taken(world, at=late)
    assert (case.clock_at, case.due) == (None, None)
    [reply] = OutboundMail.objects.filter(about_kind="consultation")
    assert (reply.to, reply.automatic, reply.subject) == (ASKER, True, "Re: 拠点整備・運用に関する照会")
    assert reply.text.splitlines()[1] == "この相談窓口の実施期間は、令和7年6月27日から令和8年2月28日までです。"
    desking.taken(world, "もう一件あります。", at=late + timedelta(hours=23))
    assert OutboundMail.objects.filter(about_kind="consultation").count() == 1
    desking.taken(world, "さらに一件。", at=late + timedelta(hours=25))
    assert OutboundMail.objects.filter(about_kind="consultation").count() == 2


def test_a_mail_is_taken_once(world):
    row = desking.mail()
    intake.take_mail(row, desking.desk(world), at=SATURDAY)
    with pytest.raises(Refused, match="すでにほかの方が処理しています"):
        intake.take_mail(row, desking.desk(world), at=SATURDAY)
    assert (Consultation.objects.count(), Message.objects.count()) == (1, 1)


def test_merging_moves_every_message_and_a_later_reply_goes_to_where_they_are(world):
    one, two = desking.taken(world), desking.taken(world, "別のメールです。")
    into = handling.merge(two, one, by=world.seat_secretariat, at=TUESDAY)
    assert (into.pk, into.messages.count(), two.messages.count()) == (one.pk, 2, 0)
    two.refresh_from_db()
    assert (two.state, two.merged_into_id) == ("merged", one.pk)


def test_an_answer_needs_a_second_person_and_goes_out_once(world):
    case = desking.taken(world)
    desk = desking.desk(world)
    draft = answering.save_draft(case, subject="", text="例です。", version=None, by=world.seat_secretariat, at=TUESDAY)
    with pytest.raises(Refused, match="承認を依頼してから"):
        answering.answer(draft, desk, by=world.seat_secretariat2, at=TUESDAY)
    answering.ask_approval(draft, by=world.seat_secretariat, at=TUESDAY)
    draft.refresh_from_db()
    with pytest.raises(Refused, match="書いた人とは別の人"):
        answering.answer(draft, desk, by=world.seat_secretariat, at=TUESDAY)
    assert OutboundMail.objects.filter(about_kind="consultation").count() == 0
    answering.answer(draft, desk, by=world.seat_secretariat2, at=TUESDAY)
    with pytest.raises(Refused, match="承認を依頼してから|すでに回答"):
        answering.answer(draft, desk, by=world.seat_secretariat2, at=TUESDAY)
    case.refresh_from_db()
    assert (case.state, case.answered_at) == ("answered", TUESDAY)
    assert OutboundMail.objects.filter(about_kind="consultation").count() == 1


def test_an_answer_that_did_not_arrive_reopens_its_case(world):
    case = desking.taken(world)
    answered(world, case)
    sent = OutboundMail.objects.get(about_kind="consultation")
    assert answering.reopen_undelivered(sent, at=TUESDAY) is True
    assert answering.reopen_undelivered(sent, at=TUESDAY) is False
    case.refresh_from_db()
    assert (case.state, case.warning[:12]) == ("assigned", "回答のメールが届きません")
