"""The rules of the FY2025 call, one by one (別紙2 6・7)."""

from typing import Any

import pytest

from kyoten.rules.eligibility import Facts, Finding, check, stopping
from kyoten.rules.reading import shipped

ZAITAKU = shipped("r7-zaitaku")
RULES = ZAITAKU.call.rules


def members(*groups: str, **cells: str) -> list[dict[str, str]]:
    return [{"row": str(n), "group": group, **cells} for n, group in enumerate(groups)]


ALL = ["hub", "prefecture", "homecare", "medical_association", "care", "care_association", "municipality"]


def findings(rows: list[dict[str, str]], **facts: Any) -> dict[str, Finding]:
    known = {"applicant_kind": "municipality", "hub_designated": True, "ticks": {"hub_led": True}} | facts
    found = check(RULES, Facts(answers={"members": rows}, **known), ZAITAKU.form)
    return {finding.rule.id: finding for finding in found}


def test_a_good_application_holds_against_every_rule() -> None:
    found = findings(members(*ALL, "other", "other", "other"))
    assert [finding.rule.id for finding in found.values() if not finding.ok] == []
    assert list(found) == [rule.id for rule in RULES]


@pytest.mark.parametrize(("count", "ok"), [(9, False), (10, True), (15, True), (16, False)])
def test_about_ten_to_fifteen_members_only_warns(count: int, ok: bool) -> None:
    finding = findings(members(*["homecare"] * count))["headcount"]
    assert (finding.ok, finding.warns, finding.reason) == (ok, not ok, f"現在{count}名です（10～15名）")
    assert not finding.stops_at("screening")


def test_empty_lines_are_no_members() -> None:
    rows = members(*["homecare"] * 10) + [{"row": "x", "organisation": " ", "group": ""}]
    assert findings(rows)["headcount"].reason == "現在10名です（10～15名）"


@pytest.mark.parametrize(
    ("groups", "missing"),
    [
        (["hub"], "都道府県（保健所を含む）担当者が含まれていません"),
        (["prefecture"], "拠点担当者が含まれていません"),
        ([], "拠点担当者、都道府県（保健所を含む）担当者が含まれていません"),
    ],
)
def test_both_officers_stop_the_bundle_but_not_the_city(groups: list[str], missing: str) -> None:
    finding = findings(members(*groups))["both_officers"]
    assert (finding.ok, finding.reason) == (False, missing)
    assert [finding.stops_at(step) for step in ("apply", "bundle", "screening")] == [False, True, True]


@pytest.mark.parametrize(
    ("rule", "facts", "stops"),
    [
        ("hub_designated", {"hub_designated": False}, [True, True, True]),
        ("through_prefecture", {"route": "direct"}, [False, True, True]),
        ("hub_led", {"ticks": {}}, [False, False, True]),
        ("hub_led", {"ticks": {"hub_led": False}}, [False, False, True]),
    ],
)
def test_where_each_requirement_stops(rule: str, facts: dict[str, Any], stops: list[bool]) -> None:
    found = findings(members(*ALL, "other", "other", "other"), **facts)
    assert [found[rule].stops_at(step) for step in ("apply", "bundle", "screening")] == stops
    assert [finding.rule.id for finding in stopping(found.values(), "screening")] == [rule]


def test_missing_groups_are_named_and_warn() -> None:
    finding = findings(members("hub", "prefecture", "homecare", "medical_association", "care"))["groups"]
    assert finding.reason == "地域の介護関係団体及び障害福祉関係団体、市町村担当者（介護担当を含む）が含まれていません"
    assert finding.warns


@pytest.mark.parametrize(("doctors", "ok"), [(6, True), (7, False)])
def test_more_than_half_of_one_profession_warns(doctors: int, ok: bool) -> None:
    rows = members(*["homecare"] * doctors, profession="医師")
    rows += [{"row": f"n{n}", "profession": f"職種{n}"} for n in range(12 - doctors)]
    finding = findings(rows)["balance_profession"]
    assert (finding.ok, finding.reason) == (ok, f"最も多い「医師」は12名中{doctors}名です（目安は2分の1まで）")


def test_widths_and_spaces_do_not_hide_a_majority() -> None:
    rows = [{"row": "1", "profession": "ＰＴ"}, {"row": "2", "profession": "PT "}, {"row": "3", "profession": "医師"}]
    assert findings(rows)["balance_profession"].reason == "最も多い「ＰＴ」は3名中2名です（目安は2分の1まで）"


def test_reasons_without_a_form_name_the_values() -> None:
    finding = check([ZAITAKU.rule("both_officers")], Facts({"members": []}, "municipality", True))[0]
    assert finding.reason == "hub、prefectureが含まれていません"
