"""昨年度から作成: next year's definition file started from this year's.

Works on the text, so comments and layout stay. What was moved, and what a person has to look at, is marked with a
line 「# 要確認: …」 above it. Dates move to the same month and day of the next year; their weekdays are worked out
anew, and dates that fall on a closed day are marked. Dates and 年度 of other years (「令和6年度から始まった…」) stay.
"""

from __future__ import annotations

import re
from calendar import isleap
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

from kyoten.rules.clock import Calendar, office_calendar
from kyoten.rules.reading import parse
from kyoten.rules.wareki import WEEKDAYS, fiscal_year, fiscal_year_name, wareki, weekday

MARK = "# 要確認: "
_DIGITS = str.maketrans("０１２３４５６７８９", "0123456789")
_WIDE = str.maketrans("0123456789", "０１２３４５６７８９")
_N = r"[0-9０-９]"
_WEEKDAY = rf"(?:(?P<open>\s*[（(])(?P<weekday>[{WEEKDAYS}])(?=[）)・曜]))?"
_PATTERNS = (
    rf"(?P<iso>(?<![\d-])\d{{4}}-\d{{2}}-\d{{2}}(?![\d-])){_WEEKDAY}",
    rf"令和(?P<gap>\s*)(?P<era>{_N}+|元)(?P<unit>\s*年\s*)(?P<month>{_N}{{1,2}})(?P<moon>\s*月)"
    rf"(?:(?P<sun>\s*)(?P<day>{_N}{{1,2}})(?P<end>\s*日))?",
    rf"令和(?P<fy_gap>\s*)(?P<fy_era>{_N}+|元)(?P<fy_unit>\s*年度)",
    r"(?<!\d)(?P<fy_west>20\d{2})(?=年度)",
    r"(?<![A-Za-z0-9])R(?P<fy_short>\d{1,2})(?=年度)",
    rf"(?<![\d年/])(?P<bare_month>{_N}{{1,2}})(?P<bare_moon>\s*月\s*)(?P<bare_day>{_N}{{1,2}})(?P<bare_end>\s*日)"
    rf"(?=\s*[（(][{WEEKDAYS}][）)・曜])",
    rf"令和\s*(?P<year_alone>{_N}+|元)\s*年(?!\s*(?:度|{_N}))",
)
# One pass over a line: what one pattern has moved, no other moves again. Weekdays after a date go with it.
_DATES = re.compile("|".join(f"(?:{pattern})" for pattern in _PATTERNS))
_ONE_WEEKDAY = re.compile(rf"\s*[（(](?P<weekday>[{WEEKDAYS}])")


@dataclass(frozen=True)
class NextYear:
    """The new file's text, its proposed id, and how many places want a look."""

    text: str
    slug: str
    marks: int


def next_year(text: str, file: str = "定義ファイル") -> NextYear:
    """Next year's definition, started from the text of this one. reading.Invalid if `text` is no valid definition."""
    definition = parse(text, file)
    mover = _Mover(definition.fiscal_year, office_calendar(definition.calendar))
    lines = list(_lines(text, definition.id, mover))
    old, new = (fiscal_year_name(definition.fiscal_year + n) for n in (0, 1))
    head = [
        f"{MARK}{old}の定義から作った{new}の案です。「要確認」の行を一つずつ確かめ、済んだら行ごと消してください",
        "",
    ]
    made = "\n".join([*head, *lines])
    return NextYear(made, _next_slug(definition.id), made.count(MARK))


def _next_slug(slug: str) -> str:
    """「r7-zaitaku」 → 「r8-zaitaku」"""
    return re.sub(r"(?<![a-z0-9])r(\d{1,2})(?![a-z0-9])", lambda found: f"r{int(found[1]) + 1}", slug)


# ---- lines ------------------------------------------------------------------------------------


def _lines(text: str, slug: str, mover: _Mover) -> Iterator[str]:
    """Every line moved; the marks of a text over several lines stand above its first line, outside the quotes."""
    held: list[str] = []
    notes: list[str] = []
    inside = ""
    for line in text.split("\n"):
        if line.lstrip().startswith(MARK) and not inside:
            continue  # a mark of the year before
        moved, found = mover.move(line)
        moved, told = _keys(moved, slug, mover.year) if not inside else (moved, [])
        held.append(moved)
        notes += told + found
        inside = _still_inside(line, inside)
        if not inside:
            indent = held[0][: len(held[0]) - len(held[0].lstrip())]
            yield from (f"{indent}{MARK}{note}" for note in dict.fromkeys(notes))
            yield from held
            held, notes = [], []
    yield from held


def _still_inside(line: str, inside: str) -> str:
    """The quotes of a text over several lines that is open at the end of this line."""
    for quotes in re.findall(r'"""|\'\'\'', line):
        inside = "" if inside == quotes else inside or quotes
    return inside


_ASK = {
    "[contact]": "連絡先は今年度も同じですか",
    "[desk.purpose]": "照会内容の利用目的は年度ごとに違います。今年度の文書の文言にしてください",
    "[[documents]]": "文書の日付と件名を、今年度の文書のものにしてください",
    "[call.silence]": "回答が無いときの扱いは今年度も同じですか",
}


