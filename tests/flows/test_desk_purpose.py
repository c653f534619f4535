"""利用目的: what a case may be used for stays what its caller was told; anything else is refused, and recorded."""

from datetime import timedelta
from io import BytesIO
from zipfile import ZipFile

import pytest
from django.db.models import CharField, TextField

from kyoten.consultations.actions import handling, intake, knowledge
from kyoten.consultations.desks import Desk, desk_of, desks
from kyoten.consultations.models import Consultation, Example, GuideSection
from kyoten.records.models import Event, Refused
from tests.flows import desking, knowing
from tests.flows.desking import TUESDAY

pytestmark = pytest.mark.django_db
SECRETS = ["松戸市", "松戸", "山下", "結衣", "047-000-0000", "matsudo.example.jp", "大野"]


def r6(world) -> Desk:
    knowing.published("r6-soudan", world.secretariat)
    found = desk_of("r6-soudan", desks(world.secretariat))
    assert found is not None
    return found


def export(world, use="guidebook_revision", desk=None, kind="xlsx", seat=None):
    by = seat or world.seat_secretariat
    return knowledge.export_for(use, desk or desking.desk(world), kind=kind, by=by, at=TUESDAY)


def acts(kind: str, pk: int) -> list[str]:
    return list(Event.objects.of(kind, pk).values_list("act", flat=True))


def test_a_case_may_be_used_for_what_was_written_on_it(world):
    case = desking.taken(world)
    assert [knowledge.may_use(case, use) for use in ("guidebook_revision", "support_package")] == [True, False]


@pytest.mark.parametrize("kind", ["xlsx", "docx"])
def test_the_export_holds_nobody_and_is_recorded_on_every_case(world, kind):
    case = knowing.mailed(world, desking.TEMPLATE + "\n松戸市地域医療課　山下（047-000-0000）まで")
    desking.taken(world, "まだ回答していない質問です。", sender="x@kashiwa.example.jp")
    found = export(world, kind=kind)
    text = words_of(found.data, kind)
    assert found.count == 1
    assert "人工呼吸器を使う方の受入れについてです。" in text
    assert "訪問看護の方を加える例" in text
    assert [secret for secret in SECRETS if secret in text] == []
    assert acts("consultation", case.pk)[-1] == "export"
    assert Event.objects.filter(act="export").count() == 1


def test_no_field_of_a_case_leaks_into_the_export(world):
    """Every text column of a case, and what stands beside it, holds a mark of its own; what may go out is named here."""
    case = knowing.mailed(world)
    columns = [f.name for f in Consultation._meta.get_fields() if isinstance(f, CharField | TextField)]
    fixed = {"programme", "number", "state", "way", "asker", "handling", "consent", "purposes_text", "purpose_text"}
    marks = {name: f"印{n:02}{name}" for n, name in enumerate(columns) if name not in fixed}
    Consultation.objects.filter(pk=case.pk).update(**marks, number="印番号")
    case.messages.update(subject="印件名", who="印差出人", text="印やりとり", warning="印注意")
    handling.add_note(case, "印メモ", by=world.seat_secretariat, at=TUESDAY)
    case.drafts.update(remark="印差戻し", subject="印回答件名")
    text = words_of(export(world).data, "xlsx")
    found = {name for name, mark in marks.items() if mark in text}
    assert found == {"subject", "text"}
    others = ("印番号", "印件名", "印差出人", "印やりとり", "印注意", "印メモ", "印差戻し", "印回答件名")
    assert [mark for mark in others if mark in text] == []


def test_what_was_asked_besides_goes_out_with_the_first_question_and_names_nobody(world):
    case = desking.taken(world, "会議の議題の例を教えてください。", message_id="<a@example.jp>")
    more = desking.mail(
        "参加者の職種の例も教えてください。\n松戸市地域医療課　山下 結衣（047-000-0000）", sender=f"山下 結衣 <{desking.ASKER}>",
        References="<a@example.jp>",
    )  # fmt: skip
    intake.take_mail(more, desking.desk(world), at=TUESDAY)
    knowing.answered(world, case)
    text = words_of(export(world).data, "xlsx")
    asked = ["会議の議題の例", "（追加の照会）", "参加者の職種の例"]
    assert [words for words in asked if words in text] == asked
    assert [secret for secret in SECRETS if secret in text] == []


def words_of(data: bytes, kind: str) -> str:
    with ZipFile(BytesIO(data)) as file:
        return file.read({"xlsx": "xl/worksheets/sheet1.xml", "docx": "word/document.xml"}[kind]).decode()


def test_any_other_use_is_refused_and_the_attempt_recorded(world):
    case = knowing.mailed(world)
    before = acts("consultation", case.pk)
    with pytest.raises(Refused, match="「support_package」には使えません"):
        export(world, "support_package")
    assert acts("consultation", case.pk) == before
    assert acts("programme", world.programme.record_id) == ["export_refused"]


