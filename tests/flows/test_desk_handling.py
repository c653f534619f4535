"""対応: assignment, notes, classification, 照会, 折り返し, 完了, 統合, 分割; what is refused changes nothing."""

from datetime import datetime, timedelta

import pytest

from kyoten.consultations.actions import answering, handling, intake
from kyoten.consultations.actions.intake import Caller, Incoming
from kyoten.consultations.models import Callback, Consultation, Draft, Mark, Message, Referral
from kyoten.post.models import InboundMail, OutboundMail
from kyoten.records.models import Event, Refused
from tests.flows import desking
from tests.flows.desking import SATURDAY, TUESDAY

pytestmark = pytest.mark.django_db
FACTS = {
    "subject": "平時の連携", "body_name": "松戸市", "person_name": "山下 結衣", "phone": "047-000-0000",
    "email": "chiiki@matsudo.example.jp", "asker": "municipality", "handling": "advice", "minutes": 20, "urgent": True,
    "personal": False, "marks": {"subject": ["disaster", "meetings"], "function": ["meetings"], "scene": []},
}  # fmt: skip


@pytest.fixture
def case(world):
    return desking.taken(world)


def everything():
    tables = (Consultation, Message, Draft, Mark, Referral, Callback, OutboundMail)
    return [list(table.objects.order_by("pk").values_list()) for table in tables], Event.objects.count()


def fresh(row):
    return type(row).objects.get(pk=row.pk)


def refused(call, match):
    before = everything()
    with pytest.raises(Refused, match=match):
        call()
    assert everything() == before


def test_a_case_is_given_to_a_colleague_and_back_to_all(world, case):
    handling.assign(case, world.seat_secretariat2, by=world.seat_secretariat, at=TUESDAY)
    assert (fresh(case).owner, fresh(case).state) == (world.seat_secretariat2, "assigned")
    refused(
        lambda: handling.assign(case, world.seat_secretariat2, by=world.seat_secretariat, at=TUESDAY),
        "変わっていません",
    )
    handling.assign(case, None, by=world.seat_secretariat, at=TUESDAY)
    assert (fresh(case).owner, fresh(case).state) == (None, "received")


def test_of_two_who_take_a_case_at_once_the_second_learns_of_the_first(world, case):
    first, second = world.seat_secretariat, world.seat_secretariat2
    handling.assign(case, first, by=first, at=TUESDAY, seen="")
    refused(
        lambda: handling.assign(case, second, by=second, at=TUESDAY, seen=""), f"いまの担当は{first.person.name}さん"
    )
    handling.assign(case, second, by=second, at=TUESDAY, seen=str(first.pk))
    assert fresh(case).owner == second


@pytest.mark.parametrize("seat", ["seat_chiba", "seat_matsudo", "seat_ministry"])
def test_nobody_else_touches_a_case(world, case, seat):
    by = getattr(world, seat)
    refused(lambda: handling.assign(case, by, by=by, at=TUESDAY), "窓口の担当だけ")
    refused(lambda: handling.add_note(case, "x", by=by, at=TUESDAY), "窓口の担当だけ")
    refused(lambda: handling.close(case, "x", by=by, at=TUESDAY), "窓口の担当だけ")
    refused(lambda: answering.save_draft(case, subject="", text="x", version=None, by=by, at=TUESDAY), "窓口の担当だけ")


def test_a_case_is_not_given_to_another_body(world, case):
    refused(
        lambda: handling.assign(case, world.seat_chiba, by=world.seat_secretariat, at=TUESDAY), "窓口の席にある担当だけ"
    )


def test_what_a_case_is_about_is_written_down_and_two_people_overwrite_nothing(world, case):
    handling.describe(case, handling.Facts(**FACTS), case.version, by=world.seat_secretariat, at=TUESDAY)
    found = fresh(case)
    assert (found.subject, found.asker, found.handling, found.minutes, found.urgent) == (
        "平時の連携", "municipality", "advice", 20, True
    )  # fmt: skip
    assert sorted(found.marks.values_list("kind", "value")) == [
        ("function", "meetings"), ("subject", "disaster"), ("subject", "meetings")
    ]  # fmt: skip
    late = handling.Facts(**(FACTS | {"subject": "別の件名"}))
    refused(lambda: handling.describe(case, late, 1, by=world.seat_secretariat2, at=TUESDAY), "先にこの相談を更新")


def test_the_same_again_is_no_event(world, case):
    found = handling.describe(case, handling.Facts(**FACTS), case.version, by=world.seat_secretariat, at=TUESDAY)
    before = everything()
    handling.describe(found, handling.Facts(**FACTS), found.version, by=world.seat_secretariat, at=TUESDAY)
    assert everything() == before


