"""The few WordprocessingML elements our papers are made of. The file around them: word_file.

Widths and heights are in millimetres, sizes in points. Element order follows ISO/IEC 29500-1: Word refuses
a file that has it wrong.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from lxml import etree

from kyoten.rules.text import clean

W = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
W14 = "http://schemas.microsoft.com/office/word/2010/wordml"
MINCHO, GOTHIC = "ＭＳ 明朝", "ＭＳ ゴシック"  # the fonts every Japanese office has
PAGE_WIDTH = 166  # mm between the margins of A4

Element: TypeAlias = Any  # lxml.etree ships no types
Align = Literal["left", "center", "right", "both"]
Merge = Literal["", "restart", "continue"]

NAMESPACES = {"w": W, "w14": W14}
_TAG_LENGTH = 64  # what Word accepts as the tag of a content control


def element(name: str, *children: Element, **attributes: object) -> Element:
    """A w: element with w: attributes."""
    values = {f"{{{W}}}{key}": str(value) for key, value in attributes.items()}
    made = etree.Element(f"{{{W}}}{name}", values, nsmap=NAMESPACES)
    made.extend(children)
    return made


def twips(millimetres: float) -> int:
    return round(millimetres * 1440 / 25.4)


# ---- text -------------------------------------------------------------------------------------


def run(text: str, *, size: float | None = None, font: str | None = None) -> Element:
    """A run of text; line ends and tabs become Word's own."""
    made = element("r")
    if size or font:
        made.append(_run_properties(size, font))
    for number, line in enumerate(clean(text).split("\n")):
        if number:
            made.append(element("br"))
        made.extend(_line(line))
    return made


def _run_properties(size: float | None, font: str | None) -> Element:
    made = element("rPr")
    if font:
        made.append(element("rFonts", ascii=font, eastAsia=font, hAnsi=font))
    if size:
        made.extend((element("sz", val=round(size * 2)), element("szCs", val=round(size * 2))))
    return made


def _line(line: str) -> Iterable[Element]:
    for number, piece in enumerate(line.split("\t")):
        if number:
            yield element("tab")
        if piece:
            text = element("t")
            text.text = piece
            text.set("{http://www.w3.org/XML/1998/namespace}space", "preserve")
            yield text


def paragraph(
    *content: Element,
    align: Align = "left",
    style: str | None = None,
    keep_next: bool = False,
    page_break: bool = False,
    before: float = 0,
    indent: float = 0,
    hanging: float = 0,
    first_line: float = 0,
    right: float = 0,
) -> Element:
    """A paragraph. `before` is in points; the indents are in millimetres."""
    properties = element("pPr")
    if style:
        properties.append(element("pStyle", val=style))
    if keep_next:
        properties.append(element("keepNext"))
    if page_break:
        properties.append(element("pageBreakBefore"))
    if before:
        properties.append(element("spacing", before=round(before * 20)))
    indents = {"left": indent, "right": right, "hanging": hanging, "firstLine": first_line}
    if any(indents.values()):
        properties.append(element("ind", **{side: twips(width) for side, width in indents.items() if width}))
    if align != "left":
        properties.append(element("jc", val=align))
    return element("p", properties, *content)


def control(tag: str, label: str, text: str) -> Element:
    """A content control around one answer, so that it is found again whatever was typed around it."""
    return element("sdt", _control_properties(tag, label), element("sdtContent", run(text)))


def check_box(tag: str, label: str, checked: bool, signs: tuple[str, str]) -> Element:
    """A control that a click turns between two signs (chosen, not chosen)."""
    properties = _control_properties(tag, label)
    box = etree.SubElement(properties, f"{{{W14}}}checkbox")
    etree.SubElement(box, f"{{{W14}}}checked", {f"{{{W14}}}val": str(int(checked))})
    for name, sign in zip(("checkedState", "uncheckedState"), signs, strict=True):
        attributes = {f"{{{W14}}}val": f"{ord(sign):04X}", f"{{{W14}}}font": MINCHO}
        etree.SubElement(box, f"{{{W14}}}{name}", attributes)
    return element("sdt", properties, element("sdtContent", run(signs[0] if checked else signs[1])))


def _control_properties(tag: str, label: str) -> Element:
    if len(tag) > _TAG_LENGTH:
        raise ValueError(f"a tag has at most {_TAG_LENGTH} characters: {tag}")
    alias = element("alias", val=clean(label)[:_TAG_LENGTH])
    return element("sdtPr", alias, element("tag", val=tag), element("lock", val="sdtLocked"))


# ---- tables -----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Cell:
    """Paragraphs over `span` columns; `merge` joins a cell with the one above it (continue) or starts a joint one."""

    paragraphs: tuple[Element, ...]
    span: int = 1
    merge: Merge = ""
    top: bool = False


@dataclass(frozen=True)
class TableRow:
    """`height` is the least height; a heading row is repeated on every page; a whole row keeps on one page."""

    cells: tuple[Cell, ...]
    height: float = 0
    heading: bool = False
    whole: bool = True


def table(widths: Sequence[float], rows: Iterable[TableRow], *, caption: str = "", lines: bool = True) -> Element:
    """A table of fixed column widths, so that no long word widens it."""
    borders = element("tblBorders", *(_border(side, lines) for side in _SIDES))
    margins = element("tblCellMar", *(element(side, w=twips(width), type="dxa") for side, width in _MARGINS.items()))
    properties = element("tblPr", element("tblW", w=twips(sum(widths)), type="dxa"), borders)
    properties.extend((element("tblLayout", type="fixed"), margins))
    if caption:
        properties.append(element("tblCaption", val=clean(caption)))
    grid = element("tblGrid", *(element("gridCol", w=twips(width)) for width in widths))
    return element("tbl", properties, grid, *(_row(row, widths) for row in rows))


_MARGINS = {"top": 0.5, "left": 1.8, "bottom": 0.5, "right": 1.8}
_SIDES = ("top", "left", "bottom", "right", "insideH", "insideV")


def _border(side: str, lines: bool) -> Element:
    return element(side, val="single" if lines else "nil", sz=4, space=0, color="000000")


def _row(row: TableRow, widths: Sequence[float]) -> Element:
    properties = element("trPr")
    if row.whole:
        properties.append(element("cantSplit"))
    if row.height:
        properties.append(element("trHeight", val=twips(row.height), hRule="atLeast"))
    if row.heading:
        properties.append(element("tblHeader"))
    made = element("tr", properties)
    column = 0
    for cell in row.cells:
        made.append(_cell(cell, sum(widths[column : column + cell.span])))
        column += cell.span
    return made


def _cell(cell: Cell, width: float) -> Element:
    properties = element("tcPr", element("tcW", w=twips(width), type="dxa"))
    if cell.span > 1:
        properties.append(element("gridSpan", val=cell.span))
    if cell.merge:
        properties.append(element("vMerge", val=cell.merge))
    properties.append(element("vAlign", val="top" if cell.top else "center"))
    return element("tc", properties, *cell.paragraphs)
