"""A form as a Word document: the same blocks as the PDF, each answer in a content control named after its field.

The tag of a control (at most 64 characters) says where its text belongs; the reader finds it there whatever
else was typed into the paper:

    ky:<field>                              ky:reason
    ky:<address field>/postal, …/text       ky:rep_address/postal   (〒 stands outside)
    ky:<marks field>/<option>               ky:issues/training      (○ chosen, ・ not chosen)
    ky:<table field>/<row>/<column>         ky:members/r3/profession
    ky:<table field>/<row>/;<column>=<option>   the No. cell: choices in columns the paper does not print
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import assert_never

from kyoten.papers.sheet import (
    ANSWER_LABEL,
    CHOSEN,
    NOT_CHOSEN,
    NUMBER_LABEL,
    Block,
    Box,
    Choice,
    Entries,
    Entry,
    Grid,
    Heading,
    Mark,
    Row,
    Sheet,
    spaced,
)
from kyoten.papers.word import PAGE_WIDTH, Cell, Element, TableRow, check_box, control, paragraph, run, table

LINE = 5.74  # mm, a line of the default style
ENTRY_WIDTHS = (34, 84, 18, 30)
NUMBER_WIDTH = 12
NOTE_SIZE = 9.5
_CHARACTERS = 42  # full-width ones on a line of a box
_TAG_SAFE = re.compile(r"[A-Za-z0-9_.-]*")


def form_body(sheet: Sheet) -> list[Element]:
    """Everything between the margins."""
    body = [paragraph(run(sheet.number), align="right"), paragraph(run(sheet.title), style="Heading1")]
    if sheet.intro:
        body.append(paragraph(run(sheet.intro)))
    for block in sheet.blocks:
        body.extend(_block(block))
    return [*body, paragraph(run(sheet.closing), align="right")]


def _block(block: Block) -> Iterator[Element]:
    match block:
        case Heading():
            yield paragraph(run("\n".join((f"■ {block.title}", *block.notes))), style="Heading2")
        case Entries():
            yield table(ENTRY_WIDTHS, [row for entry in block.rows for row in _entry_rows(entry)])
        case Box():
            yield from _label(block.label)
            yield _box(block)
        case Grid():
            yield from _label(block.label)
            yield _grid(block)
        case _:
            assert_never(block)


def _label(label: str) -> Iterator[Element]:
    if label:
        yield paragraph(run(label), keep_next=True)


# ---- labelled lines -----------------------------------------------------------------------------


def _entry_rows(entry: Entry | Choice) -> Iterator[TableRow]:
    if isinstance(entry, Choice):
        yield from _choice_rows(entry)
    else:
        label = Cell((paragraph(run(spaced(entry.label)), align="center"),))
        yield TableRow((label, Cell(tuple(_answer(entry)), span=3)), height=7.5)


def _answer(entry: Entry) -> Iterator[Element]:
    if entry.note:
        yield paragraph(run(entry.note, size=NOTE_SIZE))
    if entry.postal is None:
        content = [control(f"ky:{entry.field}", entry.label, entry.text)]
    else:
        yield paragraph(run("〒"), control(f"ky:{entry.field}/postal", f"{entry.label}（郵便番号）", entry.postal))
        content = [control(f"ky:{entry.field}/text", entry.label, entry.text)]
    yield paragraph(*content, *([run(entry.unit)] if entry.unit else []))


def _choice_rows(choice: Choice) -> Iterator[TableRow]:
    """The ※ note over its own row, then the options with the 回答 cell beside them (別紙2-②)."""
    answer = control(f"ky:{choice.field}", choice.label, choice.answer)
    sides = [
        Cell((paragraph(run(ANSWER_LABEL), align="center"),), merge="restart"),
        Cell((paragraph(answer, align="center"),), merge="restart"),
    ]
    label = Cell((paragraph(run(spaced(choice.label)), align="center"),), merge="restart")
    if choice.note:
        yield TableRow((label, Cell((paragraph(run(choice.note, size=NOTE_SIZE)),), span=3)), height=7.5)
        label = _joined()
    for option in choice.options:
        yield TableRow((label, Cell((paragraph(run(option)),)), *sides), height=7.5)
        label, sides = _joined(), [_joined(), _joined()]


def _joined() -> Cell:
    return Cell((paragraph(),), merge="continue")


# ---- boxes --------------------------------------------------------------------------------------


def _box(box: Box) -> Element:
    marks = [
        paragraph(*(part for mark in line for part in _mark(mark, mark is line[0])), keep_next=True)
        for line in box.marks
    ]
    text = [paragraph(control(f"ky:{box.field}", box.label or box.field, box.text))] if box.field else []
    fits = sum(1 + len(line) // _CHARACTERS for line in box.text.split("\n")) <= box.lines
    height = (len(box.marks) + box.lines) * LINE + 4
    return table([PAGE_WIDTH], [TableRow((Cell((*marks, *text), top=True),), height=height, whole=fits)])


def _mark(mark: Mark, first: bool) -> Iterator[Element]:
    if not first:
        yield run("　　")
    yield check_box(f"ky:{mark.field}/{mark.option}", mark.label, mark.chosen, (CHOSEN, NOT_CHOSEN))
    yield run(mark.label)


# ---- tables -------------------------------------------------------------------------------------


def _grid(grid: Grid) -> Element:
    width = (PAGE_WIDTH - NUMBER_WIDTH) / len(grid.columns)
    labels = (NUMBER_LABEL, *(label for _, label in grid.columns))
    heading = TableRow(tuple(Cell((paragraph(run(label), align="center"),)) for label in labels), 8, heading=True)
    rows = [_grid_row(grid, number, row) for number, row in enumerate(grid.rows, start=1)]
    return table([NUMBER_WIDTH, *[width] * len(grid.columns)], [heading, *rows])


def _grid_row(grid: Grid, number: int, row: Row) -> TableRow:
    if row.id is None:  # a blank line of the paper belongs to no member yet: plain cells
        contents = [run(str(number)), *(run("") for _ in grid.columns)]
    else:
        name = row.id if _TAG_SAFE.fullmatch(row.id) else ""
        contents = [control(_number_tag(grid.field, name, row), NUMBER_LABEL, str(number))]
        for (column, label), text in zip(grid.columns, row.cells, strict=True):
            contents.append(control(_cell_tag(grid.field, name, column), label, text))
    cells = [Cell((paragraph(contents[0], align="center"),)), *(Cell((paragraph(item),)) for item in contents[1:])]
    return TableRow(tuple(cells), height=8)


def _number_tag(field: str, row: str, content: Row) -> str:
    tag = f"ky:{field}/{row}/" + "".join(f";{column}={option}" for column, option in content.hidden)
    return tag if len(tag) <= 64 and tag.isascii() else f"ky:{field}/{row}/"


def _cell_tag(field: str, row: str, column: str) -> str:
    tag = f"ky:{field}/{row}/{column}"
    return tag if len(tag) <= 64 else f"ky:{field}//{column}"
