"""Worked examples: the shipped ones hold, a wrong one is seen, and every example in the documentation is right."""

import re
from pathlib import Path

import pytest

from kyoten.rules.cases import Outcome, parse_cases, run
from kyoten.rules.reading import Invalid, shipped, shipped_slugs, shipped_text
from kyoten.rules.reference import replace_in

PAGE = (Path(__file__).parents[2] / "docs/definitions.md").read_text("utf-8")
EXAMPLES = [block for block in re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL) if block.startswith("[[")]
ZAITAKU = shipped("r7-zaitaku")


def outcomes(text: str) -> tuple[Outcome, ...]:
    return run(ZAITAKU, parse_cases(text))


@pytest.mark.parametrize("slug", shipped_slugs())
def test_the_cases_of_every_shipped_definition_hold(slug: str) -> None:
    found = run(shipped(slug), parse_cases(shipped_text(f"{slug}.cases")))
    assert [outcome for outcome in found if not outcome.ok] == []
    assert "desk" in {outcome.table for outcome in found}


def test_the_cases_of_the_call_use_every_kind() -> None:
    found = run(shipped("r7-zaitaku"), parse_cases(shipped_text("r7-zaitaku.cases")))
    assert {outcome.table for outcome in found} == set(parse_cases("").model_dump())


@pytest.mark.parametrize("text", EXAMPLES)
def test_every_example_in_the_documentation_holds(text: str) -> None:
    found = outcomes(text)
    assert found
    assert [outcome for outcome in found if not outcome.ok] == []


def test_the_documentation_shows_every_kind_of_case() -> None:
    shown = {outcome.table for text in EXAMPLES for outcome in outcomes(text)}
    assert shown == set(parse_cases("").model_dump())


def test_the_reference_in_the_documentation_is_current() -> None:
    assert replace_in(PAGE) == PAGE, "./kyoten definition docs"


@pytest.mark.parametrize(
    ("text", "expected", "got"),
    [
        ("[[deadline]]\nat = 2025-08-01T00:00:00\nexpect = 'open'", "open", "closed"),
        ("[[deadline]]\nexpect = 2025-08-01", "2025-08-01", "2025-07-31"),
        ("[[deadline]]\nat = 2025-06-26T12:00:00\nexpect = 'open'", "open", "closed"),
        ("[[working_days]]\nday = 2025-12-26\nadd = 3\nexpect = 2026-01-06", "2026-01-06", "2026-01-07"),
        ("[[working_days]]\nstarts = 2025-06-27\nends = 2025-07-31\nexpect = 25", "25", "24"),
        (
            "[[wareki]]\ndate = 2025-07-31\nexpect = '令和7年7月31日（水）'",
            "令和7年7月31日（水）",
            "令和7年7月31日（木）",
        ),
        ("[[wareki]]\ntext = '令6.7.26'\nexpect = 2024-07-27", "2024-07-27", "2024-07-26"),
        ("[[fiscal_year]]\ndate = 2020-03-31\nexpect = 2020", "2020", "2019"),
        ("[[desk]]\nat = 2025-07-21T10:00:00\nexpect = 'open'", "open", "closed"),
        ("[[desk]]\nopen_days = 160", "160日", "161日"),
        ("[[child_deadline]]\nexpect = 2025-07-25", "2025-07-25", "2025-07-24"),
        ("[[result_due]]\nexpect = 2025-08-15", "2025-08-15", "2025-08-14"),
        (
            "[[eligibility]]\nfails = [{ rule = 'headcount', level = 'warn' }]\nanswers.members = [{ group = 'hub', times = 10 }]",
            "headcount ×warn",
            "headcount ○",
        ),
        (
            "[[eligibility]]\nticks = { hub_led = true }\nstops_at = []\nanswers.members = [{ group = 'hub' }]",
            "止まる段階: なし",
            "止まる段階: bundle screening",
        ),
        (
            "[[eligibility]]\nholds = ['headcuont']",
            "（答えられること）",
            "定義に headcuont という要件がありません",
        ),
        (
            "[[eligibility]]\nholds = ['headcount']\nanswers.members = [{ grup = 'hub' }]",
            "（答えられること）",
            "members に grup という列がありません",
        ),
        (
            "[[eligibility]]\nholds = ['headcount']\nanswers.members = [{ group = 'hub', times = 100000 }]",
            "（答えられること）",
            "times は 1～200 の整数で書いてください",
        ),
        ("[[eligibility]]\nname = '期待なし'", "（期待）", "期待が書かれていません"),
        (
            "[[working_days]]\nstarts = 2025-06-27\nexpect = 1",
            "（答えられること）",
            "day と add、day だけ、または starts と ends を書いてください",
        ),
    ],
)
def test_a_case_that_is_wrong_shows_both_answers(text: str, expected: str, got: str) -> None:
    outcome = outcomes(text)[0]
    assert (outcome.ok, outcome.expected, outcome.got) == (False, expected, got)


def test_findings_are_exact() -> None:
    nine = "[[eligibility]]\nticks = { hub_led = true }\nfindings = [{ rule = 'headcount', level = 'warn' }]\n"
    nine += "answers.members = [{ group = 'hub' }, { group = 'prefecture' }, { group = 'homecare', times = 7 }]"
    assert outcomes(nine)[0].got == "groups ×warn headcount ×warn"
    level = nine.replace("'warn'", "'stop'", 1)
    assert outcomes(level)[0].expected == "headcount ×stop"


def test_a_desk_case_needs_a_desk() -> None:
    definition = ZAITAKU.model_copy(update={"desk": None})
    found = run(definition, parse_cases("[[desk]]\nopen_days = 161"))
    assert [outcome.got for outcome in found] == ["この定義に相談窓口（desk）がありません"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[[deadlin]]\nexpect = 'open'", 'もしかして "deadline" ですか'),
        ("[[deadline]]\nat = '2025-07-31'\nexpect = 'open'", "日時は 2025-07-31T23:59:59 のように"),
        ("[[deadline]]\nat = 2025-07-31T00:00:00", '"expect" がありません'),
        ("[[eligibility]]\nfails = [{ rule = 'headcount', level = 'error' }]", '"error" は使えません'),
    ],
)
def test_a_mistake_in_a_cases_file_is_named(text: str, said: str) -> None:
    with pytest.raises(Invalid, match=re.escape(said)):
        parse_cases(text, "r7.cases.toml")
