"""実績の数え方: every number of the desk's tables, counted here and nowhere else.

1件 (実件数) is one inquiry, counted in the month it was received; one merged into another is counted with that one only,
and a mail that was no 相談 after all (moved to 申込 or その他 before anybody dealt with it) is not counted at all.
延件数 are the messages that came or went (no internal note, 照会 or automatic mail), counted in the month of each.
The working days are those of the first answer: from where the clock of the first question started to the first answer
that arrived, in open days of the desk. 期限超過: no answer by the first due date, whether it came later or never.

The database counts: one statement for the cases of a year and one for the contacts, each row of the result being one
cell of one table in one month. Months and days are those of Japan, and a fiscal year runs from April to March.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from itertools import accumulate
from typing import Any, Literal

from django.db import connection
from django.db.models import Count as Number
from django.db.models import Max, Min
from django.db.models.functions import Coalesce

from kyoten.consultations.desks import Desk, desks
from kyoten.consultations.models import Consultation, Deletion, Mark, Message
from kyoten.rules.clock import JST, desk_calendar, local
from kyoten.rules.desk import answered_within
from kyoten.rules.wareki import fiscal_year

Table = Literal["all", "asker", "subject", "function", "scene", "cross"]
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
    found: dict[Key, Count] = {}
    for key, count in _cells(desk, year, at):
        for each in _with_totals(key):
            found[each] = found.get(each, NOTHING) + count
    return Figures(desk, year, found)


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


def _cells(desk: Desk, year: int, at: datetime) -> Iterator[tuple[Key, Count]]:
    yield from _cases(desk, year, at)
    yield from _contacts(desk, year)
    yield from _deleted(desk, year)


def _with_totals(key: Key) -> set[Key]:
    """A cell counts for its month and for the year; an asker's also for 計, because a case has exactly one."""
    table, row, column, month = key
    all_of = [key, ("all", "", "", month)] if table == "asker" else [key]
    return {(*each[:3], when) for each in all_of for when in (month, YEAR)}


# What the rows and columns of each table are, and which marks they need.
_TABLES = (
    ("asker", "found.asker", "''", ()),
    ("subject", "COALESCE(subject.value, '')", "''", ("subject",)),
    ("function", "COALESCE(function.value, '')", "''", ("function",)),
    ("scene", "''", "COALESCE(scene.value, '')", ("scene",)),
    ("cross", "COALESCE(function.value, '')", "COALESCE(scene.value, '')", ("function", "scene")),
)


def _by_table(counted: str) -> str:
    """The same counts for every table, over the rows of `found`."""
    return " UNION ALL ".join(
        f"SELECT '{table}', {row}, {column}, found.month, {counted} FROM found{_joined(kinds)} GROUP BY 2, 3, 4"
        for table, row, column, kinds in _TABLES
    )


def _joined(kinds: Iterable[str]) -> str:
    mark = Mark._meta.db_table
    return "".join(
        f" LEFT JOIN {mark} {kind} ON {kind}.consultation_id = found.id AND {kind}.kind = '{kind}'" for kind in kinds
    )


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


def _cases(desk: Desk, year: int, at: datetime) -> Iterator[tuple[Key, Count]]:
    due = "COALESCE(c.first_due, c.due)"
    started, answered = _day("COALESCE(c.first_clock_at, c.clock_at)"), _day("c.first_answered_at")
    first, packed = _open_days(desk, year)
    month, starts = _month("c.received_at", year)
    statement = f"""
        WITH asked AS MATERIALIZED (
            SELECT c.id, c.asker, {month} AS month, {started} - {first} AS started, {answered} - {first} AS answered,
                CASE WHEN {due} < COALESCE(c.first_answered_at, CASE WHEN c.state IN ('closed', 'withdrawn')
                     THEN c.closed_at END, %s) THEN 1 ELSE 0 END AS late
            FROM {Consultation._meta.db_table} c
            WHERE c.operator_id = %s AND c.programme = %s AND c.state <> 'merged' AND {COUNTED}
                AND c.received_at >= %s AND c.received_at < %s
        ),
        found AS (
            SELECT id, asker, month, late,
                CASE WHEN answered > started THEN CAST(substr(%s, answered * 4 + 1, 4) AS integer)
                        - CAST(substr(%s, started * 4 + 1, 4) AS integer)
                     WHEN answered <= started THEN 0 END AS days
            FROM asked
        )
        {_by_table("COUNT(*), COUNT(found.days), COALESCE(SUM(found.days), 0), SUM(found.late)")}"""
    values = [*starts, at, desk.operator.pk, desk.slug, *limits(year), packed, packed]
    for *key, cases, answers, days, late in _rows(statement, values):
        yield tuple(key), Count(cases=cases, answered=answers, days=int(days), late=int(late))


