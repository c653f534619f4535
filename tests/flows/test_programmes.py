"""公開 and 所管課: the acts of 事業設定."""

from concurrent.futures import ThreadPoolExecutor
from datetime import date

import pytest
from django.db import connection

from kyoten.organisations.models import Section
from kyoten.programmes.actions import publish, put_in_charge
from kyoten.programmes.models import KIND, InCharge, Programme, section_in_charge, sections_in_charge
from kyoten.records.models import Event, Refused
from kyoten.rules.reading import shipped_text

TEXT = shipped_text("r7-zaitaku")
PLACE = TEXT[: TEXT.index("places           =")].count("\n") + 1  # the line of 選定数
CASES = shipped_text("r7-zaitaku.cases")
LATER = TEXT.replace("2025-07-31", "2025-08-29").replace("申込締切 令和7年7月31日", "申込締切 令和7年8月29日")


def revisions() -> list[tuple[str, int, str]]:
    return list(Programme.objects.order_by("slug", "revision").values_list("slug", "revision", "text"))


def test_a_new_text_is_the_next_revision_and_kept_verbatim(world):
    programme = publish(LATER, by=world.seat_secretariat2, at=world.at)
    assert revisions() == [("r7-zaitaku", 1, TEXT), ("r7-zaitaku", 2, LATER)]
    assert (programme.organiser, programme.published_by) == (world.secretariat, "大野 直樹")
    assert Programme.objects.latest("r7-zaitaku").definition.call.deadline.at == date(2025, 8, 29)
    assert world.programme.definition.call.deadline.at == date(2025, 7, 31)
    event = Event.objects.of(KIND, world.programme.pk).get()
    assert (event.title, event.facts["revision"]) == ("定義の第2版を公開（違い2件）", 2)


def test_the_same_text_makes_no_new_revision(world):
    assert publish(TEXT, by=world.seat_secretariat2, at=world.at) == world.programme
    assert revisions() == [("r7-zaitaku", 1, TEXT)]
    assert not Event.objects.exists()


def test_an_operator_publishes_for_the_secretariat_the_definition_names(db, world):
    Programme.objects.all().delete()
    assert publish(TEXT, by=None, at=world.at, cases=CASES).organiser is None
    world.secretariat.name = "地域の在宅医療の体制整備に向けた調査・連携支援事業 事務局"
    world.secretariat.save()
    assert publish(LATER, by=None, at=world.at).organiser == world.secretariat


def test_a_text_with_a_mistake_is_refused_with_its_place(world):
    with pytest.raises(Refused, match=f'{PLACE}行目 call.place: "place" というキーはありません'):
        publish(TEXT.replace("places           =", "place            ="), by=world.seat_secretariat2, at=world.at)
    assert revisions() == [("r7-zaitaku", 1, TEXT)]


def test_a_case_that_misses_stops_the_publication(world):
    with pytest.raises(Refused, match="× 期限 6（締切の日）: 期待 2025-07-31　結果 2025-08-29"):
        publish(LATER, by=world.seat_secretariat2, at=world.at, cases=CASES)
    assert revisions() == [("r7-zaitaku", 1, TEXT)]


@pytest.mark.parametrize("seat", ["seat_secretariat", "seat_ministry", "seat_chiba", "seat_matsudo2"])
def test_only_a_manager_of_secretariat_or_ministry_publishes(world, seat):
    with pytest.raises(Refused, match="「管理」の席だけです"):
        publish(LATER, by=getattr(world, seat), at=world.at)
    assert revisions() == [("r7-zaitaku", 1, TEXT)]


def test_another_secretariat_cannot_take_over_a_programme(world):
    world.programme.organiser = world.ministry
    world.programme.save()
    with pytest.raises(Refused, match="別の事務局のものです"):
        publish(LATER, by=world.seat_secretariat2, at=world.at)
    assert revisions() == [("r7-zaitaku", 1, TEXT)]
    assert list(Programme.objects.visible_to(world.seat_secretariat2)) == []


def test_who_sees_definitions(world):
    assert list(Programme.objects.visible_to(world.seat_secretariat2)) == [world.programme]
    assert list(Programme.objects.visible_to(world.seat_ministry)) == [world.programme]
    for seat in (world.seat_chiba, world.seat_matsudo2, world.seat_association, None):
        assert list(Programme.objects.visible_to(seat)) == []


