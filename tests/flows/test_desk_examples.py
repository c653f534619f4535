"""事例: a hub desk's question becomes an anonymised example that a second person releases; without purpose or consent none."""

import pytest

from kyoten.consultations.actions import examples, knowledge
from kyoten.consultations.models import Consultation, Example
from kyoten.records.models import Event, Refused
from kyoten.records.verify import verify
from tests.flows import desking, knowing
from tests.flows.knowing import ANSWERED

pytestmark = pytest.mark.django_db
TEXTS = {
    "title": "退院後の訪問診療",
    "question": "山田太郎様（80歳）の退院後の訪問診療を探しています。みどり訪問看護ステーションの西田です。",
    "answer": "千葉市の在宅医の一覧から3か所をご紹介しました。鈴木先生の講演も参考になります。",
}


def proposed(at, case, by=None) -> Example:
    return examples.propose(case, at.desk, **TEXTS, by=by or at.officer, at=ANSWERED)


def words(found) -> list[str]:
    return [span.text for span in found]


def test_a_hub_desks_question_becomes_an_example(world):
    at = knowing.hub(world)
    case = knowing.said(at, knowing.asked(at))
    example = proposed(at, case)
    assert example.basis.startswith("利用目的「いただいた相談は、個人が分からないようにした事例として")
    assert words(examples.hits(example)) == [
        "山田太郎", "80歳", "みどり訪問看護ステーション", "西田", "千葉市", "鈴木"
    ]  # fmt: skip
    with pytest.raises(Refused, match="別の人が行います"):
        examples.release(example, at.desk, by=at.officer, at=ANSWERED)
    with pytest.raises(Refused, match="個人や団体が分かるかもしれない記載が残っています（山田太郎、80歳"):
        examples.release(example, at.desk, by=at.manager, at=ANSWERED)
    assert [Example.objects.readable_by(seat).count() for seat in (world.seat_matsudo, at.officer)] == [0, 0]
    found = ["山田太郎", "80歳", "みどり訪問看護ステーション", "西田", "千葉市"]
    examples.cover(example, found, version=1, by=at.officer, at=ANSWERED)
    example.refresh_from_db()
    assert words(examples.unconfirmed(example)) == ["鈴木"]
    texts = {name: getattr(example, name) for name in TEXTS}
    examples.edit(example, **texts, confirmed=["鈴木"], version=2, by=at.officer, at=ANSWERED)
    example.refresh_from_db()
    examples.release(example, at.desk, by=at.manager, at=ANSWERED)
    example.refresh_from_db()
    assert example.question == (
        "○○（氏名）様（○○（年齢））の退院後の訪問診療を探しています。○○（団体名）の○○（氏名）です。"
    )
    readers = (
        world.seat_matsudo,
        world.seat_chiba,
        world.seat_association,
        world.seat_ministry,
        world.seat_secretariat,
    )
    assert [Example.objects.readable_by(seat).count() for seat in readers] == [1] * 5
    assert [e.act for e in Event.objects.of("example", example.pk)] == ["propose", "edit", "edit", "release"]
    assert Event.objects.of("consultation", case.pk).last().act == "release_example"
    assert verify().faults == []


def test_who_edited_last_does_not_release(world):
    at = knowing.hub(world)
    example = proposed(at, knowing.said(at, knowing.asked(at)))
    clean = {"title": "訪問診療", "question": "探し方", "answer": "一覧があります。"}
    examples.edit(example, **clean, version=1, by=at.manager, at=ANSWERED)
    example.refresh_from_db()
    with pytest.raises(Refused, match="別の人が行います"):
        examples.release(example, at.desk, by=at.manager, at=ANSWERED)
    examples.release(example, at.desk, by=at.officer, at=ANSWERED)
    assert Example.objects.get().state == "released"