def _contacts(desk: Desk, year: int) -> Iterator[tuple[Key, Count]]:
    kinds = ", ".join(f"'{kind}'" for kind in Message.CONTACTS)
    month, starts = _month("m.at", year)
    statement = f"""
        WITH found AS (
            SELECT c.id, c.asker, {month} AS month, COUNT(*) AS contacts
            FROM {Consultation._meta.db_table} c JOIN {Message._meta.db_table} m ON m.consultation_id = c.id
            WHERE c.operator_id = %s AND c.programme = %s AND {COUNTED} AND m.kind IN ({kinds}) AND m.at >= %s AND m.at < %s
            GROUP BY 1, 2, 3
        )
        {_by_table("SUM(found.contacts)")}"""
    for *key, contacts in _rows(statement, [*starts, desk.operator.pk, desk.slug, *limits(year)]):
        yield tuple(key), Count(contacts=int(contacts))


def _rows(statement: str, values: list[Any]) -> list[tuple[Any, ...]]:
    stored = connection.ops.adapt_datetimefield_value
    with connection.cursor() as cursor:
        cursor.execute(statement, [stored(value) if isinstance(value, datetime) else value for value in values])
        return cursor.fetchall()


def _open_days(desk: Desk, year: int) -> tuple[int, str]:
    """The number of the first day a clock started or an answer went out, and for each day from it, in four digits,
    how many open days there were up to it: the difference of two is `rules.desk.answered_within` of them.
    """
    first, last = limits(year)
    rows = Consultation.objects.filter(operator=desk.operator, programme=desk.slug).order_by()
    rows = rows.filter(received_at__gte=first, received_at__lt=last)
    ends = rows.aggregate(
        clock=Min(Coalesce("first_clock_at", "clock_at")), last_clock=Max(Coalesce("first_clock_at", "clock_at")),
        answer=Min("first_answered_at"), last_answer=Max("first_answered_at"),
    )  # fmt: skip
    days = [local(moment).date() for moment in ends.values() if moment] or [first.date()]
    closed = desk_calendar(desk.rules).is_closed
    dates = (min(days) + timedelta(days=n) for n in range((max(days) - min(days)).days + 1))
    numbers = accumulate(int(not closed(day)) for day in dates)
    return (min(days) - EPOCH).days, "".join(f"{number:04}" for number in numbers)


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


def _deleted(desk: Desk, year: int) -> Iterator[tuple[Key, Count]]:
    rows = Deletion.objects.filter(programme=desk.slug).order_by().values_list("figures_text").annotate(n=Number("pk"))
    months = set(months_of(year))
    for text, n in rows:
        facts = json.loads(text)
        if facts.get("month") in months:
            answered = facts["days"] is not None
            count = Count(n, 0, n * answered, n * (facts["days"] or 0), n * facts["late"])
            yield from ((key, count) for key in _keys(facts, facts["month"]))
        for month, contacts in facts.get("contacts", {}).items():
            if month in months:
                yield from ((key, Count(contacts=n * contacts)) for key in _keys(facts, month))


def _keys(facts: Mapping[str, Any], month: str) -> Iterator[Key]:
    """Where a case stands in every table."""
    subjects, functions, scenes = (facts["marks"][kind] or [""] for kind in ("subject", "function", "scene"))
    yield "asker", facts["asker"], "", month
    yield from (("subject", value, "", month) for value in subjects)
    yield from (("function", value, "", month) for value in functions)
    yield from (("scene", "", value, month) for value in scenes)
    yield from (("cross", row, column, month) for row in functions for column in scenes)
