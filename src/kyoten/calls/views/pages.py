"""Pages of long lists."""

from __future__ import annotations

from django.core.paginator import Page, Paginator
from django.db.models import QuerySet

ROWS = 50


def page_of(rows: QuerySet, number: str | None) -> Page:
    """One page: first the ids of all rows, then the rows on it. To sort thousands with their texts takes a second."""
    page = Paginator(list(rows.values_list("pk", flat=True)), ROWS).get_page(number)
    found = {row.pk: row for row in rows.filter(pk__in=page.object_list)}
    page.object_list = [found[pk] for pk in page.object_list if pk in found]
    return page