def _keys(line: str, slug: str, year: int) -> tuple[str, list[str]]:
    """The id and the year of the file, and the tables a person looks at every year."""
    if re.match(rf'id\s*=\s*"{re.escape(slug)}"', line):
        new = _next_slug(slug)
        note = f"識別子を {slug} から {new} にしました" if new != slug else "識別子を今年度のものにしてください"
        return line.replace(f'"{slug}"', f'"{new}"', 1), [note]
    if re.match(rf"fiscal_year\s*=\s*{year}\b", line):
        return line.replace(str(year), str(year + 1), 1), []
    ask = next((asked for header, asked in _ASK.items() if line.strip().startswith(header)), None)
    return line, [ask] if ask else []


# ---- dates ------------------------------------------------------------------------------------


class _Mover:
    """Moves the dates of one fiscal year to the next."""

    def __init__(self, year: int, calendar: Calendar) -> None:
        self.year = year
        self.calendar = calendar

    def move(self, line: str) -> tuple[str, list[str]]:
        """The line with its dates moved, and what a person should look at."""
        notes: list[str] = []
        out, at = "", 0
        for found in _DATES.finditer(line):
            if found.start() < at:
                continue
            out += line[at : found.start()]
            at = found.end()
            piece, moved_to = self._piece(found, notes)
            if moved_to and (after := _ONE_WEEKDAY.match(line, at)) and not found["weekday"]:
                piece += line[at : after.start("weekday")] + weekday(moved_to)
                at = after.end()
            out += piece
        return out + line[at:], notes

    def _piece(self, found: re.Match[str], notes: list[str]) -> tuple[str, date | None]:
        """What stands in the place of one date; the day it was moved to, if it is a day."""
        part = found.groupdict()
        if part["iso"]:
            return self._iso(found, notes)
        if part["month"]:
            return self._wareki(found, notes)
        if part["bare_month"]:
            return self._bare(found, notes)
        return self._year_name(found, notes), None

    def _iso(self, found: re.Match[str], notes: list[str]) -> tuple[str, date | None]:
        day = _real(*(int(part) for part in found["iso"].split("-")))
        if not day or fiscal_year(day) < self.year:
            notes += _kept(found[0]) if day else []
            return found[0], None
        new = self._moved(day, notes)
        tail = f"{found['open']}{weekday(new)}" if found["weekday"] else ""
        return new.isoformat() + tail, new

    def _wareki(self, found: re.Match[str], notes: list[str]) -> tuple[str, date | None]:
        year, month = 2018 + _number(found["era"]), _number(found["month"])
        day = _real(year, month, _number(found["day"]) if found["day"] else 1)
        if not day or fiscal_year(day) != self.year:
            notes += _kept(found[0]) if day else []
            return found[0], None
        era = _like(found["era"], year + 1 - 2018)
        head = f"令和{found['gap']}{era}{found['unit']}{found['month']}{found['moon']}"
        if not found["day"]:
            notes.append(f"{found[0]} を1年進めました")
            return head, None
        new = self._moved(day, notes)
        return f"{head}{found['sun']}{_like(found['day'], new.day)}{found['end']}", new

    def _bare(self, found: re.Match[str], notes: list[str]) -> tuple[str, date | None]:
        month, number = _number(found["bare_month"]), _number(found["bare_day"])
        day = _real(self.year if month >= 4 else self.year + 1, month, number)
        if not day:
            return found[0], None
        new = self._moved(day, notes)
        moved = f"{found['bare_month']}{found['bare_moon']}{_like(found['bare_day'], new.day)}{found['bare_end']}"
        return moved, new

    def _year_name(self, found: re.Match[str], notes: list[str]) -> str:
        part = found.groupdict()
        year = _named_year(part)
        if part["year_alone"] or year != self.year:
            notes += _kept(found[0])
            return found[0]
        if part["fy_era"]:
            return f"令和{part['fy_gap']}{_like(part['fy_era'], year + 1 - 2018)}{part['fy_unit']}"
        return f"R{year + 1 - 2018}" if part["fy_short"] else str(year + 1)

    def _moved(self, day: date, notes: list[str]) -> date:
        """The same month and day a year later; 29 February becomes the 28th."""
        leap_day = (day.month, day.day) == (2, 29)
        new = date(day.year + 1, 2, 28) if leap_day else day.replace(year=day.year + 1)
        note = f"{wareki(day, with_weekday=True)} → {wareki(new, with_weekday=True)}"
        if (new.month, new.day) == (2, 28) and isleap(new.year):
            note += "。この年の2月末は29日です"
        notes.append(note + ("。閉庁日に当たります" if self.calendar.is_closed(new) else ""))
        return new


def _kept(written: str) -> list[str]:
    return [f"「{written}」は別の年度のものとして、そのまま残しました"]


def _named_year(part: dict[str, str | None]) -> int:
    if west := part["fy_west"]:
        return int(west)
    return 2018 + _number(part["fy_era"] or part["fy_short"] or part["year_alone"] or "")


def _number(written: str) -> int:
    return 1 if written == "元" else int(written.translate(_DIGITS))


def _like(written: str, number: int) -> str:
    """A number in the width the old one was written in."""
    return str(number).translate(_WIDE) if written and written[0] in "０１２３４５６７８９" else str(number)


def _real(year: int, month: int, day: int) -> date | None:
    try:
        return date(year, month, day)
    except ValueError:
        return None
