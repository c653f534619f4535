"""The address list as an Excel sheet, out and in."""

from __future__ import annotations

import io
from collections.abc import Iterable, Sequence

from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell
from openpyxl.styles import Font, PatternFill
from openpyxl.utils import get_column_letter
from python_calamine import CalamineError, CalamineWorkbook

from kyoten.papers.guard import Refusal, inspect
from kyoten.records.models import Refused
from kyoten.rules.text import clean_line

ROWS = 10_000  # more is no address list


def write_sheet(title: str, columns: Sequence[tuple[str, int]], rows: Iterable[Sequence[str]]) -> bytes:
    """An xlsx of texts. `columns` are titles with their width in characters. Nothing becomes a formula."""
    book = Workbook(write_only=True)
    sheet = book.create_sheet(title)
    sheet.freeze_panes = "A2"
    for number, (_, width) in enumerate(columns, start=1):
        sheet.column_dimensions[get_column_letter(number)].width = width
    sheet.append([_title(sheet, name) for name, _ in columns])
    for row in rows:
        sheet.append([_text(sheet, value) for value in row])
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def _title(sheet, name: str) -> WriteOnlyCell:
    cell = WriteOnlyCell(sheet, value=name)
    cell.font = Font(bold=True)
    cell.fill = PatternFill("solid", fgColor="E8F1FE")
    return cell


def _text(sheet, value: str) -> WriteOnlyCell:
    cell = WriteOnlyCell(sheet, value=value)
    cell.data_type = "s"  # 「=1+1」 typed as a name stays a text
    cell.number_format = "@"  # codes and telephone numbers keep their leading 0
    return cell


def read_sheet(data: bytes, name: str) -> list[dict[str, str]]:
    """The rows of the first sheet, blank ones too, as texts by column title. Refused where the file is no readable xlsx."""
    found = inspect(data, name)
    if isinstance(found, Refusal):
        raise Refused(found.text)
    if found.kind != "xlsx":
        raise Refused("Excelの表（.xlsx）を選んでください。")
    try:
        cells = CalamineWorkbook.from_filelike(io.BytesIO(found.data)).get_sheet_by_index(0).to_python()
    except (CalamineError, IndexError) as error:
        raise Refused("表を読み取れませんでした。Excelで開いて保存し直してから、もう一度選んでください。") from error
    if len(cells) > ROWS:
        raise Refused(f"行が多すぎます（{ROWS:,}行まで）。")
    titles = [_cell(value) for value in cells[0]] if cells else []
    return [{title: _cell(value) for title, value in zip(titles, row, strict=False) if title} for row in cells[1:]]


def _cell(value: object) -> str:
    """A cell as text: 12025.0 is the code 12025."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return clean_line(str(value))
