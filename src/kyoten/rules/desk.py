"""The desk's own rules: the official mail template, what kind of mail a mail is, and by when a case is due."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, time
from typing import Literal

from kyoten.rules.clock import JST, clock_starts, desk_calendar, local
from kyoten.rules.definition import Desk
from kyoten.rules.text import narrow
from kyoten.rules.wareki import weekday

Sort = Literal["desk", "call", "other"]  # 相談 / 申込 / その他
APPLYING = re.compile(r"申込書|申し込み|応募|別紙\s*2|伴走支援.*(申込|応募|提出)|(申込|応募|提出).*伴走支援")
PAPERS = (".docx", ".doc", ".xlsx", ".xls", ".pdf")
MARKS = "[0-9０-９①-⑨]"
ADDRESS = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]+@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+")
PHONE = re.compile(r"(?:\+81[-\s]?)?\(?0?\d{1,4}\)?[-\s]\d{1,4}[-\s]\d{3,4}|0\d{9,10}")


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
    plain = narrow(contact)
    return Told(
        body=_line(next((v for k, v in by_label.items() if "機関" in k), "")),
        person=_line(next((v for k, v in by_label.items() if "氏名" in k), "")),
        phone=(match[0] if (match := PHONE.search(plain)) else "")[:60],
        email=(match[0] if (match := ADDRESS.search(plain)) else "")[:320],
        text=by_label.get(labels[-1], ""),
    )


def _sections(labels: Sequence[str], text: str) -> dict[str, str]:
    """label → what stands after it, up to the next label."""
    starts: list[tuple[int, int, str]] = []
    for label in labels:
        bare = re.sub(r"[（(].*?[）)]", "", label)
        pattern = rf"(?m)^[ 　>■○・*]*(?:{MARKS}+\s*[)）.．、]?)?[ 　]*{re.escape(bare)}[ 　]*(?:[（(][^）)\n]*[）)])?[ 　]*[：:]?"
        if match := re.search(pattern, text):
            starts.append((match.start(), match.end(), label))
    starts.sort()
    ends = [*(start for start, _, _ in starts), len(text)][1:]
    return {label: text[after:end] for (_, after, label), end in zip(starts, ends, strict=True)}


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
