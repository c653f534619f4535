"""How single values of a definition file are read; a ValueError is the sentence its author sees."""

from __future__ import annotations

import re
from datetime import date, datetime, time
from fractions import Fraction
from typing import Any
from zoneinfo import ZoneInfo


def as_fraction(value: Any) -> Fraction:
    """「1/2」 → Fraction(1, 2). Never through a float: 0.1 is not a tenth."""
    if isinstance(value, Fraction):
        return value
    if not isinstance(value, str) or not re.fullmatch(r"\d{1,6}(/[1-9]\d{0,5})?", value):
        raise ValueError('割合は "1/2" のような分数の文字列で書いてください')
    return Fraction(value)


def as_month_day(value: Any) -> tuple[int, int]:
    """「12-29」 → (12, 29)."""
    if isinstance(value, tuple):
        return value
    parts = re.fullmatch(r"(\d{1,2})-(\d{1,2})", value) if isinstance(value, str) else None
    if not parts:
        raise ValueError('月日は "12-29" のように書いてください')
    month, day = int(parts[1]), int(parts[2])
    try:
        date(2023, month, day)  # not a leap year: 2-29 would not exist in most years
    except ValueError:
        raise ValueError(f"{month}月{day}日という日は毎年はありません") from None
    return month, day


def as_list_item(value: Any) -> Any:
    return {"text": value} if isinstance(value, str) else value


def as_day(value: Any) -> date:
    if type(value) is not date:
        raise ValueError("日付は 2025-07-31 のように、引用符で囲まずに書いてください")
    return value


def as_day_or_moment(value: Any) -> date:
    if not isinstance(value, date):
        raise ValueError("期限は 2025-07-31 または 2024-08-23T17:00:00 のように、引用符で囲まずに書いてください")
    return value


def as_clock(value: Any) -> time:
    if not isinstance(value, time):
        raise ValueError("時刻は 09:00:00 のように、引用符で囲まずに書いてください")
    return value


def as_moment(value: Any) -> datetime:
    if not isinstance(value, datetime):
        raise ValueError("日時は 2025-07-31T23:59:59 のように、引用符で囲まずに書いてください")
    return value if value.tzinfo else value.replace(tzinfo=ZoneInfo("Asia/Tokyo"))
