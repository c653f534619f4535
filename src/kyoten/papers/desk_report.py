"""完了報告 of a desk as Word: what the desk was, its figures, and what the inquiries were about in an officer's words."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal

from kyoten.papers.word import PAGE_WIDTH, Align, Cell, Element, TableRow, paragraph, run, table
from kyoten.papers.word_file import WordFile, word_file

Value = int | Decimal | str | None

NO_DATE = "令和　　年　　月　　日"  # filled in by hand after 決裁
NO_MEAN = "－"
CLOSING = "以上"
_EM = 10.5 * 25.4 / 72  # mm, one full-width character
_LABEL = 40  # mm, the first column of a table of many
_SMALL = 8  # points
_NUMBER = 15  # mm: five digits and the comma stay on one line


@dataclass(frozen=True)
class ReportTable:
    """Figures: the first column names the row. `groups` stand above the other columns: name, how many of them."""

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[Value]]
    groups: Sequence[tuple[str, int]] = ()


@dataclass(frozen=True)
class DeskReport:
    """`overview` and `contents` are pairs of a name and a text; a text that is empty leaves room to write."""

    title: str
    sender: Sequence[str]
    overview: Sequence[tuple[str, str]]
    tables: Sequence[ReportTable]
    contents: Sequence[tuple[str, str]]
    notes: Sequence[str] = ()
    summary: str = ""


def write_desk_report(report: DeskReport) -> bytes:
    """The .docx, A4."""
    return word_file(WordFile(report.title, list(_body(report))))


def shown(value: Value) -> str:
    """A figure as it is read: 1,234 · 2.5 · －"""
    if value is None:
        return NO_MEAN
    return value if isinstance(value, str) else f"{value:,}"


def _body(report: DeskReport) -> Iterator[Element]:
    yield paragraph(run(NO_DATE), align="right")
    yield from (paragraph(run(line), align="right") for line in report.sender)
    yield paragraph(run(report.title), style="Title", indent=3 * _EM, right=3 * _EM)
    yield _heading("１　窓口の概要")
    yield _overview(report.overview)
    yield _heading("２　実績")
    for each in report.tables:
        yield paragraph(run(each.title), style="Heading2", before=10)
        yield _figures(each)
    yield from (paragraph(run(f"※　{note}", size=_SMALL), hanging=2 * _SMALL * 25.4 / 72) for note in report.notes)
    yield _heading("３　分類別の主な内容")
    yield from _contents(report)
    yield paragraph(run(CLOSING), align="right", before=14)


def _heading(text: str) -> Element:
    return paragraph(run(text, size=12), style="Heading2", before=18)


def _overview(rows: Sequence[tuple[str, str]]) -> Element:
    widths = (_LABEL, PAGE_WIDTH - _LABEL)
    return table(widths, [TableRow((_cell(name), _cell(text, align="both"))) for name, text in rows])


def _cell(text: str, *, align: Align = "left") -> Cell:
    return Cell((paragraph(run(text), align=align),), top=True)


def _contents(report: DeskReport) -> Iterator[Element]:
    if report.summary:
        yield from _paragraphs(report.summary)
        yield paragraph()
    widths = (_LABEL, PAGE_WIDTH - _LABEL)
    rows = [
        TableRow((_cell(name), Cell(tuple(_paragraphs(text)), top=True)), height=12, whole=False)
        for name, text in report.contents
    ]
    if rows:
        yield table(widths, rows, caption="分類別の主な内容")


def _paragraphs(text: str) -> Iterator[Element]:
    yield from (paragraph(run(line), align="both") for line in text.strip("\n").split("\n"))


# ---- figures ------------------------------------------------------------------------------------


def _figures(each: ReportTable) -> Element:
    count = len(each.columns) - 1
    number = min(_NUMBER, (PAGE_WIDTH - 24) / count)
    widths = (PAGE_WIDTH - number * count, *[number] * count)
    rows = [_row(row) for row in each.rows]
    return table(widths, [*_heads(each), *rows], caption=each.title)


def _heads(each: ReportTable) -> Iterator[TableRow]:
    """The line of groups, where there is one, and the names of the columns."""
    if each.groups:
        groups = (_small(name, "center", span) for name, span in each.groups)
        yield TableRow((_small(""), *groups), heading=True)
    yield TableRow(tuple(_small(name, "center") for name in each.columns), heading=True)


def _row(row: Sequence[Value]) -> TableRow:
    return TableRow((_small(shown(row[0])), *(_small(shown(value), "right") for value in row[1:])))


def _small(text: str, align: Align = "left", span: int = 1) -> Cell:
    return Cell((paragraph(run(text, size=_SMALL), align=align),), span)
