"""Japanese dates: 和暦, 年度, and reading the dates people write.

The year 1 of an era is 元年. A fiscal year runs from 1 April to 31 March; the whole of FY2019 is 令和元年度.
"""

from __future__ import annotations

import re
from calendar import monthrange
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time

from kyoten.rules.text import narrow

WEEKDAYS = "月火水木金土日"
# name, letter, first day. 明治 from the day Japan took the Gregorian calendar.
ERAS = (
    ("令和", "R", date(2019, 5, 1)),
    ("平成", "H", date(1989, 1, 8)),
    ("昭和", "S", date(1926, 12, 25)),
    ("大正", "T", date(1912, 7, 30)),
    ("明治", "M", date(1873, 1, 1)),
)
_FIRST_YEAR = {"令和": 2019, "平成": 1989, "昭和": 1926, "大正": 1912, "明治": 1868}


# ---- writing ----------------------------------------------------------------------------------


def era_year(year: int, name: str) -> str:
    """「7」 for 2025 in 令和, 「元」 for the first year."""
    number = year - _FIRST_YEAR[name] + 1
    return "元" if number == 1 else str(number)


def era_of(day: date) -> tuple[str, str]:
    """The era a day belongs to: (令和, R). ValueError before 1873."""
    for name, letter, first in ERAS:
        if day >= first:
            return name, letter
    raise ValueError("明治6年より前の日は和暦で表せません")


def weekday(day: date) -> str:
    """「木」"""
    return WEEKDAYS[day.weekday()]


def wareki(day: date, *, with_weekday: bool = False) -> str:
    """「令和7年7月31日」, 「令和7年7月31日（木）」; before 1873, a slip of the keyboard, 「西暦25年7月31日」."""
    name = era_of(day)[0] if day >= ERAS[-1][2] else ""
    year = f"{name}{era_year(day.year, name)}" if name else f"西暦{day.year}"
    text = f"{year}年{day.month}月{day.day}日"
    return f"{text}（{weekday(day)}）" if with_weekday else text


def wareki_short(day: date) -> str:
    """「R7.7.31」 for narrow columns."""
    name, letter = era_of(day)
    return f"{letter}{day.year - _FIRST_YEAR[name] + 1}.{day.month}.{day.day}"


def wareki_moment(at: datetime) -> str:
    """「令和6年8月23日（金）17時」, with minutes when there are any. `at` is already in Japanese time."""
    minutes = f"{at.minute}分" if at.minute else ""
    return f"{wareki(at.date(), with_weekday=True)}{at.hour}時{minutes}"


def fiscal_year(day: date) -> int:
    """年度: the year in which its April lies."""
    return day.year if day.month >= 4 else day.year - 1


def fiscal_year_name(year: int) -> str:
    """「令和7年度」 for 2025. FY2019 is 令和元年度 from its first day."""
    name, _ = era_of(date(year, 12, 31))
    return f"{name}{era_year(year, name)}年度"


# ---- reading ----------------------------------------------------------------------------------


@dataclass(frozen=True)
class ReadDate:
    """A date as somebody wrote it. Month and day are None when the text does not say them (吉日, 8月頃, R7)."""

    year: int
    month: int | None = None
    day: int | None = None
    at: time | None = None
    weekday: str | None = None
    about: tuple[str, ...] = ()  # 吉日, 頃, 末, 予定
    written: str = ""

    @property
    def date(self) -> date | None:
        return date(self.year, self.month, self.day) if self.month and self.day else None

    @property
    def weekday_fits(self) -> bool:
        """False when the weekday beside the date is another day's: 「8月23日（木）」."""
        return not self.weekday or not self.date or weekday(self.date) == self.weekday


_ERA = "令和|平成|昭和|大正|明治|令|平|昭|大|明|[RHSTM]"
_CLOCK = r"(?:\s*(?P<half>午前|午後)?\s*(?P<hour>\d{1,2})(?:時(?:(?P<minute>\d{1,2})分|(?P<thirty>半))?|:(?P<minute2>\d{2})))?"
_WEEKDAY = rf"(?:\s*(?:\((?P<weekday>[{WEEKDAYS}])(?:曜日?)?(?:・?[祝休])?\)|(?P<weekday2>[{WEEKDAYS}])曜日?))?"
_ABOUT = r"(?P<about>(?:\s*(?:頃|ごろ|\(予定\)|予定))*)"
_YEAR = rf"(?:(?P<era>{_ERA})\s*(?P<era_year>\d{{1,2}}|元)|(?P<year>\d{{4}}))"
_KANJI = rf"(?:{_YEAR}\s*年\s*)?(?<!\d)(?P<month>\d{{1,2}})\s*月\s*(?:(?P<day>\d{{1,2}})\s*日|(?P<vague>吉日|末日?|上旬|中旬|下旬))?"
_POINTS = rf"{_YEAR}\s*(?P<sep>[./-])\s*(?P<month>\d{{1,2}})\s*(?P=sep)\s*(?P<day>\d{{1,2}})"
_DIGITS = r"(?P<year>\d{4})(?P<month>\d{2})(?P<day>\d{2})"
_YEAR_ONLY = rf"{_YEAR}(?:\s*年度?)?"
_TAIL = _WEEKDAY + _CLOCK + _ABOUT
_FORMS = tuple(re.compile(head + _TAIL) for head in (_KANJI, _POINTS)) + (
    re.compile(_DIGITS),
    re.compile(_YEAR_ONLY + _ABOUT),
)
# 8/23（金）: a date because a weekday follows
_MONTH_AND_DAY = r"(?<![\d/.-])(?P<month>\d{1,2})/(?P<day>\d{1,2})(?=\s*\()"
_POINTS_IN_TEXT = (
    r"(?<![A-Za-z0-9.-])(?:(?P<era>令和?|平成?|[RH])(?P<era_year>\d{1,2})|(?P<year>(?:19|20)\d{2}))"
    r"(?P<sep>[./-])(?P<month>\d{1,2})(?P=sep)(?P<day>\d{1,2})(?![\d.-])"
)
_IN_TEXT = tuple(re.compile(head + _TAIL) for head in (_KANJI, _POINTS_IN_TEXT, _MONTH_AND_DAY))


