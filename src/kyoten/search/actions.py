"""Making texts findable, and taking them out again, in the transaction of the act that changes them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from itertools import chain, islice
from typing import NamedTuple

from django.db import connection, transaction

from kyoten.rules.search_text import normalise
from kyoten.search.backend import Row, index, rows_of
from kyoten.search.models import Entry

CHUNK = 1000  # rows written at a time
START = datetime(1970, 1, 1, tzinfo=UTC)


class Text(NamedTuple):
    """Something to be found: `text` as it stands in the record, `at` its place in time, `scope` who may see it."""

    kind: str
    record_id: int
    text: str
    at: datetime
    scope: int

    @property
    def moment(self) -> int:
        return (self.at - START) // timedelta(microseconds=1)


def put(kind: str, record_id: int, *, text: str, at: datetime, scope: int) -> None:
    """Make a record findable by this text, in place of what was there. `scope` is the id of the body that may see it.

    Raises RuntimeError outside a transaction: the index is only true together with the change it follows.
    """
    put_many([Text(kind, record_id, text, at, scope)])


def put_many(texts: Iterable[Text]) -> int:
    """The same for many; of two texts of one record the later counts. Returns how many were given."""
    _require_transaction()
    given, rest = 0, iter(texts)
    while part := list(islice(rest, CHUNK)):
        given += len(part)
        _put({(text.kind, text.record_id): text for text in part})
    return given


def remove(kind: str, record_id: int) -> None:
    """Forget a record; nothing happens where none was known."""
    remove_many(kind, [record_id])


def remove_many(kind: str, record_ids: Iterable[int]) -> None:
    _require_transaction()
    rest = iter(record_ids)
    while part := list(islice(rest, CHUNK)):
        _drop([(kind, record_id) for record_id in part])


def rebuild(sources: Iterable[Iterable[Text]]) -> int:
    """The whole index anew, in one transaction: a killed rebuild leaves the old one. Returns how many texts it holds.

    Meanwhile searching goes on with the old index, and whoever changes a text waits.
    """
    with transaction.atomic():
        index().clear()
        given = _fill(chain.from_iterable(sources))
        index().filled()
    return given


def _fill(texts: Iterable[Text]) -> int:
    """Write an index that was empty and that nobody else writes to: which ids and records it has is known here."""
    ids: set[int] = set()
    known: set[tuple[str, int]] = set()
    given, rest = 0, iter(texts)
    while part := list(islice(rest, CHUNK)):
        given += len(part)
        fresh = {(text.kind, text.record_id): text for text in part}
        if twice := known & fresh.keys():
            _drop(list(twice))
        known |= fresh.keys()
        rows = list(_placed(list(fresh.values()), ids))
        ids.update(row.id for row in rows)
        index().fill(rows)
    return given


def _require_transaction() -> None:
    if not connection.in_atomic_block:
        raise RuntimeError("the search index must be changed inside the transaction of the act")


def _put(texts: dict[tuple[str, int], Text]) -> None:
    """Until every row has its place: on PostgreSQL another transaction may take one while we write."""
    while texts:
        _drop(list(texts))
        missing = index().add(list(_placed(list(texts.values()))))
        texts = {(row.kind, row.record_id): texts[row.kind, row.record_id] for row in missing}


def _drop(keys: Sequence[tuple[str, int]]) -> None:
    by_kind: dict[str, list[int]] = {}
    for kind, record_id in keys:
        by_kind.setdefault(kind, []).append(record_id)
    columns = Row._fields
    for kind, ids in by_kind.items():
        found = Entry.objects.filter(kind=kind, record_id__in=ids).order_by("id").values_list(*columns)
        if rows := [Row(*values) for values in found]:
            index().drop(rows)


def _placed(texts: list[Text], ids: set[int] | None = None) -> Iterator[Row]:
    """The rows with their ids, in rising order, so that two writers never wait for each other in a circle.

    `ids`: all that are taken; without them the table is asked.
    """
    texts.sort(key=lambda text: text.moment)
    taken = _taken(text.moment for text in texts) if ids is None else ids
    last = -1
    for text in texts:
        place = text.moment
        if place <= last or place in taken:
            place = _free(max(place, last + 1)) if ids is None else _free_of(ids, max(place, last + 1))
        last = place
        yield Row(place, text.scope, text.kind, text.record_id, normalise(text.text))


def _taken(places: Iterable[int]) -> set[int]:
    return set(Entry.objects.filter(id__in=set(places)).order_by().values_list("id", flat=True))


def _free_of(taken: set[int], place: int) -> int:
    while place in taken:
        place += 1
    return place


def _free(place: int) -> int:
    """The first id from `place` on that no entry has."""
    if not Entry.objects.filter(id=place).exists():
        return place
    sql = """SELECT min(a.id) + 1 FROM search_entry a
        WHERE a.id >= %s AND NOT EXISTS (SELECT 1 FROM search_entry b WHERE b.id = a.id + 1)"""
    return rows_of(sql, [place])[0][0]
