"""Lists from Excel and CSV files, and pasted from Excel."""

from __future__ import annotations

import io
from datetime import date
from typing import Any

import openpyxl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kyoten.papers import guard, tables_in
from kyoten.papers.tables import write_table
from kyoten.papers.tables_in import parse_paste, read_table
from kyoten.rules.definition import Column
from kyoten.rules.reading import shipped

FORM = shipped("r7-zaitaku").form
assert FORM is not None
COLUMNS = FORM.field("members").columns
NAMES = [column.id for column in COLUMNS]


def row(*cells: str) -> dict[str, str]:
    return dict(zip(NAMES, [*cells, "", "", "", "", ""], strict=False))


MATSUDO = row("松戸市", "健康福祉部", "係長", "行政職員")
DOCTORS = row("松戸市医師会", "", "理事", "医師")


def book(*sheets: list[list[Any]]) -> bytes:
    made = openpyxl.Workbook()
    made.remove(made.active)
    for number, rows in enumerate(sheets, 1):
        sheet = made.create_sheet(f"表{number}")
        for cells in rows:
            sheet.append(cells)
    file = io.BytesIO()
    made.save(file)
    return file.getvalue()


HEADER = ["No.", "所 属", "部署", "役職", "職種"]
ROWS = [[1, "松戸市", "健康福祉部", "係長", "行政職員"], [2, "松戸市医師会", None, "理事", "医師"]]


# ---- Excel files ----


@pytest.mark.parametrize(
    ("name", "data"),
    {
        "plain": book([HEADER, *ROWS]),
        "empty rows": book([HEADER, ROWS[0], [], [3], ROWS[1]]),
        "other order": book([["職種", "所属", "役職", "部署"], ["行政職員", "松戸市", "係長", "健康福祉部"], ["医師", "松戸市医師会", "理事"]]),
        "empty first sheet": book([], [HEADER, *ROWS]),
    }.items(),
)  # fmt: skip
def test_excel(name: str, data: bytes) -> None:
    found = read_table(data, "名簿.xlsx", COLUMNS)
    assert (found.rows, found.notes, found.refused) == ((MATSUDO, DOCTORS), (), None)


def test_title_extra_column_and_second_sheet_are_noted() -> None:
    data = book([["参加者名簿"], [], [*HEADER, "備考"], [*ROWS[0], "要調整"], [*ROWS[1], None]], [["メモ"]])
    found = read_table(data, "名簿.xlsx", COLUMNS)
    assert found.rows == (MATSUDO, DOCTORS)
    assert [(note.text, note.raw, note.where) for note in found.notes] == [
        ("見出しより上の行は読み取っていません。", "参加者名簿", "シート「表1」"),
        ("「備考」の列は読み取っていません。", "要調整", "シート「表1」"),
        ("シート「表2」は読み取っていません。", "メモ", "シート「表2」"),
    ]


def test_excel_without_a_header() -> None:
    found = read_table(book(ROWS), "名簿.xlsx", COLUMNS)
    assert found.rows == (MATSUDO, DOCTORS)
    assert [note.text for note in found.notes] == [
        "見出しの行が見つからないため、左から順に 所属・部署・役職・職種 として読みました。"
    ]


def test_numbers_and_dates_are_text() -> None:
    found = read_table(book([["所属", "役職"], [12.0, date(2025, 7, 31)], [1.5, True]]), "a.xlsx", COLUMNS)
    assert found.rows == (row("12", "", "2025-07-31"), row("1.5", "", "はい"))


def test_a_choice_by_its_label() -> None:
    found = read_table(
        book([["所属", "区分"], ["松戸市", "拠点担当者"], ["柏市", "hub"], ["野田市", "不明"]]), "a.xlsx", COLUMNS
    )
    assert [each["group"] for each in found.rows] == ["hub", "hub", "不明"]
    assert [note.text for note in found.notes] == ["「区分」の「不明」は選択肢にありません。選び直してください。"]


def test_what_we_write_is_read() -> None:
    printed = [column.label for column in COLUMNS if column.print]
    data = write_table("参加者", printed, [list(MATSUDO.values())[:4], list(DOCTORS.values())[:4]])
    assert read_table(data, "参加者.xlsx", COLUMNS).rows == (MATSUDO, DOCTORS)


# ---- CSV files ----


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp932"])
def test_csv(encoding: str) -> None:
    text = '所属,部署,役職,職種\r\n松戸市,健康福祉部,係長,行政職員\r\n松戸市医師会,,理事,"医師"\r\n'
    found = read_table(text.encode(encoding), "名簿.csv", COLUMNS)
    assert (found.rows, found.notes) == ((MATSUDO, DOCTORS), ())


