"""Answers given on one revision of a form, moved to a newer one; and what changed between two sets of answers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from kyoten.rules.answers.cleaning import Answers, blank, is_blank
from kyoten.rules.answers.showing import label, show, show_row
from kyoten.rules.definition import Column, Field, Form

_TEXT = ("text", "longtext")


@dataclass(frozen=True)
class Homeless:
    """An answer the newer form has no place for. It is shown, so that a person decides what becomes of it."""

    field: str
    label: str
    value: Any
    shown: str


def carry(old: Form, new: Form, answers: Mapping[str, Any]) -> tuple[Answers, tuple[Homeless, ...]]:
    """The answers under the ids of the new form (a rename says `was`), and those that found no home. Nothing is lost."""
    carried: Answers = {}
    homeless: list[Homeless] = []
    homes = {field.was or field.id: field for field in new.fields()} | {field.id: field for field in new.fields()}
    for field in old.fields():
        value = answers.get(field.id)
        if value is None or is_blank(field, value):
            continue
        home = homes.get(field.id)
        if home is None or home.id in carried or not _fits(field, home):
            homeless.append(Homeless(field.id, field.label, value, show(field, value)))
        elif field.kind == "table":
            carried[home.id] = _carry_rows(field, home, value, homeless)
        else:
            carried[home.id] = _carry_options(field, home, value, homeless)
    return carried, tuple(homeless)


def _fits(old: Field, new: Field) -> bool:
    return old.kind == new.kind or (old.kind in _TEXT and new.kind in _TEXT)


def _carry_options(old: Field, new: Field, value: Any, homeless: list[Homeless]) -> Any:
    if old.kind not in ("choice", "marks"):
        return value
    known = {option.value for option in new.options}
    gone = [each for each in ([value] if old.kind == "choice" else value) if each not in known]
    if gone:
        homeless.append(Homeless(old.id, old.label, gone, "、".join(label(old.options, each) for each in gone)))
    if old.kind == "marks":
        return [each for each in value if each in known]
    return blank(new) if gone else value


def _carry_rows(
    old: Field, new: Field, rows: Sequence[Mapping[str, str]], homeless: list[Homeless]
) -> list[dict[str, str]]:
    homes = {column.was or column.id: column for column in new.columns} | {column.id: column for column in new.columns}
    carried = []
    for number, row in enumerate(rows, 1):
        target = {"row": row["row"]} | {column.id: "" for column in new.columns}
        for column in old.columns:
            value, home = row.get(column.id, ""), homes.get(column.id)
            if home and not target[home.id] and _accepts(home, value):
                target[home.id] = value
            elif value:
                place = f"{old.label} {number}行目の{column.label}"
                homeless.append(Homeless(old.id, place, value, label(column.options, value)))
        carried.append(target)
    return carried


def _accepts(column: Column, value: str) -> bool:
    return not value or column.kind == "text" or value in {option.value for option in column.options}


# ---- what changed -----------------------------------------------------------------------------


@dataclass(frozen=True)
class Change:
    """One place that changed, in words. "" stands for nothing."""

    field: str
    label: str
    before: str
    after: str


def changes(form: Form, before: Mapping[str, Any], after: Mapping[str, Any]) -> tuple[Change, ...]:
    """Every place in which two sets of answers to one form differ, in the order of the form."""
    return tuple(change for field in form.fields() for change in _changes(field, before, after))


def _changes(field: Field, before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[Change]:
    old, new = before.get(field.id, blank(field)), after.get(field.id, blank(field))
    if old == new:
        return
    if field.kind != "table":
        yield Change(field.id, field.label, show(field, old), show(field, new))
        return
    yield from _row_changes(field, {row["row"]: row for row in old}, {row["row"]: row for row in new})


def _row_changes(
    field: Field, old: Mapping[str, Mapping[str, str]], new: Mapping[str, Mapping[str, str]]
) -> Iterator[Change]:
    for number, (row_id, row) in enumerate(old.items(), 1):
        if row_id not in new:
            yield Change(field.id, f"{field.label} {number}行目（削除）", show_row(field.columns, row), "")
    for number, (row_id, row) in enumerate(new.items(), 1):
        if row_id not in old:
            yield Change(field.id, f"{field.label} {number}行目（追加）", "", show_row(field.columns, row))
            continue
        for column in field.columns:
            a, b = (label(column.options, each.get(column.id, "")) for each in (old[row_id], row))
            if a != b:
                yield Change(field.id, f"{field.label} {number}行目の{column.label}", a, b)
    if [each for each in old if each in new] != [each for each in new if each in old]:
        yield Change(field.id, f"{field.label}の並び順", "", "行の順番が変わりました")
