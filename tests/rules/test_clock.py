"""Working days, deadlines, desk hours: the worked examples, and properties."""

from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter

from kyoten.rules.clock import (
    JST,
    OFFICES,
    child_deadline,
    clock_starts,
    deadline_moment,
    in_time,
    is_open,
    open_days,
    result_due,
)
from kyoten.rules.definition import Deadline, Desk
from kyoten.rules.reading import shipped

ZAITAKU = shipped("r7-zaitaku")
DESK = ZAITAKU.desk
days = st.dates(min_value=date(2019, 1, 1), max_value=date(2030, 12, 31))


def deadline(**keys: Any) -> Deadline:
    return TypeAdapter(Deadline).validate_python(keys)


def at(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=JST)


def earliest(*of: dict[str, Any], **keys: Any) -> Deadline:
    return deadline(kind="earliest_of", of=of, **keys)


THIRTY_DAYS = {"kind": "days_after", "days": 30, "after": "completed"}
APRIL_10 = {"kind": "date_in_fiscal_year", "date": "04-10", "years": 1, "after": "completed"}
MARCH_10 = {"kind": "date_in_fiscal_year", "date": "03-10", "after": "completed"}
MARCH_31 = {"kind": "date_in_fiscal_year", "date": "03-31", "after": "completed"}


@pytest.mark.parametrize(
    ("rule", "completed", "due"),
    [
        (earliest(THIRTY_DAYS, APRIL_10), date(2026, 1, 20), date(2026, 2, 19)),
        (earliest(THIRTY_DAYS, APRIL_10), date(2026, 2, 13), date(2026, 3, 15)),
        (earliest(THIRTY_DAYS, APRIL_10, on_closed_day="next"), date(2026, 2, 13), date(2026, 3, 16)),
        (earliest(THIRTY_DAYS, APRIL_10, on_closed_day="previous"), date(2026, 2, 13), date(2026, 3, 13)),
        (earliest(THIRTY_DAYS, APRIL_10), date(2026, 3, 31), date(2026, 4, 10)),
        (earliest(THIRTY_DAYS, MARCH_10), date(2026, 2, 13), date(2026, 3, 10)),
        (earliest({**THIRTY_DAYS, "days": 5}, MARCH_31), date(2026, 3, 31), date(2026, 3, 31)),
        (
            deadline(kind="date_in_fiscal_year", date="06-30", years=2, after="completed"),
            date(2025, 9, 1),
            date(2027, 6, 30),
        ),
        (
            deadline(kind="date_in_fiscal_year", date="03-31", years=5, after="completed"),
            date(2026, 3, 31),
            date(2031, 3, 31),
        ),
        (
            deadline(kind="date_in_fiscal_year", date="05-31", years=1, after="completed", on_closed_day="previous"),
            date(2025, 9, 1),
            date(2026, 5, 29),
        ),
        (
            deadline(kind="date_in_fiscal_year", date="04-30", years=1, after="completed"),
            date(2025, 9, 1),
            date(2026, 4, 30),
        ),
        (deadline(kind="days_after", days=14, after="completed"), date(2025, 7, 31), date(2025, 8, 14)),
        (deadline(kind="day_of_following_month", day=15, after="completed"), date(2025, 12, 3), date(2026, 1, 15)),
        (deadline(kind="day_of_following_month", day=31, after="completed"), date(2026, 1, 31), date(2026, 2, 28)),
        (earliest({**THIRTY_DAYS, "days": -30}, {**MARCH_31, "date": "01-31"}), date(2026, 2, 13), date(2026, 1, 14)),
        (earliest({**THIRTY_DAYS, "days": -30}, {**MARCH_31, "date": "01-31"}), date(2026, 3, 10), date(2026, 1, 31)),
    ],
)
def test_relative_deadlines(rule: Deadline, completed: date, due: date) -> None:
    assert deadline_moment(rule, {"completed": completed}) == datetime.combine(due, time.max, JST)


def test_a_relative_deadline_without_its_day_says_which_one() -> None:
    with pytest.raises(LookupError, match="起点の日（completed）が分からない"):
        deadline_moment(earliest(THIRTY_DAYS, APRIL_10))


@pytest.mark.parametrize(
    ("moment", "ok"),
    [
        (at(2025, 7, 31, 23, 59, 59, 999999), True),
        (at(2025, 8, 1), False),
        (datetime(2025, 7, 31, 14, 59, 59, 999999, tzinfo=UTC), True),
        (datetime(2025, 7, 31, 15, 0, tzinfo=UTC), False),
    ],
)
def test_a_bare_date_lasts_to_its_last_microsecond_in_japan(moment: datetime, ok: bool) -> None:
    assert in_time(ZAITAKU.call.deadline, moment) is ok


