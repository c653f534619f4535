"""The reference part of docs/definitions.md, made from the schema."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time
from fractions import Fraction
from types import UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from kyoten.rules.case_file import Cases
from kyoten.rules.definition import Definition
from kyoten.rules.schema import kind_of, tables_in

BEGIN = "<!-- ここから下は定義の仕様から作られる（definition docs）。手で直さない -->"
END = "<!-- ここまで -->"
_NAMES: Mapping[Any, str] = {
    str: "文字",
    int: "整数",
    bool: "true / false",
    date: "日付",
    datetime: "日時",
    time: "時刻",
    Fraction: '分数 "1/2"',
    Any: "項目の値",
}


@dataclass(frozen=True)
class Table:
    """One table of the file: the header that opens it, and its schema."""

    header: str
    model: type[BaseModel]


def reference() -> str:
    """Every table and key of definition files and cases files, as Markdown."""
    parts = ["### 定義ファイルの表とキー", *_sections(Definition), "### 計算例のファイルの表とキー", *_sections(Cases)]
    return "\n\n".join(parts)


def replace_in(page: str) -> str:
    """The page with its reference part made anew. ValueError if the page has no place for it."""
    head, begin, rest = page.partition(BEGIN)
    _, end, tail = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"{BEGIN} と {END} の行がありません")
    return f"{head}{BEGIN}\n\n{reference()}\n\n{END}{tail}"


def _sections(root: type[BaseModel]) -> Iterator[str]:
    seen: set[type[BaseModel]] = set()
    for table in _tables(Table("", root)):
        if table.model not in seen:
            seen.add(table.model)
            yield _section(table)


def _tables(table: Table) -> Iterator[Table]:
    """The table and every table inside it, as deep as they go (a deadline within a deadline is told once)."""
    yield table
    for key, field in table.model.model_fields.items():
        for inner in tables_in(field.annotation):
            if inner is not table.model and not (kind_of(table.model) and inner in _siblings(table)):
                yield from _tables(Table(_header(table.header, key, field), inner))


def _siblings(table: Table) -> tuple[type[BaseModel], ...]:
    return tuple(
        model for field in table.model.model_fields.values() for model in tables_in(field.annotation) if kind_of(model)
    )


def _header(parent: str, key: str, field: FieldInfo) -> str:
    path = f"{parent.strip('[]')}.{key}" if parent else key
    return f"[[{path}]]" if _is_list(field.annotation) else f"[{path}]"


def _is_list(annotation: Any) -> bool:
    return get_origin(annotation) is tuple


def _section(table: Table) -> str:
    kind = kind_of(table.model)
    title = f"`{table.header or 'ファイルの先頭'}`" if table.header else "ファイルの先頭（見出しの前）"
    choice = f' `kind = "{kind}"`' if kind else ""
    what = (table.model.__doc__ or "").split("\n")[0]
    rows = [_row(key, field) for key, field in table.model.model_fields.items() if key != "kind" or kind is None]
    keys = ["| キー | 必須 | 値 | 説明 |", "|---|---|---|---|", *rows] if rows else ["（ほかのキーは無い）"]
    return "\n".join([f"#### {title}{choice} {what}", "", *keys])


def _row(key: str, field: FieldInfo) -> str:
    needed = "必須" if field.is_required() else _default(field.default)
    return f"| `{key}` | {needed} | {_values(field.annotation)} | {field.description or ''} |".replace("||", "| |")


def _default(value: Any) -> str:
    if value in (None, "", (), {}) or isinstance(value, BaseModel):
        return "任意"
    if isinstance(value, tuple):
        return "任意"
    shown = str(value).lower() if isinstance(value, bool) else f'"{value}"' if isinstance(value, str) else str(value)
    return f"任意（省くと `{shown}`）"


def _values(annotation: Any) -> str:
    origin, inner = get_origin(annotation), get_args(annotation)
    if tables_in(annotation) and origin is not tuple:
        return "表"
    if origin is Annotated:
        return _values(inner[0])
    if origin is Literal:
        return " / ".join(f'`"{value}"`' for value in inner)
    if origin in (Union, UnionType):
        return " か ".join(_values(each) for each in inner if each is not type(None))
    if origin is tuple and inner[-1] is Ellipsis:
        return f"{_values(inner[0])}の並び"
    if origin is tuple:
        return '月-日 "12-29"'
    if isinstance(origin, type) and issubclass(origin, Mapping):
        return f"名前 = {_values(inner[1])} の表"
    return _NAMES.get(annotation, "文字")
