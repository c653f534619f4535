"""From what was typed, posted or read from a paper to answers of the right shape."""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterable, Mapping
from typing import Any, assert_never

from kyoten.rules.definition import Field, Form, Option
from kyoten.rules.text import clean as clean_text
from kyoten.rules.text import clean_line, narrow
from kyoten.rules.wareki import parse_date

Answers = dict[str, Any]

_ROW_ID = re.compile(r"[A-Za-z0-9_-]{1,40}")
_HYPHENS = str.maketrans("‐‑‒–—―−ー－", "---------")
_UNITS = {"千円": 1000, "百万円": 1_000_000, "円": 1, "": 1}


def new_row_id() -> str:
    """An id for a row of a table that no other editor will hit upon."""
    return secrets.token_hex(6)


def blank(field: Field) -> Any:
    """The value of a field nobody has filled in."""
    match field.kind:
        case "marks" | "table":
            return []
        case "number" | "money":
            return None
        case "address":
            return {"postal": "", "text": ""}
        case "text" | "longtext" | "choice" | "date" | "email" | "phone":
            return ""
        case _:
            assert_never(field.kind)


def is_blank(field: Field, value: Any) -> bool:
    return value is None or value == blank(field)


def clean(form: Form, raw: Mapping[str, Any]) -> Answers:
    """The answers in `raw`, in the order of the form. Ids the form does not know are left out."""
    return {field.id: clean_value(field, raw[field.id]) for field in form.fields() if field.id in raw}


def clean_value(field: Field, raw: Any) -> Any:
    """One value brought into the shape of its kind, or left as typed where that is impossible."""
    if raw is None:
        return blank(field)
    match field.kind:
        case "text":
            return clean_line(str(raw))
        case "longtext":
            return clean_text(str(raw)).rstrip().lstrip("\n")  # a full-width space may open a paragraph
        case "email":
            return narrow(narrow(str(raw)).replace(" ", ""))
        case "phone":
            return narrow(str(raw)).translate(_HYPHENS)
        case "choice":
            return _option(field.options, str(raw))
        case "marks":
            return _marks(field.options, [raw] if isinstance(raw, str) else raw)
        case "number" | "money":
            return _whole_number(raw)
        case "date":
            return _iso(str(raw))
        case "address":
            return _address(raw)
        case "table":
            return _rows(field, raw)
        case _:
            assert_never(field.kind)


def _option(options: tuple[Option, ...], raw: str) -> str:
    """The option whose value or label this is: 「１」 is "1", 「在宅医療の圏域」 is "1"."""
    typed = clean_line(raw)
    plain = narrow(raw)
    found = (option.value for option in options if plain in (option.value, narrow(option.label)))
    return next(found, typed)


def _marks(options: tuple[Option, ...], raw: Iterable[Any]) -> list[str]:
    marked = [value for value in (_option(options, str(each)) for each in raw) if value]
    known = [option.value for option in options if option.value in marked]
    return known + [value for value in dict.fromkeys(marked) if value not in known]


def _whole_number(raw: Any) -> int | str | None:
    if isinstance(raw, int):
        return int(raw)
    typed = narrow(str(raw)).replace(",", "").replace("、", "")
    found = re.fullmatch(r"([-−]?\d{1,15})\s*(百万円|千円|円)?", typed)
    if found:
        return int(found[1].replace("−", "-")) * _UNITS[found[2] or ""]
    return clean_line(str(raw)) or None


def _iso(raw: str) -> str:
    try:
        day = parse_date(raw).date
    except ValueError:
        day = None
    return day.isoformat() if day else clean_line(raw)


def _address(raw: Any) -> dict[str, str]:
    if not isinstance(raw, Mapping):
        found = re.fullmatch(r"\s*〒?\s*([\d０-９]{3}[-‐−－ー][\d０-９]{4})?\s*(.*)", clean_text(str(raw)), re.DOTALL)
        raw = {"postal": found[1] or "", "text": found[2]} if found else {"text": str(raw)}
    postal = narrow(str(raw.get("postal") or "")).translate(_HYPHENS).removeprefix("〒").strip()
    if re.fullmatch(r"\d{7}", postal):
        postal = f"{postal[:3]}-{postal[3:]}"
    return {"postal": postal, "text": clean_text(str(raw.get("text") or "")).strip()}


def _rows(field: Field, raw: Any) -> list[dict[str, str]]:
    """The rows in which anything is written, each with an id of its own."""
    rows: list[dict[str, str]] = []
    seen: set[str] = set()
    for line in raw if isinstance(raw, (list, tuple)) else ():
        cells = {column.id: _cell(column.options, line.get(column.id)) for column in field.columns}
        if not any(cells.values()):
            continue
        row_id = str(line.get("row") or "")
        if not _ROW_ID.fullmatch(row_id) or row_id in seen:
            row_id = new_row_id()
        seen.add(row_id)
        rows.append({"row": row_id, **cells})
    return rows


def _cell(options: tuple[Option, ...], raw: Any) -> str:
    typed = "" if raw is None else str(raw)
    return _option(options, typed) if options else clean_line(typed)
