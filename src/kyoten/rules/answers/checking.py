"""What stands in the way of handing the form in: missing, too long, or not readable as its kind."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, assert_never

from kyoten.rules.answers.cleaning import is_blank
from kyoten.rules.definition import Field, Form

MAX_TEXT = 200  # characters, where the definition says nothing (ours)
MAX_LONGTEXT = 10_000
MAX_ROWS = 500
_EMAIL = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]+@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+")
_PHONE = re.compile(r"\+?[\d() -]{9,}\s*(\(?(内線|代表|代|直通)\s*:?\s*\d*\)?)?")
_POSTAL = re.compile(r"\d{3}-\d{4}")


@dataclass(frozen=True)
class Problem:
    """One thing to put right. `row` and `column` only for a cell of a table."""

    field: str
    text: str
    row: str | None = None
    column: str | None = None


def problems(form: Form, answers: Mapping[str, Any]) -> tuple[Problem, ...]:
    """Everything to put right before the form is handed in, in the order of the form."""
    return tuple(problem for field in form.fields() for problem in _field(field, answers.get(field.id)))


def _field(field: Field, value: Any) -> Iterator[Problem]:
    if is_blank(field, value):
        if field.required:
            yield Problem(field.id, _missing(field))
        return
    if field.kind == "table":
        yield from _table(field, value)
    elif text := _wrong(field, value):
        yield Problem(field.id, text)


def _missing(field: Field) -> str:
    verb = "選んで" if field.kind in ("choice", "marks") else "記入して"
    return f"「{field.label}」を{verb}ください"


def _wrong(field: Field, value: Any) -> str:
    """The sentence for a value that is there but not right, "" if it is."""
    match field.kind:
        case "text":
            return _too_long(field.label, value, field.max_length or MAX_TEXT)
        case "longtext":
            return _too_long(field.label, value, field.max_length or MAX_LONGTEXT)
        case "email":
            return (
                ""
                if _EMAIL.fullmatch(value)
                else f"「{field.label}」をメールアドレスの形（name@example.jp）で記入してください"
            )
        case "phone":
            return (
                "" if _PHONE.fullmatch(value) else f"「{field.label}」を電話番号の形（043-000-0000）で記入してください"
            )
        case "choice":
            return _unknown(field, [value])
        case "marks":
            return _unknown(field, value)
        case "number" | "money":
            unit = "円単位の" if field.kind == "money" else ""
            return (
                ""
                if isinstance(value, int)
                else f"「{field.label}」を{unit}数字で記入してください（今の記入: {value}）"
            )
        case "date":
            return (
                ""
                if _is_iso(value)
                else f"「{field.label}」を日付で記入してください（例 令和7年7月31日。今の記入: {value}）"
            )
        case "address":
            return _address(field, value)
        case "table":
            return ""
        case _:
            assert_never(field.kind)


def _too_long(label: str, value: str, limit: int) -> str:
    return f"「{label}」は{limit}文字までにしてください（今は{len(value)}文字）" if len(value) > limit else ""


def _unknown(field: Field, values: list[str]) -> str:
    known = {option.value for option in field.options}
    strange = [value for value in values if value not in known]
    return f"「{field.label}」の「{'」「'.join(strange)}」は選択肢にありません。選び直してください" if strange else ""


def _is_iso(value: str) -> bool:
    try:
        date.fromisoformat(value)
    except ValueError:
        return False
    return True


def _address(field: Field, value: Mapping[str, str]) -> str:
    postal, text = value.get("postal", ""), value.get("text", "")
    if not text:
        return _missing(field)
    if postal and not _POSTAL.fullmatch(postal):
        return f"「{field.label}」の郵便番号を 260-0000 の形で記入してください（今の記入: {postal}）"
    return _too_long(field.label, text, field.max_length or MAX_TEXT)


def _table(field: Field, rows: list[Mapping[str, str]]) -> Iterator[Problem]:
    if len(rows) > MAX_ROWS:
        yield Problem(field.id, f"「{field.label}」は{MAX_ROWS}行までにしてください（今は{len(rows)}行）")
    for number, row in enumerate(rows, 1):
        for column in field.columns:
            value = row.get(column.id, "")
            known = {option.value for option in column.options}
            where = f"{number}行目の{column.label}"
            text = _too_long(where, value, MAX_TEXT)
            if value and known and value not in known:
                text = f"「{where}」の「{value}」は選択肢にありません。選び直してください"
            if text:
                yield Problem(field.id, text, row["row"], column.id)
