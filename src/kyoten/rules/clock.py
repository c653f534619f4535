"""Working days, deadlines, and when a desk is open. The time is always an argument, never the machine's."""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import lru_cache
from typing import Literal, assert_never
from zoneinfo import ZoneInfo

import jpholiday

from kyoten.rules.definition import (
    Call,
    DateInFiscalYear,
    DayOfFollowingMonth,
    DaysAfter,
    Deadline,
    Desk,
    EarliestOf,
    FixedDeadline,
    OfficeDays,
    YearlySpan,
)
from kyoten.rules.wareki import fiscal_year, weekday

JST = ZoneInfo("Asia/Tokyo")
END_OF_DAY = time(23, 59, 59, 999999)  # a bare date as deadline lasts to its last microsecond (ours)
ONE_DAY = timedelta(days=1)

ClosedDayPolicy = Literal["keep", "next", "previous"]


def local(at: datetime) -> datetime:
    """The same moment in Japan. ValueError for a time without zone: nobody could say which moment it is."""
    if at.tzinfo is None:
        raise ValueError("時刻に時間帯がありません")
    return at.astimezone(JST)


@lru_cache(maxsize=4096)
def is_holiday(day: date) -> bool:
    """国民の祝日・振替休日・国民の休日"""
    return bool(jpholiday.is_holiday(day))


def in_yearly_span(span: YearlySpan, day: date) -> bool:
    today = (day.month, day.day)
    if span.starts <= span.ends:
        return span.starts <= today <= span.ends
    return today >= span.starts or today <= span.ends


# ---- working days -----------------------------------------------------------------------------


@dataclass(frozen=True)
class Calendar:
    """Which days are closed."""

    weekdays: frozenset[str] = frozenset("月火水木金")
    holidays_closed: bool = True
    closed_yearly: tuple[YearlySpan, ...] = ()
    closures: tuple[tuple[date, date], ...] = ()

    def is_closed(self, day: date) -> bool:
        return (
            weekday(day) not in self.weekdays
            or (self.holidays_closed and is_holiday(day))
            or any(in_yearly_span(span, day) for span in self.closed_yearly)
            or any(first <= day <= last for first, last in self.closures)
        )

    def on_or_after(self, day: date) -> date:
        """The day itself if it is a working day, else the next one."""
        while self.is_closed(day):
            day += ONE_DAY
        return day

    def on_or_before(self, day: date) -> date:
        """The day itself if it is a working day, else the one before."""
        while self.is_closed(day):
            day -= ONE_DAY
        return day

    def add_working_days(self, day: date, count: int) -> date:
        """The `count`-th working day after `day` (before it, if negative). `day` itself is not counted."""
        step = ONE_DAY if count > 0 else -ONE_DAY
        for _ in range(abs(count)):
            day = self.on_or_after(day + step) if count > 0 else self.on_or_before(day + step)
        return day

    def working_days_between(self, first: date, last: date) -> int:
        """How many working days there are from `first` to `last`, both included."""
        return sum(not self.is_closed(first + ONE_DAY * n) for n in range((last - first).days + 1))

    def move(self, day: date, policy: ClosedDayPolicy) -> date:
        """Where a deadline on `day` falls under a closed-day policy."""
        match policy:
            case "keep":
                return day
            case "next":
                return self.on_or_after(day)
            case "previous":
                return self.on_or_before(day)
            case _:
                assert_never(policy)


def office_calendar(days: OfficeDays | None = None) -> Calendar:
    """The calendar of public offices, as a definition's `calendar` says (else 12/29-1/3)."""
    return Calendar(closed_yearly=(days or OfficeDays()).closed_yearly)


OFFICES = office_calendar()


def child_deadline(parent: date, working_days: int, calendar: Calendar = OFFICES) -> date:
    """管内への期限: the latest day that leaves the prefecture `working_days` before the parent's deadline."""
    return calendar.add_working_days(parent, -working_days)


# ---- deadlines --------------------------------------------------------------------------------