def test_one_years_cases_never_become_another_years(world):
    old = r6(world)
    knowing.mailed(world)
    with pytest.raises(Refused, match="「ガイドブックの改訂の参考」には使えません"):
        export(world, "guidebook_revision", old)
    with pytest.raises(Refused, match="回答済み"):
        export(world, "support_package", old)
    assert Event.objects.filter(act="export").count() == 0


def test_a_case_keeps_the_purpose_of_its_day_when_the_definition_changes(world):
    case = knowing.mailed(world)
    text = world.programme.text.replace('id = "guidebook_revision"', 'id = "anything"')
    world.programme.pk, world.programme.revision, world.programme.text, world.programme.digest = None, 2, text, "x"
    world.programme.save(force_insert=True)
    case.refresh_from_db()
    assert case.purposes == ["guidebook_revision"]
    with pytest.raises(Refused, match="回答済み"):
        export(world, "anything")
    assert export(world).count == 1


def test_only_the_desk_exports(world):
    knowing.mailed(world)
    with pytest.raises(Refused, match="窓口の担当だけ"):
        export(world, seat=world.seat_ministry)
    assert Event.objects.filter(act__startswith="export").count() == 0


# ---- 参考になる資料 ---------------------------------------------------------------------------


def example(world, slug="r7-zaitaku", year=2025, state="released", operator=None, **texts):
    words = {"title": "災害時の連携", "question": "平時の連携の例", "answer": "連携の会議を開きます。"} | texts
    return Example.objects.create(
        operator=operator or world.secretariat, programme=slug, fiscal_year=year, state=state, basis="同意",
        proposed_by=world.seat_secretariat, proposed_at=TUESDAY, **words,
    )  # fmt: skip


def test_examples_of_the_same_years_desk_and_sections_of_the_guidebook_are_offered(world):
    case = desking.taken(world)
    ours = example(world)
    section = knowledge.put_guide_section(
        chapter="第2章",
        title="平時の連携",
        text="人工呼吸器を使う方の受入れを決めておく。",
        by=world.seat_secretariat,
        at=TUESDAY,
    )
    found = knowledge.suggestions_for(case)
    assert {(each.kind, each.pk) for each in found} == {("example", ours.pk), ("guide", section.pk)}
    assert found[0].source == "ガイドブック　第2章　平時の連携"


def test_another_years_text_a_proposal_and_what_was_withdrawn_are_never_offered(world):
    case = desking.taken(world)
    hub = knowing.hub(world)
    example(world, slug="r6-soudan", year=2024)
    example(world, slug="chiba-hub-soudan", operator=hub.body)
    example(world, state="proposed")
    example(world, state="withdrawn")
    assert knowledge.suggestions_for(case, "平時の連携") == []


def test_what_does_not_fit_the_words_is_not_offered(world):
    case = desking.taken(world)
    example(world, title="訪問歯科", question="訪問歯科の費用", answer="介護保険の居宅療養管理指導")
    assert knowledge.suggestions_for(case, "災害時の電源") == []
    assert [each.title for each in knowledge.suggestions_for(case, "歯科")] == ["訪問歯科"]


def test_only_the_secretariat_keeps_the_guidebook_and_nothing_is_overwritten(world):
    with pytest.raises(Refused, match="事務局の担当だけ"):
        knowledge.put_guide_section(chapter="", title="a", text="b", by=world.seat_chiba, at=TUESDAY)
    assert GuideSection.objects.count() == 0
    assert (
        knowledge.put_guide_sections(
            [("1章", "連携", "本文"), ("1章", "会議", "本文")], by=world.seat_secretariat, at=TUESDAY
        )
        == 2
    )
    row = GuideSection.objects.first()
    later = TUESDAY + timedelta(hours=1)
    knowledge.put_guide_section(
        chapter="1章", title="連携", text="改めた", row=row, version=1, by=world.seat_secretariat2, at=later
    )
    with pytest.raises(Refused, match="先にこの節を更新"):
        knowledge.put_guide_section(
            chapter="1章", title="連携", text="別", row=row, version=1, by=world.seat_secretariat, at=later
        )
    assert list(GuideSection.objects.values_list("title", "text")) == [("連携", "改めた"), ("会議", "本文")]


def test_a_message_split_off_keeps_what_its_caller_was_told_and_other_purposes_do_not_mix(world):
    case = desking.taken(world, message_id="<one@example.jp>")
    desking.taken(world, "別の質問です。", in_reply_to="<one@example.jp>")
    Consultation.objects.update(purpose_text="以前の文言", purposes_text='["earlier"]')
    case.refresh_from_db()
    new = handling.split(case.messages.last(), desking.desk(world), by=world.seat_secretariat, at=TUESDAY)
    new.refresh_from_db()
    assert (new.purpose_text, new.purposes) == ("以前の文言", ["earlier"])
    other = desking.taken(world, "今の質問です。", sender="b@example.jp")
    with pytest.raises(Refused, match="利用目的の異なる相談"):
        handling.merge(case, other, by=world.seat_secretariat, at=TUESDAY)
    assert Consultation.objects.filter(state="merged").count() == 0