@pytest.mark.parametrize(("second", "microsecond", "ok"), [(0, 0, True), (0, 1, False), (1, 0, False)])
def test_a_deadline_with_an_hour_is_exact(second: int, microsecond: int, ok: bool) -> None:
    rule = deadline(kind="fixed", at=datetime(2024, 8, 23, 17))
    assert in_time(rule, at(2024, 8, 23, 17, 0, second, microsecond)) is ok


def test_a_moment_without_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="時間帯"):
        in_time(ZAITAKU.call.deadline, datetime(2025, 7, 31))


# ---- working days -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "closed",
    [date(2025, 12, 29) + timedelta(days=n) for n in range(7)]
    + [date(2026, 5, 6), date(2026, 9, 22), date(2025, 7, 21)],
)
def test_closed_days(closed: date) -> None:
    assert OFFICES.is_closed(closed)


def test_the_middle_of_august_is_open() -> None:
    assert not OFFICES.is_closed(date(2025, 8, 13))


def test_worked_examples_of_working_days() -> None:
    assert OFFICES.add_working_days(date(2025, 12, 26), 3) == date(2026, 1, 7)
    assert OFFICES.add_working_days(date(2026, 5, 1), 5) == date(2026, 5, 13)
    assert OFFICES.working_days_between(date(2025, 6, 27), date(2025, 7, 31)) == 24
    assert OFFICES.working_days_between(date(2024, 7, 26), date(2025, 2, 28)) == 143
    assert child_deadline(date(2025, 7, 31), 5) == date(2025, 7, 24)
    assert result_due(ZAITAKU.call) == date(2025, 8, 14)


@given(days, st.integers(-60, 60))
def test_adding_working_days_lands_on_one_and_counts_right(day: date, count: int) -> None:
    landed = OFFICES.add_working_days(day, count)
    if count > 0:
        assert not OFFICES.is_closed(landed)
        assert OFFICES.working_days_between(day + timedelta(days=1), landed) == count
    elif count < 0:
        assert not OFFICES.is_closed(landed)
        assert OFFICES.working_days_between(landed, day - timedelta(days=1)) == -count
    else:
        assert landed == day


# ---- the desk ---------------------------------------------------------------------------------


def test_open_days_of_both_years() -> None:
    assert open_days(DESK) == 161
    year_before = DESK.model_copy(
        update={"period": DESK.period.model_copy(update={"starts": date(2024, 7, 26), "ends": date(2025, 2, 28)})}
    )
    assert open_days(year_before) == 143


@pytest.mark.parametrize(
    ("moment", "open_"),
    [
        (at(2025, 6, 26, 10), False),
        (at(2025, 6, 27, 8, 59, 59, 999999), False),
        (at(2025, 6, 27, 9), True),
        (at(2025, 6, 27, 16, 59, 59, 999999), True),
        (at(2025, 6, 27, 17), False),
        (at(2025, 7, 21, 10), False),
        (at(2025, 12, 29, 10), False),
        (at(2026, 2, 27, 10), True),
        (at(2026, 2, 28, 10), False),
    ],
)
def test_desk_hours(moment: datetime, open_: bool) -> None:
    assert is_open(DESK, moment) is open_


def test_when_the_clock_starts() -> None:
    assert clock_starts(DESK, at(2025, 7, 19, 10)) == at(2025, 7, 22, 9)
    assert clock_starts(DESK, at(2025, 7, 22, 10)) == at(2025, 7, 22, 10)
    assert clock_starts(DESK, at(2025, 6, 1, 10)) == at(2025, 6, 27, 9)
    assert clock_starts(DESK, at(2026, 2, 27, 17)) is None


def test_two_windows_a_day_and_a_dated_closure() -> None:
    two = [
        {"days": ["月", "火"], "opens": time(9), "closes": time(12)},
        {"days": ["月"], "opens": time(13), "closes": time(17)},
    ]
    raw = DESK.model_dump() | {
        "windows": two,
        "closures": [{"starts": date(2025, 7, 14), "ends": date(2025, 7, 14), "text": "停電のため"}],
    }
    desk = Desk.model_validate(raw)
    assert clock_starts(desk, at(2025, 7, 7, 12)) == at(2025, 7, 7, 13)
    assert clock_starts(desk, at(2025, 7, 8, 12)) == at(2025, 7, 15, 9)  # the 14th is closed
    assert not is_open(desk, at(2025, 7, 8, 14))


@given(st.datetimes(min_value=datetime(2025, 6, 1), max_value=datetime(2026, 3, 31)))
def test_the_clock_starts_when_somebody_is_there_and_never_before(naive: datetime) -> None:
    moment = naive.replace(tzinfo=JST)
    starts = clock_starts(DESK, moment)
    if starts is None:
        assert moment >= at(2026, 2, 27, 17)
        return
    assert is_open(DESK, starts)
    assert starts >= moment
    assert is_open(DESK, moment) == (starts == moment)
