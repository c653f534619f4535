"""添付を伏せる: files that show a person are out of sight and out of the search; that it was done is recorded."""

import io

import docx
import pytest
from django.test import Client
from django.urls import reverse

from kyoten.consultations.actions import examples, intake, knowledge, masking, returning, withholding
from kyoten.consultations.actions.attached import SPEAKS, read_attached
from kyoten.consultations.models import KIND, Consultation
from kyoten.post.models import InboundMail
from kyoten.records.models import Event, Refused
from kyoten.records.verify import verify
from kyoten.search.finding import find
from tests.flows import desking, knowing
from tests.flows.knowing import ANSWERED, ASKED, PATIENT
from tests.world import login

pytestmark = pytest.mark.django_db
NAME = "山田太郎様_診療情報.docx"


def word(text: str) -> bytes:
    document, data = docx.Document(), io.BytesIO()
    document.add_paragraph(text)
    document.save(data)
    return data.getvalue()


def asked(at, text: str = PATIENT, inside: str = "山田太郎様の後方病床の件") -> Consultation:
    return intake.take_mail(desking.mail(text, files={NAME: word(inside)}), at.desk, at=ASKED)


def found(at, words: str) -> list[int]:
    return [pk for _, pk in find(words, scope=at.body.pk, kinds=(KIND,)).ids]


def page(seat, case) -> str:
    return login(Client(), seat).get(reverse("consultations:case", args=[case.pk])).content.decode()


def file_status(seat, case, number: int) -> int:
    message = case.messages.filter(kind="in").get()
    url = reverse("consultations:message_file", args=[case.pk, message.pk, number])
    return status(login(Client(), seat), url)


def status(client: Client, url: str) -> int:
    response = client.get(url)
    b"".join(response)  # reading to the end closes a file
    return response.status_code


def test_a_file_that_speaks_of_a_person_marks_the_case(world):
    at = knowing.hub(world)
    case = asked(at, "書類をお送りします。")
    assert case.personal is False
    read_attached()
    case.refresh_from_db()
    assert (case.personal, case.messages.get().warning) == (True, SPEAKS)
    other = asked(at, "別の書類をお送りします。", "会議次第")
    read_attached()
    other.refresh_from_db()
    assert (other.personal, other.messages.get().warning) == (False, "")


def test_masking_says_that_the_files_still_show_it(world, clock):
    at = knowing.hub(world)
    clock(ANSWERED)
    case = asked(at)
    read_attached()
    assert "添付ファイルはそのままです" not in page(at.officer, case)
    masking.mask_message(case.messages.get(), ["山田太郎"], by=at.officer, at=ANSWERED)
    shown = page(at.officer, case)
    assert ("添付ファイルはそのままです" in shown, "○○（氏名）様_診療情報.docx" in shown) == (True, True)
    assert (found(at, "山田太郎"), found(at, "後方病床")) == ([], [case.pk])


def test_files_nobody_has_read_yet_do_not_bring_a_masked_name_back(world):
    at = knowing.hub(world)
    case = asked(at)
    masking.mask_message(case.messages.get(), ["山田太郎"], by=at.officer, at=ANSWERED)
    assert read_attached() == 0
    assert (found(at, "山田太郎"), found(at, "後方病床")) == ([], [case.pk])


def test_withheld_files_are_for_managers_only_and_out_of_the_search(world, clock):
    at = knowing.hub(world)
    clock(ANSWERED)
    case = asked(at)
    read_attached()
    assert found(at, "後方病床") == [case.pk]
    assert [file_status(at.officer, case, number) for number in (0, 1)] == [200, 200]
    assert withholding.withhold_files(case.messages.get(), by=at.officer, at=ANSWERED) == 1
    assert found(at, "後方病床") == []
    assert read_attached() == 0
    assert [file_status(at.officer, case, number) for number in (0, 1)] == [404, 404]
    assert [file_status(at.manager, case, number) for number in (0, 1)] == [200, 200]
    shown = page(at.officer, case)
    assert ("添付は伏せてあります" in shown, NAME in shown, NAME in page(at.manager, case)) == (True, False, True)
    event = Event.objects.of(KIND, case.pk).last()
    assert (event.act, event.title, verify().faults) == ("withhold", "添付ファイルを伏せました（1件）", [])


def test_neither_is_the_mail_of_the_case_open_on_the_sorting_page(world, clock):
    at = knowing.hub(world)
    clock(ANSWERED)
    case = asked(at)
    mail = InboundMail.objects.get()
    InboundMail.objects.filter(pk=mail.pk).update(sort="desk")
    urls = [reverse("sorting:file", args=[mail.pk, number]) for number in (0, 1)]
    client = login(Client(), at.officer)
    assert [status(client, url) for url in urls] == [200, 200]
    masking.mask_message(case.messages.get(), ["山田太郎"], by=at.officer, at=ANSWERED)
    assert [status(client, url) for url in urls] == [404, 200]
    withholding.withhold_files(case.messages.get(), by=at.officer, at=ANSWERED)
    assert [status(client, url) for url in urls] == [404, 404]
    shown = client.get(reverse("sorting:mail", args=[mail.pk])).content.decode()
    assert (NAME in shown, "メールの原本" in shown) == (False, False)


