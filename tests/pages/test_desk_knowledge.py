"""The pages around a case: persons named in it, consent, examples, the export, the guidebook, readers, one person."""

import json

import pytest
from django.test import Client
from django.urls import reverse

from kyoten.consultations.actions import intake, masking
from kyoten.consultations.actions.knowledge import put_guide_section
from kyoten.consultations.models import Consultation, Deletion, Example, GuideSection
from kyoten.papers.tables import write_table
from kyoten.records.models import Event
from tests.flows import desking, knowing
from tests.flows.desking import TUESDAY
from tests.flows.knowing import ANSWERED, PATIENT
from tests.world import login

pytestmark = pytest.mark.django_db


@pytest.fixture
def at(world, clock):
    clock(ANSWERED)
    return knowing.hub(world)


def page(client: Client, name: str, *args, **data) -> str:
    response = client.get(reverse(name, args=args), data)
    assert response.status_code == 200
    return response.content.decode()


def sent(client: Client, name: str, *args, **data) -> str:
    response = client.post(reverse(name, args=args), data, follow=True)
    assert response.status_code == 200
    return response.content.decode()


def test_a_hub_officer_sees_who_is_named_and_covers_it(at):
    case, client = knowing.asked(at), login(Client(), at.officer)
    shown = page(client, "consultations:case", case.pk)
    assert "個人が分かる記載" in shown
    assert 'value="山田太郎"' in shown
    message = case.messages.get()
    said = sent(client, "consultations:mask", case.pk, message.pk, hit=["山田太郎", "80歳"])
    assert "2か所を伏せました。" in said
    assert "山田太郎" not in said
    assert "伏せる記載が選ばれていません" in sent(client, "consultations:mask", case.pk, message.pk, hit="山田太郎")


def test_what_is_typed_is_looked_through_and_not_stored(at):
    client, url = login(Client(), at.officer), reverse("consultations:check_personal")
    before = Event.objects.count()
    part = client.post(url, {"text": PATIENT, "subject": "鈴木様"}, headers={"HX-Request": "true"}).content.decode()
    assert [word for word in ("鈴木", "山田太郎（氏名）", "80歳（年齢）", "<html") if word in part] == [
        "鈴木", "山田太郎（氏名）", "80歳（年齢）"
    ]  # fmt: skip
    whole = client.post(url, {"text": "訪問歯科について"}).content.decode()
    assert "個人が分かる記載は見つかりませんでした" in whole
    assert "<html" in whole
    assert Event.objects.count() == before


def test_while_an_example_is_typed_bodies_are_pointed_out_too(at):
    client, url = login(Client(), at.officer), reverse("consultations:check_personal")
    typed = {"title": "退院の例", "question": "みどり薬局に頼めますか。", "answer": "千葉市の窓口へ。"}
    said = client.post(url, typed, headers={"HX-Request": "true"}).content.decode()
    assert [word for word in ("みどり薬局（団体名）", "千葉市（団体名）") if word in said] == [
        "みどり薬局（団体名）",
        "千葉市（団体名）",
    ]
    case = client.post(url, {"subject": "退院", "text": "みどり薬局に頼めますか。"}).content.decode()
    assert "個人が分かる記載は見つかりませんでした" in case


def test_the_open_form_points_out_a_person_before_it_is_sent(at):
    url, client = reverse("consultations:ask", args=["chiba-hub-soudan"]), Client()
    typed = {
        "body_name": "みどり訪問看護",
        "person_name": "西田 陽子",
        "email": "m@example.jp",
        "subject": "退院",
        "text": PATIENT,
    }
    first = client.post(url, typed).content.decode()
    assert "山田太郎（氏名）" in first
    assert PATIENT in first
    assert Consultation.objects.count() == 0
    client.post(url, typed | {"sure": "on"})
    assert Consultation.objects.get().personal is True
    client.post(url, typed | {"text": "訪問歯科について。西田陽子より", "subject": "歯科"})
    assert Consultation.objects.count() == 2