def test_a_question_goes_to_an_adviser_by_plain_mail(world, case):
    due = TUESDAY + timedelta(days=7)
    handling.refer(case, to_name="アドバイザー 三好 徹", to_email="miyoshi@example.jp", text="名簿の扱いはどうでしょうか。", due=due,
                   by=world.seat_secretariat, at=TUESDAY)  # fmt: skip
    mail = OutboundMail.objects.get(about_kind="consultation")
    assert (mail.to, mail.subject) == ("miyoshi@example.jp", "【照会】拠点整備・運用に関する照会（R7-0001）")
    assert mail.text.splitlines()[2:5] == ["名簿の扱いはどうでしょうか。", "", "回答期限　令和7年7月29日（火）"]
    assert (fresh(case).state, [m.kind for m in case.messages.all()]) == ("referring", ["in", "asked"])


@pytest.mark.parametrize(
    ("change", "match"),
    [({"to_email": "x"}, "メールアドレスの形"), ({"text": " "}, "照会内容を入力"), ({"due": TUESDAY}, "いまより後")],
)
def test_a_question_that_cannot_be_asked_is_refused(world, case, change, match):
    said = {"to_name": "x", "to_email": "x@example.jp", "text": "x", "due": None} | change
    refused(lambda: handling.refer(case, **said, by=world.seat_secretariat, at=TUESDAY), match)


def phone_call(world, **more) -> Consultation:
    what = Incoming("phone", "", "輪番の例を知りたい。", Caller("柏市", "森田 健", "04-0000-0000"), TUESDAY, **more)
    return intake.take_call(desking.desk(world), what, by=world.seat_secretariat, at=TUESDAY)


def test_a_call_while_nobody_could_answer_is_called_back(world):
    case = phone_call(world)
    when = TUESDAY + timedelta(hours=5)
    row = handling.promise_callback(
        case, when=when, phone="", note="輪番の件", owner=None, by=world.seat_secretariat, at=TUESDAY
    )
    assert (row.phone, row.at, row.owner) == ("04-0000-0000", when, None)
    refused(lambda: handling.close(case, "済み", by=world.seat_secretariat, at=TUESDAY), "折り返し予定が残っています")
    handling.called_back(row, "不在", again_at=when + timedelta(hours=1), by=world.seat_secretariat, at=when)
    [again] = Callback.objects.filter(done_at=None)
    refused(lambda: handling.called_back(row, "二度目", by=world.seat_secretariat, at=when), "先に折り返しました")
    handling.called_back(again, "例を三つ伝えた", by=world.seat_secretariat, at=when + timedelta(hours=1))
    assert [(m.kind, m.way, m.text) for m in case.messages.all()] == [
        ("in", "phone", "輪番の例を知りたい。"), ("out", "phone", "不在"), ("out", "phone", "例を三つ伝えた")
    ]  # fmt: skip


def test_an_answer_on_the_telephone_is_recorded_as_said(world):
    case = phone_call(world)
    draft = answering.save_draft(
        case, subject="", text="例を三つ伝えた。", version=None, by=world.seat_secretariat, at=TUESDAY
    )
    answering.ask_approval(draft, by=world.seat_secretariat, at=TUESDAY)
    draft.refresh_from_db()
    refused(
        lambda: answering.answer(draft, desking.desk(world), by=world.seat_secretariat2, at=TUESDAY),
        "メールアドレスがありません",
    )
    answering.answer(draft, desking.desk(world), by_phone="森田 健", by=world.seat_secretariat2, at=TUESDAY)
    assert (fresh(case).state, OutboundMail.objects.filter(about_kind="consultation").count()) == ("answered", 0)


@pytest.mark.parametrize(
    ("what", "match"),
    [
        (Incoming("phone", "", "", Caller(), TUESDAY), "件名か照会内容"),
        (Incoming("phone", "x", "x", Caller(), TUESDAY + timedelta(microseconds=1)), "いまより後"),
    ],
)
def test_a_call_that_says_nothing_or_is_yet_to_come_is_refused(world, what, match):
    refused(lambda: intake.take_call(desking.desk(world), what, by=world.seat_secretariat, at=TUESDAY), match)


def test_an_end_without_an_answer_needs_its_reason(world, case):
    refused(lambda: handling.close(case, " ", by=world.seat_secretariat, at=TUESDAY), "理由を入力")
    handling.close(case, "窓口の対象ではないため、県の課を案内した。", by=world.seat_secretariat, at=TUESDAY)
    assert (fresh(case).state, fresh(case).closed_at) == ("closed", TUESDAY)
    refused(lambda: handling.close(case, "x", by=world.seat_secretariat, at=TUESDAY), "すでに完了")


def test_a_draft_is_not_overwritten_by_who_did_not_see_it(world, case):
    first = answering.save_draft(case, subject="", text="案1", version=None, by=world.seat_secretariat, at=TUESDAY)
    refused(
        lambda: answering.save_draft(
            case, subject="", text="案2", version=None, by=world.seat_secretariat2, at=TUESDAY
        ),
        "先にこの相談を更新",
    )
    second = answering.save_draft(
        case, subject="", text="案2", version=first.version, by=world.seat_secretariat2, at=TUESDAY
    )
    assert (second.pk, second.text, second.version) == (first.pk, "案2", 2)


