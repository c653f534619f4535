"""Searching 事例, the guidebook and the 公募要領: what a plain scan finds, and only what the seat may read."""

import io

import pytest
from django.core.management import call_command
from django.test import Client
from django.urls import reverse

from kyoten.consultations import knowledge_searching
from kyoten.consultations.actions import examples, knowledge
from kyoten.consultations.models import Example, GuideSection
from kyoten.rules.search_text import normalise, words
from kyoten.search.verify import verify
from tests.flows import desking, knowing
from tests.flows.desking import TUESDAY
from tests.flows.knowing import ANSWERED
from tests.world import login

pytestmark = pytest.mark.django_db
SECTIONS = [
    ("1 会議", "会議の参加者", "多職種会議の参加者の例。鎌ヶ谷市では訪問看護の方も参加。"),
    ("2 災害", "平時の連携", "人工呼吸器を使う方の受入れ先を決めておく。ＢＣＰの例。"),
    ("", "看取り", "看取りと往診の連携。"),
]
TEXTS = {"title": "退院後の訪問診療", "question": "訪問診療の探し方", "answer": "在宅医の一覧からご紹介しました。"}


@pytest.fixture
def at(world):
    return knowing.hub(world)


def guidebook(world) -> None:
    knowledge.put_guide_sections(SECTIONS, by=world.seat_secretariat, at=TUESDAY)


def released(at, **texts: str) -> Example:
    case = knowing.said(at, knowing.asked(at, "訪問診療の依頼先を教えてください。"))
    example = examples.propose(case, at.desk, **TEXTS | texts, by=at.officer, at=ANSWERED)
    examples.release(example, at.desk, by=at.manager, at=ANSWERED)
    example.refresh_from_db()
    return example


def found(seat, asked: str, **options) -> list[str]:
    return [hit.title for hit in knowledge_searching.knowledge_for(seat, asked, **options).hits]


def scanned(asked: str) -> list[str]:
    """The oracle: every text compared."""
    texts = [(row.title, knowledge_searching.section_text(row)) for row in GuideSection.objects.all()]
    texts += [(row.title, knowledge_searching.example_text(row)) for row in Example.objects.filter(state="released")]
    wanted = words(asked)
    return sorted(title for title, text in texts if wanted and all(word in normalise(text) for word in wanted))


ASKED = [
    "看",
    "看取り",
    "鎌ケ谷",
    "鎌ヶ谷市",
    "BCP",
    "ｂｃｐ",
    "訪問",
    "連携 往診",
    "訪問診療",
    "の",
    "どこにも無い語",
    " ",
    "在宅医",
]


def test_what_a_scan_finds_is_found_from_every_desk(world, at):
    guidebook(world)
    released(at)
    for asked in ASKED:
        assert (asked, sorted(found(at.officer, asked))) == (asked, scanned(asked))
    assert knowledge_searching.knowledge_for(at.officer, "の").count == len(scanned("の")) == 4


def test_newest_first_and_page_by_page(world, at):
    guidebook(world)
    released(at)
    assert found(at.officer, "の")[0] == TEXTS["title"]
    first = knowledge_searching.knowledge_for(at.officer, "の", limit=3)
    second = knowledge_searching.knowledge_for(at.officer, "の", limit=3, before=first.before)
    assert [len(first.hits), len(second.hits), second.before] == [3, 1, None]
    assert {hit.title for hit in [*first.hits, *second.hits]} == set(scanned("の"))


def test_a_proposal_is_found_by_its_own_desk_alone_and_a_withdrawn_example_by_nobody(world, at):
    case = knowing.said(at, knowing.asked(at, "訪問診療の依頼先を教えてください。"))
    example = examples.propose(case, at.desk, **TEXTS, by=at.officer, at=ANSWERED)
    assert (found(at.officer, "訪問診療"), found(world.seat_secretariat, "訪問診療")) == ([TEXTS["title"]], [])
    examples.edit(example, **TEXTS | {"title": "往診の紹介"}, version=1, by=at.officer, at=ANSWERED)
    assert (found(at.officer, "往診"), found(at.officer, "退院後")) == (["往診の紹介"], [])
    examples.release(example, at.desk, by=at.manager, at=ANSWERED)
    assert found(world.seat_secretariat, "往診") == found(at.officer, "往診") == ["往診の紹介"]
    example.refresh_from_db()
    examples.withdraw(example, "誤り", by=at.officer, at=ANSWERED)
    assert (found(at.officer, "往診"), found(world.seat_secretariat, "往診")) == ([], [])
    assert verify() == []


