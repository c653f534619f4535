"""実績の数え方: every number of the desk's tables, counted here and nowhere else.

1件 (実件数) is one inquiry, counted in the month it was received; one merged into another is counted with that one only,
and a mail that was no 相談 after all (moved to 申込 or その他 before anybody dealt with it) is not counted at all.
延件数 are the messages that came or went (no internal note, 照会 or automatic mail), counted in the month of each.
The working days are those of the first answer: from where the clock of the first question started to the first answer
that arrived, in open days of the desk. 期限超過: no answer by the first due date, whether it came later or never.

The database counts: one statement for the cases of a year and one for the contacts, each row of the result being what
is marked alike in one month; such a row stands in several cells of the tables. Months and days are those of Japan, and a fiscal year runs from April to March.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from functools import lru_cache
from itertools import accumulate
from operator import add
from typing import Any, Literal, NamedTuple

from django.db import connection
from django.db.models import Count as Number
from django.db.models import Max, Min

from kyoten.consultations.desks import Desk, desks
from kyoten.consultations.models import Consultation, Deletion, Mark, Message
from kyoten.rules.clock import JST, desk_calendar, local
from kyoten.rules.desk import answered_within
from kyoten.rules.wareki import fiscal_year

Table = Literal["all", "asker", "subject", "function", "scene", "cross"]
Cell = tuple[str, str, str]  # table, row, column
Key = tuple[str, str, str, str]  # table, row, column, month (YYYY-MM); "" as row or column is 未分類
YEAR = ""  # as month: April to March together
ENDED = ("closed", "withdrawn")
COUNTED = "NOT (c.sorted_away AND c.state = 'withdrawn')"
EPOCH = date(1970, 1, 1)


@dataclass(frozen=True)
class Count:
    """What is counted of the cases of one cell. `days` are the working days of all the `answered` together."""

    cases: int = 0
    contacts: int = 0
    answered: int = 0
    days: int = 0
    late: int = 0

    def __add__(self, other: Count) -> Count:
        return Count(
            self.cases + other.cases,
            self.contacts + other.contacts,
            self.answered + other.answered,
            self.days + other.days,
            self.late + other.late,
        )

    @property
    def mean(self) -> Decimal | None:
        """平均回答営業日数, to one decimal place, halves upwards; None where nothing was answered."""
        if not self.answered:
            return None
        tenths = Fraction(self.days * 10, self.answered)
        whole = Decimal(tenths.numerator) / Decimal(tenths.denominator)
        return whole.quantize(Decimal(1), ROUND_HALF_UP).scaleb(-1)


NOTHING = Count()


@dataclass(frozen=True)
class Figures:
    """The figures of one desk in one fiscal year."""

    desk: Desk
    year: int
    cells: Mapping[Key, Count] = field(default_factory=dict)

    @property
    def months(self) -> list[str]:
        return months_of(self.year)

    def at(self, table: Table, row: str = "", column: str = "", month: str = YEAR) -> Count:
        return self.cells.get((table, row, column, month), NOTHING)

    def total(self, month: str = YEAR) -> Count:
        """計: every case once, however many subjects it has."""
        return self.at("all", month=month)

    def until(self, table: Table, row: str, month: str) -> Count:
        """April to this month together."""
        return sum((self.at(table, row, month=m) for m in self.months if m <= month), NOTHING)

    def values(self, table: Table, place: int = 1) -> set[str]:
        """The rows (place 1) or columns (place 2) that occur in a table."""
        return {key[place] for key in self.cells if key[0] == table}


# ---- asking for them --------------------------------------------------------------------------


def figures(desk: Desk, year: int, at: datetime) -> Figures:
    """The year's figures as they stand at this moment: cases there are, and what is kept of deleted ones."""
    found: dict[Key, list[int]] = {}
    for place, numbers in _places(desk, year, at):
        for table, row, column in (*place.cells, *_cells(place.marks)):
            _add(found, (table, row, column, place.month), numbers)
    for (*cell, _), numbers in list(found.items()):
        _add(found, (*cell, YEAR), numbers)
    return Figures(desk, year, {key: Count(*numbers) for key, numbers in found.items()})


def _add(found: dict[Key, list[int]], key: Key, numbers: Sequence[int]) -> None:
    known = found.get(key)
    found[key] = list(numbers) if known is None else list(map(add, known, numbers))


def earlier(desk: Desk, year: int) -> tuple[Desk, int] | None:
    """前年度: the desk that the same body ran for the latest fiscal year before this one."""
    before = [each for each in desks(desk.operator) if each.definition.fiscal_year < year]
    if not before:
        return None
    latest = max(each.definition.fiscal_year for each in before)
    return next(each for each in before if each.definition.fiscal_year == latest), latest


def years_of(desk: Desk) -> list[int]:
    """The fiscal years a desk has something to count in, its own among them, the newest first."""
    received = Consultation.objects.filter(operator=desk.operator, programme=desk.slug)
    ends = received.aggregate(first=Min("received_at"), last=Max("latest_at"))
    years = {fiscal_year(local(moment).date()) for moment in ends.values() if moment}
    years.add(desk.definition.fiscal_year)
    return list(range(max(years), min(years) - 1, -1))


