"""Search over cases: every message, whoever wrote it, and the text of what came with it; only for the desk itself."""

import io
from email.message import EmailMessage

import docx
import pytest
from django.urls import reverse

from kyoten.consultations import searching
from kyoten.consultations.actions import handling, intake, withholding
from kyoten.consultations.actions.attached import read_attached
from kyoten.consultations.actions.bulk import take_mails
from kyoten.consultations.models import KIND, Message
from kyoten.post.actions import receive
from kyoten.post.inbox import read_new
from kyoten.search.finding import find
from kyoten.search.verify import verify
from tests.flows import desking
from tests.flows.desking import SATURDAY, TUESDAY
from tests.world import login

pytestmark = pytest.mark.django_db


def found(world, words, body=None):
    return [pk for _, pk in find(words, scope=(body or world.secretariat).pk, kinds=(KIND,)).ids]


def test_what_came_in_and_what_was_noted_is_found_newest_first(world):
    first, second = desking.taken(world), desking.taken(world, "鎌ヶ谷市の看取りの件です。", at=TUESDAY)
    assert found(world, "看取り") == [second.pk]
    assert found(world, "鎌ケ谷") == [second.pk]
    assert found(world, "鎌") == [second.pk]
    handling.add_note(first, "看取りについてはアドバイザーに聞く。", by=world.seat_secretariat, at=TUESDAY)
    assert found(world, "看取り") == [second.pk, first.pk]
    assert found(world, "看取り アドバイザー") == [first.pk]
    assert found(world, "看取り", world.chiba) == []


def test_a_merged_case_is_found_where_its_messages_are(world):
    one, two = desking.taken(world), desking.taken(world, "往診の件です。")
    handling.merge(two, one, by=world.seat_secretariat, at=TUESDAY)
    assert found(world, "往診") == [one.pk]


def with_word_file(text: str) -> bytes:
    document, data = docx.Document(), io.BytesIO()
    document.add_paragraph(text)
    document.save(data)
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = desking.ASKER, "zaitaku@example.jp", "資料を送ります"
    mail.set_content("添付を御覧ください。")
    mail.add_attachment(data.getvalue(), maintype="application", subtype="octet-stream", filename="会議次第.docx")
    mail.add_attachment(b"\x00broken", maintype="application", subtype="octet-stream", filename="壊れた.docx")
    return mail.as_bytes()


def test_the_text_of_a_word_file_is_found_once_it_was_read(world):
    row = receive(with_word_file("後方病床の確保について協議する。"), source="test", at=SATURDAY)
    read_new(SATURDAY)
    row.refresh_from_db()
    case = intake.take_mail(row, desking.desk(world), at=SATURDAY)
    assert (found(world, "後方病床"), found(world, "会議次第.docx")) == ([], [case.pk])
    assert (read_attached(), read_attached()) == (1, 0)
    assert found(world, "後方病床") == [case.pk]


def test_the_page_shows_the_hit_in_its_place(client, world, clock):
    case = desking.taken(world)
    clock(TUESDAY)
    login(client, world.seat_secretariat)
    page = client.get(reverse("consultations:list"), {"words": "人工呼吸器"})
    assert [(hit["pk"], hit["hit"]) for hit in page.context["hits"]] == [(case.pk, "人工呼吸器")]
    assert "<mark>人工呼吸器</mark>" in page.content.decode()
    nothing = client.get(reverse("consultations:list"), {"words": "どこにもない言葉"}).content.decode()
    assert "見つかりません" in nothing


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp932", "euc-jp", "iso-2022-jp", "utf-16"])
@pytest.mark.parametrize("name", ["覚書.txt", "一覧.CSV"])
def test_a_text_file_is_found_however_it_is_written(world, encoding, name):
    """Excel saves 「Unicode テキスト」 as UTF-16, older systems of a city write EUC or JIS."""
    text = "後方病床の確保、\n看取りの体制について"
    case = desking.taken(world, "資料を送ります。", files={name: text.encode(encoding)})
    read_attached()
    assert (found(world, "後方病床"), found(world, "看取り")) == ([case.pk], [case.pk])


def test_a_broken_text_file_has_no_text_and_stops_nothing(world):
    case = desking.taken(world, "資料を送ります。", files={"壊れ.txt": b"\xff\xfe\x00\xd8a", "絵.txt": b"\x00\x01\x02"})
    assert read_attached() == 1
    assert case.messages.get().attached_text == ""


def test_the_names_of_files_are_found_until_they_are_withheld(world):
    """A PDF has no text to search, but the officer remembers what it was called."""
    case = desking.taken(world, "資料を送ります。", files={"後方病床一覧（令和７年）.pdf": b"%PDF-1.7"})
    assert found(world, "病床一覧（令和7年") == [case.pk]
    withholding.withhold_files(case.messages.get(), by=world.seat_secretariat, at=TUESDAY)
    assert found(world, "病床一覧") == []


def test_the_names_of_files_are_found_when_many_mails_were_taken_together(world):
    mails = [desking.mail(f"資料の{n}です。", files={f"名簿{n}.pdf": b"%PDF-1.7"}) for n in (1, 2)]
    take_mails(mails, desking.desk(world), at=SATURDAY)
    case = Message.objects.get(text__contains="資料の2").consultation_id
    assert found(world, "名簿2.pdf") == [case]
    assert verify([searching.everything()]) == []
