"""圏域 and 拠点の指定: dated, entered by the prefecture, asked by date; and the master data they stand on."""

from datetime import date

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from kyoten.organisations.actions import areas as acts
from kyoten.organisations.forms import period
from kyoten.organisations.master import SINCE, load_master
from kyoten.organisations.models import Area, Designation, Organisation, Section, Supervision
from kyoten.organisations.seats import SECOND_FACTOR
from kyoten.records.models import Event, Refused
from tests.people import AT, person, seat, world

pytestmark = pytest.mark.django_db
ON = AT.date()


@pytest.fixture
def w():
    return world()


def browser(place) -> Client:
    client = Client()
    client.force_login(place.person)
    session = client.session
    session[SECOND_FACTOR] = place.person.pk
    session.save()
    return client


def area(w, *bodies, **more) -> Area:
    given = {"kind": "home_care", "name": "東葛北部", "by": w.chiba.seat, "at": AT} | more
    return acts.add_area(municipalities=list(bodies or [w.matsudo.body, w.kashiwa.body]), **given)


# ---- areas ------------------------------------------------------------------------------------


def test_an_area_holds_from_its_first_to_its_last_day(w):
    made = area(w, valid_from=date(2025, 4, 1), valid_to=date(2026, 3, 31))
    days = [date(2025, 3, 31), date(2025, 4, 1), date(2026, 3, 31), date(2026, 4, 1)]
    assert [Area.objects.valid_on(day).filter(pk=made.pk).exists() for day in days] == [False, True, True, False]
    assert list(Area.objects.containing(w.matsudo.body)) == [made]


def test_an_area_has_its_own_municipalities_only(w):
    with pytest.raises(Refused, match="管内にない市町村"):
        area(w, w.matsudo.body, w.saitama.body)
    with pytest.raises(Refused, match="一つ以上"):
        acts.add_area(kind="home_care", name="空", municipalities=[], by=w.chiba.seat, at=AT)
    assert Area.objects.count() == 0


@pytest.mark.parametrize("who", ["matsudo", "secretariat", "saitama"])
def test_only_the_prefecture_changes_its_areas(w, who):
    made = area(w)
    stranger = getattr(w, who)
    with pytest.raises(Refused):
        acts.change_area(
            made,
            kind="other",
            name="別の名",
            municipalities=[w.matsudo.body],
            valid_from=None,
            valid_to=None,
            source="",
            version=1,
            by=stranger.seat,
            at=AT,
        )
    made.refresh_from_db()
    assert (made.name, made.municipalities.count(), Event.objects.of("area", made.pk).count()) == ("東葛北部", 2, 1)
    assert browser(stranger).get(reverse("organisations:area_edit", args=[made.pk])).status_code == 404


def test_a_reader_of_the_prefecture_enters_nothing(w):
    reader = seat(person("etsuran"), w.chiba.section, "viewer")
    with pytest.raises(Refused, match="「閲覧」の席を除きます"):
        area(w, by=reader)
    assert Area.objects.count() == 0


def test_the_form_closes_an_area_and_keeps_what_was_typed_when_refused(w):
    made = area(w, valid_from=date(2025, 4, 1))
    page = reverse("organisations:area_edit", args=[made.pk])
    form = {
        "kind": "home_care",
        "name": "東葛北部（旧）",
        "municipalities": [w.matsudo.body.pk],
        "valid_from": "2025-04-01",
        "valid_to": "2025-03-01",
        "source": "",
        "version": 1,
    }
    refused = browser(w.chiba).post(page, form).content.decode()
    assert ("終了日が開始日より前" in refused, "東葛北部（旧）" in refused) == (True, True)
    assert Area.objects.get(pk=made.pk).valid_to is None
    assert browser(w.chiba).post(page, form | {"valid_to": "2026-03-31"}).status_code == 302
    made = Area.objects.get(pk=made.pk)
    assert (made.valid_to, made.name, made.version) == (date(2026, 3, 31), "東葛北部（旧）", 2)


def test_who_sees_which_areas(w):
    made = area(w)
    seen = [list(Area.objects.visible_to(place.seat, ON)) for place in (w.secretariat, w.chiba, w.matsudo, w.saitama)]
    assert seen == [[made], [made], [made], []]


# ---- hubs -------------------------------------------------------------------------------------