def months_of(year: int) -> list[str]:
    """2025-04 … 2026-03"""
    return [f"{year + (month > 12)}-{(month - 1) % 12 + 1:02}" for month in range(4, 16)]


def limits(year: int) -> tuple[datetime, datetime]:
    """The fiscal year's first moment, and the first that is no longer in it."""
    return datetime(year, 4, 1, tzinfo=JST), datetime(year + 1, 4, 1, tzinfo=JST)


# ---- counting ---------------------------------------------------------------------------------


class Place(NamedTuple):
    """Where cases stand in the tables: whose they are, what they are marked with, the month they count for."""

    asker: str
    marks: str  # kind:value, … in any order; a kind that is missing is 未分類
    month: str

    @property
    def cells(self) -> tuple[Cell, ...]:
        """Every case has exactly one asker, so that they add up to 計."""
        return ("asker", self.asker, ""), ("all", "", "")


@lru_cache(maxsize=10_000)
def _cells(text: str) -> tuple[Cell, ...]:
    """The cells of cases that are marked like this."""
    marks = [mark.split(":", 1) for mark in text.split(",") if mark]
    subjects, functions, scenes = (
        [value for of, value in marks if of == kind] or [""] for kind in ("subject", "function", "scene")
    )
    return (
        *(("subject", value, "") for value in subjects),
        *(("function", value, "") for value in functions),
        *(("scene", "", value) for value in scenes),
        *(("cross", row, column) for row in functions for column in scenes),
    )


def _places(desk: Desk, year: int, at: datetime) -> Iterator[tuple[Place, Sequence[int]]]:
    """Each with its numbers in the order of Count."""
    yield from _cases(desk, year, at)
    yield from _contacts(desk, year)
    yield from _deleted(desk, year)


def _marks_of(case: str) -> str:
    """The marks of a case as one text: looked up once, whatever number of tables there are."""
    joined = "group_concat" if connection.vendor == "sqlite" else "string_agg"
    return f"""COALESCE((SELECT {joined}(kind || ':' || value, ',') FROM {Mark._meta.db_table}
        WHERE consultation_id = {case}), '')"""


def _day(column: str) -> str:
    """The number of a moment's day in Japan. Within a second both databases count exactly; SQLite's own dates round."""
    if connection.vendor == "sqlite":
        return f"((strftime('%%s', substr({column}, 1, 19)) + 32400) / 86400)"
    return f"CAST(floor((extract(epoch FROM {column}) + 32400) / 86400) AS integer)"


def _month(column: str, year: int) -> tuple[str, list[datetime]]:
    """The month of a moment in Japan, as SQL and the limits in it."""
    months = months_of(year)
    starts = [datetime(int(month[:4]), int(month[5:]), 1, tzinfo=JST) for month in months[1:]]
    cases = " ".join(f"WHEN {column} < %s THEN '{month}'" for month in months[:-1])
    return f"CASE {cases} ELSE '{months[-1]}' END", starts


def _cases(desk: Desk, year: int, at: datetime) -> Iterator[tuple[Place, Sequence[int]]]:
    due = "COALESCE(c.first_due, c.due)"
    started, answered = _day("COALESCE(c.first_clock_at, c.clock_at)"), _day("c.first_answered_at")
    first, numbers = _open_days(desk, year, at)
    packed, open_days = _packed(numbers)
    month, starts = _month("c.received_at", year)
    statement = f"""
        WITH asked AS MATERIALIZED (
            SELECT c.asker, {_marks_of("c.id")} AS marks, {month} AS month, {started} - {first} AS started, {answered} - {first} AS answered,
                CASE WHEN {due} < COALESCE(c.first_answered_at, CASE WHEN c.state IN ('closed', 'withdrawn')
                     THEN c.closed_at END, %s) THEN 1 ELSE 0 END AS late
            FROM {Consultation._meta.db_table} c
            WHERE c.operator_id = %s AND c.programme = %s AND c.state <> 'merged' AND {COUNTED}
                AND c.received_at >= %s AND c.received_at < %s
        ),
        found AS (
            SELECT asker, marks, month, late,
                CASE WHEN answered > started THEN {open_days("answered")} - {open_days("started")}
                     WHEN answered <= started THEN 0 END AS days
            FROM asked
        )
        SELECT asker, marks, month, COUNT(*), COUNT(days), COALESCE(SUM(days), 0), SUM(late)
        FROM found GROUP BY 1, 2, 3"""
    values = [*starts, at, desk.operator.pk, desk.slug, *limits(year), packed, packed]
    for asker, marks, when, cases, answers, days, late in _rows(statement, values):
        yield Place(asker, marks, when), (cases, 0, answers, int(days), int(late))


