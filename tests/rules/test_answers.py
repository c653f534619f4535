"""Cleaning, checking, merging and carrying answers."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kyoten.rules import answers as a
from kyoten.rules.answers import Change, Conflict, Problem
from kyoten.rules.definition import Form
from kyoten.rules.reading import shipped

FORM = shipped("r7-zaitaku").form


def form(*fields: dict[str, Any]) -> Form:
    section = {"id": "only", "title": "区分", "fields": fields}
    return Form.model_validate({"title": "様式", "number": "1", "file_name": "様式", "sections": [section]})


def options(*values: str) -> list[dict[str, str]]:
    return [{"value": value, "label": f"{value}番"} for value in values]


SMALL = form(
    {"id": "name", "label": "名称", "kind": "text"},
    {"id": "why", "label": "理由", "kind": "longtext"},
    {
        "id": "people",
        "label": "構成員",
        "kind": "table",
        "columns": [{"id": "job", "label": "職種"}, {"id": "at", "label": "所属"}],
    },
)


def row(row_id: str, job: str = "", at: str = "") -> dict[str, str]:
    return {"row": row_id, "job": job, "at": at}


# ---- cleaning ---------------------------------------------------------------------------------

KINDS = form(
    {"id": "text", "label": "文", "kind": "text"},
    {"id": "long", "label": "長文", "kind": "longtext"},
    {"id": "choice", "label": "選択", "kind": "choice", "options": options("1", "2")},
    {"id": "marks", "label": "印", "kind": "marks", "options": options("x", "y", "z")},
    {"id": "number", "label": "数", "kind": "number"},
    {"id": "money", "label": "金額", "kind": "money"},
    {"id": "date", "label": "日付", "kind": "date"},
    {"id": "email", "label": "メール", "kind": "email"},
    {"id": "phone", "label": "電話", "kind": "phone"},
    {"id": "address", "label": "住所", "kind": "address"},
)


@pytest.mark.parametrize(
    ("field", "typed", "kept"),
    [
        ("text", "  松戸市\r\n東部\x00 ", "松戸市 東部"),
        ("text", "髙﨑 𠮷田", "髙﨑 𠮷田"),
        ("text", "\ud842\udfb7田", "𠮷田"),
        ("text", "a\ud800b", "ab"),
        ("long", "　一段落\r\n二段落\v三\n\n", "　一段落\n二段落\n三"),
        ("choice", "１", "1"),
        ("choice", "2番", "2"),
        ("choice", "3", "3"),
        ("marks", ["z", "x番", "?"], ["x", "z", "?"]),
        ("marks", "y", ["y"]),
        ("number", "１，２３４", 1234),
        ("number", "たくさん", "たくさん"),
        ("number", "", None),
        ("money", "3,000千円", 3_000_000),
        ("money", "2,712,340円", 2_712_340),
        ("date", "令和７年７月３１日（木）", "2025-07-31"),
        ("date", "７月頃", "７月頃"),
        ("email", "ｔａｒｏ＠example.jp ", "taro@example.jp"),
        ("phone", "０４３ー０００−００００", "043-000-0000"),
        ("address", {"postal": "2600855", "text": "千葉市中央区"}, {"postal": "260-0855", "text": "千葉市中央区"}),
        ("address", "〒２６０－０８５５ 千葉市中央区", {"postal": "260-0855", "text": "千葉市中央区"}),
        ("address", "千葉市中央区", {"postal": "", "text": "千葉市中央区"}),
    ],
)
def test_what_was_typed_is_brought_into_shape_or_kept_as_typed(field: str, typed: Any, kept: Any) -> None:
    assert a.clean(KINDS, {field: typed}) == {field: kept}


def test_rows_without_content_go_and_rows_without_id_get_one() -> None:
    raw = [{"row": "r1", "job": "医師"}, {"row": "r2", "job": " "}, {"job": "看護師"}, {"row": "r1", "job": "薬剤師"}]
    rows = a.clean(SMALL, {"people": raw})["people"]
    assert [each["job"] for each in rows] == ["医師", "看護師", "薬剤師"]
    assert rows[0] == row("r1", "医師")
    assert len({each["row"] for each in rows}) == 3


def test_what_the_form_does_not_ask_is_left_out() -> None:
    assert a.clean(SMALL, {"name": "松戸", "is_admin": "1"}) == {"name": "松戸"}


@given(st.dictionaries(st.sampled_from([f.id for f in KINDS.fields()]), st.text()))
def test_cleaning_twice_changes_nothing_more(raw: dict[str, str]) -> None:
    once = a.clean(KINDS, raw)
    assert a.clean(KINDS, once) == once


# ---- problems ---------------------------------------------------------------------------------


def test_an_empty_form_names_every_required_field() -> None:
    missing = [problem.field for problem in a.problems(FORM, {})]
    assert missing == [field.id for field in FORM.fields() if field.required]


@pytest.mark.parametrize(
    ("field", "value", "text"),
    [
        ("email", "taro.example.jp", "「メール」をメールアドレスの形（name@example.jp）で記入してください"),
        ("phone", "なし", "「電話」を電話番号の形（043-000-0000）で記入してください"),
        ("choice", "3", "「選択」の「3」は選択肢にありません。選び直してください"),
        ("marks", ["x", "?"], "「印」の「?」は選択肢にありません。選び直してください"),
        ("number", "たくさん", "「数」を数字で記入してください（今の記入: たくさん）"),
        ("money", "3百", "「金額」を円単位の数字で記入してください（今の記入: 3百）"),
        ("date", "7月頃", "「日付」を日付で記入してください（例 令和7年7月31日。今の記入: 7月頃）"),
        (
            "address",
            {"postal": "26", "text": "千葉市"},
            "「住所」の郵便番号を 260-0000 の形で記入してください（今の記入: 26）",
        ),
        ("address", {"postal": "260-0855", "text": ""}, "「住所」を記入してください"),
        ("text", "あ" * 201, "「文」は200文字までにしてください（今は201文字）"),
    ],
)
def test_a_problem_says_what_to_do(field: str, value: Any, text: str) -> None:
    only = form(KINDS.field(field).model_dump())
    assert a.problems(only, {field: value}) == (Problem(field, text),)


def test_good_answers_have_no_problem() -> None:
    good = {"text": "文", "long": "長", "choice": "1", "marks": ["x"], "number": 0, "money": 0, "date": "2025-07-31"}
    good |= {
        "email": "a.b@city.example.jp",
        "phone": "043(000)0000 内線123",
        "address": {"postal": "", "text": "千葉市"},
    }
    assert a.problems(KINDS, good) == ()


def test_a_cell_is_named_by_row_and_column() -> None:
    members = {"row": "r9", "organisation": "松戸市", "section": "", "title": "", "profession": "", "group": "boss"}
    found = [problem for problem in a.problems(FORM, {"members": [members]}) if problem.field == "members"]
    assert found == [
        Problem("members", "「1行目の区分」の「boss」は選択肢にありません。選び直してください", "r9", "group")
    ]


# ---- merging ----------------------------------------------------------------------------------

BASE = {"name": "松戸", "why": "理由", "people": [row("1", "医師"), row("2", "看護師"), row("3", "薬剤師")]}


def merged(current: dict[str, Any], posted: dict[str, Any]) -> a.Merge:
    return a.merge(SMALL, a.digests(SMALL, BASE), current, posted)


def test_changes_in_different_fields_both_stay() -> None:
    result = merged(BASE | {"why": "彼の理由"}, BASE | {"name": "松戸市"})
    assert result == a.Merge(BASE | {"name": "松戸市", "why": "彼の理由"}, ())


def test_a_true_conflict_keeps_what_is_stored_and_shows_both() -> None:
    result = merged(BASE | {"name": "柏"}, BASE | {"name": "松戸市"})
    assert result == a.Merge(BASE | {"name": "柏"}, (Conflict("name", "柏", "松戸市"),))


def test_the_same_change_twice_is_no_conflict() -> None:
    assert merged(BASE | {"name": "松戸市"}, BASE | {"name": "松戸市"}) == a.Merge(BASE | {"name": "松戸市"}, ())


def test_two_columns_of_one_row_merge() -> None:
    theirs = BASE | {"people": [row("1", "歯科医師"), *BASE["people"][1:]]}
    yours = BASE | {"people": [row("1", "医師", "市立病院"), *BASE["people"][1:]]}
    assert merged(theirs, yours).answers["people"][0] == row("1", "歯科医師", "市立病院")


def test_new_rows_of_both_stay_and_a_deleted_row_goes() -> None:
    theirs = BASE | {"people": [*BASE["people"], row("t", "保健師")]}
    yours = BASE | {"people": [row("1", "医師"), row("y", "救急"), row("3", "薬剤師")]}
    result = merged(theirs, yours)
    assert result.answers["people"] == [row("1", "医師"), row("y", "救急"), row("3", "薬剤師"), row("t", "保健師")]
    assert result.conflicts == ()


def test_a_row_one_deleted_and_the_other_wrote_in_stays_and_is_shown() -> None:
    changed = row("2", "看護師", "訪問看護")
    without = {"people": [row("1", "医師"), row("3", "薬剤師")]}
    theirs = merged(BASE | {"people": [row("1", "医師"), changed, row("3", "薬剤師")]}, BASE | without)
    assert theirs.answers["people"] == [row("1", "医師"), changed, row("3", "薬剤師")]
    assert theirs.conflicts == (Conflict("people", changed, None, "2"),)
    mine = merged(BASE | without, BASE | {"people": [row("1", "医師"), changed, row("3", "薬剤師")]})
    assert changed in mine.answers["people"]
    assert mine.conflicts == (Conflict("people", None, changed, "2"),)


def test_rows_keep_the_order_of_whoever_moved_them() -> None:
    moved = [BASE["people"][2], BASE["people"][0], BASE["people"][1]]
    assert merged(BASE | {"people": moved}, BASE).answers["people"] == moved
    assert merged(BASE, BASE | {"people": moved}).answers["people"] == moved


def test_a_field_that_was_not_posted_keeps_its_answer() -> None:
    assert merged(BASE | {"why": "彼の理由"}, {"name": "松戸市"}).answers == BASE | {
        "name": "松戸市",
        "why": "彼の理由",
    }


words = st.sampled_from(["", "あ", "い", "う"])
rows = st.lists(st.builds(row, st.sampled_from("12345"), words, words), max_size=5, unique_by=lambda each: each["row"])
sheets = st.fixed_dictionaries({"name": words, "why": words, "people": rows})


@given(sheets, sheets)
def test_who_changed_nothing_changes_nothing(base: dict[str, Any], other: dict[str, Any]) -> None:
    digests = a.digests(SMALL, base)
    assert a.merge(SMALL, digests, other, base) == a.Merge(other, ())
    assert a.merge(SMALL, digests, base, other) == a.Merge(other, ())


@given(sheets, sheets, sheets)
def test_nothing_that_was_posted_is_lost(base: dict[str, Any], current: dict[str, Any], posted: dict[str, Any]) -> None:
    result = a.merge(SMALL, a.digests(SMALL, base), current, posted)
    again = a.merge(SMALL, a.digests(SMALL, base), result.answers, posted)
    assert again.answers == result.answers  # a repeated post (double click) changes nothing more
    shown = [str(conflict.yours) for conflict in result.conflicts] + [str(result.answers)]
    unchanged = {str(value) for value in (base["name"], base["why"])}
    for value in (posted["name"], posted["why"]):
        assert value in unchanged or any(value in text for text in shown)


@given(sheets, sheets, sheets)
def test_both_sides_see_the_same_conflicts(base: dict[str, Any], one: dict[str, Any], two: dict[str, Any]) -> None:
    digests = a.digests(SMALL, base)
    seen = {(c.field, c.row, c.column) for c in a.merge(SMALL, digests, one, two).conflicts}
    assert seen == {(c.field, c.row, c.column) for c in a.merge(SMALL, digests, two, one).conflicts}


# ---- carrying and changes ---------------------------------------------------------------------


def test_answers_move_to_their_renamed_fields_and_the_homeless_are_shown() -> None:
    old = form(
        {"id": "name", "label": "名称", "kind": "text"},
        {"id": "fax", "label": "FAX", "kind": "phone"},
        {"id": "unit", "label": "単位", "kind": "choice", "options": options("1", "2")},
        {
            "id": "people",
            "label": "構成員",
            "kind": "table",
            "columns": [{"id": "job", "label": "職種"}, {"id": "at", "label": "所属"}],
        },
    )
    new = form(
        {"id": "title", "was": "name", "label": "名称", "kind": "longtext"},
        {"id": "unit", "label": "単位", "kind": "choice", "options": options("1")},
        {
            "id": "members",
            "was": "people",
            "label": "構成員",
            "kind": "table",
            "columns": [{"id": "work", "was": "job", "label": "職"}],
        },
    )
    answers = {"name": "松戸", "fax": "047-000-0000", "unit": "2", "people": [row("1", "医師", "市立病院")]}
    carried, homeless = a.carry(old, new, answers)
    assert carried == {"title": "松戸", "unit": "", "members": [{"row": "1", "work": "医師"}]}
    assert [(each.label, each.shown) for each in homeless] == [
        ("FAX", "047-000-0000"),
        ("単位", "2番"),
        ("構成員 1行目の所属", "市立病院"),
    ]


@given(sheets)
def test_carrying_to_the_same_form_loses_nothing(answers: dict[str, Any]) -> None:
    carried, homeless = a.carry(SMALL, SMALL, answers)
    blanks = {field.id: a.blank(field) for field in SMALL.fields()}
    assert (blanks | carried, homeless) == (answers, ())


def test_changes_are_said_in_words() -> None:
    after = BASE | {"name": "松戸市", "people": [row("1", "歯科医師"), row("3", "薬剤師"), row("9", "救急")]}
    assert a.changes(SMALL, BASE, after) == (
        Change("name", "名称", "松戸", "松戸市"),
        Change("people", "構成員 2行目（削除）", "看護師", ""),
        Change("people", "構成員 1行目の職種", "医師", "歯科医師"),
        Change("people", "構成員 3行目（追加）", "", "救急"),
    )