def parse_date(text: str, *, in_fiscal_year: int | None = None) -> ReadDate:
    """The date a text says, in any of the spellings offices use (令和 6 年 8 月 1 日, 令6.7.26, R7.6.25, 令和7年6月吉日 …).

    A date without a year is read within `in_fiscal_year`. ValueError with a Japanese sentence if it cannot be read.
    """
    plain = narrow(text)
    for form in _FORMS:
        if found := form.fullmatch(plain):
            return _read(found, text.strip(), in_fiscal_year)
    raise ValueError(
        f"「{text.strip()}」は日付として読めません。令和7年7月31日 または 2025-07-31 のように書いてください"
    )


def parse_period(text: str) -> tuple[ReadDate, ReadDate]:
    """「2024年7月26日～2025年2月28日」 → its first and last date."""
    parts = re.split(r"\s*(?:~|〜|から|-(?=\D))\s*", narrow(text).removesuffix("まで"))
    if len(parts) != 2:
        raise ValueError(
            f"「{text.strip()}」は期間として読めません。2025年7月1日～2025年7月31日 のように書いてください"
        )
    first = parse_date(parts[0])
    return first, parse_date(parts[1], in_fiscal_year=fiscal_year(date(first.year, first.month or 4, first.day or 1)))


def dates_in(text: str, in_fiscal_year: int) -> Iterator[ReadDate]:
    """Every date in a longer text. What is no date (13月40日) is left out; strange_dates tells of it."""
    for found in _found_in(text):
        try:
            yield _read(found, _as_written(found), in_fiscal_year)
        except ValueError:
            continue


def strange_dates(text: str, in_fiscal_year: int) -> Iterator[tuple[str, str]]:
    """(reason, advice) for every date whose weekday is another day's, and for every full date that does not exist."""
    for found in _found_in(text):
        written = _as_written(found)
        try:
            read = _read(found, written, in_fiscal_year)
        except ValueError as error:
            yield str(error), "日付を直してください"
            continue
        if read.date and not read.weekday_fits:
            reason = f"「{written}」の曜日が違います"
            yield reason, f"{wareki(read.date)}は{weekday(read.date)}曜日です。日付か曜日を直してください"


def _found_in(text: str) -> Iterator[re.Match[str]]:
    plain = narrow(text)
    return (found for form in _IN_TEXT for found in form.finditer(plain))


def _as_written(found: re.Match[str]) -> str:
    return found.group(0).strip().replace("(", "（").replace(")", "）")


def _read(found: re.Match[str], written: str, in_fiscal_year: int | None) -> ReadDate:
    part = {name: value for name, value in found.groupdict().items() if value}
    month = int(part["month"]) if "month" in part else None
    year = _year(part, month, in_fiscal_year, written)
    day = int(part["day"]) if "day" in part else None
    about = re.findall("頃|ごろ|予定", part.get("about", ""))
    if "vague" in part:
        about.insert(0, part["vague"].removesuffix("日") if part["vague"] == "末日" else part["vague"])
    if "末" in about and month and 1 <= month <= 12:
        day = monthrange(year, month)[1]
    _must_exist(year, month, day, part.get("era"), written)
    named = part.get("weekday") or part.get("weekday2")
    return ReadDate(year, month, day, _time(part, written), named, tuple(about), written)


def _year(part: dict[str, str], month: int | None, in_fiscal_year: int | None, written: str) -> int:
    if "era" in part:
        first = next(_FIRST_YEAR[name] for name, letter, _ in ERAS if part["era"] in (name, name[0], letter))
        number = 1 if part["era_year"] == "元" else int(part["era_year"])
        if not number:
            raise ValueError(f"「{written}」の年が0になっています。元年は「元年」と書いてください")
        return first + number - 1
    if "year" in part:
        return int(part["year"])
    if in_fiscal_year is None or month is None:
        raise ValueError(f"「{written}」には年がありません。令和7年7月31日 のように年から書いてください")
    return in_fiscal_year if month >= 4 else in_fiscal_year + 1


def _must_exist(year: int, month: int | None, day: int | None, era: str | None, written: str) -> None:
    try:
        latest = date(year, month or 12, day or monthrange(year, month or 12)[1])
    except (ValueError, IndexError):
        raise ValueError(f"「{written}」という日はありません") from None
    for name, letter, first in ERAS:
        if era in (name, name[0], letter) and latest < first:
            raise ValueError(
                f"「{written}」は{name}になる前の日です（{name}は{first.year}年{first.month}月{first.day}日から）"
            )


def _time(part: dict[str, str], written: str) -> time | None:
    if "hour" not in part:
        return None
    hour = int(part["hour"]) + (12 if part.get("half") == "午後" and int(part["hour"]) < 12 else 0)
    minute = 30 if "thirty" in part else int(part.get("minute") or part.get("minute2") or 0)
    if hour > 23 or minute > 59:
        raise ValueError(f"「{written}」の時刻は 0時0分～23時59分 で書いてください")
    return time(hour, minute)
