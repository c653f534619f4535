"""Our own Word file comes back exactly, also after somebody edited it in Word."""

from __future__ import annotations

import io
import re
import zipfile
from typing import Any

import docx
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from kyoten.papers.forms import write_form
from kyoten.papers.reading import Reading, read_form
from kyoten.rules.answers import blank, clean
from kyoten.rules.definition import Definition, Field, Form
from kyoten.rules.reading import shipped
from tests.papers.forms_by_hand import EXPECTED, replaced

DEFINITION: Definition = shipped("r7-zaitaku")
FULL = EXPECTED | {"members": [{**row, "group": "hub"} for row in EXPECTED["members"]]}

_AWKWARD = st.sampled_from(
    [
        "所属",
        "■ 地域の特徴",
        "◼ 応募の理由をご記入ください。",
        "※できる限り具体的にご記載ください",
        "以上",
        "回答",
        "No.",
        "在宅医療の拠点整備・運用に向けた伴走支援 申込書",
        "在宅医療に関する人材育成",
        "○その他",
        "〒271-0000",
        "髙﨑𠮷",
        "鎌ヶ谷市",
        "　",
        " ",
        "\t",
        "\n",
        "\n\n",
        "<w:t>&amp;",
        "1",
        "①",
        "★",
        "葛\U000e0100",
        "𩸽",
        "がが",
        "～−－ー",
        "a" * 300,
    ]  # fmt: skip
)
_TEXT = st.lists(_AWKWARD | st.text(st.characters(exclude_categories=["Cs"]), max_size=20), max_size=6).map("".join)


def form() -> Form:
    assert DEFINITION.form is not None
    return DEFINITION.form


def value(field: Field) -> st.SearchStrategy[Any]:
    match field.kind:
        case "choice":
            return st.sampled_from(["", *(option.value for option in field.options)])
        case "marks":
            return st.lists(st.sampled_from([option.value for option in field.options]), unique=True)
        case "address":
            return st.fixed_dictionaries({"postal": st.sampled_from(["", "271-0000", "271"]), "text": _TEXT})
        case "table":
            return st.lists(row(field), max_size=40)
        case _:
            return _TEXT


def row(field: Field) -> st.SearchStrategy[dict[str, str]]:
    cells = {
        column.id: st.sampled_from(["", *(option.value for option in column.options)]) if column.options else _TEXT
        for column in field.columns
    }
    return st.fixed_dictionaries({"row": st.uuids().map(lambda uuid: uuid.hex[:12]), **cells})


ANSWERS = st.fixed_dictionaries({field.id: value(field) for field in form().fields()})


def written(answers: dict[str, Any]) -> bytes:
    return write_form(DEFINITION, answers, "docx")


def read(data: bytes) -> Reading:
    return read_form(form(), data, "別紙2-②_伴走支援申込書.docx")


def on_paper(answers: dict[str, Any]) -> dict[str, Any]:
    """The answers as the paper can show them: a row without any printed cell is a blank line."""
    printed = [column.id for column in form().field("members").columns if column.print]
    rows = [row for row in answers["members"] if any(row[column] for column in printed)]
    return answers | {"members": rows}


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.large_base_example])
@given(ANSWERS)
@example(EXPECTED)
def test_what_is_written_is_read(answers: dict[str, Any]) -> None:
    answers = on_paper(clean(form(), answers))
    found = read(written(answers))
    assert found.refused is None
    assert found.answers == answers
    assert [note.text for note in found.notes if "読み取" in note.text or "記入枠" in note.text] == []


@pytest.mark.parametrize("members", [0, 1, 15, 40])
def test_members_come_back_with_their_rows(members: int) -> None:
    rows = [
        {"row": f"x{n}", "organisation": f"機関{n}", "section": "", "title": "", "profession": "医師", "group": "other"}
        for n in range(members)
    ]
    found = read(written(EXPECTED | {"members": rows}))
    assert (found.answers["members"], found.notes) == (rows, ())


def test_a_long_row_id_keeps_what_the_paper_does_not_print() -> None:
    rows = [{**EXPECTED["members"][0], "row": "x" * 40, "group": "medical_association"}]
    assert read(written(EXPECTED | {"members": rows})).answers["members"] == rows


# ---- edited in Word ----


def edited(*changes: tuple[str, str], answers: dict[str, Any] = FULL) -> Reading:
    data = written(answers)
    for old, new in changes:
        changed = replaced(data, "word/document.xml", old, new)
        assert changed != data
        data = changed
    return read(data)


def text(value: str) -> str:
    return f'<w:t xml:space="preserve">{value}</w:t>'


def control(tag: str) -> str:
    """The beginning of a control, up to its properties."""
    return f'<w:tag w:val="ky:{tag}"/>'


def test_the_visible_text_wins() -> None:
    found = edited(("東葛北部", "東葛南部"))
    assert (found.answers, found.notes) == (FULL | {"area_name": "東葛南部"}, ())


