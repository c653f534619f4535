"""What the schema alone cannot see: ids used twice, periods that overlap, rules that name what does not exist."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from kyoten.rules.definition import (
    Call,
    Deadline,
    Definition,
    Desk,
    EarliestOf,
    Engagement,
    Field,
    FixedDeadline,
    Form,
    Headcount,
    IncludesEach,
    MaxShare,
    MustInclude,
    Rule,
    Via,
    Window,
    YearlySpan,
)
from kyoten.rules.schema import Path
from kyoten.rules.wareki import dates_in, strange_dates, wareki


@dataclass(frozen=True)
class Fault:
    """One thing that is wrong: where, why, and what to do."""

    path: Path
    reason: str
    advice: str


def check(definition: Definition, raw: Any) -> tuple[Fault, ...]:
    """Every fault of a definition that already fits the schema. `raw` is the TOML data it came from."""
    return tuple(_faults(definition, raw))


def _faults(definition: Definition, raw: Any) -> Iterator[Fault]:
    yield from _twice(("documents",), (each.id for each in definition.documents))
    yield from _spans(("calendar", "closed_yearly"), definition.calendar.closed_yearly)
    if definition.desk:
        yield from _desk(definition.desk)
    if definition.form:
        yield from _form(definition.form)
    if definition.call:
        yield from _call(definition.call, definition)
    if definition.engagement:
        yield from _engagement(definition.engagement)
    yield from _texts((), raw, definition.fiscal_year)


# ---- ids and periods --------------------------------------------------------------------------


def _twice(path: Path, ids: Iterable[Any], key: str = "id") -> Iterator[Fault]:
    seen: set[Any] = set()
    for number, each in enumerate(ids):
        if each in seen:
            yield Fault(
                (*path, number, key), f"{key} = {each!r} が重なっています".replace("'", '"'), "別の名前にしてください"
            )
        seen.add(each)


def _in_order(path: Path, starts: Any, ends: Any) -> Iterator[Fault]:
    if starts > ends:
        yield Fault((*path, "starts"), f"初日（{starts}）が最終日（{ends}）より後です", "日付を直してください")


def _spans(path: Path, spans: Sequence[YearlySpan]) -> Iterator[Fault]:
    for number, span in enumerate(spans):
        for other in spans[:number]:
            if _days_of(span) & _days_of(other):
                yield Fault(
                    (*path, number), f"「{span.text}」と「{other.text}」の期間が重なっています", "期間を分けてください"
                )


def _days_of(span: YearlySpan) -> set[tuple[int, int]]:
    if span.starts <= span.ends:
        return {(m, d) for m in range(1, 13) for d in range(1, 32) if span.starts <= (m, d) <= span.ends}
    return {(m, d) for m in range(1, 13) for d in range(1, 32) if (m, d) >= span.starts or (m, d) <= span.ends}


def _desk(desk: Desk) -> Iterator[Fault]:
    yield from _in_order(("desk", "period"), desk.period.starts, desk.period.ends)
    for number, window in enumerate(desk.windows):
        path: Path = ("desk", "windows", number)
        if window.opens >= window.closes:
            yield Fault(
                (*path, "closes"), "受付終了が受付開始より前か同じです", "closes を opens より後の時刻にしてください"
            )
        for other in desk.windows[:number]:
            if days := _overlap(window, other):
                yield Fault(
                    path,
                    f"{days}の受付時間帯が重なっています（{_hours(other)} と {_hours(window)}）",
                    "時間帯を分けてください",
                )
    for number, closure in enumerate(desk.closures):
        path = ("desk", "closures", number)
        yield from _in_order(path, closure.starts, closure.ends)
        for earlier in desk.closures[:number]:
            if closure.starts <= earlier.ends and earlier.starts <= closure.ends:
                reason = f"「{earlier.text}」（{earlier.starts}～{earlier.ends}）と期間が重なっています"
                yield Fault(path, reason, "臨時に閉まる期間は重ならないように書いてください")
    yield from _spans(("desk", "closed_yearly"), desk.closed_yearly)
    yield from _twice(("desk", "purpose", "uses"), (use.id for use in desk.purpose.uses))


def _overlap(one: Window, other: Window) -> str:
    if one.opens >= other.closes or other.opens >= one.closes:
        return ""
    return "".join(day for day in one.days if day in other.days)


def _hours(window: Window) -> str:
    return f"{window.opens:%H:%M}～{window.closes:%H:%M}"


def _engagement(engagement: Engagement) -> Iterator[Fault]:
    path: Path = ("engagement",)
    yield from _in_order((*path, "period"), engagement.period.starts, engagement.period.ends)
    yield from _twice((*path, "meetings"), (meeting.no for meeting in engagement.meetings), "no")
    if engagement.min_meetings > engagement.max_meetings:
        yield Fault((*path, "min_meetings"), "会議の最少回数が最多回数より大きくなっています", "回数を直してください")
    if len(engagement.meetings) > engagement.max_meetings:
        reason = f"会議の議題が{len(engagement.meetings)}件あり、最多回数（{engagement.max_meetings}回）を超えています"
        yield Fault((*path, "meetings"), reason, "議題か max_meetings を直してください")


# ---- form -------------------------------------------------------------------------------------


def _form(form: Form) -> Iterator[Fault]:
    yield from _twice(("form", "sections"), (section.id for section in form.sections))
    seen: dict[str, str] = {}
    for s, section in enumerate(form.sections):
        for f, field in enumerate(section.fields):
            path: Path = ("form", "sections", s, "fields", f)
            if field.id in seen:
                reason = f'項目の id = "{field.id}" が重なっています（「{seen[field.id]}」と「{field.label}」）'
                yield Fault((*path, "id"), reason, "様式全体で重ならない名前にしてください")
            seen[field.id] = field.label
            yield from _field(path, field)


def _field(path: Path, field: Field) -> Iterator[Fault]:
    yield from _options(path, field.kind in ("choice", "marks"), field.options, field.kind)
    if (field.kind == "table") != bool(field.columns):
        reason = "表なのに列がありません" if field.kind == "table" else f'kind = "{field.kind}" の項目に列は書けません'
        yield Fault((*path, "columns"), reason, '列（columns）は kind = "table" の項目にだけ、必ず書いてください')
    yield from _twice((*path, "columns"), (column.id for column in field.columns))
    for number, column in enumerate(field.columns):
        where: Path = (*path, "columns", number)
        yield from _options(where, column.kind == "choice", column.options, column.kind)
        if column.id == "row":
            yield Fault(
                (*where, "id"), '列の id に "row" は使えません', "行の識別に使う名前です。別の名前にしてください"
            )


def _options(path: Path, wanted: bool, options: Sequence[Any], kind: str) -> Iterator[Fault]:
    if wanted != bool(options):
        reason = "選択肢がありません" if wanted else f'kind = "{kind}" に選択肢は書けません'
        yield Fault((*path, "options"), reason, "kind か options を直してください")
    yield from _twice((*path, "options"), (option.value for option in options), "value")


# ---- call -------------------------------------------------------------------------------------


def _call(call: Call, definition: Definition) -> Iterator[Fault]:
    path: Path = ("call",)
    yield from _deadline(call)
    yield from _twice((*path, "rules"), (rule.id for rule in call.rules))
    yield from _twice((*path, "rules"), (rule.short or number for number, rule in enumerate(call.rules)), key="short")
    yield from _twice((*path, "guide"), (section.no for section in call.guide), "no")
    for kind in (kind for kind in call.reference if kind in call.invites):
        yield Fault(
            (*path, "reference"),
            f'"{kind}" が invites にもあります',
            "案内するか参考送付か、どちらか一方にしてください",
        )
    for number, rule in enumerate(call.rules):
        yield from _rule((*path, "rules", number), rule, call, definition.form)


def _deadline(call: Call) -> Iterator[Fault]:
    path: Path = ("call", "deadline")
    for key in ("text", "source"):
        if not getattr(call.deadline, key):
            yield Fault(
                (*path, key), f"申込締切の {key} がありません", "文書の文言（text）と根拠（source）を書いてください"
            )
    for name in _starting_days(call.deadline):
        reason = f"申込締切が「{name}」の日から数える期限になっています"
        yield Fault(path, reason, '申込締切は日付で決めてください（kind = "fixed"）')
    if not isinstance(call.deadline, FixedDeadline):
        return
    day = call.deadline.at.date() if isinstance(call.deadline.at, datetime) else call.deadline.at
    if call.opens > day:
        reason = f"公募を始める日（{call.opens}）が申込締切（{day}）より後です"
        yield Fault(("call", "opens"), reason, "opens か deadline を直してください")
    yield from _said_otherwise((*path, "text"), call.deadline.text, day)


def _starting_days(deadline: Deadline) -> Iterator[str]:
    """The days a deadline counts from; a call's deadline is announced as a date and counts from none."""
    if isinstance(deadline, EarliestOf):
        for each in deadline.of:
            yield from _starting_days(each)
    elif not isinstance(deadline, FixedDeadline):
        yield deadline.after


