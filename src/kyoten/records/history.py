"""経過 as the pages show it: plain rows, because every page of a record has some."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet

from kyoten.records.models import Event
from kyoten.records.statements import statement

NAMES = ("at", "title", "organisation", "section", "person", "note", "note_erased")


def history(kind: str, record_id: int) -> list[dict[str, Any]]:
    """経過 of one record, oldest first, for `records/_history.html`."""
    return [dict(zip(NAMES, row, strict=True)) for row in _events(kind, record_id)]


@statement
def _events(kind: str, record_id: int) -> QuerySet:
    rows = Event.objects.filter(head__kind=kind, head__record_id=record_id).order_by("seq")
    return rows.values_list("at", "title", "organisation", "section", "person", "note_row__text", "note_row__erased_at")
