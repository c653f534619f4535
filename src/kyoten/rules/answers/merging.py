"""Two people edit one form: a three-way merge, field by field, in tables cell by cell.

The page carries digests of the answers it was drawn from. What I changed since then is mine, what somebody else
changed is theirs; where both changed the same place differently, the stored text stays and the conflict shows both.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from kyoten.rules.answers.cleaning import Answers, blank
from kyoten.rules.definition import Field, Form

Row = Mapping[str, str]


@dataclass(frozen=True)
class Conflict:
    """One place both changed. `theirs` is what is stored, `yours` what was posted; None: the row was deleted."""

    field: str
    theirs: Any
    yours: Any
    row: str | None = None
    column: str | None = None


@dataclass(frozen=True)
class Merge:
    answers: Answers
    conflicts: tuple[Conflict, ...]


def digests(form: Form, answers: Mapping[str, Any]) -> dict[str, str]:
    """What a page remembers of the answers it was drawn from.

    One digest per field ("reason") and per cell ("members/<row>/<column>"); for a table itself its row ids in order.
    """
    found: dict[str, str] = {}
    for field in form.fields():
        value = answers.get(field.id, blank(field))
        if field.kind == "table":
            found[field.id] = " ".join(row["row"] for row in value)
            found |= {
                _cell(field, row["row"], c.id): _digest(row.get(c.id, "")) for row in value for c in field.columns
            }
        else:
            found[field.id] = _digest(value)
    return found


def merge(form: Form, base: Mapping[str, str], current: Mapping[str, Any], posted: Mapping[str, Any]) -> Merge:
    """The stored answers (`current`) with the changes of a post that was drawn from `base`.

    A field that was not posted keeps its stored value. Both sides have gone through `clean`.
    """
    answers: Answers = {}
    conflicts: list[Conflict] = []
    for field in form.fields():
        if field.id not in posted:
            if field.id in current:
                answers[field.id] = current[field.id]
        elif field.kind == "table":
            stored = current.get(field.id, [])
            answers[field.id] = _merge_rows(field, base, stored, posted[field.id], conflicts)
        else:
            stored = current.get(field.id, blank(field))
            before = base.get(field.id, _digest(blank(field)))
            answers[field.id] = posted[field.id]
            if _theirs_stays(before, stored, posted[field.id]):
                answers[field.id] = stored
            if _both_changed(before, stored, posted[field.id]):
                conflicts.append(Conflict(field.id, stored, posted[field.id]))
    return Merge(answers, tuple(conflicts))


def _digest(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _cell(field: Field, row_id: str, column_id: str) -> str:
    return f"{field.id}/{row_id}/{column_id}"


def _theirs_stays(before: str, theirs: Any, yours: Any) -> bool:
    return _digest(yours) == before or _both_changed(before, theirs, yours)


def _both_changed(before: str, theirs: Any, yours: Any) -> bool:
    return theirs != yours and before not in (_digest(theirs), _digest(yours))


def _merge_rows(
    field: Field, base: Mapping[str, str], theirs: Sequence[Row], yours: Sequence[Row], conflicts: list[Conflict]
) -> list[dict[str, str]]:
    stored, posted = {row["row"]: row for row in theirs}, {row["row"]: row for row in yours}
    before = base.get(field.id, "").split()
    merged: list[dict[str, str]] = []
    for row_id in _order(before, list(stored), list(posted)):
        mine, other = posted.get(row_id), stored.get(row_id)
        if mine and other:
            merged.append(_merge_row(field, base, other, mine, conflicts))
        elif row_id not in before:
            merged.append(dict(mine or other or {}))  # a new row of one of us
        elif _touched(field, base, mine or other or {}):
            merged.append(dict(mine or other or {}))  # one deleted it, the other wrote in it: what is written stays
            conflicts.append(Conflict(field.id, other and dict(other), mine and dict(mine), row_id))
    return merged


def _order(before: Sequence[str], theirs: Sequence[str], yours: Sequence[str]) -> list[str]:
    """Row ids in the order of whoever moved rows (mine if both did); each other row after the one it followed."""
    i_moved = [each for each in before if each in yours] != [each for each in yours if each in before]
    first, second = (yours, theirs) if i_moved else (theirs, yours)
    order = list(first)
    place = 0
    for row_id in second:
        if row_id not in first:
            order.insert(place, row_id)
        place = order.index(row_id) + 1
    return order


def _merge_row(
    field: Field, base: Mapping[str, str], theirs: Row, yours: Row, conflicts: list[Conflict]
) -> dict[str, str]:
    row = {"row": yours["row"]}
    for column in field.columns:
        before = base.get(_cell(field, yours["row"], column.id), _digest(""))
        other, mine = theirs.get(column.id, ""), yours.get(column.id, "")
        row[column.id] = other if _theirs_stays(before, other, mine) else mine
        if _both_changed(before, other, mine):
            conflicts.append(Conflict(field.id, other, mine, yours["row"], column.id))
    return row


def _touched(field: Field, base: Mapping[str, str], row: Row) -> bool:
    return any(
        base.get(_cell(field, row["row"], column.id), _digest("")) != _digest(row.get(column.id, ""))
        for column in field.columns
    )