def test_a_draft_sent_back_says_why_and_goes_round_again(world, case):
    draft = answering.save_draft(case, subject="", text="案", version=None, by=world.seat_secretariat, at=TUESDAY)
    answering.ask_approval(draft, by=world.seat_secretariat, at=TUESDAY)
    refused(
        lambda: answering.save_draft(case, subject="", text="x", version=1, by=world.seat_secretariat, at=TUESDAY),
        "承認待ちの回答案は書き換えられません",
    )
    answering.send_back(draft, "出典を書いてください。", by=world.seat_secretariat2, at=TUESDAY)
    assert (fresh(draft).state, fresh(draft).remark, fresh(case).state) == (
        "returned",
        "出典を書いてください。",
        "drafted",
    )


def test_one_of_two_mails_becomes_a_case_of_its_own(world, case):
    desking.taken(
        world, "別の質問です。", in_reply_to=InboundMail.objects.get().message_id, at=SATURDAY + timedelta(hours=1)
    )
    first, second = case.messages.all()
    new = handling.split(second, desking.desk(world), by=world.seat_secretariat, at=TUESDAY)
    assert (new.number, new.email, new.text.strip()) == ("R7-0002", case.email, "別の質問です。")
    assert (fresh(second).consultation, fresh(second).moved_from) == (new, case)
    refused(
        lambda: handling.split(fresh(first), desking.desk(world), by=world.seat_secretariat, at=TUESDAY),
        "2通以上届いた",
    )
    again = desking.taken(
        world, "さらに。", in_reply_to=InboundMail.objects.get(pk=second.mail_id).message_id, at=TUESDAY
    )
    assert again == new


def test_the_clock_of_a_case_outside_the_hours_is_that_of_the_desk(world):
    evening = datetime(2025, 7, 18, 17, 0, tzinfo=SATURDAY.tzinfo)
    case = desking.taken(world, at=evening)
    assert case.clock_at == datetime(2025, 7, 22, 9, 0, tzinfo=SATURDAY.tzinfo)
    before = desking.taken(world, "もう一件", at=evening - timedelta(microseconds=1))
    assert before.clock_at == evening - timedelta(microseconds=1)


def logged(world, *, at=TUESDAY, phone="04-0000-0000", promise=None):
    what = Incoming("phone", "", "輪番の例を知りたい。", Caller("柏市", "森田 健", phone), TUESDAY)
    return handling.log_call(desking.desk(world), what, promise, by=world.seat_secretariat, at=at)


def test_a_call_with_a_promise_that_cannot_be_kept_is_not_taken_in_by_half(world):
    promise = handling.Promise(TUESDAY + timedelta(hours=5))
    refused(lambda: logged(world, phone="", promise=promise), "折り返しの電話番号")
    logged(world, promise=promise)
    assert (Consultation.objects.count(), Callback.objects.count()) == (1, 1)


def test_a_call_is_one_case_when_the_button_is_pressed_twice(world):
    promise = handling.Promise(TUESDAY + timedelta(hours=5))
    first = logged(world, promise=promise)
    assert logged(world, promise=promise, at=TUESDAY + timedelta(seconds=2)) == first
    assert (Consultation.objects.count(), Callback.objects.count(), Message.objects.count()) == (1, 1, 1)
    logged(world, phone="04-0000-0001", at=TUESDAY + timedelta(seconds=2))
    logged(world, at=TUESDAY + timedelta(minutes=2))
    assert Consultation.objects.count() == 3


def test_a_question_to_an_adviser_goes_out_once_when_the_button_is_pressed_twice(world, case):
    def ask(text, at=TUESDAY):
        said = {"to_name": "佐藤", "to_email": "sato@example.jp", "text": text, "due": None}
        return handling.refer(case, **said, by=world.seat_secretariat, at=at)

    first = ask("教えてください。")
    assert ask("教えてください。", TUESDAY + timedelta(seconds=2)) == first
    assert (Referral.objects.count(), OutboundMail.objects.count()) == (1, 1)
    ask("もう一つ教えてください。")
    assert OutboundMail.objects.count() == 2


def test_a_question_merged_into_a_finished_case_still_waits_for_its_answer(world, case):
    handling.close(case, "案内した。", by=world.seat_secretariat, at=SATURDAY)
    other = desking.taken(world, "別のメールです。", at=TUESDAY)
    into = handling.merge(other, case, by=world.seat_secretariat, at=TUESDAY)
    assert (into.state, into.closed_at, into.clock_at, into.due) == ("received", None, other.clock_at, other.due)


def test_of_two_that_wait_the_earlier_clock_counts_and_marks_and_drafts_go_along(world, case):
    handling.describe(case, handling.Facts(**FACTS), case.version, by=world.seat_secretariat, at=TUESDAY)
    answering.save_draft(fresh(case), subject="Re", text="書きかけの案。", version=None, by=world.seat_secretariat,
                         at=TUESDAY)  # fmt: skip
    later = desking.taken(world, "別のメールです。", at=TUESDAY + timedelta(days=1))
    into = handling.merge(fresh(case), later, by=world.seat_secretariat, at=TUESDAY + timedelta(days=1))
    assert (into.clock_at, into.due, into.urgent) == (case.clock_at, case.due, True)
    assert "書きかけの案。" in into.messages.get(kind="note").text
