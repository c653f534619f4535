"""Lists come in: rows from an Excel or CSV file, or pasted from Excel.

A header row is looked for by the labels of the columns; without one the columns count from the left. Nothing is
dropped in silence: columns and sheets without a place become notes.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

from kyoten.papers import guard
from kyoten.papers.guard import Accepted, Refusal
from kyoten.papers.reading import Note, at_most
from kyoten.papers.reading_docx import Unreadable
from kyoten.papers.reading_labels import column_of, is_number_column, key
from kyoten.papers.reading_values import option_of
from kyoten.papers.reading_xlsx import MAX_ROWS, sheets, shown
from kyoten.rules.definition import Column
from kyoten.rules.text import clean

MAX_PASTE = 1_000_000  # characters
MAX_CSV = 2 * 1024 * 1024  # bytes
MAX_COLUMNS = 200
_HEADER_WITHIN = 20  # rows from the top: a title and notes may stand above
NOT_A_TABLE = Refusal("type", "表は Excel（.xlsx）か CSV のファイルでお送りください。")
TOO_LONG = Refusal("size", f"表が大きすぎます。{MAX_ROWS}行、{MAX_COLUMNS}列までに分けてください。")
NO_CSV = Refusal("broken", "CSV として読めません。Excel で開き、.xlsx で保存し直してください。")

Cells = list[str]
Row = dict[str, str]


@dataclass(frozen=True)
class TableReading:
    """`rows` have every column id; a choice is the option's value where it names one. Refused: no rows."""

    rows: tuple[Row, ...]
    notes: tuple[Note, ...] = ()
    refused: Refusal | None = None


def read_table(data: bytes, filename: str, columns: Sequence[Column]) -> TableReading:
    """The rows of an Excel or CSV file. Never raises: a file that cannot be read is a reading with `refused`."""
    found = guard.inspect(data, filename)
    if isinstance(found, Refusal):
        return TableReading((), refused=found)
    if found.kind not in ("xlsx", "text"):
        return TableReading((), refused=NOT_A_TABLE)
    if found.kind == "text" and len(data) > MAX_CSV:
        return TableReading((), refused=TOO_LONG)
    try:
        tables = _workbook(found) if found.kind == "xlsx" else [("", _csv(found.data))]
    except Unreadable:
        return TableReading((), refused=guard.BROKEN)
    except csv.Error:
        return TableReading((), refused=NO_CSV)
    if any(len(rows) > MAX_ROWS or any(len(row) > MAX_COLUMNS for row in rows) for _, rows in tables):
        return TableReading((), refused=TOO_LONG)
    return _read(tables, columns)


def parse_paste(text: str, columns: Sequence[Column]) -> TableReading:
    """The rows of a table copied in Excel or Word and pasted as text: tabs between cells, quotes as Excel sets them."""
    if len(text) > MAX_PASTE:
        return TableReading((), refused=TOO_LONG)
    rows = [[cell.strip() for cell in row] for row in islice(_tsv(clean(text)), MAX_ROWS + 1)]
    if len(rows) > MAX_ROWS or any(len(row) > MAX_COLUMNS for row in rows):
        return TableReading((), refused=TOO_LONG)
    return _read([("", rows)], columns)


# ---- from bytes to cells ----


def _workbook(found: Accepted) -> list[tuple[str, list[Cells]]]:
    return [
        (f"シート「{name}」", [[clean(shown(value)).strip() for value in row] for row in rows])
        for name, rows, _ in sheets(found.data)
    ]


def _csv(data: bytes) -> list[Cells]:
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = data.decode("cp932")
    first = text.split("\n", 1)[0]
    delimiter = "\t" if first.count("\t") > first.count(",") else ","
    lines = csv.reader(io.StringIO(clean(text), newline=""), delimiter=delimiter)
    return [[cell.strip() for cell in row] for row in islice(lines, MAX_ROWS + 1)]


_QUOTED = re.compile(r'"((?:[^"]|"")*)"(?=[\t\n]|\Z)')
_PLAIN = re.compile(r"[^\t\n]*")


