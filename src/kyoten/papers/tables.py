"""Lists as Excel files, written directly: 5,000 rows of 15 columns in well under a second.

Text is always text: telephone numbers and codes keep their leading 0, and what begins with = + - @ is no
formula, because every text cell is a string with Excel's own quote prefix. Dates are real dates.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from itertools import chain, islice
from math import ceil, isfinite
from xml.sax.saxutils import escape, quoteattr

from kyoten.papers.package import DECLARATION, OFFICE, RELATIONS, Part, core_properties, package
from kyoten.rules.clock import local
from kyoten.rules.text import clean

Value = str | int | float | Decimal | date | datetime | None

CELL_LENGTH = 32_767  # characters, what Excel can hold in a cell
CUT = "（以下省略）"
_TEXT_FORMAT_LENGTH = 255  # beyond, Excel shows ##### in cells formatted as text
_DAY_ZERO = date(1899, 12, 30)
_FIRST_DAY = date(1900, 3, 1)  # before it Excel counts a 29 February that never was
_LINE, _HIGHEST = 15, 409  # points, of a line and of the highest row Excel allows
_SAMPLE = 200  # rows looked at for the column widths
_ESCAPE = re.compile("_(?=x[0-9A-Fa-f]{4}_)")  # _x000D_ would be read as a control character
_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"


@dataclass(frozen=True)
class Table:
    """One sheet. Numbers are counts or yen (a year or a code is text); True is ○; a row may be short."""

    title: str
    columns: Sequence[str]
    rows: Iterable[Sequence[Value]]
    note: str = ""
    widths: Sequence[float] = field(default=())  # in half-width characters; empty: from the content


def write_table(title: str, columns: Sequence[str], rows: Iterable[Sequence[Value]], *, note: str = "") -> bytes:
    """A list as .xlsx: title, note, header (frozen, filtered, repeated in print), A4 landscape one page wide."""
    return write_tables([Table(title, columns, rows, note)])


def write_tables(tables: Sequence[Table]) -> bytes:
    """Several lists, each on its own sheet."""
    names = sheet_names([table.title for table in tables])
    workbook = "xl/workbook.xml"
    parts = [
        Part(
            workbook, _workbook(tables, names), f"{RELATIONS}/officeDocument", f"{OFFICE}.spreadsheetml.sheet.main+xml"
        ),
        core_properties(tables[0].title),
        Part("xl/styles.xml", _STYLES.encode(), f"{RELATIONS}/styles", f"{OFFICE}.spreadsheetml.styles+xml", workbook),
    ]
    for number, table in enumerate(tables, start=1):
        content_type = f"{OFFICE}.spreadsheetml.worksheet+xml"
        name = f"xl/worksheets/sheet{number}.xml"
        parts.append(Part(name, _sheet(table), f"{RELATIONS}/worksheet", content_type, workbook, f"rIdSheet{number}"))
    return package(parts)


def sheet_names(titles: Sequence[str]) -> list[str]:
    """Names Excel accepts: at most 31 characters, without []:*?/\\, no two alike."""
    names: list[str] = []
    for title in titles:
        plain = re.sub(r"[\[\]:*?/\\\n\t]", " ", clean(title)).strip(" '")[:31].strip(" '") or "一覧"
        name, number = plain, 2
        while name.casefold() in {taken.casefold() for taken in names}:
            name, number = f"{plain[:26]} ({number})", number + 1
        names.append(name)
    return names


def column_letters(number: int) -> str:
    """「A」 for 1, 「AA」 for 27."""
    letters = ""
    while number:
        number, rest = divmod(number - 1, 26)
        letters = chr(65 + rest) + letters
    return letters


# ---- cells --------------------------------------------------------------------------------------

_TITLE, _NOTE, _HEAD, _TEXT, _LONG, _NUMBER, _DATE, _MOMENT, _DECIMAL = range(1, 10)  # places in cellXfs below


def _cell(value: Value) -> str:
    """The cell of a value, without its address: Excel counts for itself."""
    if value is None or value == "":
        return f'<c s="{_TEXT}"/>'
    match value:
        case str():
            return _text(value)
        case bool():
            return _text("○" if value else "")
        case int() | float() | Decimal():
            style = _NUMBER if isinstance(value, int) else _DECIMAL
            return f'<c s="{style}"><v>{value}</v></c>' if isfinite(value) else _text(str(value))
        case datetime():
            return _moment(value)
        case date():
            return _day(value)
        case _:
            return _text(str(value))


def _text(value: str, style: int = _TEXT) -> str:
    text = clean(value)
    if len(text) > CELL_LENGTH:
        text = text[: CELL_LENGTH - len(CUT)] + CUT
    if style == _TEXT and len(text) > _TEXT_FORMAT_LENGTH:
        style = _LONG
    written = escape(_ESCAPE.sub("_x005F_", text))
    return f'<c s="{style}" t="inlineStr"><is><t xml:space="preserve">{written}</t></is></c>'


def _day(value: date) -> str:
    if value < _FIRST_DAY:
        return _text(value.isoformat())
    return f'<c s="{_DATE}"><v>{(value - _DAY_ZERO).days}</v></c>'


def _moment(value: datetime) -> str:
    moment = local(value).replace(tzinfo=None) if value.tzinfo else value
    if moment.date() < _FIRST_DAY:
        return _text(moment.isoformat(" "))
    days = (moment - datetime(1899, 12, 30)) / timedelta(days=1)
    return f'<c s="{_MOMENT}"><v>{days!r}</v></c>'


# ---- sheets -------------------------------------------------------------------------------------


def _head_row(table: Table) -> int:
    return 3 if table.note else 2


def _sheet(table: Table) -> bytes:
    rows = iter(table.rows)
    sample = list(islice(rows, _SAMPLE))
    widths = table.widths or list(_widths(table, sample))
    body = [_row(row, widths) for row in chain(sample, rows)]
    head, last = _head_row(table), column_letters(len(table.columns))
    filtered = f"A{head}:{last}{head + len(body)}"
    return "".join(
        (
            f'{DECLARATION}<worksheet xmlns="{_MAIN}"><sheetPr><pageSetUpPr fitToPage="1"/></sheetPr>',
            '<sheetViews><sheetView workbookViewId="0" showGridLines="0">',
            f'<pane ySplit="{head}" topLeftCell="A{head + 1}" activePane="bottomLeft" state="frozen"/>',
            f'<selection pane="bottomLeft" activeCell="A{head + 1}" sqref="A{head + 1}"/>',
            '</sheetView></sheetViews><sheetFormatPr defaultRowHeight="18"/>',
            f"<cols>{_columns(widths)}</cols><sheetData>{_head(table)}{''.join(body)}</sheetData>",
            f'<autoFilter ref="{filtered}"/>',
            '<pageMargins left="0.5" right="0.5" top="0.6" bottom="0.6" header="0.3" footer="0.3"/>',
            '<pageSetup paperSize="9" orientation="landscape" fitToWidth="1" fitToHeight="0"/>',
            "<headerFooter><oddFooter>&amp;C&amp;P / &amp;N</oddFooter></headerFooter></worksheet>",
        )
    ).encode()


def _head(table: Table) -> str:
    note = f"<row>{_text(table.note, _NOTE)}</row>" if table.note else ""
    labels = "".join(_text(label, _HEAD) for label in table.columns)
    return f'<row ht="27" customHeight="1">{_text(table.title, _TITLE)}</row>{note}<row>{labels}</row>'


def _row(row: Sequence[Value], widths: Sequence[float]) -> str:
    """A row high enough for its wrapped text: not every program works that out on opening."""
    lines = max((_lines(value, width) for value, width in zip(row, widths, strict=False)), default=1)
    height = min(_HIGHEST, _LINE * lines + 3)
    return f'<row ht="{height}">{"".join(map(_cell, row))}</row>'


def _lines(value: Value, width: float) -> int:
    if not isinstance(value, str) or (len(value) * 2 < width and "\n" not in value):
        return 1
    return sum(max(1, ceil(_signs(line) / (width - 1))) for line in value[:CELL_LENGTH].split("\n"))


def _columns(widths: Sequence[float]) -> str:
    return "".join(
        f'<col min="{number}" max="{number}" width="{width:.1f}" customWidth="1"/>'
        for number, width in enumerate(widths, start=1)
    )


def _widths(table: Table, sample: Sequence[Sequence[Value]]) -> Iterator[float]:
    """Wide enough for the content, between 6 and 44 half-width characters; longer text wraps."""
    for place, label in enumerate(table.columns):
        cells = [row[place] for row in sample if place < len(row)]
        yield min(44, max(6, _width(label) + 4, *(_width(cell) + 2 for cell in cells)))


def _width(value: Value) -> int:
    match value:
        case datetime():
            return 22
        case date():
            return 15
        case int() | float() | Decimal():
            return len(f"{value:,}")
    return text_width(str(value or ""))


def text_width(text: str) -> int:
    """The width of its longest line, in half-width characters."""
    return max(_signs(line) for line in text.split("\n"))


def _signs(line: str) -> int:
    """In half-width characters, quick enough for millions: UTF-8 has one byte for ASCII and three for full width."""
    return (len(line) + len(line.encode("utf-8", "replace"))) // 2


def _workbook(tables: Sequence[Table], names: Sequence[str]) -> bytes:
    sheets = "".join(
        f'<sheet name={quoteattr(name)} sheetId="{number}" r:id="rIdSheet{number}"/>'
        for number, name in enumerate(names, start=1)
    )
    titles = "".join(
        f'<definedName name="_xlnm.Print_Titles" localSheetId="{place}">'
        f"{escape(_quoted(name))}!${_head_row(table)}:${_head_row(table)}</definedName>"
        for place, (table, name) in enumerate(zip(tables, names, strict=True))
    )
    return (
        f'{DECLARATION}<workbook xmlns="{_MAIN}" xmlns:r="{RELATIONS}"><bookViews><workbookView/></bookViews>'
        f"<sheets>{sheets}</sheets><definedNames>{titles}</definedNames></workbook>"
    ).encode()


def _quoted(name: str) -> str:
    return "'" + name.replace("'", "''") + "'"


def _format(
    number: int, *, font: int = 0, fill: int = 0, border: int = 1, quoted: bool = False, align: str = ""
) -> str:
    prefix = ' quotePrefix="1"' if quoted else ""
    return (
        f'<xf numFmtId="{number}" fontId="{font}" fillId="{fill}" borderId="{border}" xfId="0"{prefix}'
        ' applyNumberFormat="1" applyFont="1" applyFill="1" applyBorder="1" applyAlignment="1">'
        f'<alignment vertical="top" {align}/></xf>'
    )


_EDGE = "".join(f'<{side} style="thin"><color rgb="FF949494"/></{side}>' for side in ("left", "right", "top", "bottom"))
_FONT = '<name val="游ゴシック"/><family val="3"/><charset val="128"/>'
_STYLES = (
    f'{DECLARATION}<styleSheet xmlns="{_MAIN}"><numFmts count="3">'
    '<numFmt numFmtId="164" formatCode="yyyy&quot;年&quot;m&quot;月&quot;d&quot;日&quot;"/>'
    '<numFmt numFmtId="165" formatCode="yyyy&quot;年&quot;m&quot;月&quot;d&quot;日&quot; h:mm"/>'
    '<numFmt numFmtId="166" formatCode="#,##0.0##"/></numFmts>'
    f'<fonts count="3"><font><sz val="10"/>{_FONT}</font><font><b/><sz val="14"/>{_FONT}</font>'
    f'<font><b/><sz val="10"/>{_FONT}</font></fonts>'
    '<fills count="3"><fill><patternFill patternType="none"/></fill><fill><patternFill patternType="gray125"/></fill>'
    '<fill><patternFill patternType="solid"><fgColor rgb="FFE8F1FE"/></patternFill></fill></fills>'
    f'<borders count="2"><border/><border>{_EDGE}</border></borders>'
    '<cellStyleXfs count="1"><xf/></cellStyleXfs><cellXfs count="10"><xf xfId="0"/>'
    + _format(49, font=1, border=0, quoted=True)
    + _format(49, border=0, quoted=True)
    + _format(49, font=2, fill=2, quoted=True, align='horizontal="center" wrapText="1"')
    + _format(49, quoted=True, align='wrapText="1"')
    + _format(0, quoted=True, align='wrapText="1"')
    + _format(3, align='horizontal="right" indent="1"')
    + _format(164, align='horizontal="left"')
    + _format(165, align='horizontal="left"')
    + _format(166, align='horizontal="right" indent="1"')
    + '</cellXfs><cellStyles count="1"><cellStyle name="標準" xfId="0" builtinId="0"/></cellStyles></styleSheet>'
)
