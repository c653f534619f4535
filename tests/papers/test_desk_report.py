"""完了報告 as Word: the order of its parts, and figures that stand where they belong."""

import io
from decimal import Decimal

import pytest
from docx import Document

from kyoten.papers.desk_report import DeskReport, ReportTable, shown, write_desk_report

GROUPS = (("実件数", 2), ("平均回答営業日数", 2))
TABLE = ReportTable(
    "月別",
    ("月", "今年度", "前年度", "今年度", "前年度"),
    (("7月", 12345, 0, Decimal("2.0"), None), ("3月", "", 7, "", Decimal("1.5"))),
    GROUPS,
)
REPORT = DeskReport(
    title="令和7年度　相談窓口\n完了報告",
    sender=("事務局",),
    overview=(("窓口の名称", "相談窓口"), ("実施期間", "令和7年6月27日（金）から令和8年2月28日（土）まで")),
    tables=(TABLE, ReportTable("機能×場面", ("機能＼場面", "看取り", "計"), (("会議", 1, 2),))),
    contents=(("災害時・BCP\n（2件）", "平時の連携。\n<要配慮者> & 家族。"), ("研修\n（0件）", "")),
    notes=("1件は一つの照会です。",),
    summary="全体として増えた。",
)


def opened(report: DeskReport = REPORT):
    return Document(io.BytesIO(write_desk_report(report)))


def cells(table) -> list[list[str]]:
    return [[cell.text for cell in row.cells] for row in table.rows]


def test_the_parts_stand_in_their_order_and_the_date_is_left_to_be_filled_in():
    assert [p.text for p in opened().paragraphs] == [
        "令和　　年　　月　　日",
        "事務局",
        "令和7年度　相談窓口\n完了報告",
        "１　窓口の概要",
        "２　実績",
        "月別",
        "機能×場面",
        "※　1件は一つの照会です。",
        "３　分類別の主な内容",
        "全体として増えた。",
        "",
        "以上",
    ]


def test_figures_stand_below_their_groups():
    assert cells(opened().tables[1]) == [
        ["", "実件数", "実件数", "平均回答営業日数", "平均回答営業日数"],
        ["月", "今年度", "前年度", "今年度", "前年度"],
        ["7月", "12,345", "0", "2.0", "－"],
        ["3月", "", "7", "", "1.5"],
    ]
    assert cells(opened().tables[2]) == [["機能＼場面", "看取り", "計"], ["会議", "1", "2"]]


def test_both_head_lines_are_repeated_on_every_page():
    rows = opened().tables[1].rows
    assert [len(row._tr.xpath("./w:trPr/w:tblHeader")) for row in rows] == [1, 1, 0, 0]


def test_overview_and_the_officers_words_keep_their_lines_and_signs():
    assert cells(opened().tables[0]) == [list(row) for row in REPORT.overview]
    assert cells(opened().tables[-1]) == [list(row) for row in REPORT.contents]


@pytest.mark.parametrize("columns", [3, 9, 14])
def test_a_table_is_never_wider_than_the_page(columns):
    table = ReportTable("表", [f"列{n}" for n in range(columns)], [["行", *[99999] * (columns - 1)]])
    report = DeskReport("題", (), (("名", "文"),), (table,), ())
    widths = [int(column.get(column.keys()[0])) for column in opened(report).tables[1]._tbl.tblGrid]
    assert sum(widths) / 1440 * 25.4 == pytest.approx(166, abs=0.2)


def test_the_same_report_gives_the_same_bytes():
    assert write_desk_report(REPORT) == write_desk_report(REPORT)


def test_how_a_figure_is_read():
    assert [shown(value) for value in (0, 1234, Decimal("2.0"), Decimal("1234.5"), None, "")] == [
        "0", "1,234", "2.0", "1,234.5", "－", ""
    ]  # fmt: skip
