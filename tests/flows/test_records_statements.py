"""Statements put together once, and rows written without the ORM: the same as the ORM would say and write."""

from datetime import date, datetime, timedelta

import pytest
from django.db.models import Exists, OuterRef, QuerySet
from django.utils import timezone

from kyoten.organisations.models import Designation
from kyoten.records.actions import record
from kyoten.records.history import NAMES, history
from kyoten.records.models import AccessLog, Event, Head
from kyoten.records.rows import insert
from kyoten.records.statements import statement
from tests.flows.desking import SATURDAY, TUESDAY

pytestmark = pytest.mark.django_db


@statement
def reads(kind: str, after: datetime, seat: int) -> QuerySet:
    """Reads of one kind since a moment by one seat."""
    rows = AccessLog.objects.filter(kind=kind, at__gt=after, seat_id=seat).order_by("pk")
    return rows.values_list("pk", "record_id", "at", "what")


@statement
def heads_with_events(record_id: int) -> QuerySet:
    some = Exists(Event.objects.filter(head=OuterRef("pk")))
    return Head.objects.filter(record_id=record_id).order_by("kind").values_list("kind", some)


@statement
def forgetful(kind: str, unused: int) -> QuerySet:
    return Head.objects.filter(kind=kind).values_list("pk")


def log(kind, at, seat=1, record_id=7, what="相談"):
    return AccessLog(kind=kind, record_id=record_id, what=what, at=at, recorded_at=timezone.now(), seat_id=seat)


def test_a_statement_says_what_the_query_says_for_every_argument():
    insert([log("a", SATURDAY), log("a", TUESDAY), log("b", TUESDAY, seat=2), log("b", TUESDAY)])
    before = SATURDAY - timedelta(microseconds=1)
    for kind, after, seat in [("a", before, 1), ("a", SATURDAY, 1), ("b", before, 2), ("c", before, 1)]:
        assert reads(kind, after, seat) == list(reads.build(kind, after, seat))
    assert [row[2] for row in reads("a", before, 1)] == [SATURDAY, TUESDAY]


@statement
def hubs_on(on: date, organisation: int) -> QuerySet:
    return Designation.objects.valid_on(on).filter(organisation=organisation).values_list("pk", "valid_from")


def test_a_day_is_an_argument_too(world):
    of = {"organisation": world.matsudo, "prefecture": world.chiba}
    Designation.objects.filter(organisation=world.matsudo).delete()
    row = Designation.objects.create(valid_from=date(2025, 4, 1), valid_to=date(2025, 4, 30), **of)
    found = {day: hubs_on(date(2025, *day), world.matsudo.pk) for day in [(3, 31), (4, 1), (4, 30), (5, 1)]}
    row = [(row.pk, date(2025, 4, 1))]
    assert found == {(3, 31): [], (4, 1): row, (4, 30): row, (5, 1): []}


def test_a_number_no_row_can_have_finds_nothing():
    assert heads_with_events(10**30) == []


def test_converted_columns_are_what_the_orm_gives():
    Head.objects.create(kind="a", record_id=5)
    record("act", "件", kind="b", record_id=5, by=None, at=SATURDAY)
    assert heads_with_events(5) == [("a", False), ("b", True)]


def test_an_argument_that_is_not_used_is_told_at_once():
    with pytest.raises(ValueError, match="forgetful"):
        forgetful("a", 1)


def test_rows_are_written_as_the_orm_would_and_have_their_ids():
    rows = insert(log("a", SATURDAY + timedelta(seconds=n), record_id=n) for n in range(2500))
    assert [row.pk for row in rows] == list(AccessLog.objects.order_by("record_id").values_list("pk", flat=True))
    one = AccessLog.objects.get(record_id=2499)
    assert (one.at, one.what, one.organisation_id) == (SATURDAY + timedelta(seconds=2499), "相談", None)
    assert insert(iter(())) == []


def test_the_history_of_a_record_is_its_events():
    record("act", "一つ目", kind="x", record_id=1, by=None, at=SATURDAY, note="記載")
    record("act", "二つ目", kind="x", record_id=1, by=None, at=TUESDAY)
    rows = history("x", 1)
    events = Event.objects.of("x", 1)
    assert [row["title"] for row in rows] == ["一つ目", "二つ目"]
    for row, event in zip(rows, events, strict=True):
        assert {name: row[name] or "" for name in NAMES} == {name: getattr(event, name) or "" for name in NAMES}
