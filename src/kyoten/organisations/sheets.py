"""The address list back from Excel: rows by the titles of their columns."""

from __future__ import annotations

import io
from collections.abc import Collection

from python_calamine import CalamineError, CalamineWorkbook

from kyoten.papers.guard import Refusal, inspect
from kyoten.records.models import Refused
from kyoten.rules.text import clean_line

ROWS = 10_000  # more is no address list
HEADER_WITHIN = 20  # rows from the top: a title and notes may stand above

Row = dict[str, str]


def read_sheet(data: bytes, name: str, titles: Collection[str]) -> list[tuple[int, Row]]:
    """The rows of the first sheet as texts by column title, each with the number Excel shows for it.

    Only columns that are there are in a row: what the file does not have is not to be changed. (Reading the table of a
    form is different: there a missing column is an empty one.) Refused where the file is no readable xlsx.
    """
    cells = _cells(data, name)
    head = next((n for n, row in enumerate(cells[:HEADER_WITHIN]) if len(set(titles) & set(row)) >= 2), None)
    if head is None:
        raise Refused(f"列の名前が見つかりません。1行目に「{'」「'.join(titles)}」を入れてください。")
    names = [title if title in titles else "" for title in cells[head]]
    return [
        (number, {title: value for title, value in zip(names, row, strict=False) if title})
        for number, row in enumerate(cells[head + 1 :], start=head + 2)
        if any(row)
    ]


def _cells(data: bytes, name: str) -> list[list[str]]:
    found = inspect(data, name)
    if isinstance(found, Refusal):
        raise Refused(found.text)
    if found.kind != "xlsx":
        raise Refused("Excelの表（.xlsx）を選んでください。")
    try:
        sheet = CalamineWorkbook.from_filelike(io.BytesIO(found.data)).get_sheet_by_index(0)
        cells = sheet.to_python(skip_empty_area=False)
    except (CalamineError, IndexError) as error:
        raise Refused("表を読み取れませんでした。Excelで開いて保存し直してから、もう一度選んでください。") from error
    if len(cells) > ROWS:
        raise Refused(f"行が多すぎます（{ROWS:,}行まで）。")
    return [[_cell(value) for value in row] for row in cells]


def _cell(value: object) -> str:
    """A cell as text: 12025.0 is the code 12025."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return clean_line(str(value))