def test_a_manager_may_show_them_again(world):
    at = knowing.hub(world)
    case = asked(at)
    read_attached()
    withholding.withhold_files(case.messages.get(), by=at.officer, at=ANSWERED)
    with pytest.raises(Refused, match="「管理」の席だけ"):
        withholding.show_files(case.messages.get(), by=at.officer, at=ANSWERED)
    assert found(at, "後方病床") == []
    withholding.show_files(case.messages.get(), by=at.manager, at=ANSWERED)
    assert found(at, "後方病床") == [case.pk]


@pytest.mark.parametrize("read_before", [True, False])
def test_what_was_masked_while_they_were_withheld_stays_masked(world, read_before):
    at = knowing.hub(world)
    case = asked(at)
    if read_before:
        read_attached()
    withholding.withhold_files(case.messages.get(), by=at.officer, at=ANSWERED)
    masking.mask_message(case.messages.get(), ["山田太郎"], by=at.officer, at=ANSWERED)
    withholding.show_files(case.messages.get(), by=at.manager, at=ANSWERED)
    read_attached()
    assert (found(at, "山田太郎"), found(at, "後方病床")) == ([], [case.pk])


def test_files_read_only_after_they_were_withheld_are_not_found_and_point_at_nobody(world):
    at = knowing.hub(world)
    case = asked(at, "書類をお送りします。")
    withholding.withhold_files(case.messages.get(), by=at.officer, at=ANSWERED)
    assert read_attached() == 1
    assert (found(at, "後方病床"), case.messages.get().warning) == ([], "")


def test_the_page_has_the_button_and_says_what_was_done(world, clock):
    at = knowing.hub(world)
    clock(ANSWERED)
    case = asked(at)
    url = reverse("consultations:withhold", args=[case.pk, case.messages.get().pk])
    assert f'action="{url}"' in page(at.officer, case)
    client = login(Client(), at.manager)
    assert "添付ファイル1件を伏せました" in client.post(url, follow=True).content.decode()
    assert "すでに伏せられています" in client.post(url, follow=True).content.decode()
    assert "伏せるのをやめました" in client.post(url, {"do": "show"}, follow=True).content.decode()
    assert "伏せられていません" in client.post(url, {"do": "show"}, follow=True).content.decode()


def test_refused_without_files_and_for_strangers(world):
    at = knowing.hub(world)
    bare, case = knowing.asked(at), asked(at)
    with pytest.raises(Refused, match="伏せる添付ファイルはありません"):
        withholding.withhold_files(bare.messages.get(), by=at.officer, at=ANSWERED)
    with pytest.raises(Refused, match="窓口の担当だけ"):
        withholding.withhold_files(case.messages.get(), by=world.seat_matsudo, at=ANSWERED)
    assert (bare.messages.get().withheld_at, case.messages.get().withheld_at) == (None, None)


def test_neither_export_nor_example_ever_holds_a_file(world):
    at = knowing.hub(world)
    case = knowing.said(at, asked(at, "後方の病床を探しています。"))
    read_attached()
    data = knowledge.export_for("local_cases", at.desk, kind="docx", by=at.officer, at=ANSWERED).data
    text = "\n".join(cell.text for t in docx.Document(io.BytesIO(data)).tables for row in t.rows for cell in row.cells)
    text += "\n".join(paragraph.text for paragraph in docx.Document(io.BytesIO(data)).paragraphs)
    assert ("後方の病床" in text, "後方病床" in text, "山田" in text) == (True, False, False)
    example = examples.propose(
        case, at.desk, title="病床", question=case.text, answer="一覧", by=at.officer, at=ANSWERED
    )
    assert "後方病床" not in example.question


def test_the_same_mail_come_twice_does_not_show_what_was_withheld(world):
    at = knowing.hub(world)
    case = asked(at)
    first = InboundMail.objects.get()
    twice = desking.mail(PATIENT, message_id=first.message_id, files={NAME: word("山田太郎様の後方病床の件")},
                         X_Way="forwarded")  # fmt: skip
    assert returning.note_double(twice, first, at=ASKED)
    message = case.messages.filter(kind="in").get()
    withholding.withhold_files(message, by=at.officer, at=ANSWERED)
    twice.refresh_from_db()
    assert [withholding.may_open_part(twice, number, at.officer) for number in (0, 1)] == [False, False]
