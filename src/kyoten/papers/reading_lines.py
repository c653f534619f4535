"""The blocks of a paper as lines in reading order, with tables of rows (構成員) and our own controls taken out."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from itertools import groupby, zip_longest

from kyoten.papers.reading_blocks import Block, Cell, Paper, Paragraph, Piece, Row, Table, Tag, TooLong
from kyoten.papers.reading_labels import Target, Wording, column_of, is_number_column, key, match, targets
from kyoten.rules.definition import Field, Form

MAX_LINES = 10_000  # a long 公募要領 and a form of 200 members are below 3,000
MAX_ROWS = 1000  # of a table of the form
MAX_LENGTH = 500_000  # characters


@dataclass(eq=False)
class Line:
    """One line of the paper outside our own controls."""

    text: str
    where: str
    number: int
    table: Table | None = None
    row: Row | None = None
    cell: Cell | None = None
    starts_cell: bool = False
    fills_cell: bool = False  # nothing else in its cell but the form's own notes
    used: bool = False


@dataclass
class Tagged:
    """What stands in one of our own controls."""

    value: str
    where: str
    cell: Cell | None
    lines: list[str] = field(default_factory=list)

    @property
    def text(self) -> str:
        return "\n".join(self.lines)


@dataclass(frozen=True)
class GridRow:
    """A row of a table of the form: texts by column id, what else it holds, and the row's id if the file is ours."""

    where: str
    cells: dict[str, str]
    others: tuple[tuple[str, str], ...]  # heading, text
    row_id: str = ""
    hidden: tuple[tuple[str, str], ...] = ()


@dataclass
class Lines:
    lines: list[Line] = field(default_factory=list)
    tagged: list[Tagged] = field(default_factory=list)
    grids: dict[str, list[GridRow]] = field(default_factory=dict)
    grid_places: dict[str, str] = field(default_factory=dict)


def lines_of(paper: Paper, form: Form) -> Lines:
    """Raises TooLong."""
    reader = _Reader(form)
    reader.blocks(paper.blocks, None, None, None)
    return reader.found


@dataclass
class _Grid:
    """A table of the form that is being read: which columns mean what."""

    of: Field
    columns: list[tuple[Cell, str]]  # header cell, column id ("" for one the form does not know)
    above: dict[int, str] = field(default_factory=dict)  # the texts of the row before, by place of the header cell

    @property
    def width(self) -> int:
        return len(self.columns)