def _said_otherwise(path: Path, text: str, day: date) -> Iterator[Fault]:
    said = [read.date for read in dates_in(text, day.year if day.month >= 4 else day.year - 1) if read.date]
    if said and day not in said:
        yield Fault(
            path, f"文言の日付（{wareki(said[0])}）が期限（{wareki(day)}）と違います", "どちらかを直してください"
        )


def _rule(path: Path, rule: Rule, call: Call, form: Form | None) -> Iterator[Fault]:
    match rule:
        case Headcount():
            if rule.min > rule.max:
                yield Fault(
                    (*path, "min"),
                    f"下限（{rule.min}）が上限（{rule.max}）より大きくなっています",
                    "人数を直してください",
                )
            yield from _table_field(path, rule.field, form)
        case MaxShare():
            if not 0 < rule.max_share < 1:
                yield Fault((*path, "max_share"), "割合の上限は 0 と 1 の間です", '"1/2" のように書いてください')
            yield from _column(path, rule, (), form)
        case MustInclude() | IncludesEach():
            yield from _column(path, rule, rule.values, form)
        case Via() if rule.route != call.route:
            reason = f"要件の経路（{rule.route}）が公募の経路（{call.route}）と違います"
            yield Fault((*path, "route"), reason, "call.route と同じにしてください")
        case _:
            return


