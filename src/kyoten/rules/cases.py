"""Runs a cases file against a definition: for each example, what was expected and what the rules answer. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Literal, assert_never

from kyoten.rules import clock, wareki
from kyoten.rules.answers import clean
from kyoten.rules.case_file import (
    CaseBase,
    Cases,
    ChildDeadlineCase,
    DeadlineCase,
    DeskCase,
    EligibilityCase,
    ExpectedFinding,
    FiscalYearCase,
    ResultDueCase,
    WarekiCase,
    WorkingDaysCase,
)
from kyoten.rules.definition import STEPS, Call, Definition, Desk, Field, FixedDeadline
from kyoten.rules.eligibility import Facts, Finding, check
from kyoten.rules.reading import read_toml, validated

Case = (
    EligibilityCase
    | DeadlineCase
    | WorkingDaysCase
    | WarekiCase
    | FiscalYearCase
    | DeskCase
    | ChildDeadlineCase
    | ResultDueCase
)
MAX_TIMES = 200
Pairs = Iterator[tuple[str, str]]  # (expected, got)
TITLES: Mapping[str, str] = {
    "eligibility": "応募要件",
    "deadline": "期限",
    "working_days": "営業日",
    "wareki": "和暦",
    "fiscal_year": "年度",
    "desk": "相談窓口",
    "child_deadline": "管内への期限",
    "result_due": "選定結果の通知",
}


class Unanswerable(Exception):
    """The definition or the case lacks what the question needs; the Japanese sentence is shown as the answer."""


@dataclass(frozen=True)
class Outcome:
    """One example: ○ if the rules answered as expected."""

    table: str
    number: int
    name: str
    expected: str
    got: str

    @property
    def ok(self) -> bool:
        return self.expected == self.got

    @property
    def title(self) -> str:
        """「期限 2（締切の瞬間）」"""
        return f"{TITLES[self.table]} {self.number}" + (f"（{self.name}）" if self.name else "")


def parse_cases(text: str, file: str = "計算例") -> Cases:
    """The cases a TOML text says; reading.Invalid with everything that is wrong."""
    return validated(Cases, text, read_toml(text, file), file)


def run(definition: Definition, cases: Cases) -> tuple[Outcome, ...]:
    """Every example of a cases file, in the order of its tables."""
    return tuple(
        _outcome(definition, table, number, case)
        for table in TITLES
        for number, case in enumerate(getattr(cases, table), 1)
    )


def _outcome(definition: Definition, table: str, number: int, case: CaseBase) -> Outcome:
    pairs: list[tuple[str, str]] = []
    try:
        pairs.extend(_pairs(definition, case))  # type: ignore[arg-type]
    except (Unanswerable, LookupError) as error:
        pairs.append(("（答えられること）", str(error.args[0])))
    expected, got = (
        ("、".join(side) for side in zip(*pairs, strict=True)) if pairs else ("（期待）", "期待が書かれていません")
    )
    return Outcome(table, number, case.name, expected, got)


def _pairs(definition: Definition, case: Case) -> Pairs:
    match case:
        case EligibilityCase():
            return _eligibility(definition, case)
        case DeadlineCase():
            return _deadline(definition, case)
        case WorkingDaysCase():
            return _working_days(clock.office_calendar(definition.calendar), case)
        case WarekiCase():
            return _wareki(case)
        case FiscalYearCase():
            return _fiscal_year(case)
        case DeskCase():
            return _desk(_desk_of(definition), case)
        case ChildDeadlineCase():
            return _child_deadline(definition, case)
        case ResultDueCase():
            return _result_due(definition, case)
        case _:
            assert_never(case)


def _call_of(definition: Definition) -> Call:
    if not definition.call:
        raise Unanswerable("この定義に公募（call）がありません")
    return definition.call


def _desk_of(definition: Definition) -> Desk:
    if not definition.desk:
        raise Unanswerable("この定義に相談窓口（desk）がありません")
    return definition.desk


# ---- eligibility ------------------------------------------------------------------------------


def _eligibility(definition: Definition, case: EligibilityCase) -> Pairs:
    call = _call_of(definition)
    facts = Facts(
        answers=_answers(definition, case.answers),
        applicant_kind=case.applicant_kind,
        hub_designated=case.hub_designated,
        route=case.route or call.route,
        ticks=case.ticks,
    )
    found = {finding.rule.id: finding for finding in check(call.rules, facts)}
    _must_know(found, [*case.ticks, *case.holds, *(each.rule for each in (*case.fails, *(case.findings or ())))])
    if case.findings is not None:
        failed = [ExpectedFinding(rule=f.rule.id, level=f.rule.level) for f in found.values() if not f.ok]
        yield _listed(case.findings), _listed(failed)
    for each in case.fails:
        yield _listed([each]), _said(found[each.rule])
    for rule_id in case.holds:
        yield f"{rule_id} ○", _said(found[rule_id])
    if case.stops_at is not None:
        stops = [step for step in STEPS if any(finding.stops_at(step) for finding in found.values())]
        yield _steps(case.stops_at), _steps(stops)


def _answers(definition: Definition, answers: Mapping[str, Any]) -> dict[str, Any]:
    """The answers of a case; a row with `times = 3` stands for three rows."""
    if not definition.form:
        raise Unanswerable("この定義に様式（form）がありません")
    fields = {field.id: field for field in definition.form.fields()}
    if strange := [name for name in answers if name not in fields]:
        raise Unanswerable(f"様式に {'、'.join(strange)} という項目がありません")
    tables = {name: _spread(fields[name], rows) for name, rows in answers.items() if fields[name].kind == "table"}
    return clean(definition.form, {**answers, **tables})


def _spread(field: Field, rows: Any) -> list[Mapping[str, Any]]:
    if not isinstance(rows, list) or not all(isinstance(row, Mapping) for row in rows):
        raise Unanswerable(f"{field.id} は行の並び [{{ … }}, {{ … }}] で書いてください")
    known = {column.id for column in field.columns} | {"times"}
    if strange := sorted({key for row in rows for key in row} - known):
        raise Unanswerable(f"{field.id} に {'、'.join(strange)} という列がありません")
    times = [row.get("times", 1) for row in rows]
    if not all(isinstance(each, int) and 1 <= each <= MAX_TIMES for each in times):
        raise Unanswerable(f"times は 1～{MAX_TIMES} の整数で書いてください")
    return [row for row, count in zip(rows, times, strict=True) for _ in range(count)]


def _must_know(found: Mapping[str, Finding], names: Iterable[str]) -> None:
    if strange := [name for name in names if name not in found]:
        raise Unanswerable(f"定義に {'、'.join(strange)} という要件がありません")


def _listed(findings: Iterable[ExpectedFinding]) -> str:
    return " ".join(sorted(f"{finding.rule} ×{finding.level}" for finding in findings)) or "すべて満たす"


def _said(finding: Finding) -> str:
    return f"{finding.rule.id} ○" if finding.ok else f"{finding.rule.id} ×{finding.rule.level}"


def _steps(steps: Iterable[str]) -> str:
    return "止まる段階: " + (" ".join(sorted(steps, key=STEPS.index)) or "なし")


# ---- time -------------------------------------------------------------------------------------


def _deadline(definition: Definition, case: DeadlineCase) -> Pairs:
    deadline = case.deadline or _call_of(definition).deadline
    last = clock.deadline_moment(deadline, case.facts, clock.office_calendar(definition.calendar))
    if case.at is None:
        yield str(case.expect), last.date().isoformat()
        return
    begun = case.deadline is not None or clock.local(case.at).date() >= _call_of(definition).opens
    yield str(case.expect), _open(begun and case.at <= last)


def _open(is_open: bool) -> Literal["open", "closed"]:
    return "open" if is_open else "closed"


def _working_days(calendar: clock.Calendar, case: WorkingDaysCase) -> Pairs:
    if case.day and case.add is not None:
        got = calendar.add_working_days(case.day, case.add).isoformat()
    elif case.day:
        got = _open(not calendar.is_closed(case.day))
    elif case.starts and case.ends:
        got = str(calendar.working_days_between(case.starts, case.ends))
    else:
        raise Unanswerable("day と add、day だけ、または starts と ends を書いてください")
    yield str(case.expect), got


def _desk(desk: Desk, case: DeskCase) -> Pairs:
    if case.open_days is not None:
        yield f"{case.open_days}日", f"{clock.open_days(desk)}日"
    if case.at is None:
        return
    if case.expect:
        yield case.expect, _open(clock.is_open(desk, case.at))
    if case.clock_starts:
        starts = clock.clock_starts(desk, case.at)
        yield _shown(case.clock_starts), _shown(starts) if starts else "受付期間が終わっています"


def _shown(at: datetime) -> str:
    return clock.local(at).replace(tzinfo=None).isoformat(" ")


def _child_deadline(definition: Definition, case: ChildDeadlineCase) -> Pairs:
    call = _call_of(definition)
    margin = case.working_days
    if margin is None:
        if not call.child_margin:
            raise Unanswerable("この定義に管内への期限の目安（call.child_margin）がありません")
        margin = call.child_margin.working_days
    calendar = clock.office_calendar(definition.calendar)
    got = clock.child_deadline(case.parent or _deadline_day(call), margin, calendar)
    yield case.expect.isoformat(), got.isoformat()


def _result_due(definition: Definition, case: ResultDueCase) -> Pairs:
    yield (
        case.expect.isoformat(),
        clock.result_due(_call_of(definition), clock.office_calendar(definition.calendar)).isoformat(),
    )


def _deadline_day(call: Call) -> date:
    if not isinstance(call.deadline, FixedDeadline):
        raise Unanswerable("申込締切が日付ではないので、parent を書いてください")
    return clock.deadline_moment(call.deadline).date()


# ---- Japanese dates ---------------------------------------------------------------------------


def _wareki(case: WarekiCase) -> Pairs:
    if case.date:
        ways = (wareki.wareki(case.date, with_weekday=True), wareki.wareki(case.date), wareki.wareki_short(case.date))
        yield str(case.expect), str(case.expect) if case.expect in ways else ways[0]
    elif case.text is not None:
        yield str(case.expect), _read(case.text)
    else:
        raise Unanswerable("date か text を書いてください")


def _read(text: str) -> str:
    try:
        read = wareki.parse_date(text)
    except ValueError:
        return "読めない"
    if not read.weekday_fits:
        return "曜日違い"
    return read.date.isoformat() if read.date else "日なし"


def _fiscal_year(case: FiscalYearCase) -> Pairs:
    year = wareki.fiscal_year(case.date)
    yield str(case.expect), str(year) if isinstance(case.expect, int) else wareki.fiscal_year_name(year)
