"""The desk's own rules: the official mail template, what kind of mail a mail is, and by when a case is due."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, time
from functools import lru_cache
from typing import Literal

from kyoten.rules.clock import JST, clock_starts, desk_calendar, local
from kyoten.rules.definition import Desk
from kyoten.rules.text import narrow
from kyoten.rules.wareki import weekday

Sort = Literal["desk", "call", "other"]  # 相談 / 申込 / その他
APPLYING = re.compile(r"申込書|申し込み|応募|別紙\s*2|伴走支援.*(申込|応募|提出)|(申込|応募|提出).*伴走支援")
PAPERS = (".docx", ".doc", ".xlsx", ".xls", ".pdf")
ADDRESS = re.compile(r"[A-Za-z0-9!#$%&'*+=?^_`{|}~.-]+@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+")  # no "/": TEL／メール
PHONE = re.compile(r"(?:\+81[-\s]?)?\(?0?\d{1,4}(?:\)[-\s]?|[-\s]|(?=\())\(?\d{1,4}(?:\)[-\s]?|[-\s])\d{3,4}|0\d{9,10}")
LOOKED_AT = 50_000  # characters in which the lines of the template are looked for
DASHES = re.compile(r"(?<=\d)[ーｰ‐‑‒–—―−－](?=\d)")
# How people mark the lines of the template: quoted, 1) (1) 1. ① ・ ■ 【 … in narrowed text
NUMBER = r"(?:[(]?\d{1,2}[ 　]*[).．、,][ 　]*|\d[ 　]*)"
BEGUN = rf"(?m)^[ \t　>]*(?:[■□●○◎◆◇▼・･*＊※-][ 　]*)?(?P<number>{NUMBER})?(?:[【\[<「][ 　]*)?(?:お|ご|御|貴)?"
ENDED = r"(?:[ 　]*\([^)\n]*\))?(?P<end>[ 　]*[:】\]>」]+[ 　]*:?|[\t　]|  | *$)?"
# What is written instead of the words of the template
INSTEAD = {"機関名": ("所属", "所属機関", "所属名", "団体名"), "氏名": ("名前", "担当者名", "担当者氏名", "担当者")}
BLANK = re.compile(r"[\s　○〇●◯△×xX*＊・…_＿~～－ー―0()（）:：／/-]*(?:市|町|村|県|様|について|課)?[\s　○〇]*")


@dataclass(frozen=True)
class Timing:
    """計時: when the time to answer begins, and when it ends. Both None outside the desk's period."""

    clock_at: datetime | None
    due: datetime | None


@dataclass(frozen=True)
class Told:
    """What the official template's lines say; empty where free text was written instead."""

    body: str = ""
    person: str = ""
    phone: str = ""
    email: str = ""
    text: str = ""


def timing(desk: Desk, at: datetime) -> Timing:
    """受付の計時: begins at once while the desk is open, else when it next opens; the goal counts its open days.

    The day the clock starts is not counted; the goal ends when the desk closes on the last day (E: 3 open days from
    Tue 9:00 end Fri 17:00).
    """
    starts = clock_starts(desk, at)
    if starts is None or desk.answer_within is None:
        return Timing(starts, None)
    day = desk_calendar(desk).add_working_days(starts.date(), desk.answer_within.working_days)
    closes = max((window.closes for window in desk.windows if weekday(day) in window.days), default=time(23, 59, 59))
    return Timing(starts, datetime.combine(day, closes, JST))


def answered_within(desk: Desk, clock_at: datetime, answered_at: datetime) -> int:
    """How many open days an answer took: 0 on the day the clock started."""
    first, last = local(clock_at).date(), local(answered_at).date()
    if last <= first:
        return 0
    calendar = desk_calendar(desk)
    return calendar.working_days_between(first, last) - (not calendar.is_closed(first))


def outside(desk: Desk, at: datetime) -> bool:
    """Before the desk opens for the first time or after it closed for good (a closed Saturday is not outside)."""
    return not desk.period.starts <= local(at).date() <= desk.period.ends


