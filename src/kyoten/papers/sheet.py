"""A form and its answers as the blocks of the paper, in order: what both the PDF and the Word writer draw.

Only what the paper shows is in here: fields and columns with `print = false` are left out. A help line is
part of the paper when it starts with ※ (別紙2-②), otherwise it is for the screen.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from itertools import chain, groupby
from typing import Any, Literal

from kyoten.rules.definition import Column, Field, Form, Option, Section
from kyoten.rules.text import clean
from kyoten.rules.wareki import wareki

BOX_LINES = 10  # of a box whose definition names no number of lines
CHOSEN, NOT_CHOSEN = "○", "・"
NUMBER_LABEL = "No."
ANSWER_LABEL = "回答"

_FULL_WIDTH = str.maketrans("0123456789-", "０１２３４５６７８９－")


@dataclass(frozen=True)
class Heading:
    title: str
    notes: tuple[str, ...]
    kind: Literal["heading"] = "heading"


@dataclass(frozen=True)
class Entry:
    """A labelled line. `postal` is None unless the line is an address; `unit` stands behind the answer."""

    field: str
    label: str
    note: str
    text: str
    unit: str = ""
    postal: str | None = None
    kind: Literal["entry"] = "entry"


@dataclass(frozen=True)
class Choice:
    """One of several, answered by its number in the 回答 cell."""

    field: str
    label: str
    note: str
    options: tuple[str, ...]
    answer: str
    kind: Literal["choice"] = "choice"


@dataclass(frozen=True)
class Entries:
    rows: tuple[Entry | Choice, ...]
    kind: Literal["entries"] = "entries"


@dataclass(frozen=True)
class Mark:
    field: str
    option: str
    label: str
    chosen: bool


@dataclass(frozen=True)
class Box:
    """A frame: lines of items to mark, then a long text of at least `lines` lines. `field` is "" without a text."""

    field: str
    label: str
    marks: tuple[tuple[Mark, ...], ...]
    text: str
    lines: int
    kind: Literal["box"] = "box"


@dataclass(frozen=True)
class Row:
    """A row of a table. `hidden` = options chosen in columns that are not printed; `id` is None for a blank line."""

    id: str | None
    cells: tuple[str, ...]
    hidden: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Grid:
    field: str
    label: str
    columns: tuple[tuple[str, str], ...]
    rows: tuple[Row, ...]
    kind: Literal["grid"] = "grid"


Block = Heading | Entries | Box | Grid


@dataclass(frozen=True)
class Sheet:
    number: str
    title: str
    intro: str
    blocks: tuple[Block, ...]
    closing: str


def lay_out(form: Form, answers: Mapping[str, Any]) -> Sheet:
    """The paper of this form. Answers may be missing: an empty mapping gives the blank form."""
    sections = (section for section in form.sections if any(field.print for field in section.fields))
    blocks = tuple(chain.from_iterable(_section(section, answers) for section in sections))
    return Sheet(paper_number(form.number), form.title, form.intro, blocks, form.closing)


def paper_number(number: str) -> str:
    """「別紙2-②」 as papers print it: 別紙２－②."""
    return number.translate(_FULL_WIDTH)


def spaced(label: str) -> str:
    """A label of two characters with a blank between, as papers align them: 所　属."""
    return "　".join(label) if len(label) == 2 and not label.isascii() else label


def _section(section: Section, answers: Mapping[str, Any]) -> Iterator[Block]:
    yield Heading(section.title, tuple(section.note.strip().splitlines()))
    fields = [field for field in section.fields if field.print]
    several = sum(field.kind in ("longtext", "table") for field in fields) > 1
    for place, group in groupby(fields, key=_place):
        match place:
            case "entries":
                yield Entries(tuple(_entry(field, answers.get(field.id)) for field in group))
            case "box":
                yield from _boxes(tuple(group), answers, several)
            case "grid":
                yield from (_grid(field, answers.get(field.id), several) for field in group)


def _place(field: Field) -> Literal["entries", "box", "grid"]:
    match field.kind:
        case "longtext" | "marks":
            return "box"
        case "table":
            return "grid"
        case _:
            return "entries"


def _entry(field: Field, value: Any) -> Entry | Choice:
    note = field.help if field.help.startswith("※") else ""
    match field.kind:
        case "choice":
            return _choice(field, note, value)
        case "address":
            value = value or {}
            return Entry(field.id, field.label, note, shown(value.get("text")), postal=shown(value.get("postal")))
        case "number" | "money":
            unit = "円" if field.kind == "money" else ""
            return Entry(field.id, field.label, note, _amount(value), unit)
        case "date":
            return Entry(field.id, field.label, note, _day(value))
        case _:
            return Entry(field.id, field.label, note, shown(value))


def _choice(field: Field, note: str, value: Any) -> Choice:
    numbers = _numbers(field.options)
    options = tuple(f"{numbers[option.value]} {option.label}" for option in field.options)
    return Choice(field.id, field.label, note, options, numbers.get(value, shown(value)))


def _numbers(options: tuple[Option, ...]) -> dict[str, str]:
    """The number that stands for each option: its value where values are numbers, else its place."""
    if all(option.value.isdecimal() for option in options):
        return {option.value: option.value for option in options}
    return {option.value: str(place) for place, option in enumerate(options, start=1)}


def _boxes(fields: tuple[Field, ...], answers: Mapping[str, Any], several: bool) -> Iterator[Box]:
    marks: tuple[tuple[Mark, ...], ...] = ()
    for field in fields:
        if field.kind == "marks":
            marks += _marks(field, answers.get(field.id))
        else:
            label = field.label if several else ""
            yield Box(field.id, label, marks, shown(answers.get(field.id)), field.rows or BOX_LINES)
            marks = ()
    if marks:
        yield Box("", "", marks, "", 0)


def _marks(field: Field, value: Any) -> tuple[tuple[Mark, ...], ...]:
    """One line for each item; 「その他」 shares the line of the item before it (別紙2-②)."""
    lines: list[tuple[Mark, ...]] = []
    for option in field.options:
        mark = Mark(field.id, option.value, option.label, option.value in (value or ()))
        if option.label == "その他" and lines:
            lines[-1] += (mark,)
        else:
            lines.append((mark,))
    return tuple(lines)


def _grid(field: Field, value: Any, several: bool) -> Grid:
    rows = tuple(_row(field, row) for row in value or ())
    columns = tuple((column.id, column.label) for column in field.columns if column.print)
    blank = Row(None, ("",) * len(columns))
    rows += (blank,) * (field.rows - len(rows))
    return Grid(field.id, field.label if several else "", columns, rows)


def _row(field: Field, row: Mapping[str, Any]) -> Row:
    cells = tuple(_cell(column, row.get(column.id)) for column in field.columns if column.print)
    hidden = tuple((column.id, row[column.id]) for column in field.columns if _hidden(column, row.get(column.id)))
    return Row(shown(row.get("row")), cells, hidden)


def _hidden(column: Column, value: Any) -> bool:
    return not column.print and value in {option.value for option in column.options}


def _cell(column: Column, value: Any) -> str:
    return {option.value: option.label for option in column.options}.get(value, shown(value))


def shown(value: Any) -> str:
    """An answer as text; no answer is the empty text."""
    return "" if value is None else clean(str(value))


def _amount(value: Any) -> str:
    return f"{value:,}" if isinstance(value, int) else shown(value)


def _day(value: Any) -> str:
    """An ISO date in the Japanese calendar; what is no date yet (a draft) as it stands."""
    try:
        return wareki(date.fromisoformat(value))
    except (TypeError, ValueError):
        return shown(value)