def test_the_way_from_a_hub_desks_question_to_an_example(at, world):
    case, officer, manager = (
        knowing.said(at, knowing.asked(at)),
        login(Client(), at.officer),
        login(Client(), at.manager),
    )
    assert "西区の診療所をご紹介しました。" in page(officer, "consultations:propose", case.pk)
    texts = {"title": "退院後の訪問診療", "question": PATIENT, "answer": "西区の診療所をご紹介しました。"}
    sent(officer, "consultations:propose", case.pk, **texts)
    example = Example.objects.get()
    assert "公開は、提案した人（最後に直した人）とは別の人が行います。" in page(officer, "examples:show", example.pk)
    assert "記載が残っています（山田太郎、80歳）" in sent(manager, "examples:decide", example.pk, do="release")
    sent(officer, "examples:decide", example.pk, do="cover", hit=["山田太郎", "80歳"], version=1)
    reader = login(Client(), world.seat_matsudo)
    assert reader.get(reverse("examples:show", args=[example.pk])).status_code == 404
    assert "事例を公開しました。" in sent(manager, "examples:decide", example.pk, do="release")
    shown = page(reader, "examples:list", words="訪問診療")
    assert "退院後の訪問診療" in shown
    read = page(reader, "examples:show", example.pk)
    assert "○○（氏名）様（○○（年齢））" in read
    assert [word for word in ("山田", "もとの相談", "取り下げる") if word in read] == []
    assert "取り下げる理由" in sent(officer, "examples:decide", example.pk, do="withdraw", reason="")
    sent(officer, "examples:decide", example.pk, do="withdraw", reason="古くなったため")
    assert reader.get(reverse("examples:show", args=[example.pk])).status_code == 404


def test_confirming_and_saving_keep_what_was_typed(at):
    case, client = knowing.said(at, knowing.asked(at)), login(Client(), at.officer)
    texts = {"title": "講演", "question": "鈴木先生の講演はありますか。", "answer": "あります。"}
    sent(client, "consultations:propose", case.pk, **texts)
    example = Example.objects.get()
    sent(client, "examples:decide", example.pk, do="confirm", hit="鈴木", version=1)
    example.refresh_from_db()
    assert json.loads(example.confirmed_text) == ["鈴木"]
    refused = sent(client, "examples:decide", example.pk, do="save", **texts | {"answer": "直した答え"}, version=1)
    assert "先にこの事例を更新しました" in refused
    assert "直した答え" in refused
    sent(client, "examples:decide", example.pk, do="save", **texts | {"answer": "直した答え"}, version=2)
    example.refresh_from_db()
    assert example.answer == "直した答え"


def test_the_national_desk_asks_for_consent_first(world, clock):
    clock(ANSWERED)
    case, client = knowing.mailed(world), login(Client(), world.seat_secretariat)
    assert "相談者の同意が要ります" in page(client, "consultations:propose", case.pk)
    sent(client, "consultations:consent", case.pk, consent="yes", how="電話で確認")
    assert Consultation.objects.get().consent == "yes"
    assert "<textarea" in page(client, "consultations:propose", case.pk)


def test_the_export_is_downloaded_and_another_use_is_refused_in_words(world, clock):
    clock(ANSWERED)
    knowing.mailed(world)
    knowing.published("r6-soudan", world.secretariat)
    client, url = login(Client(), world.seat_secretariat), reverse("consultations:export")
    made = client.post(url, {"desk": "r7-zaitaku", "use": "guidebook_revision", "kind": "docx"})
    assert made["Content-Disposition"].startswith("attachment")
    refused = sent(client, "consultations:export", desk="r6-soudan", use="guidebook_revision", kind="xlsx")
    assert "この窓口の相談は「ガイドブックの改訂の参考」には使えません" in refused
    assert Event.objects.filter(act="export_refused").count() == 1
    made_up = sent(client, "consultations:export", desk="r7-zaitaku", use="advertising", kind="xlsx")
    assert "この窓口の相談は「advertising」には使えません" in made_up
    assert Event.objects.filter(act="export_refused").count() == 2