def test_a_refused_consent_takes_the_example_out_of_the_search(world, at):
    example = released(at)
    knowledge.record_consent(example.consultation, "no", "電話で", by=at.officer, at=ANSWERED)
    assert found(world.seat_secretariat, "訪問診療") == []


def test_a_section_that_changed_or_went_is_found_as_it_is(world):
    guidebook(world)
    row = GuideSection.objects.get(title="看取り")
    seat = world.seat_secretariat
    knowledge.put_guide_section(
        chapter="", title="急変", text="急変時の対応", row=row, version=row.version, by=seat, at=TUESDAY
    )
    assert (found(seat, "看取り"), found(seat, "急変時")) == ([], ["急変"])
    row.refresh_from_db()
    knowledge.drop_guide_section(row, by=seat, at=TUESDAY)
    assert found(seat, "急変時") == []


def test_the_organiser_finds_its_own_call_and_a_hub_does_not(world, at):
    assert found(world.seat_secretariat, "伴走支援実施地域") != []
    hit = knowledge_searching.knowledge_for(world.seat_secretariat, "双方参加必須").hits[0]
    assert (hit.label, hit.title, hit.url) == ("公募要領", "6　応募要件", "/calls/r7-zaitaku/guide/#s6")
    assert found(at.officer, "双方参加必須") == []


def test_a_rebuild_knows_all_of_it(world, at):
    guidebook(world)
    released(at)
    before = [found(at.officer, asked) for asked in ASKED]
    call_command("search-rebuild", stdout=io.StringIO())
    assert [found(at.officer, asked) for asked in ASKED] == before
    assert verify() == []


def test_one_page_shows_cases_and_knowledge_and_links_to_them(world, at, clock):
    guidebook(world)
    released(at, title="訪問診療と人工呼吸器")
    case = desking.taken(world)
    clock(TUESDAY)
    client = login(Client(), world.seat_secretariat)
    shown = client.get(reverse("consultations:list"), {"words": "人工呼吸器"}).content.decode()
    section = GuideSection.objects.get(title="平時の連携")
    for text in ("相談 1件・事例と参考資料 2件", reverse("consultations:guide_section", args=[section.pk]), "<mark>人工呼吸器</mark>",
                 reverse("consultations:case", args=[case.pk]), "訪問診療と人工呼吸器"):  # fmt: skip
        assert text in shown
    read = client.get(reverse("consultations:guide_section", args=[section.pk])).content.decode()
    assert SECTIONS[1][2] in read
    assert "この節を直す" in read
    page = client.get(reverse("consultations:knowledge"), {"words": "人工呼吸器"}).content.decode()
    assert "2件　新しい順" in page
    assert "見つかりません" in client.get(reverse("consultations:knowledge"), {"words": "無い語"}).content.decode()
    assert "ことばを入力" in client.get(reverse("consultations:knowledge")).content.decode()


def test_readers_without_a_desk_find_released_examples_and_nothing_else(world, at, clock):
    guidebook(world)
    example = released(at, answer="ＢＣＰの例をお送りしました。")
    clock(ANSWERED)
    client = login(Client(), world.seat_matsudo)
    shown = client.get(reverse("examples:list"), {"words": "bcp"}).content.decode()
    assert reverse("examples:show", args=[example.pk]) in shown
    assert "<mark>ＢＣＰ</mark>" in shown
    assert "平時の連携" not in shown
    assert client.get(reverse("consultations:knowledge"), {"words": "bcp"}).status_code == 404