def test_newest_is_one_row_per_definition(world):
    newest = publish(LATER, by=world.seat_secretariat2, at=world.at)
    other = publish(TEXT.replace('"r7-zaitaku"', '"r7-other"', 1), by=world.seat_secretariat2, at=world.at)
    assert list(Programme.objects.newest().order_by("slug")) == [other, newest]
    with pytest.raises(Programme.DoesNotExist):
        Programme.objects.latest("r9-none")


@pytest.mark.django_db(transaction=True)
def test_two_publish_at_the_same_moment(world):
    def attempt(number: int) -> str:
        try:
            return f"第{publish(LATER + f'# {number}', by=world.seat_secretariat2, at=world.at).revision}版"
        except Refused as refusal:
            return str(refusal)[:11]
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        said = list(pool.map(attempt, range(4)))
    numbers = [revision for _, revision, _ in revisions()]
    assert numbers == list(range(1, len(numbers) + 1))
    assert len(numbers) - 1 == len([each for each in said if each.startswith("第")])
    assert set(said) <= {f"第{number}版" for number in numbers} | {"ほかの人がいま同じ事業"}


# ---- 所管課 -----------------------------------------------------------------------------------


@pytest.fixture
def other_section(world):
    return Section.objects.create(organisation=world.matsudo, name="介護保険課", email="kaigo@matsudo.example.jp")


def test_the_default_section_is_in_charge_until_another_is_named(world, other_section):
    assert section_in_charge("r7-zaitaku", world.matsudo) == world.section_matsudo
    put_in_charge("r7-zaitaku", other_section, by=world.seat_matsudo2, at=world.at)
    assert section_in_charge("r7-zaitaku", world.matsudo) == other_section
    assert section_in_charge("r7-other", world.matsudo) == world.section_matsudo
    assert Event.objects.get().title == "所管課を「介護保険課」に指定"


def test_many_bodies_cost_two_queries(world, other_section, django_assert_num_queries):
    put_in_charge("r7-zaitaku", other_section, by=world.seat_matsudo2, at=world.at)
    with django_assert_num_queries(2):
        found = sections_in_charge("r7-zaitaku", [world.matsudo, world.kashiwa, world.chiba])
    assert found == {
        world.matsudo.pk: other_section,
        world.kashiwa.pk: world.section_kashiwa,
        world.chiba.pk: world.section_chiba,
    }


def test_a_closed_section_is_no_longer_in_charge(world, other_section):
    put_in_charge("r7-zaitaku", other_section, by=world.seat_matsudo2, at=world.at)
    Section.objects.filter(pk=other_section.pk).update(valid_to=date(2026, 3, 31))
    assert section_in_charge("r7-zaitaku", world.matsudo, date(2026, 3, 31)) == other_section
    assert section_in_charge("r7-zaitaku", world.matsudo, date(2026, 4, 1)) == world.section_matsudo
    assert section_in_charge("r7-zaitaku", world.matsudo) == world.section_matsudo


def test_a_body_without_a_section_is_absent(world):
    Section.objects.filter(organisation=world.kashiwa).update(valid_to=date(2025, 3, 31))
    assert sections_in_charge("r7-zaitaku", [world.kashiwa], date(2025, 6, 27)) == {}


@pytest.mark.parametrize(
    ("seat", "said"),
    [
        ("seat_matsudo", "「管理」の席だけ"),
        ("seat_secretariat2", "「管理」の席だけ"),
        ("seat_kashiwa", "「管理」の席だけ"),
    ],
)
def test_only_the_bodys_own_manager_names_the_section(world, other_section, seat, said):
    with pytest.raises(Refused, match=said):
        put_in_charge("r7-zaitaku", other_section, by=getattr(world, seat), at=world.at)
    assert not InCharge.objects.exists()


def test_a_section_that_is_closed_or_a_programme_that_is_not_there_is_refused(world, other_section):
    with pytest.raises(Refused, match="公開されていません"):
        put_in_charge("r9-none", other_section, by=world.seat_matsudo2, at=world.at)
    other_section.valid_to = date(2025, 3, 31)
    with pytest.raises(Refused, match="いま置かれていない課"):
        put_in_charge("r7-zaitaku", other_section, by=world.seat_matsudo2, at=world.at)
    assert not InCharge.objects.exists()
