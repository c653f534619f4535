"""An answer as people read it: labels for values, 和暦 for dates."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any, assert_never

from kyoten.rules.definition import Column, Field, Option
from kyoten.rules.wareki import wareki


def show(field: Field, value: Any) -> str:
    """The answer in words, "" while it is open. What could not be read is shown as it was typed."""
    if value is None:
        return ""
    match field.kind:
        case "text" | "longtext" | "email" | "phone":
            return str(value)
        case "choice":
            return label(field.options, value)
        case "marks":
            return "、".join(label(field.options, each) for each in value)
        case "number" | "money":
            unit = "円" if field.kind == "money" else ""
            return f"{value:,}{unit}" if isinstance(value, int) else str(value)
        case "date":
            return _day(value)
        case "address":
            postal = f"〒{value['postal']} " if value.get("postal") else ""
            return f"{postal}{value.get('text', '')}".strip()
        case "table":
            return "\n".join(show_row(field.columns, row) for row in value)
        case _:
            assert_never(field.kind)


def show_row(columns: Iterable[Column], row: Mapping[str, str]) -> str:
    """「松戸市 健康福祉部 担当者 行政職員」"""
    return " ".join(text for column in columns if (text := label(column.options, row.get(column.id, ""))))


def label(options: Iterable[Option], value: str) -> str:
    return next((option.label for option in options if option.value == value), value)


def _day(value: str) -> str:
    try:
        return wareki(date.fromisoformat(value))
    except ValueError:
        return value