def _table_field(path: Path, name: str, form: Form | None) -> Iterator[Fault]:
    tables = [field.id for field in form.fields() if field.kind == "table"] if form else []
    if name not in tables:
        have = f"様式にある表は {'、'.join(tables)} です" if tables else "様式（form）に表を書いてください"
        yield Fault((*path, "field"), f'"{name}" という表の項目は様式にありません', have)


def _column(
    path: Path, rule: MustInclude | IncludesEach | MaxShare, values: Sequence[str], form: Form | None
) -> Iterator[Fault]:
    faults = list(_table_field(path, rule.field, form))
    if faults or not form:
        yield from faults
        return
    columns = {column.id: column for column in form.field(rule.field).columns}
    if rule.column not in columns:
        yield Fault(
            (*path, "column"),
            f'"{rule.column}" という列は "{rule.field}" にありません',
            f"列は {'、'.join(columns)} です",
        )
        return
    known = [option.value for option in columns[rule.column].options]
    for value in values:
        if known and value not in known:
            reason = f'"{value}" は列 "{rule.column}" の選択肢にありません'
            yield Fault((*path, "values"), reason, f"選択肢は {'、'.join(known)} です")


# ---- dates in texts ---------------------------------------------------------------------------


def _texts(path: Path, value: Any, fiscal_year: int) -> Iterator[Fault]:
    """Every text of the file is looked through for dates that do not fit their weekday, or that do not exist."""
    if isinstance(value, str):
        for reason, advice in strange_dates(value, fiscal_year):
            yield Fault(path, reason, advice)
    elif isinstance(value, dict):
        for key, each in value.items():
            yield from _texts((*path, key), each, fiscal_year)
    elif isinstance(value, list):
        for number, each in enumerate(value):
            yield from _texts((*path, number), each, fiscal_year)