def _tsv(text: str) -> Iterator[Cells]:
    """Excel quotes a cell only for a line end, a tab or a quote inside such a cell; other quotes are the writer's own."""
    row: Cells = []
    at = 0
    while at < len(text):
        quoted = _QUOTED.match(text, at)
        if quoted and re.search(r'[\n\t]|""', quoted[1]):
            row.append(quoted[1].replace('""', '"'))
            end = quoted.end()
        else:
            plain = _PLAIN.match(text, at)
            row.append(plain[0] if plain else "")
            end = at + len(row[-1])
        if text[end : end + 1] != "\t" or len(row) > MAX_COLUMNS:
            yield row
            row = []
        at = end + 1
    if row:
        yield row


# ---- from cells to rows ----


def _read(tables: Sequence[tuple[str, list[Cells]]], columns: Sequence[Column]) -> TableReading:
    written = [(name, rows) for name, rows in tables if any(any(row) for row in rows)]
    if not written:
        return TableReading(())
    with_header = [table for table in written if _header(table[1], columns) is not None]
    name, rows = (with_header or written)[0]
    notes = [
        Note("", "", f"{other}は読み取っていません。", "warn", other, "\n".join(" ".join(row) for row in cells).strip())
        for other, cells in written
        if cells is not rows
    ]
    found, more = _rows(name or "表", rows, columns)
    return TableReading(tuple(found), at_most([*more, *notes]))


def _header(rows: list[Cells], columns: Sequence[Column]) -> tuple[int, dict[int, str]] | None:
    """Which row names the columns: {place in the row: column id}."""
    needed = max(1, min(2, len(columns)))
    for number, row in enumerate(rows[:_HEADER_WITHIN]):
        named: dict[int, str] = {}
        for place, cell in enumerate(row):
            column = column_of(cell, columns) if key(cell) else None
            if column and column not in named.values():
                named[place] = column
        if len(named) >= needed and 2 * len(named) >= sum(1 for cell in row if key(cell)):
            return number, named
    return None


def _rows(name: str, rows: list[Cells], columns: Sequence[Column]) -> tuple[list[Row], list[Note]]:
    notes: list[Note] = []
    header = _header(rows, columns)
    if header is None:
        start, places = 0, _by_place(rows, columns)
        names = "・".join(column.label for column in columns if column.id in places.values())
        text = f"見出しの行が見つからないため、左から順に {names} として読みました。"
        notes.append(Note("", "", text, "info", name))
    else:
        start, places = header[0] + 1, header[1]
        above = "\n".join(" ".join(cell for cell in row if cell) for row in rows[: header[0]]).strip()
        if above:
            notes.append(Note("", "", "見出しより上の行は読み取っていません。", "info", name, above))
    found = []
    for number, row in enumerate(rows[start:], start + 1):
        values = {column.id: "" for column in columns}
        values |= {column: row[place] for place, column in places.items() if place < len(row)}
        if any(values.values()):
            found.append({column.id: option_of(values[column.id], column.options) for column in columns})
        notes += _strange(values, columns, f"{name} {number}行目")
    return found, [*notes, *_left_over(name, rows, start, places)]


def _by_place(rows: list[Cells], columns: Sequence[Column]) -> dict[int, str]:
    """Without a header: from the left, a running number apart; the printed columns if there are just as many."""
    written = [row for row in rows if any(row)]
    first = [key(row[0]) for row in written]
    width = max(len(row) for row in written)
    numbered = width > 1 and all(word.isdecimal() for word in first if word) and any(first)
    printed = [column for column in columns if column.print]
    wanted = printed if width - numbered <= len(printed) else columns
    return {place + numbered: column.id for place, column in enumerate(wanted)}


def _strange(values: Row, columns: Sequence[Column], where: str) -> Iterator[Note]:
    for column in columns:
        raw = values[column.id]
        known = {option.value for option in column.options}
        if raw and known and option_of(raw, column.options) not in known:
            text = f"「{column.label}」の「{raw}」は選択肢にありません。選び直してください。"
            yield Note("", "", text, "warn", where, raw)


def _left_over(name: str, rows: list[Cells], start: int, places: dict[int, str]) -> Iterator[Note]:
    """Columns nobody asked for, each with what stands in it."""
    heads = rows[start - 1] if start else []
    for place in range(max(len(row) for row in rows)):
        head = heads[place] if place < len(heads) else ""
        raw = "\n".join(row[place] for row in rows[start:] if place < len(row) and row[place])
        running = is_number_column(head) and key(raw).isdecimal()
        if place not in places and raw and not running:
            label = f"「{head}」" if head else f"左から{place + 1}番目"
            yield Note("", "", f"{label}の列は読み取っていません。", "warn", name, raw)
