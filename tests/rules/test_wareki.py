"""Japanese dates, written and read."""

from datetime import date, datetime, time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kyoten.rules.clock import JST
from kyoten.rules.wareki import (
    fiscal_year,
    fiscal_year_name,
    parse_date,
    parse_period,
    strange_dates,
    wareki,
    wareki_moment,
    wareki_short,
)


@pytest.mark.parametrize(
    ("written", "day"),
    [
        ("令和 6 年 8 月 1 日", date(2024, 8, 1)),
        ("令和7年6月25日", date(2025, 6, 25)),
        ("令和７年６月２５日", date(2025, 6, 25)),
        ("令6.7.26", date(2024, 7, 26)),
        ("R7.6.25", date(2025, 6, 25)),
        ("R７/6/25", date(2025, 6, 25)),
        ("2024年7月26日", date(2024, 7, 26)),
        ("2025-07-31", date(2025, 7, 31)),
        ("2025/7/31", date(2025, 7, 31)),
        ("20250731", date(2025, 7, 31)),
        ("令和元年5月1日", date(2019, 5, 1)),
        ("平成31年4月30日", date(2019, 4, 30)),
        ("平成31年5月10日", date(2019, 5, 10)),  # printed long before the era changed
        ("昭和64年1月7日", date(1989, 1, 7)),
        ("令和8年2月末（予定）", date(2026, 2, 28)),
        ("令和10年2月末日", date(2028, 2, 29)),
        ("令和7年7月31日(木・祝)", date(2025, 7, 31)),
        ("令和7年7月31日木曜日", date(2025, 7, 31)),
        ("㋿7年7月31日", date(2025, 7, 31)),
    ],
)
def test_the_spellings_of_offices_are_read(written: str, day: date) -> None:
    assert parse_date(written).date == day


@pytest.mark.parametrize(
    ("written", "year", "month", "about"),
    [
        ("令和6年7月吉日", 2024, 7, ("吉日",)),
        ("令和7年8月頃", 2025, 8, ("頃",)),
        ("令和7年8月上旬（予定）", 2025, 8, ("上旬", "予定")),
        ("R7", 2025, None, ()),
        ("令和元年度", 2019, None, ()),
    ],
)
def test_a_date_without_a_day_says_what_it_says(written: str, year: int, month: int | None, about: tuple) -> None:
    read = parse_date(written)
    assert (read.year, read.month, read.day, read.date, read.about) == (year, month, None, None, about)


@pytest.mark.parametrize(
    ("written", "at"),
    [
        ("令和6年8月23日（金）17時", time(17)),
        ("令和6年8月23日（金）17時30分", time(17, 30)),
        ("令和6年8月23日 午後5時半", time(17, 30)),
        ("2024年8月23日 17:05", time(17, 5)),
        ("令和6年8月23日", None),
    ],
)
def test_the_hour_is_read(written: str, at: time | None) -> None:
    assert parse_date(written).at == at


@pytest.mark.parametrize(
    "written",
    [
        "明日",
        "",
        "7月31日",
        "令和7年13月1日",
        "令和7年2月29日",
        "令和0年4月1日",
        "7.7.31",
        "令和7年7月31日25時",
        "0000-01-01",
    ],
)
def test_what_is_no_date_is_refused_with_a_sentence(written: str) -> None:
    with pytest.raises(ValueError, match="「.*」"):
        parse_date(written)


def test_a_day_before_its_era_is_refused() -> None:
    with pytest.raises(ValueError, match="令和になる前の日です（令和は2019年5月1日から）"):
        parse_date("令和元年4月1日")


def test_a_date_without_year_is_read_within_a_fiscal_year() -> None:
    assert parse_date("8月23日", in_fiscal_year=2024).date == date(2024, 8, 23)
    assert parse_date("2月28日", in_fiscal_year=2024).date == date(2025, 2, 28)


def test_a_period_is_read() -> None:
    first, last = parse_period("2024年7月26日～2025年2月28日")
    assert (first.date, last.date) == (date(2024, 7, 26), date(2025, 2, 28))
    first, last = parse_period("令和8年1月5日から2月3日まで")
    assert (first.date, last.date) == (date(2026, 1, 5), date(2026, 2, 3))


@pytest.mark.parametrize(
    ("text", "faults"),
    [
        ("締切は令和6年8月23日（金）17時", []),
        ("締切は令和6年8月23日（木）17時", ["「令和6年8月23日（木）17時」の曜日が違います"]),
        ("締切は8月23日（木）です", ["「8月23日（木）」の曜日が違います"]),
        ("締切は8/23（木）です", ["「8/23（木）」の曜日が違います"]),
        ("締切は2024/8/23(木)です", ["「2024/8/23（木）」の曜日が違います"]),
        ("2月30日に開きます", ["「2月30日」という日はありません"]),
        ("電話 043-000-2608、3～4回、10～15名、1/2", []),
        ("令和6年度から始まった第8次", []),
    ],
)
def test_dates_inside_a_text_must_fit_their_weekday(text: str, faults: list[str]) -> None:
    assert [reason for reason, _ in strange_dates(text, 2024)] == faults


@pytest.mark.parametrize(
    ("day", "name"),
    [
        (date(2019, 4, 1), "令和元年度"),
        (date(2020, 3, 31), "令和元年度"),
        (date(2025, 3, 31), "令和6年度"),
        (date(2025, 4, 1), "令和7年度"),
        (date(2019, 3, 31), "平成30年度"),
    ],
)
def test_fiscal_years(day: date, name: str) -> None:
    assert fiscal_year_name(fiscal_year(day)) == name


def test_writing() -> None:
    day = date(2025, 7, 31)
    assert wareki(day) == "令和7年7月31日"
    assert wareki(day, with_weekday=True) == "令和7年7月31日（木）"
    assert wareki_short(day) == "R7.7.31"
    assert wareki(date(2019, 5, 1)) == "令和元年5月1日"
    assert wareki_moment(datetime(2024, 8, 23, 17, 0, tzinfo=JST)) == "令和6年8月23日（金）17時"
    assert wareki_moment(datetime(2024, 8, 23, 9, 5, tzinfo=JST)) == "令和6年8月23日（金）9時5分"


@given(st.dates(min_value=date(1873, 1, 1), max_value=date(2117, 12, 31)))
def test_what_is_written_is_read_back(day: date) -> None:
    assert parse_date(wareki(day, with_weekday=True)).date == day
    assert parse_date(wareki(day, with_weekday=True)).weekday_fits
    assert parse_date(wareki_short(day)).date == day