def deadline_moment(
    deadline: Deadline, facts: Mapping[str, date] | None = None, calendar: Calendar = OFFICES
) -> datetime:
    """The last moment that is still in time (inclusive). `facts` are the days a relative deadline counts from.

    LookupError with a Japanese sentence when such a day is not known yet.
    """
    moment = _unmoved(deadline, facts or {}, calendar)
    day = calendar.move(moment.date(), deadline.on_closed_day)
    return datetime.combine(day, moment.timetz())


def in_time(deadline: Deadline, at: datetime, facts: Mapping[str, date] | None = None) -> bool:
    """Is something that arrived at this moment in time? 17:00:00 for a deadline of 17時 is, a microsecond later is not."""
    return local(at) <= deadline_moment(deadline, facts)


def result_due(call: Call, calendar: Calendar = OFFICES) -> date:
    """The day by which every applicant's representative hears the result (申込締切から2週間程度)."""
    return deadline_moment(call.deadline, calendar=calendar).date() + timedelta(days=call.result.within_days)


def _unmoved(deadline: Deadline, facts: Mapping[str, date], calendar: Calendar) -> datetime:
    match deadline:
        case FixedDeadline(at=datetime() as at):
            return local(at) if at.tzinfo else at.replace(tzinfo=JST)
        case FixedDeadline(at=day):
            return _end_of(day)
        case DaysAfter():
            return _end_of(_known(facts, deadline.after) + timedelta(days=deadline.days))
        case DayOfFollowingMonth():
            return _end_of(_in_following_month(_known(facts, deadline.after), deadline.day))
        case DateInFiscalYear():
            return _end_of(_in_fiscal_year(fiscal_year(_known(facts, deadline.after)) + deadline.years, deadline.date))
        case EarliestOf():
            return min(deadline_moment(each, facts, calendar) for each in deadline.of)
        case _:
            assert_never(deadline)


def _end_of(day: date) -> datetime:
    return datetime.combine(day, END_OF_DAY, JST)


def _known(facts: Mapping[str, date], name: str) -> date:
    if name not in facts:
        raise LookupError(f"起点の日（{name}）が分からないため、期限を計算できません")
    return facts[name]


def _in_following_month(day: date, number: int) -> date:
    year, month = (day.year + 1, 1) if day.month == 12 else (day.year, day.month + 1)
    return date(year, month, min(number, monthrange(year, month)[1]))


def _in_fiscal_year(year: int, month_day: tuple[int, int]) -> date:
    month, day = month_day
    return date(year if month >= 4 else year + 1, month, day)


# ---- desk hours -------------------------------------------------------------------------------


def desk_calendar(desk: Desk) -> Calendar:
    return Calendar(
        frozenset(day for window in desk.windows for day in window.days),
        desk.holidays_closed,
        desk.closed_yearly,
        tuple((closure.starts, closure.ends) for closure in desk.closures),
    )


def is_open_day(desk: Desk, day: date) -> bool:
    return desk.period.starts <= day <= desk.period.ends and not desk_calendar(desk).is_closed(day)


def open_days(desk: Desk) -> int:
    """How many days the desk is open in its whole period."""
    return desk_calendar(desk).working_days_between(desk.period.starts, desk.period.ends)


def is_open(desk: Desk, at: datetime) -> bool:
    """Is somebody there at this moment? 9時から17時まで: 9:00:00 is open, 17:00:00 is closed."""
    here = local(at)
    return is_open_day(desk, here.date()) and any(
        opens <= here < closes for opens, closes in _windows(desk, here.date())
    )


def clock_starts(desk: Desk, at: datetime) -> datetime | None:
    """When the time to answer begins: at once while the desk is open, else when it next opens. None after its period."""
    here = local(at)
    day = max(here.date(), desk.period.starts)
    while day <= desk.period.ends:
        if is_open_day(desk, day):
            for opens, closes in _windows(desk, day):
                if here < closes:
                    return max(here, opens)
        day += ONE_DAY
    return None


def _windows(desk: Desk, day: date) -> Iterator[tuple[datetime, datetime]]:
    today = sorted((w.opens, w.closes) for w in desk.windows if weekday(day) in w.days)
    return ((datetime.combine(day, opens, JST), datetime.combine(day, closes, JST)) for opens, closes in today)
