"""Lists as Excel: text stays text, dates are dates, and nothing becomes a formula."""

import io
from datetime import UTC, date, datetime
from decimal import Decimal

import openpyxl
import pytest
from python_calamine import CalamineWorkbook

from kyoten.papers.tables import CELL_LENGTH, CUT, Table, column_letters, sheet_names, write_table, write_tables

HOSTILE = [
    "=1+1", "+81-3", "-5", "@SUM(A1)", "\tタブ", "\n=1+1", "＝１", "＋１", "－１", "＠", "'quote", '"=1"', " =1", "=cmd|'/c calc'!A1",
    "_x000D_", "_x0041__x0042_", "__x0041_", "0123", "043-000-0000", "a\nb", "　字下げ", "髙﨑𠮷😀", "<b>&amp;</b>", " 前後 ", "TRUE", "1E5",
    "2025-07-31", "1/2", "長" * 5000,
]  # fmt: skip


def opened(data):
    return openpyxl.load_workbook(io.BytesIO(data))


def read(data, sheet=0):
    return CalamineWorkbook.from_filelike(io.BytesIO(data)).get_sheet_by_index(sheet).to_python()


@pytest.mark.parametrize("text", HOSTILE)
def test_text_comes_back_as_the_same_text(text):
    data = write_table("一覧", ["値"], [[text]])
    assert read(data) == [["一覧"], ["値"], [text]]
    cell = opened(data).active["A3"]
    assert (cell.data_type, cell.quotePrefix) == ("s", True)


def test_title_note_and_heading_are_text_as_well():
    data = write_table("=題", ["+列"], [["a"]], note="@注")
    assert read(data) == [["=題"], ["@注"], ["+列"], ["a"]]
    assert {cell.data_type for row in opened(data).active.iter_rows() for cell in row} == {"s"}


def test_values_keep_their_kind():
    moment = datetime(2025, 7, 31, 14, 59, tzinfo=UTC)
    row = [3000000, 1.5, Decimal("0.25"), date(2025, 7, 31), moment, True, False, None, ""]
    data = write_table("一覧", [f"列{n}" for n in range(9)], [row])
    assert read(data)[2] == [3000000, 1.5, 0.25, date(2025, 7, 31), datetime(2025, 7, 31, 23, 59), "○", "", "", ""]
    formats = [cell.number_format for cell in opened(data).active[3]]
    assert formats[:5] == ["#,##0", "#,##0.0##", "#,##0.0##", 'yyyy"年"m"月"d"日"', 'yyyy"年"m"月"d"日" h:mm']


def test_every_minute_of_a_day_is_kept():
    moments = [datetime(2025, 7, 31, minute // 60, minute % 60) for minute in range(1, 1440)]
    assert [row[0] for row in read(write_table("時刻", ["受付"], [[moment] for moment in moments]))[2:]] == moments


def test_what_excel_cannot_count_is_written_as_text():
    rows = [[date(1900, 2, 28)], [datetime(1890, 1, 2, 3, 4)], [float("nan")], [float("inf")]]
    assert read(write_table("一覧", ["値"], rows))[2:] == [["1900-02-28"], ["1890-01-02 03:04:00"], ["nan"], ["inf"]]


def test_text_longer_than_a_cell_says_that_it_was_cut():
    [found] = read(write_table("一覧", ["値"], [["長" * (CELL_LENGTH + 1)]]))[2]
    assert found == "長" * (CELL_LENGTH - len(CUT)) + CUT


def test_characters_no_file_may_hold_are_left_out():
    assert read(write_table("一覧", ["値"], [["a\x00\x0b\ud800\ufffeb"]]))[2] == ["a\nb"]


def test_the_sheet_is_ready_to_filter_and_to_print():
    sheet = opened(write_table("一覧", ["名", "数"], [["a", 1], ["b", 2]], note="注")).active
    assert (sheet.freeze_panes, sheet.auto_filter.ref, sheet.print_title_rows) == ("A4", "A3:B5", "$3:$3")
    setup = sheet.page_setup
    assert (setup.orientation, setup.paperSize, setup.fitToWidth, setup.fitToHeight) == ("landscape", 9, 1, 0)
    assert sheet.sheet_properties.pageSetUpPr.fitToPage is True


def test_columns_are_as_wide_as_their_content_within_bounds():
    sheet = opened(write_table("一覧", ["番", "説明", "長文"], [["1", "在宅医療の圏域", "長" * 300]])).active
    assert [sheet.column_dimensions[letter].width for letter in "ABC"] == [6, 16, 44]
    assert sheet.row_dimensions[3].height == 15 * 14 + 3  # 600 half-width characters over 43


def test_several_lists_stand_on_sheets_of_their_own():
    data = write_tables([Table("申込一覧", ["a"], [["1"]]), Table("申込一覧", ["b"], [], note="なし")])
    assert opened(data).sheetnames == ["申込一覧", "申込一覧 (2)"]
    assert read(data, 0) == [["申込一覧"], ["a"], ["1"]]
    assert read(data, 1) == [["申込一覧"], ["なし"], ["b"]]


def test_sheet_names_are_such_as_excel_accepts():
    titles = ["a/b:c*?[x]\\", "", "'引用'", "長" * 40, "長" * 40, "Abc", "aBC"]
    assert sheet_names(titles) == ["a b c   x", "一覧", "引用", "長" * 31, "長" * 26 + " (2)", "Abc", "aBC (2)"]


def test_the_same_rows_give_the_same_bytes():
    rows = [["a", 1, date(2025, 7, 31)]]
    assert write_table("一覧", ["a", "b", "c"], rows) == write_table("一覧", ["a", "b", "c"], iter(rows))


@pytest.mark.parametrize(("number", "letters"), [(1, "A"), (26, "Z"), (27, "AA"), (702, "ZZ"), (703, "AAA")])
def test_columns_are_named_as_in_excel(number, letters):
    assert column_letters(number) == letters
