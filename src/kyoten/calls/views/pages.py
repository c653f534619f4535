"""Pages of long lists."""

from __future__ import annotations

from django.core.paginator import Page, Paginator
from django.db.models import Count, QuerySet, Window

ROWS = 50


def page_of(rows: QuerySet, number: str | None) -> Page:
    """One page: first its ids and how many there are in all, then the rows. To sort thousands with their texts takes a
    second. A number beyond the end is the last page, what is no number the first."""
    wanted = max(int(number), 1) if number and number.isdecimal() and len(number) < 9 else 1
    ids, count = _ids(rows, wanted)
    if not ids and wanted > 1:
        ids, count = _ids(rows, Paginator(range(rows.count()), ROWS).num_pages)
    page = Paginator(range(count), ROWS).get_page(wanted)
    found = {row.pk: row for row in rows.filter(pk__in=ids)}
    page.object_list = [found[pk] for pk in ids if pk in found]
    return page


def _ids(rows: QuerySet, page: int) -> tuple[list[int], int]:
    start = (page - 1) * ROWS
    found = list(rows.annotate(all_rows=Window(Count("pk"))).values_list("pk", "all_rows")[start : start + ROWS])
    return [pk for pk, _ in found], found[0][1] if found else 0
