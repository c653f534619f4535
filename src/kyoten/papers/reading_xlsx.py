"""From the sheets of an Excel file to plain blocks: every sheet is one table, every cell its lines."""

from __future__ import annotations

import io
import re
from collections.abc import Iterable
from datetime import date, datetime
from typing import Any

from python_calamine import CalamineError, CalamineWorkbook, SheetVisibleEnum

from kyoten.papers.guard import Accepted, part_names
from kyoten.papers.reading_blocks import (
    MAX_CELLS,
    SHAPE,
    Aside,
    Block,
    Cell,
    Paper,
    Paragraph,
    Piece,
    Row,
    Table,
    TooLong,
)
from kyoten.papers.reading_docx import Unreadable

MAX_ROWS = 5000  # of one sheet
MAX_SHEETS = 50
_PANIC = "PanicException"  # what a Rust library raises on its own bugs; no subclass of Exception


def read_xlsx(accepted: Accepted) -> Paper:
    """The sheets in order. Raises Unreadable or TooLong."""
    drawn = any(re.fullmatch(r"xl/drawings/(drawing|vmldrawing)\d+\.(xml|vml)", name) for name in part_names(accepted))
    tables: list[Block] = [_table(name, rows, merged) for name, rows, merged in sheets(accepted.data)]
    return Paper(tables, [Aside(SHAPE, "")] if drawn else [])


def sheets(data: bytes) -> list[tuple[str, list[list[Any]], list[Any]]]:
    """Name, rows and merged ranges of every visible sheet. Only for data the guard has accepted. Raises Unreadable."""
    try:
        book = CalamineWorkbook.from_filelike(io.BytesIO(data))
        shown = [sheet.name for sheet in book.sheets_metadata if sheet.visible == SheetVisibleEnum.Visible]
        return [_sheet(book, name) for name in shown[:MAX_SHEETS]]
    except (CalamineError, ValueError, OverflowError, OSError):
        raise Unreadable from None
    except BaseException as panic:
        if type(panic).__name__ != _PANIC:
            raise
        raise Unreadable from None


def _sheet(book: Any, name: str) -> tuple[str, list[list[Any]], list[Any]]:
    sheet = book.get_sheet_by_name(name)
    return name, sheet.to_python(skip_empty_area=False, nrows=MAX_ROWS + 1), sheet.merged_cell_ranges or []


def shown(value: Any) -> str:
    """A cell as text: numbers as typed, dates as ISO."""
    if isinstance(value, bool):
        return "はい" if value else "いいえ"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, datetime):
        return value.date().isoformat() if value.time() == datetime.min.time() else value.isoformat(" ", "minutes")
    if isinstance(value, date):
        return value.isoformat()
    return str(value).replace("\r\n", "\n").replace("\r", "\n")


def _table(name: str, rows: list[list[Any]], merged: Iterable[Any]) -> Table:
    ranges = dict(merged)
    lower = _lower_cells(ranges, len(rows))
    table = Table([], f"シート「{name}」")
    for number, values in enumerate(rows, 1):
        row = Row([], number)
        for column, value in enumerate(values):
            text = shown(value)
            span = lower.get((number - 1, column), 0)
            if not text.strip() and not span:
                continue
            end = ranges.get((number - 1, column), (number - 1, column))
            paragraphs = [Paragraph([Piece(line)]) for line in text.split("\n")]
            row.cells.append(Cell([*paragraphs], column, span or end[1] - column + 1, end[0] - number + 2, span > 0))
        if len(row.cells) > MAX_CELLS:
            raise TooLong
        if row.cells:
            table.rows.append(row)
    return table


def _lower_cells(ranges: dict[Any, Any], rows: int) -> dict[tuple[int, int], int]:
    """Where the lower parts of cells merged downwards begin, with their width."""
    return {
        (row, start[1]): end[1] - start[1] + 1
        for start, end in ranges.items()
        for row in range(start[0] + 1, min(end[0] + 1, rows))
    }