def test_the_national_desk_needs_recorded_consent(world):
    case, desk = knowing.mailed(world), desking.desk(world)
    by = world.seat_secretariat
    with pytest.raises(Refused, match="相談者の同意が要ります.*この操作は記録しました"):
        examples.propose(case, desk, **TEXTS, by=by, at=ANSWERED)
    tried = Event.objects.of("consultation", case.pk).get(act="propose_refused")
    assert (tried.title, tried.person) == ("利用目的の外の事例の提案を拒否", "中村 彩")
    with pytest.raises(Refused, match="どのように確かめたか"):
        knowledge.record_consent(case, "yes", " ", by=by, at=ANSWERED)
    assert (Example.objects.count(), Consultation.objects.get().consent) == (0, "")
    knowledge.record_consent(case, "yes", "7月23日の電話で山下様が同意", by=by, at=ANSWERED)
    case.refresh_from_db()
    example = examples.propose(case, desk, **TEXTS, by=by, at=ANSWERED)
    assert example.basis == "相談者の同意（相談の記録による）"
    event = Event.objects.of("consultation", case.pk).get(act="consent")
    assert (event.title, event.note) == ("事例としての公開：同意", "7月23日の電話で山下様が同意")


def test_taking_consent_back_takes_the_example_back(world):
    case, desk, by = knowing.mailed(world), desking.desk(world), world.seat_secretariat
    knowledge.record_consent(case, "yes", "電話", by=by, at=ANSWERED)
    case.refresh_from_db()
    clean = {"title": "平時の連携", "question": "例はありますか。", "answer": "会議の例があります。"}
    example = examples.propose(case, desk, **clean, by=by, at=ANSWERED)
    examples.release(example, desk, by=world.seat_secretariat2, at=ANSWERED)
    knowledge.record_consent(case, "no", "メールで撤回", by=by, at=ANSWERED)
    assert Example.objects.readable_by(world.seat_matsudo).count() == 0
    assert Example.objects.get().state == "withdrawn"


def test_a_purpose_that_changed_since_is_not_what_the_caller_was_told(world):
    at = knowing.hub(world)
    case = knowing.said(at, knowing.asked(at))
    Consultation.objects.filter(pk=case.pk).update(purpose_text="回答のためにだけ使います。")
    case.refresh_from_db()
    with pytest.raises(Refused, match="相談者の同意が要ります"):
        proposed(at, case)
    assert Example.objects.count() == 0


def test_an_unanswered_case_a_second_proposal_and_a_stranger_are_refused(world):
    at = knowing.hub(world)
    case = knowing.asked(at)
    with pytest.raises(Refused, match="回答した相談だけ"):
        proposed(at, case)
    case = knowing.said(at, case)
    with pytest.raises(Refused, match="窓口の担当だけ"):
        proposed(at, case, by=world.seat_matsudo)
    example = proposed(at, case)
    with pytest.raises(Refused, match="すでに事例を提案"):
        proposed(at, case)
    with pytest.raises(Refused, match="理由を入力"):
        examples.withdraw(example, "", by=at.officer, at=ANSWERED)
    with pytest.raises(Refused, match="窓口の担当だけ"):
        examples.withdraw(example, "不要", by=world.seat_matsudo, at=ANSWERED)
    assert Example.objects.get().state == "proposed"
    examples.withdraw(example, "重複のため", by=at.officer, at=ANSWERED)
    assert Example.objects.get().state == "withdrawn"


def test_an_older_page_overwrites_nothing(world):
    at = knowing.hub(world)
    example = proposed(at, knowing.said(at, knowing.asked(at)))
    clean = {"title": "訪問診療", "question": "探し方", "answer": "一覧があります。"}
    examples.edit(example, **clean, version=1, by=at.officer, at=ANSWERED)
    with pytest.raises(Refused, match="先にこの事例を更新"):
        examples.edit(example, **TEXTS, version=1, by=at.manager, at=ANSWERED)
    example.refresh_from_db()
    assert (example.title, example.proposed_by) == ("訪問診療", at.officer)
