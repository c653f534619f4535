"""Pages of long lists."""

from __future__ import annotations

from django.core.paginator import Page, Paginator
from django.db.models import QuerySet

ROWS = 50


def page_of(rows: QuerySet, number: str | None, *, count: int | None = None) -> Page:
    """One page: first which rows are on it, then these rows. To sort thousands with their texts takes a second.

    `count`: how many rows there are, where the caller has counted them.
    """
    paginator = Paginator(rows.values_list("pk", flat=True), ROWS)
    if count is not None:
        paginator.count = count
    page = paginator.get_page(number)
    wanted = list(page.object_list)
    found = {row.pk: row for row in rows.filter(pk__in=wanted)}
    page.object_list = [found[pk] for pk in wanted if pk in found]
    return page
