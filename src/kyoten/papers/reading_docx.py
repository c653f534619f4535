"""From the XML of a Word file to plain blocks.

The tree is walked by hand: python-docx's `cell.text` drops tracked insertions, content controls and
text boxes. Elements are known by their local names, so that files saved as Strict Open XML read alike.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from lxml import etree

from kyoten.papers.guard import Accepted, part_names, read_part
from kyoten.papers.reading_blocks import (
    MAX_CELLS,
    MAX_PARAGRAPHS,
    SHAPE,
    Aside,
    Block,
    Cell,
    Paper,
    Paragraph,
    Piece,
    Row,
    Table,
    Tag,
    TooLong,
    measure_merged,
)

OURS = "ky:"  # content controls of the Word files this house writes
MARKS = "○◯〇●◎⭕✓✔☑✅■◼レ"
NO_MARKS = "□☐◻・･- 　"

_SKIPPED = frozenset(
    [
        "del",
        "moveFrom",
        "delText",
        "delInstrText",
        "instrText",
        "rPr",
        "pPr",
        "tblPr",
        "tblGrid",
        "trPr",
        "tcPr",
        "sdtPr",
        "sdtEndPr",
        "rt",
        "sectPr",
        "ffData",
        "tblPrEx",
        "commentRangeStart",
        "commentRangeEnd",
        "proofErr",
        "bookmarkStart",
        "bookmarkEnd",
        "annotationRef",
        "footnoteRef",
    ]
)
# Wingdings and its kin store a tick as an arrow-less number in the private range.
_SYMBOLS = {
    "wingdings": {0xFE: "☑", 0xFC: "✓", 0xA8: "□", 0x6F: "□", 0x71: "□", 0xFD: "☒", 0x6C: "●", 0xA1: "○", 0x6E: "■"},
    "wingdings 2": {0x52: "☑", 0x50: "✓", 0xA3: "□", 0x53: "☒", 0x54: "☒"},
    "symbol": {0xB7: "・"},
}
_PRIVATE = {0xF000 + code: mark for code, mark in _SYMBOLS["wingdings"].items()}


class Unreadable(Exception):
    """The file passed the guard, yet it is no Word document that can be walked."""


def read_docx(accepted: Accepted) -> Paper:
    """The blocks of a Word file in reading order. Raises Unreadable or TooLong."""
    body = _root(accepted, _main_part(accepted)).find("{*}body")
    if body is None:
        raise Unreadable
    walker = _Walker()
    blocks = _joined(walker.blocks(body, None))
    return Paper(blocks, [*walker.asides, *_other_parts(accepted)])


def _parser() -> Any:
    return etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, remove_comments=True, remove_pis=True
    )


def _root(accepted: Accepted, name: str) -> Any:
    data = read_part(accepted, name)
    if data is None:
        raise Unreadable
    try:
        return etree.fromstring(data, _parser())
    except etree.XMLSyntaxError:
        raise Unreadable from None


def _main_part(accepted: Accepted) -> str:
    for relation in _root(accepted, "_rels/.rels"):
        if relation.get("Type", "").endswith("/officeDocument"):
            return str(relation.get("Target", "")).lstrip("/")
    raise Unreadable


_OTHER_PARTS = (
    ("comments", "コメント"),
    ("footnotes", "脚注"),
    ("endnotes", "文末脚注"),
    ("header", "ヘッダー"),
    ("footer", "フッター"),
)


def _other_parts(accepted: Accepted) -> Iterator[Aside]:
    for name in part_names(accepted):
        for start, what in _OTHER_PARTS:
            if re.fullmatch(rf"word/{start}\d*\.xml", name):
                walker = _Walker()
                blocks = walker.blocks(_root(accepted, name), None)
                yield from (Aside(what, p.text.strip()) for p in Cell(blocks).paragraphs() if p.text.strip())


def _local(element: Any) -> str:
    return str(element.tag).rpartition("}")[2]


def _value(element: Any, path: str, default: str = "") -> str:
    """The `val` of the first element at a path of local names (pPr/rPr/del); the default if there is none."""
    found = element.find("/".join("{*}" + step for step in path.split("/")))
    return default if found is None else _attribute(found, "val", "1")


def _attribute(element: Any, name: str, default: str = "") -> str:
    return next((str(value) for key, value in element.attrib.items() if key.rpartition("}")[2] == name), default)


def _on(value: str) -> bool:
    return value not in ("", "0", "false", "off", "none")


def _joined(blocks: list[Block]) -> list[Block]:
    """Paragraphs whose end mark was deleted run on into the next one."""
    done: list[Block] = []
    for block in blocks:
        last = done[-1] if done else None
        if isinstance(block, Paragraph) and isinstance(last, Paragraph) and last.joins_next:
            last.pieces += block.pieces
            last.joins_next = block.joins_next
        else:
            done.append(block)
    return done


class _Walker:
    """Walks one part, counting tables and boxes as a person would."""

    def __init__(self) -> None:
        self.paragraphs = self.tables = self.boxes = self.controls = 0
        self.asides: list[Aside] = []
        self.pending: list[Table] = []  # text boxes anchored in the paragraph being read
        self.checkbox: bool | None = None
        self.shape = False  # a drawing without text hangs on the paragraph being read: an ○ drawn over an item?

    # ---- blocks ----

    def blocks(self, parent: Any, tag: Tag | None) -> list[Block]:
        found: list[Block] = []
        for element in parent:
            found += self.block(element, tag)
        return found

    def block(self, element: Any, tag: Tag | None) -> list[Block]:
        match _local(element):
            case "p":
                return self.paragraph(element, tag)
            case "tbl":
                return [self.table(element, tag)]
            case "sdt":
                return self.control(element, tag)
            case "AlternateContent":
                return self.blocks(_chosen(element), tag)
            case name if name in _SKIPPED:
                return []
            case "comment" | "footnote" | "endnote":
                return [] if _attribute(element, "type") else self.blocks(element, tag)
        return self.blocks(element, tag)

    def control(self, element: Any, tag: Tag | None) -> list[Block]:
        content = element.find("{*}sdtContent")
        if content is None or _on(_value(element, "sdtPr/showingPlcHdr")):
            return []
        outer, self.checkbox = self.checkbox, _checkbox(element)
        found = self.blocks(content, self.tag_of(element) or tag)
        self.checkbox = outer
        return found

    def tag_of(self, element: Any) -> Tag | None:
        value = _value(element, "sdtPr/tag")
        if not value.startswith(OURS):
            return None
        self.controls += 1
        return Tag(value.removeprefix(OURS), self.controls)

    def table(self, element: Any, tag: Tag | None) -> Table:
        self.tables += 1
        table = Table([], f"表{self.tables}")
        for row, _ in self.inside(element, "tr"):
            if row.find("{*}trPr/{*}del") is None:
                table.rows.append(self.row(row, len(table.rows) + 1, tag))
        measure_merged(table)
        return table

    def row(self, element: Any, number: int, tag: Tag | None) -> Row:
        row, column = Row([], number), _number(_value(element, "trPr/gridBefore"), 0)
        for cell, control in self.inside(element, "tc"):
            span = max(1, _number(_value(cell, "tcPr/gridSpan"), 1))
            merged = cell.find("{*}tcPr/{*}vMerge")
            continues = merged is not None and _attribute(merged, "val") != "restart"
            if _value(cell, "tcPr/hMerge", "restart") == "restart" and cell.find("{*}tcPr/{*}cellDel") is None:
                row.cells.append(Cell(self.cell(cell, control, tag), column, span, continues=continues))
            column += span
            if len(row.cells) > MAX_CELLS:
                raise TooLong
        return row

    def cell(self, element: Any, control: Any, tag: Tag | None) -> list[Block]:
        """A control that fills a cell is stored around the cell, not in it."""
        if control is None:
            return _joined(self.blocks(element, tag))
        if _on(_value(control, "sdtPr/showingPlcHdr")):
            return []
        outer, self.checkbox = self.checkbox, _checkbox(control)
        blocks = _joined(self.blocks(element, self.tag_of(control) or tag))
        self.checkbox = outer
        return blocks

    def inside(self, parent: Any, name: str, control: Any = None) -> Iterator[tuple[Any, Any]]:
        """The rows of a table or the cells of a row, each with the content control around it."""
        for element in parent:
            local = _local(element)
            if local == name:
                yield element, control
            elif local not in _SKIPPED and local not in ("tr", "tc", "tbl", "p"):
                yield from self.inside(element, name, element if local == "sdt" else control)

    def paragraph(self, element: Any, tag: Tag | None) -> list[Block]:
        self.paragraphs += 1
        if self.paragraphs > MAX_PARAGRAPHS:
            raise TooLong
        outer, self.pending = self.pending, []
        paragraph = Paragraph([Piece("", tag)], element.find("{*}pPr/{*}rPr/{*}del") is not None)
        for child in element:
            self.inline(child, paragraph, tag)
        if self.shape:
            self.asides.append(Aside(SHAPE, paragraph.text.strip()))
        boxes, self.pending, self.shape = self.pending, outer, False
        return [paragraph, *boxes]

    # ---- inside a paragraph ----

    def inline(self, element: Any, into: Paragraph, tag: Tag | None) -> None:
        local = _local(element)
        if local in _SKIPPED:
            return
        if local == "r":
            self.run(element, into, tag)
        elif local == "sdt":
            self.inline_control(element, into, tag)
        elif local == "txbxContent":
            self.box(element)
        elif local == "AlternateContent":
            self.inline_all(_chosen(element), into, tag)
        elif local in ("drawing", "pict", "object"):
            written = len(self.pending)
            self.inline_all(element, into, tag)
            self.shape = not any(_says(box) for box in self.pending[written:])
        else:
            self.say(_character(element), into, tag)
            self.inline_all(element, into, tag)

    def inline_all(self, parent: Any, into: Paragraph, tag: Tag | None) -> None:
        for child in parent:
            self.inline(child, into, tag)

    def run(self, element: Any, into: Paragraph, tag: Tag | None) -> None:
        """What is struck out or hidden was taken back by its writer: kept aside, not read as an answer."""
        struck = _on(_value(element, "rPr/strike")) or _on(_value(element, "rPr/dstrike"))
        if not struck and not _on(_value(element, "rPr/vanish")):
            return self.inline_all(element, into, tag)
        gone = Paragraph()
        self.inline_all(element, gone, None)
        if gone.text.strip():
            self.asides.append(Aside("取り消し線" if struck else "隠し文字", gone.text))
        return None

    def inline_control(self, element: Any, into: Paragraph, tag: Tag | None) -> None:
        content = element.find("{*}sdtContent")
        own = self.tag_of(element) or tag
        into.pieces.append(Piece("", own))
        if content is None or _on(_value(element, "sdtPr/showingPlcHdr")):
            return
        outer, self.checkbox = self.checkbox, _checkbox(element)
        self.inline_all(content, into, own)
        self.checkbox = outer

    def box(self, element: Any) -> None:
        self.boxes += 1
        table = Table([], f"テキストボックス{self.boxes}")
        self.pending.append(table)
        table.rows.append(Row([Cell(_joined(self.blocks(element, None)))], 1))

    def say(self, text: str, into: Paragraph, tag: Tag | None) -> None:
        if not text:
            return
        if self.checkbox is not None and text not in MARKS + NO_MARKS:
            text = "☑" if self.checkbox else "☐"  # ☒ is Word's own tick: its state says what it means
        if into.pieces and into.pieces[-1].tag == tag:
            into.pieces[-1].text += text
        else:
            into.pieces.append(Piece(text, tag))


def _says(box: Table) -> bool:
    return any(cell.text.strip() for row in box.rows for cell in row.cells)


def _chosen(alternate: Any) -> Any:
    """The first alternative only: a text box is stored twice, for new and for old versions of Word."""
    for name in ("Choice", "Fallback"):
        if (found := alternate.find("{*}" + name)) is not None:
            return found
    return ()


def _character(element: Any) -> str:
    match _local(element):
        case "t":
            return (element.text or "").translate(_PRIVATE)
        case "tab" | "ptab":
            return "\t"
        case "br":
            return "" if _attribute(element, "type") in ("page", "column") else "\n"
        case "cr":
            return "\n"
        case "noBreakHyphen":
            return "-"
        case "sym":
            return _symbol(_attribute(element, "font"), _attribute(element, "char"))
        case "fldChar":
            return _form_field(element)
    return ""


def _symbol(font: str, code: str) -> str:
    try:
        return _SYMBOLS.get(font.lower(), {}).get(int(code, 16) & 0xFF, "？")
    except ValueError:
        return "？"


def _form_field(element: Any) -> str:
    """The form fields of older Word versions keep a tick or a choice in their settings, not in the text."""
    box = element.find("{*}ffData/{*}checkBox")
    if box is not None:
        return "☑" if _on(_value(box, "checked", _value(box, "default"))) else "☐"
    choices = element.find("{*}ffData/{*}ddList")
    if choices is not None:
        entries = [_attribute(entry, "val") for entry in choices.findall("{*}listEntry")]
        chosen = _number(_value(choices, "result", _value(choices, "default", "0")), 0)
        return entries[chosen] if 0 <= chosen < len(entries) else ""
    return ""


def _checkbox(element: Any) -> bool | None:
    box = element.find("{*}sdtPr/{*}checkbox")
    return None if box is None else _on(_value(box, "checked"))


def _number(text: str, default: int) -> int:
    return int(text) if re.fullmatch(r"\d{1,4}", text) else default
