"""個人が分かる記載: pointed out on arrival at a hub's desk, covered on request, and only that it was done is recorded."""

import pytest

from kyoten.consultations import personal
from kyoten.consultations.actions import answering, handling, intake, masking
from kyoten.consultations.actions.withholding import may_open
from kyoten.consultations.models import Consultation, Message
from kyoten.post.models import InboundMail
from kyoten.post.parse import parse
from kyoten.records.models import Event, Refused
from kyoten.records.verify import verify
from tests.flows import desking, knowing
from tests.flows.knowing import ANSWERED, ASKED, PATIENT

pytestmark = pytest.mark.django_db


def pointed_out(at, case):
    return [span.text for row in personal.found_in(case, at.desk, case.messages.all()) for span in row.spans]


def test_who_a_caller_describes_is_pointed_out_and_the_caller_is_not(world):
    at = knowing.hub(world)
    case = knowing.asked(
        at, f"{PATIENT}折り返しは西田まで（000-0000-1111）。伊藤様よろしくお願いします。西田 陽子様の件です。"
    )
    assert case.personal is True
    assert pointed_out(at, case) == ["山田太郎", "80歳"]


def test_a_question_about_nobody_is_not_marked(world):
    at = knowing.hub(world)
    case = knowing.asked(at, "訪問歯科の依頼先を教えてください。担当の西田より。")
    assert (case.personal, pointed_out(at, case)) == (False, [])


def test_a_later_mail_marks_the_case(world):
    at = knowing.hub(world)
    first = intake.take_mail(
        desking.mail("訪問歯科の依頼先を教えてください。", message_id="<a@example.jp>"), at.desk, at=ASKED
    )
    again = intake.take_mail(
        desking.mail("山田太郎様のことです。", in_reply_to="<a@example.jp>", at=ANSWERED), at.desk, at=ANSWERED
    )
    assert (first.personal, again.pk) == (False, first.pk)
    assert Consultation.objects.get().personal is True


def test_the_national_desks_point_out_nothing(world):
    case = desking.taken(world, PATIENT)
    assert case.personal is False
    assert personal.found_in(case, desking.desk(world), case.messages.all()) == []


def test_what_is_covered_is_covered_wherever_it_stands_in_the_case(world):
    at = knowing.hub(world)
    case = intake.take_mail(desking.mail(PATIENT, subject="山田太郎様の退院"), at.desk, at=ASKED)
    knowing.said(at, case, "山田太郎様には西区の診療所をご紹介しました。")
    message = case.messages.filter(kind="in").get()
    count = masking.mask_message(message, ["山田太郎", "80歳"], by=at.officer, at=ANSWERED)
    case.refresh_from_db()
    row = InboundMail.objects.get()
    texts = [case.subject, case.text, row.subject, row.text, *case.messages.values_list("text", flat=True)]
    texts += [*case.messages.values_list("subject", flat=True), *case.drafts.values_list("text", flat=True)]
    assert [text for text in texts if "山田" in text or "80歳" in text] == []
    assert case.text == "利用者の○○（氏名）様（○○（年齢））の退院後に、訪問診療をお願いできる医療機関を教えてください。"
    assert case.subject == "○○（氏名）様の退院"
    event = Event.objects.of("consultation", case.pk).last()
    assert (event.act, event.title) == ("mask", f"個人が分かる記載を伏せました（{count}か所）")
    assert "山田太郎様" in parse(row.raw).text
    assert verify().faults == []


def test_the_mail_as_it_came_is_then_for_managers_only(world):
    at = knowing.hub(world)
    case = intake.take_mail(desking.mail(PATIENT), at.desk, at=ASKED)
    message = case.messages.get()
    assert may_open(message, 0, at.officer) is True
    masking.mask_message(message, ["山田太郎"], by=at.officer, at=ANSWERED)
    message.refresh_from_db()
    assert [may_open(message, 0, seat) for seat in (at.officer, at.manager)] == [False, True]


def test_a_word_the_finder_missed_can_be_typed(world):
    at = knowing.hub(world)
    case = knowing.asked(at, "奥様が五味鷹尾と名乗り、五味鷹尾の件だと話しました。")
    assert masking.mask_message(case.messages.get(), [], "五味鷹尾\n", by=at.officer, at=ANSWERED) == 2
    assert case.messages.get().text == "奥様が○○（個人情報）と名乗り、○○（個人情報）の件だと話しました。"


def test_a_name_in_a_note_of_the_record_is_erased_and_the_chain_holds(world):
    at = knowing.hub(world)
    case = knowing.asked(at)
    case = knowing.said(at, case)
    handling.add_note(case, "山田太郎様の家族から", by=at.officer, at=ANSWERED)
    Event.objects.of("consultation", case.pk)
    with pytest.raises(Refused, match="すでに完了"):
        handling.close(case, "山田太郎様が取下げ", by=at.officer, at=ANSWERED)
    masking.mask_message(case.messages.filter(kind="in").get(), ["山田太郎"], by=at.officer, at=ANSWERED)
    assert [text for text in case.messages.values_list("text", flat=True) if "山田" in text] == []
    assert verify().faults == []


@pytest.mark.parametrize(
    ("chosen", "more", "said"),
    [
        ([], "", "伏せる記載が選ばれていません"),
        (["退院"], "", "伏せる記載が選ばれていません"),
        ([], "田中一郎", "どこにも見つかりません"),
    ],
)
def test_nothing_chosen_or_nothing_found_changes_nothing(world, chosen, more, said):
    at = knowing.hub(world)
    case = knowing.asked(at)
    before = (Event.objects.count(), case.messages.get().text)
    with pytest.raises(Refused, match=said):
        masking.mask_message(case.messages.get(), chosen, more, by=at.officer, at=ANSWERED)
    assert (Event.objects.count(), case.messages.get().text, case.messages.get().masked_at) == (*before, None)


def test_not_while_a_mail_is_on_its_way_and_not_by_a_stranger(world):
    at = knowing.hub(world)
    case = intake.take_mail(desking.mail(PATIENT), at.desk, at=ASKED)
    draft = answering.save_draft(case, subject="", text="ご紹介します。", version=None, by=at.officer, at=ANSWERED)
    answering.answer(draft, at.desk, by=at.officer, at=ANSWERED)
    message = case.messages.filter(kind="in").get()
    with pytest.raises(Refused, match="送信の終わっていない"):
        masking.mask_message(message, ["山田太郎"], by=at.officer, at=ANSWERED)
    with pytest.raises(Refused, match="窓口の担当だけ"):
        masking.mask_message(message, ["山田太郎"], by=world.seat_matsudo, at=ANSWERED)
    assert Message.objects.get(pk=message.pk).text.strip() == PATIENT
