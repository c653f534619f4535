"""経過 as the pages show it: plain rows, because every page of a record has some."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.db.models import QuerySet

from kyoten.records.models import Event
from kyoten.records.statements import statement

NAMES = ("at", "title", "organisation", "section", "person", "note", "note_erased")
COLUMNS = ("at", "title", "organisation", "section", "person", "note_row__text", "note_row__erased_at")


def history(kind: str, record_id: int) -> list[dict[str, Any]]:
    """経過 of one record, oldest first, for `records/_history.html`."""
    return [as_history(row) for row in _events(kind, record_id)]


def as_history(row: Sequence[Any]) -> dict[str, Any]:
    """A row of COLUMNS under the names of the template."""
    return dict(zip(NAMES, row, strict=True))


@statement
def _events(kind: str, record_id: int) -> QuerySet:
    rows = Event.objects.filter(head__kind=kind, head__record_id=record_id).order_by("seq")
    return rows.values_list(*COLUMNS)