def test_a_designated_city_has_a_hub_from_its_first_to_its_last_day(w):
    made = acts.designate(w.matsudo.body, by=w.chiba.seat, at=AT, valid_from=date(2024, 4, 1))
    acts.end_designation(made, last_day=date(2026, 3, 31), by=w.chiba.seat, at=AT)
    days = [date(2024, 3, 31), date(2024, 4, 1), date(2026, 3, 31), date(2026, 4, 1)]
    assert [w.matsudo.body.has_hub(day) for day in days] == [False, True, True, False]
    assert list(Organisation.objects.designated_on(ON)) == [w.matsudo.body]


def test_the_hub_of_an_area_is_the_hub_of_its_municipalities(w):
    east = area(w)
    assert east.has_hub(ON) is False
    acts.designate(w.matsudo.body, by=w.chiba.seat, at=AT, valid_from=date(2024, 4, 1), area=east)
    assert (east.has_hub(ON), w.kashiwa.body.has_hub(ON)) == (True, True)
    Area.objects.update(valid_to=date(2025, 5, 31))
    assert (w.matsudo.body.has_hub(ON), w.kashiwa.body.has_hub(ON)) == (True, False)


def test_an_area_with_a_hub_in_one_city_has_a_hub(w):
    east = area(w)
    acts.designate(w.kashiwa.body, by=w.chiba.seat, at=AT, valid_from=date(2024, 4, 1))
    assert (east.has_hub(ON), w.matsudo.body.has_hub(ON)) == (True, False)


def test_a_hub_is_not_designated_twice(w):
    acts.designate(w.matsudo.body, by=w.chiba.seat, at=AT, valid_from=date(2024, 4, 1))
    with pytest.raises(Refused, match="すでに拠点に指定"):
        acts.designate(w.matsudo.body, by=w.chiba.seat, at=AT, valid_from=date(2025, 4, 1))
    assert Designation.objects.count() == 1


@pytest.mark.parametrize("who", ["matsudo", "saitama", "secretariat"])
def test_only_the_own_prefecture_designates(w, who):
    with pytest.raises(Refused):
        acts.designate(w.matsudo.body, by=getattr(w, who).seat, at=AT, valid_from=date(2024, 4, 1))
    assert Designation.objects.count() == 0


@pytest.mark.parametrize("name", ["areas", "designations", "area_add", "designation_add"])
def test_a_list_costs_the_same_for_many_rows(w, name):
    client, page = browser(w.chiba), reverse(f"organisations:{name}")
    first = area(w)
    acts.designate(w.matsudo.body, by=w.chiba.seat, at=AT, valid_from=date(2020, 1, 1), area=first)
    client.get(page)
    with CaptureQueriesContext(connection) as few:
        client.get(page)
    for number in range(30):
        made = Area.objects.create(kind="home_care", name=f"圏域{number}", prefecture=w.chiba.body)
        made.municipalities.set([w.matsudo.body, w.kashiwa.body])
        Designation.objects.create(organisation=w.kashiwa.body, prefecture=w.chiba.body, area=made)
    with CaptureQueriesContext(connection) as many:
        assert client.get(page).status_code == 200
    assert len(few) == len(many)


# ---- master data ------------------------------------------------------------------------------


def test_master_data_is_complete_and_a_second_run_changes_nothing():
    load_master()
    counts = [Organisation.objects.filter(kind=kind).count() for kind in ("ministry", "prefecture", "municipality")]
    assert counts == [2, 47, 1741]
    chiba = Organisation.objects.get(code="120006")
    assert (chiba.name, Organisation.objects.supervised_by(chiba, ON).count()) == ("千葉県", 54)
    assert Organisation.objects.supervised_by(chiba, date(2005, 3, 31)).count() == 0
    assert Organisation.objects.get(code="122246").superior(SINCE) == chiba
    before = list(Organisation.objects.order_by("pk").values_list("pk", "name", "search"))
    load_master()
    assert list(Organisation.objects.order_by("pk").values_list("pk", "name", "search")) == before
    assert (Section.objects.count(), Supervision.objects.count()) == (1790, 1741)
    assert Section.objects.filter(is_default=True).count() == 1790


def test_a_renamed_municipality_of_the_list_is_taken_over():
    load_master()
    Organisation.objects.filter(code="122246").update(name="旧い名", search="旧い名")
    load_master()
    assert Organisation.objects.search("かまがや").get().name == "鎌ケ谷市"


def test_periods_are_said_as_officers_write_them():
    assert period(date(2025, 4, 1), None) == "令和7年4月1日～"
    assert period(date(2019, 4, 1), date(2026, 3, 31)) == "平成31年4月1日～令和8年3月31日"
    assert period(None, None) == "期間の定めなし"