class _Reader:
    def __init__(self, form: Form) -> None:
        self.found = Lines()
        self.wording = Wording(form)
        self.targets = tuple(targets(form))
        self.tables = [field for field in form.fields() if field.kind == "table" and field.print]
        self.marks = tuple(f"{field.id}/" for field in form.fields() if field.kind == "marks")
        self.closing = {key(text) for text in (form.closing, form.title) if text}
        self.grid: _Grid | None = None  # stays open over the end of a table: a long one may be cut in two
        self.paragraphs = 0

    # ---- in reading order ----

    def blocks(self, blocks: list[Block], table: Table | None, row: Row | None, cell: Cell | None) -> None:
        first = True
        for block in blocks:
            if isinstance(block, Table):
                self.table(block)
            else:
                self.paragraph(block, table, row, cell, first)
                first = first and not block.text.strip()

    def paragraph(self, block: Paragraph, table: Table | None, row: Row | None, cell: Cell | None, first: bool) -> None:
        if table is None and block.text.strip():
            self.paragraphs += 1
            if not self.wording.knows(block.text):
                self.grid = None
        where = table.place(row) if table and row else f"本文 {self.paragraphs}段落目"
        fills = cell is not None and first and bool(block.text.strip()) and self.fills(cell, block)
        pieces = block.pieces
        if any(piece.tag and piece.tag.value.startswith(self.marks) for piece in pieces):
            for piece in pieces:
                if piece.tag:
                    self.control(piece.tag, piece.text, where, cell)
            pieces = [Piece(block.text)]  # also as a line: a mark may have been typed beside its control
        for tag, group in groupby(pieces, key=lambda piece: piece.tag):
            text = "".join(piece.text for piece in group)
            if tag is not None:
                self.control(tag, text, where, cell)
                continue
            for part in text.split("\n"):
                line = Line(part, where, len(self.found.lines), table, row, cell, first, fills)
                self.found.lines.append(line)
                self.length += len(part)
                if len(self.found.lines) > MAX_LINES or self.length > MAX_LENGTH:
                    raise TooLong
                first = first and not part.strip()

    def fills(self, cell: Cell, block: Paragraph) -> bool:
        """Whether a paragraph is all its cell says, apart from the form's own notes."""
        others = (other.text for other in cell.paragraphs() if other is not block)
        return all(not text.strip() or self.note(text) for text in others) and "\n" not in block.text.strip()

    def note(self, text: str) -> bool:
        return bool(re.match(r"[\s　]*[（(]?※", text)) or len(key(text)) >= 6 and self.wording.knows(text)

    def control(self, tag: Tag, text: str, where: str, cell: Cell | None) -> None:
        last = self.found.tagged[-1] if self.found.tagged else None
        if last is None or (last.value, self.number) != (tag.value, tag.number):
            last = Tagged(tag.value, where, cell)
            self.found.tagged.append(last)
        self.number = tag.number
        last.lines.append(text)

    number = length = 0

    # ---- tables ----

    def table(self, table: Table) -> None:
        if self.grid and not self.continues(table):
            self.grid = None
        skip: Row | None = None
        for row, below in zip_longest(table.rows, table.rows[1:]):
            if row is skip:
                continue
            if grid := self.header(row):
                self.grid = grid
                self.found.grids.setdefault(grid.of.id, [])
                self.found.grid_places.setdefault(grid.of.id, table.place(row))
            elif self.grid and not self.ends_grid(row):
                self.grid_row(table, row, self.grid)
            elif below is not None and self.labels_above(row, below):
                self.grid, skip = None, below
                self.interleave(table, row, below)
            else:
                self.grid = None
                for cell in row.cells:
                    self.blocks(cell.blocks, table, row, cell)

    def continues(self, table: Table) -> bool:
        """Whether a table without a header carries on the rows of the one before."""
        if self.grid is None or not table.rows or any(self.header(row) for row in table.rows):
            return self.grid is not None
        widths = {len(row.cells) for row in table.rows}
        labels = any(self.is_label(cell) for row in table.rows for cell in row.cells)
        return widths == {self.grid.width} and not labels

    def header(self, row: Row) -> _Grid | None:
        """The header of a table of the form: most of its printed columns named in one row."""
        if any(_tags(cell) for cell in row.cells):
            return None
        for wanted in self.tables:
            printed = [column for column in wanted.columns if column.print]
            columns = [(cell, column_of(cell.text, printed) or "") for cell in row.cells]
            named = [column for _, column in columns if column]
            missing = len(printed) - len(named)
            others = any(self.is_label(cell) for cell, column in columns if not column)
            if len(set(named)) == len(named) > 0 and (missing == 0 or (missing == 1 and len(named) > 1 and not others)):
                return _Grid(wanted, columns)
        return None

    def ends_grid(self, row: Row) -> bool:
        """A row that is no longer one of the table's: the next heading, 以上, or one line across."""
        texts = [cell.text for cell in row.cells if cell.text.strip()]
        if any(_tags(cell) for cell in row.cells) or not texts:
            return False
        if any(key(text) in self.closing or self.is_heading(text) for text in texts):
            return True
        return len(row.cells) == 1 and row.cells[0].span > 1

    def is_heading(self, text: str) -> bool:
        return any(
            found.score == 4
            for target in self.targets
            if (found := match(text, target, fills_cell=True, starts_cell=True, in_cell=True))
        )

    def is_label(self, cell: Cell) -> bool:
        lines = [p.text for p in cell.paragraphs() if p.text.strip() and not self.note(p.text)]
        return len(lines) == 1 and any(self.names(lines[0], target) for target in self.targets)

    def names(self, text: str, target: Target) -> bool:
        found = match(text, target, fills_cell=True, starts_cell=True, in_cell=True)
        return found is not None and found.score == 3

    def grid_row(self, table: Table, row: Row, grid: _Grid) -> None:
        texts = {head.column: _under(row, head, grid.above) for head, _ in grid.columns}
        grid.above = texts
        if len(self.found.grids[grid.of.id]) >= MAX_ROWS:
            raise TooLong
        cells = {column: texts[head.column] for head, column in grid.columns if column}
        others = [
            (head.text.strip(), texts[head.column].strip())
            for head, column in grid.columns
            if not column and texts[head.column].strip() and not _is_count(head, texts[head.column])
        ]
        others += [("", cell.text.strip()) for cell in row.cells if not _has_head(cell, grid) and cell.text.strip()]
        row_id, hidden = _row_tag([tag for cell in row.cells for tag in _tags(cell)], grid.of.id)
        if row_id or others or any(text.strip() for text in cells.values()):
            self.found.grids[grid.of.id].append(GridRow(table.place(row), cells, tuple(others), row_id, hidden))

    def labels_above(self, row: Row, below: Row) -> bool:
        """A row of labels only, with the answers in the row below (所属 | 部署 | 氏名)."""
        return (
            len(row.cells) > 1
            and all(self.is_label(cell) for cell in row.cells)
            and len(below.cells) <= len(row.cells)
            and not any(self.is_label(cell) for cell in below.cells)
        )

    def interleave(self, table: Table, row: Row, below: Row) -> None:
        for cell in row.cells:
            self.blocks(cell.blocks, table, row, cell)
            under = below.covering(cell)
            if under is not None:
                self.blocks(under.blocks, table, row, under)


def _tags(cell: Cell) -> list[Tag]:
    return [piece.tag for paragraph in cell.paragraphs() for piece in paragraph.pieces if piece.tag]


def _has_head(cell: Cell, grid: _Grid) -> bool:
    return any(cell.column <= head.column < cell.column + cell.span for head, _ in grid.columns)


def _is_count(head: Cell, text: str) -> bool:
    return is_number_column(head.text) and (key(text).isdecimal() or not key(text))


def _under(row: Row, head: Cell, above: dict[int, str]) -> str:
    """The text of a row under a header; a cell merged downwards counts for each of its rows."""
    cell = row.covering(head)
    if cell is None or (cell.column < head.column and cell.span > head.span):
        return ""  # one cell across several columns: its text stands under the first
    return above.get(head.column, "") if cell.continues else cell.text.strip("\n")


def _row_tag(tags: list[Tag], field_id: str) -> tuple[str, tuple[tuple[str, str], ...]]:
    """The row's id and its values in columns that are not printed: `members/r3/;group=hub`, `members/r3/title`."""
    row_id, hidden = "", []
    for tag in tags:
        found = re.fullmatch(rf"{field_id}/([^/]*)/([^/]*)", tag.value)
        if found and not row_id:
            row_id = found[1]
        if found and found[2].startswith(";"):
            hidden += [(name, value) for name, _, value in (part.partition("=") for part in found[2][1:].split(";"))]
    return row_id, tuple(hidden)