def test_a_mark_turned_by_a_click() -> None:
    on, off = '<w14:checked w14:val="1"/>', '<w14:checked w14:val="0"/>'
    found = edited((text("○"), text("・")), (on, off))
    assert (found.answers, found.notes) == (FULL | {"issues": []}, ())


def test_a_row_emptied_by_hand_is_gone() -> None:
    rows = FULL["members"][:2] + [{**FULL["members"][2], "organisation": "甲", "title": "乙", "profession": "丙"}]
    found = edited(*((text(word), "") for word in "甲乙丙"), answers=FULL | {"members": rows})
    assert (found.answers["members"], found.notes) == (rows[:2], ())


def test_a_row_added_in_word() -> None:
    blank = f'<w:t xml:space="preserve">{len(FULL["members"]) + 1}</w:t>'
    data = written(FULL)
    document = part(data)
    start = document.index(blank)
    filled = document[:start] + document[start:].replace("<w:r/>", f"<w:r>{text('柏市')}</w:r>", 1)
    found = read(replaced(data, "word/document.xml", document, filled))
    added = {"row": "r4", "organisation": "柏市", "section": "", "title": "", "profession": "", "group": ""}
    assert (found.answers["members"], found.notes) == ([*FULL["members"], added], ())


def test_text_beside_an_empty_control_is_the_answer() -> None:
    answers = FULL | {"rep_name": "", "reason": "", "rep_address": {"postal": "", "text": ""}}
    found = edited(
        beside("rep_name", "髙﨑 𠮷子"),
        beside("reason", "足りない。"),
        beside("rep_address/text", "271-0000 松戸市見本町"),
        answers=answers,
    )
    expected = {
        "rep_name": "髙﨑 𠮷子",
        "reason": "足りない。",
        "rep_address": {"postal": "271-0000", "text": "松戸市見本町"},
    }
    assert (found.answers, found.notes) == (FULL | expected, ())


def test_a_blank_form_of_ours_filled_beside_its_controls() -> None:
    """Marks and a paragraph of their own in the cell that asks for both (別紙2-② 地域の課題)."""
    paper = docx.Document(io.BytesIO(written(FULL | {"issues": [], "issues_detail": ""})))
    cell = next(t.cell(0, 0) for t in paper.tables if "人材育成" in t.cell(0, 0).text)
    marked = next(p for p in cell.paragraphs if "人材育成" in p.text)
    marked.runs[0].text = f"○{marked.runs[0].text}"
    cell.add_paragraph("夜間の対応に不安がある。")
    out = io.BytesIO()
    paper.save(out)
    found = read(out.getvalue())
    assert found.answers == FULL | {"issues": ["training"], "issues_detail": "夜間の対応に不安がある。"}
    assert found.notes == ()


def test_text_behind_a_filled_control_is_added() -> None:
    found = edited(beside("features", "追記"))
    assert found.answers == FULL | {"features": f"{FULL['features']}\n追記"}
    assert [(note.field, note.raw) for note in found.notes] == [("features", "追記")]


def test_a_mark_typed_beside_its_control() -> None:
    found = edited((text("在宅医療に関する人材育成"), text("在宅医療に関する人材育成　○")))
    assert found.answers == FULL | {"issues": ["multidisciplinary", "training", "disaster"]}
    assert [(note.field, note.level) for note in found.notes] == [("issues", "info")]


def test_a_control_copied_in_word_is_reported() -> None:
    data = written(FULL)
    document = part(data)
    start = document.rindex("<w:sdt>", 0, document.index(control("rep_name")))
    copy = document[start : document.index("</w:sdt>", start) + len("</w:sdt>")]
    doubled = document.replace(copy, copy + copy.replace("髙﨑", "山田"))
    found = read(replaced(data, "word/document.xml", document, doubled))
    assert (found.answers, [note.raw for note in found.notes]) == (FULL, ["山田 𠮷子"])


def test_without_its_controls_it_reads_like_any_paper() -> None:
    """Some programs that save Word files drop content controls."""
    data = written(FULL)
    document = part(data)
    bare = re.sub(r"<w:sdt><w:sdtPr>.*?</w:sdtPr><w:sdtContent>|</w:sdtContent></w:sdt>", "", document)
    found = read(replaced(data, "word/document.xml", document, bare))
    assert (found.answers, found.notes) == (FULL, ())


def test_the_blank_form_has_no_answers() -> None:
    found = read(written({}))
    assert (found.answers, found.notes) == ({each.id: blank(each) for each in form().fields()}, ())


def part(data: bytes) -> str:
    return zipfile.ZipFile(io.BytesIO(data)).read("word/document.xml").decode()


def beside(tag: str, typed: str) -> tuple[str, str]:
    """A change: text typed behind the control of this tag."""
    document = part(written(FULL | {"rep_name": "", "reason": "", "rep_address": {"postal": "", "text": ""}}))
    if tag == "features":
        document = part(written(FULL))
    start = document.index(control(tag))
    whole = document[start : document.index("</w:sdt>", start) + len("</w:sdt>")]
    return whole, f"{whole}<w:r>{text(typed)}</w:r>"