def test_sections_of_the_guidebook_come_in_one_by_one_or_as_a_table(world, clock, tmp_path):
    clock(TUESDAY)
    client = login(Client(), world.seat_secretariat)
    sent(client, "consultations:guide_add", chapter="1章", title="連携", text="本文", place="")
    row = GuideSection.objects.get()
    sent(
        client, "consultations:guide_edit", row.pk, chapter="1章", title="連携", text="改めた本文", place="1", version=1
    )
    assert "先にこの節を更新" in sent(
        client, "consultations:guide_edit", row.pk, chapter="1章", title="連携", text="別の本文", place="1", version=1
    )
    path = tmp_path / "guide.xlsx"
    path.write_bytes(
        write_table("節", ("章", "見出し", "本文"), [("1章", "連携", "表の本文"), ("2章", "会議", "会議の本文")])
    )
    with path.open("rb") as file:
        assert "2節を登録しました。" in sent(client, "consultations:guide", file=file)
    assert list(GuideSection.objects.values_list("title", "text")) == [("連携", "表の本文"), ("会議", "会議の本文")]
    sent(client, "consultations:guide_edit", GuideSection.objects.get(title="会議").pk, do="drop")
    assert "連携" in page(client, "consultations:guide")
    assert GuideSection.objects.count() == 1


def test_a_desk_that_keeps_no_guidebook_reads_it_and_cannot_change_it(at, world):
    put_guide_section(chapter="", title="会議", text="本文", by=world.seat_secretariat, at=TUESDAY)
    client = login(Client(), at.manager)
    assert "節を登録する" not in page(client, "consultations:guide")
    assert client.get(reverse("consultations:guide_add")).status_code == 404


def test_what_fits_is_offered_beside_the_draft_and_while_typing(world, clock):
    clock(TUESDAY)
    case, client = desking.taken(world), login(Client(), world.seat_secretariat)
    put_guide_section(
        chapter="2章", title="平時の連携", text="受入れを決めておく", by=world.seat_secretariat, at=TUESDAY
    )
    assert "出典　ガイドブック　2章　平時の連携" in page(client, "consultations:case", case.pk)
    assert "平時の連携" in page(client, "consultations:suggest", case.pk, text="平時の連携について")
    assert "合う資料はありません" in page(client, "consultations:suggest", case.pk, text="歯科")


def test_the_original_of_a_masked_mail_is_for_managers(at):
    case = intake.take_mail(desking.mail(PATIENT), at.desk, at=TUESDAY)
    message = case.messages.get()
    masking.mask_message(message, ["山田太郎"], by=at.officer, at=TUESDAY)
    url = reverse("consultations:message_file", args=[case.pk, message.pk, 0])
    for seat, status in ((at.officer, 404), (at.manager, 200)):
        response = login(Client(), seat).get(url)
        b"".join(response)  # reading to the end closes the file
        assert (seat.role, response.status_code) == (seat.role, status)


def test_one_persons_data_on_request(at):
    case, client = knowing.said(at, knowing.asked(at)), login(Client(), at.manager)
    assert case.number in page(client, "consultations:person", who="西田陽子")
    made = client.post(reverse("consultations:person_paper"), {"who": "西田陽子", "kind": "xlsx"})
    assert made["Content-Disposition"].startswith("attachment")
    assert "文書の番号を入力し" in sent(client, "consultations:person_delete", who="西田陽子", document="", sure="")
    assert Consultation.objects.count() == 1
    said = sent(client, "consultations:person_delete", who="西田陽子", document="12号", sure="on")
    assert f"{case.number}　消去しました。" in said
    assert (Consultation.objects.count(), Deletion.objects.count()) == (0, 1)


def test_a_person_who_is_only_named_is_shown_to_be_covered_there(at):
    case, client = knowing.asked(at), login(Client(), at.manager)
    assert case.number in page(client, "consultations:person", who="山田太郎")