def _contacts(desk: Desk, year: int) -> Iterator[tuple[Place, Sequence[int]]]:
    kinds = ", ".join(f"'{kind}'" for kind in Message.CONTACTS)
    month, starts = _month("m.at", year)
    statement = f"""
        WITH said AS MATERIALIZED (
            SELECT c.asker, {_marks_of("c.id")} AS marks, {month} AS month
            FROM {Consultation._meta.db_table} c JOIN {Message._meta.db_table} m ON m.consultation_id = c.id
            WHERE c.operator_id = %s AND c.programme = %s AND {COUNTED} AND m.kind IN ({kinds}) AND m.at >= %s AND m.at < %s
        )
        SELECT asker, marks, month, COUNT(*) FROM said GROUP BY 1, 2, 3"""
    for asker, marks, when, contacts in _rows(statement, [*starts, desk.operator.pk, desk.slug, *limits(year)]):
        yield Place(asker, marks, when), (0, int(contacts), 0, 0, 0)


def _rows(statement: str, values: list[Any]) -> list[tuple[Any, ...]]:
    stored = connection.ops.adapt_datetimefield_value
    with connection.cursor() as cursor:
        cursor.execute(statement, [stored(value) if isinstance(value, datetime) else value for value in values])
        return cursor.fetchall()


def _open_days(desk: Desk, year: int, at: datetime) -> tuple[int, list[int]]:
    """The number of a day before which no clock of the year started, and for each day from it how many open days
    there were up to it: the difference of two is `rules.desk.answered_within` of them."""
    first, last = (moment.date() for moment in limits(year))
    first, last = first - AROUND, max(last, local(at).date()) + AROUND
    closed = desk_calendar(desk.rules).is_closed
    dates = (first + timedelta(days=n) for n in range((last - first).days + 1))
    return (first - EPOCH).days, list(accumulate(int(not closed(day)) for day in dates))


AROUND = timedelta(days=400)  # what may lie outside: a clock set going before its year, an answer of a later clock


def _packed(numbers: list[int]) -> tuple[Any, Callable[[str], str]]:
    """The numbers as one parameter, and the SQL that takes the one of a day out of it, without walking along it."""
    last = len(numbers) - 1
    if connection.vendor == "sqlite":
        text = "".join(f"{number:04}" for number in numbers).encode()
        return text, lambda day: f"CAST(substr(%s, max(0, min({day}, {last})) * 4 + 1, 4) AS integer)"
    return numbers, lambda day: f"(CAST(%s AS integer[]))[greatest(0, least({day}, {last})) + 1]"


# ---- what is kept of a deleted case -----------------------------------------------------------


def kept(case: Consultation, desk: Desk, at: datetime) -> str:
    """What the tables count of a case that is about to be deleted, for Deletion.figures_text: no name, no words.

    Two cases that count alike are written alike, so that many of them are read as one.
    """
    counted = not (case.sorted_away and case.state == "withdrawn")
    said = case.messages.filter(kind__in=Message.CONTACTS).values_list("at", flat=True) if counted else []
    contacts = Counter(f"{local(moment):%Y-%m}" for moment in said)
    facts: dict[str, Any] = {"asker": case.asker, "contacts": dict(contacts), "marks": _marks(case)}
    if counted and case.state != "merged":
        facts |= {"month": f"{local(case.received_at):%Y-%m}", "days": _days(case, desk), "late": _late(case, at)}
    return json.dumps(facts, ensure_ascii=False, sort_keys=True)


def _marks(case: Consultation) -> dict[str, list[str]]:
    rows = sorted(case.marks.values_list("kind", "value"))
    return {kind: [value for of, value in rows if of == kind] for kind in ("function", "scene", "subject")}


def _days(case: Consultation, desk: Desk) -> int | None:
    clock = case.first_clock_at or case.clock_at
    if clock is None or case.first_answered_at is None:
        return None
    return answered_within(desk.rules, clock, case.first_answered_at)


def _late(case: Consultation, at: datetime) -> bool:
    due = case.first_due or case.due
    end = case.first_answered_at or (case.closed_at if case.state in ENDED else None) or at
    return due is not None and due < end


def _deleted(desk: Desk, year: int) -> Iterator[tuple[Place, Sequence[int]]]:
    rows = Deletion.objects.filter(programme=desk.slug).order_by().values_list("figures_text").annotate(n=Number("pk"))
    months = set(months_of(year))
    for text, n in rows:
        facts = json.loads(text)
        if facts.get("month") in months:
            answered = facts["days"] is not None
            yield _place(facts, facts["month"]), (n, 0, n * answered, n * (facts["days"] or 0), n * facts["late"])
        for month, contacts in facts.get("contacts", {}).items():
            if month in months:
                yield _place(facts, month), (0, n * contacts, 0, 0, 0)


def _place(facts: Mapping[str, Any], month: str) -> Place:
    marks = ",".join(f"{kind}:{value}" for kind, values in facts["marks"].items() for value in values)
    return Place(facts["asker"], marks, month)
