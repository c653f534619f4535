"""Walking the schema of definition files: which table stands where, what its keys are and what they mean."""

from __future__ import annotations

from collections.abc import Mapping
from types import UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

Path = tuple[str | int, ...]


def tables_in(annotation: Any) -> tuple[type[BaseModel], ...]:
    """The tables (Part classes) an annotation allows: one, several in a choice by `kind`, or none."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return (annotation,)
    origin = get_origin(annotation)
    if origin is Annotated:
        return tables_in(get_args(annotation)[0])
    if origin in (Union, UnionType, tuple):
        return tuple(table for each in get_args(annotation) for table in tables_in(each))
    return ()


def kind_of(table: type[BaseModel]) -> str | None:
    """The value of `kind` that chooses this table, None for a table that stands alone."""
    field = table.model_fields.get("kind")
    values = get_args(field.annotation) if field and get_origin(field.annotation) is Literal else ()
    return values[0] if len(values) == 1 else None


def table_at(root: type[BaseModel], data: Any, path: Path) -> type[BaseModel] | None:
    """The table that `path` leads into, following `kind` in the data. None where the path leaves the schema."""
    choices: tuple[type[BaseModel], ...] = (root,)
    for part in path:
        if isinstance(part, str):
            table = _chosen(choices, data)
            if table is None or part not in table.model_fields:
                return None
            choices = tables_in(table.model_fields[part].annotation)
        data = _into(data, part)
    return _chosen(choices, data)


def key_at(root: type[BaseModel], data: Any, path: Path) -> FieldInfo | None:
    """What the schema says of the key at the end of `path` (positions in a list belong to the list's key)."""
    while path and isinstance(path[-1], int):
        path = path[:-1]
    table = table_at(root, data, path[:-1]) if path else None
    return table.model_fields.get(str(path[-1])) if table else None


def _chosen(choices: tuple[type[BaseModel], ...], data: Any) -> type[BaseModel] | None:
    if len(choices) <= 1:
        return choices[0] if choices else None
    kind = data.get("kind") if isinstance(data, Mapping) else None
    return next((table for table in choices if kind_of(table) == kind), None)


def _into(data: Any, part: str | int) -> Any:
    try:
        return data[part]
    except (KeyError, IndexError, TypeError):
        return None