def told(desk: Desk, text: str) -> Told:
    """Read 「1) 自治体・機関名：…」 out of a mail's text, however the lines were numbered, widened or re-wrapped.

    The last line of the template takes everything that follows it.
    """
    labels = [re.sub(r"^[\d０-９]+[)）.．]\s*", "", line).rstrip("：: ") for line in desk.mail.lines]
    found = _sections(labels, text)
    if len(found) < 2:
        return Told()
    by_label = {label: found.get(label, "").strip() for label in labels}
    contact = next((value for label, value in by_label.items() if "連絡先" in label), "")
    plain = DASHES.sub("-", narrow(contact))
    return Told(
        body=_line(next((v for k, v in by_label.items() if "機関" in k), "")),
        person=_line(next((v for k, v in by_label.items() if "氏名" in k), "")),
        phone=(match[0] if (match := PHONE.search(plain)) else "")[:60],
        email=(match[0] if (match := ADDRESS.search(plain)) else "")[:320],
        text=by_label.get(labels[-1], ""),
    )


def _sections(labels: Sequence[str], text: str) -> dict[str, str]:
    """label → what stands after it, up to the next label. Where the lines stand there twice (the blank ones quoted, an
    example filled in above), the set in which most is filled in."""
    plain = text[:LOOKED_AT].translate(NARROW)  # a place in it is a place in `text`
    found = sorted({row for label in labels for row in _starts(label, plain)})
    sets: list[list[tuple[int, int, str]]] = []
    for row in found:
        if not sets or any(row[2] == known for *_, known in sets[-1]):
            sets.append([])
        sets[-1].append(row)
    if not sets:
        return {}
    ends = iter([*(start for start, *_ in found), len(text)][1:])
    read = [{label: text[after : next(ends)] for _, after, label in rows} for rows in sets]
    return max(read, key=lambda values: sum(not BLANK.fullmatch(value.strip()[:200]) for value in values.values()))


def _starts(label: str, plain: str) -> Iterator[tuple[int, int, str]]:
    """Where a line of the template begins and its value. Words in a sentence (「氏名は…」) are none: a number stands
    before them, or a colon, a bracket or the line's end behind."""
    for found in _line_of(label).finditer(plain):
        if found["number"] or found["end"] is not None:
            yield found.start(), found.end(), label


@lru_cache(maxsize=256)
def _line_of(label: str) -> re.Pattern[str]:
    bare = re.sub(r"[（(].*?[）)]", "", label)
    return re.compile(f"{BEGUN}(?:{'|'.join(map(_spaced, _names(bare)))}){ENDED}")


def _names(bare: str) -> list[str]:
    """「自治体・機関名」 is shortened to 自治体名 or 機関名, or said in other words."""
    parts = re.split("[・／/]", bare)
    names = [bare, *parts, *(f"{part}名" for part in parts if len(parts) > 1 and not part.endswith("名"))]
    names += [word for part in parts for word in INSTEAD.get(part, ())]
    return sorted(dict.fromkeys(names), key=len, reverse=True)


def _spaced(name: str) -> str:
    return "[ 　]*".join(re.escape(char) for char in name)


class _Narrow(dict[int, str]):
    """For str.translate: each character narrowed (１→1, ①→1, （→() where one is still one."""

    def __missing__(self, code: int) -> str:
        char = chr(code)
        narrowed = unicodedata.normalize("NFKC", char)
        self[code] = narrowed if len(narrowed) == 1 and char != "　" else char
        return self[code]


NARROW = _Narrow()


def _line(text: str) -> str:
    return " ".join(text.split())[:200]


def sort_mail(desk: Desk | None, subject: str, text: str, names: Sequence[str], applying: bool) -> Sort:
    """相談・申込・その他: a proposal an officer changes with one click. `applying`: a call of this mailbox is open.

    The template's own subject settles it; a form enclosed, or the words of an application, make it 申込.
    """
    plain = narrow(subject)
    if desk and narrow(desk.mail.subject) in plain:
        return "desk"
    documents = [narrow(name) for name in names if name.lower().endswith(PAPERS)]
    if applying and documents and any(APPLYING.search(said) for said in (plain, *documents)):
        return "call"
    return "desk" if desk and (text.strip() or plain) else "other"
