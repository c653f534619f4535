"""A filled paper as plain blocks, whatever file it came in: paragraphs, tables, cells, and where each stands."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

MAX_PARAGRAPHS = 10_000
MAX_CELLS = 200  # in a row; Word itself allows 63


class TooLong(Exception):
    """More text than a filled form can have."""


@dataclass(frozen=True)
class Tag:
    """One content control of our own Word file. The number tells two controls of the same value apart."""

    value: str
    number: int


@dataclass
class Piece:
    """Text of one paragraph with one origin: inside a certain control of ours, or in none."""

    text: str
    tag: Tag | None = None


@dataclass
class Paragraph:
    pieces: list[Piece] = field(default_factory=list)
    joins_next: bool = False  # its end was deleted as a tracked change

    @property
    def text(self) -> str:
        return "".join(piece.text for piece in self.pieces)


@dataclass
class Cell:
    blocks: list[Block]
    column: int = 0  # of the grid, not of the row's list
    span: int = 1
    height: int = 1  # rows, when merged downwards
    continues: bool = False  # the lower part of such a merged cell

    def paragraphs(self) -> Iterator[Paragraph]:
        """Every paragraph, nested tables included."""
        for block in self.blocks:
            if isinstance(block, Paragraph):
                yield block
            else:
                yield from (paragraph for row in block.rows for cell in row.cells for paragraph in cell.paragraphs())

    @property
    def text(self) -> str:
        return "\n".join(paragraph.text for paragraph in self.paragraphs())


@dataclass
class Row:
    cells: list[Cell]
    number: int  # from 1, as a person counts

    def covering(self, cell: Cell) -> Cell | None:
        """The cell of this row that stands under (or over) a cell of another row."""
        return next((c for c in self.cells if c.column <= cell.column < c.column + c.span), None)


@dataclass
class Table:
    """A table, or a text box as a table of one cell."""

    rows: list[Row]
    name: str  # 「表2」 「テキストボックス1」 「シート「申込書」」

    def place(self, row: Row) -> str:
        """「表2 3行目」"""
        single = len(self.rows) == 1 and len(row.cells) == 1
        return self.name if single else f"{self.name} {row.number}行目"


Block = Paragraph | Table


SHAPE = "図形・画像"


@dataclass(frozen=True)
class Aside:
    """Text beside the paper itself: a comment, a footnote, a header, text struck out or hidden."""

    what: str  # コメント, 脚注, ヘッダー, 取り消し線, 隠し文字, or SHAPE with the text of the paragraph it hangs on
    text: str


@dataclass
class Paper:
    blocks: list[Block]
    asides: list[Aside] = field(default_factory=list)


def measure_merged(table: Table) -> None:
    """Give every cell merged downwards its height."""
    for above, below in zip(reversed(table.rows[:-1]), reversed(table.rows[1:]), strict=True):
        for cell in above.cells:
            under = below.covering(cell)
            if under is not None and under.continues and under.column == cell.column:
                cell.height = under.height + 1