def test_csv_with_a_line_break_in_a_cell() -> None:
    found = read_table('所属,役職\n"松戸市\n健康福祉部",係長\n'.encode(), "名簿.csv", COLUMNS)
    assert found.rows == (row("松戸市\n健康福祉部", "", "係長"),)


# ---- refused ----


@pytest.mark.parametrize(
    ("data", "name", "refusal"),
    [
        (b"", "a.xlsx", guard.EMPTY),
        (b"%PDF-1.7", "a.pdf", tables_in.NOT_A_TABLE),
        (book([["所属"]] * 2)[:-30], "a.xlsx", guard.BROKEN),
        (b"a\n" * (tables_in.MAX_ROWS + 1), "a.csv", tables_in.TOO_LONG),
        (b"a,b\n" + b"," * tables_in.MAX_COLUMNS, "a.csv", tables_in.TOO_LONG),
        (b"a" * 200_000, "a.csv", tables_in.NO_CSV),
        (b"a\n" * tables_in.MAX_CSV, "a.csv", tables_in.TOO_LONG),
    ],
)
def test_refused(data: bytes, name: str, refusal: guard.Refusal) -> None:
    found = read_table(data, name, COLUMNS)
    assert (found.rows, found.refused) == ((), refusal)


# ---- pasted ----


@pytest.mark.parametrize(
    ("text", "rows"),
    [
        ("松戸市\t健康福祉部\t係長\t行政職員\r\n松戸市医師会\t\t理事\t医師\r\n", (MATSUDO, DOCTORS)),
        ("1\t松戸市\t健康福祉部\t係長\t行政職員\n2\t松戸市医師会\t\t理事\t医師", (MATSUDO, DOCTORS)),
        ("No.\t所属\t部署\t役職\t職種\n1\t松戸市\t健康福祉部\t係長\t行政職員\n2\t松戸市医師会\t\t理事\t医師", (MATSUDO, DOCTORS)),
        ("職種\t所属\n医師\t松戸市医師会", (row("松戸市医師会", "", "", "医師"),)),
        ("松戸市\n松戸市医師会", (row("松戸市"), row("松戸市医師会"))),
        ('"松戸市\n健康福祉部"\t"言った ""はい"""\t係長', (row("松戸市\n健康福祉部", '言った "はい"', "係長"),)),
        ('"株"式会社\t「"」\t"', (row('"株"式会社', '「"」', '"'),)),
        ("松戸市\t\t\t行政職員\t拠点担当者", (row("松戸市", "", "", "行政職員", "hub"),)),
        ("\n\n", ()),
        ("", ()),
    ],
)  # fmt: skip
def test_pasted(text: str, rows: tuple[dict[str, str], ...]) -> None:
    found = parse_paste(text, COLUMNS)
    assert (found.rows, found.refused) == (rows, None)


def test_more_columns_than_known_are_noted() -> None:
    found = parse_paste("松戸市\tA\tB\tC\thub\t備考です", COLUMNS)
    assert found.rows == (row("松戸市", "A", "B", "C", "hub"),)
    assert [note.raw for note in found.notes] == ["", "備考です"]


def test_a_paste_of_a_whole_book_is_refused() -> None:
    assert parse_paste("a" * (tables_in.MAX_PASTE + 1), COLUMNS).refused == tables_in.TOO_LONG


def is_clear(cell: str) -> bool:
    """Excel leaves a quote at the start of a one-line cell bare: next to a tab it reads like a quoted cell."""
    return "\n" in cell or "\t" in cell or not cell.startswith('"')


def as_excel_copies(cell: str) -> str:
    return '"' + cell.replace('"', '""') + '"' if "\n" in cell or "\t" in cell else cell


CELL = st.text(st.sampled_from('松a"1 \t\n「'), max_size=6).map(str.strip).filter(is_clear)
TWO = (Column(id="a", label="甲"), Column(id="b", label="乙"))


@settings(deadline=None)
@given(st.lists(st.tuples(CELL, CELL), min_size=1, max_size=5))
def test_every_copied_table_comes_back(cells: list[tuple[str, str]]) -> None:
    text = "甲\t乙\n" + "\n".join("\t".join(as_excel_copies(cell) for cell in row) for row in cells)
    rows = tuple({"a": a, "b": b} for a, b in cells if a or b)
    assert parse_paste(text, TWO).rows == rows


@settings(deadline=None, max_examples=200)
@given(st.text(max_size=60))
def test_no_paste_raises(text: str) -> None:
    assert parse_paste(text, COLUMNS).refused is None
