"""Does an application hold against the call's rules? Each rule answers with a Finding, never with a bare bool."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, assert_never

from kyoten.rules.definition import (
    STEPS,
    ApplicantKinds,
    DesignatedHub,
    Form,
    Headcount,
    IncludesEach,
    Manual,
    MaxShare,
    MustInclude,
    OrganisationKind,
    Route,
    Rule,
    Step,
    TableRule,
    Via,
)
from kyoten.rules.text import same_words

KIND_LABELS: Mapping[OrganisationKind, str] = {
    "ministry": "国",
    "secretariat": "事務局",
    "prefecture": "都道府県",
    "health_centre": "保健所",
    "municipality": "市区町村",
    "hub": "拠点",
    "association": "関係団体",
    "other": "その他の機関",
}
ROUTE_LABELS: Mapping[Route, str] = {"prefecture": "都道府県を経由して", "direct": "事務局へ直接"}


@dataclass(frozen=True)
class Facts:
    """Everything the rules may look at."""

    answers: Mapping[str, Any]
    applicant_kind: str
    hub_designated: bool
    route: Route = "prefecture"
    submitted: bool = False  # on its way already, or still being written
    ticks: Mapping[str, bool] = field(default_factory=dict)  # manual rules, by rule id; absent = nobody looked yet


@dataclass(frozen=True)
class Finding:
    """What one rule says about one application. `reason` says in Japanese what was found, also when all is well."""

    rule: Rule
    ok: bool
    reason: str

    def stops_at(self, step: Step) -> bool:
        """Does this stop the act at `step`? A rule judged at とりまとめ does not stop the 申込 before it."""
        return not self.ok and self.rule.level == "stop" and STEPS.index(self.rule.step) <= STEPS.index(step)

    @property
    def warns(self) -> bool:
        return not self.ok and self.rule.level == "warn"


def check(rules: Iterable[Rule], facts: Facts, form: Form | None = None) -> tuple[Finding, ...]:
    """One finding per rule, in the order of the rules. With the form, reasons use its labels instead of values."""
    return tuple(Finding(rule, *_judge(rule, facts, form)) for rule in rules)


def stopping(findings: Iterable[Finding], step: Step) -> tuple[Finding, ...]:
    return tuple(finding for finding in findings if finding.stops_at(step))


def _judge(rule: Rule, facts: Facts, form: Form | None) -> tuple[bool, str]:
    match rule:
        case DesignatedHub():
            return _either(facts.hub_designated, "拠点が設置されています", "拠点の設置が確認できません")
        case Headcount():
            count = len(rows(facts.answers, rule.field))
            return rule.min <= count <= rule.max, f"現在{count}名です（{rule.min}～{rule.max}名）"
        case MustInclude() | IncludesEach():
            return _includes(rule, facts, form)
        case MaxShare():
            return _share(rule, facts, form)
        case Via():
            label = ROUTE_LABELS[rule.route]
            said = f"{label}提出{'されています' if facts.submitted else 'されます'}"
            return _either(facts.route == rule.route, said, f"{label}提出してください")
        case ApplicantKinds():
            kinds = "・".join(KIND_LABELS[kind] for kind in rule.kinds)
            return facts.applicant_kind in rule.kinds, f"応募できるのは{kinds}です"
        case Manual():
            return _ticked(facts.ticks.get(rule.id))
        case _:
            assert_never(rule)


def rows(answers: Mapping[str, Any], field_id: str) -> list[Mapping[str, str]]:
    """The rows of a table in which anything is written. An empty line of the paper is no member."""
    table = answers.get(field_id) or ()
    return [row for row in table if any(key != "row" and str(value).strip() for key, value in row.items())]


def _column(answers: Mapping[str, Any], rule: TableRule) -> list[str]:
    return [same_words(str(row.get(rule.column) or "")) for row in rows(answers, rule.field)]


def _includes(rule: MustInclude | IncludesEach, facts: Facts, form: Form | None) -> tuple[bool, str]:
    present = set(_column(facts.answers, rule))
    missing = [value for value in rule.values if same_words(value) not in present]
    if not missing:
        return True, "すべて含まれています"
    return False, "、".join(_labels(rule, missing, form)) + "が含まれていません"


def _share(rule: MaxShare, facts: Facts, form: Form | None) -> tuple[bool, str]:
    values = _column(facts.answers, rule)
    counts = Counter(value for value in values if value)
    if not counts:
        return True, "まだ記入がありません"
    most, count = counts.most_common(1)[0]
    shown = _labels(rule, [_as_written(rule, facts, most)], form)[0]
    limit = f"{rule.max_share.denominator}分の{rule.max_share.numerator}"
    within = count <= len(values) * rule.max_share
    return within, f"最も多い「{shown}」は{len(values)}名中{count}名です（目安は{limit}まで）"


def _as_written(rule: MaxShare, facts: Facts, key: str) -> str:
    written = (str(row.get(rule.column) or "") for row in rows(facts.answers, rule.field))
    return next(value.strip() for value in written if same_words(value) == key)


def _labels(rule: TableRule, values: Sequence[str], form: Form | None) -> list[str]:
    options = form.field(rule.field).column(rule.column).options if form else ()
    labels = {option.value: option.label for option in options}
    return [labels.get(value, value) for value in values]


def _ticked(tick: bool | None) -> tuple[bool, str]:
    if tick is None:
        return False, "まだ確認されていません"
    return _either(tick, "確認済みです", "満たしていないと確認されています")


def _either(ok: bool, yes: str, no: str) -> tuple[bool, str]:
    return ok, yes if ok else no
