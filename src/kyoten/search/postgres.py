"""The index on PostgreSQL: GIN over an int[] beside every text, no extension.

A code is two neighbouring UTF-16 units in one integer, or one unit alone. GIN gives its candidates in no order, so the
newest rows are compared one after the other first (`finding`), and GIN is asked about the rest.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any
from zlib import crc32

from django.db import connection

from kyoten.search.backend import Question, Row, marker, rows_of, spread
from kyoten.search.models import Entry

ASKED_FIRST = False
BULK_WAITING, USUAL_WAITING = 131072, 256  # kB of new rows that GIN may leave unsorted: every question reads them all


def pairs(text: str) -> set[int]:
    """Of every two neighbours (units of UTF-16: a rare character counts as two)."""
    units = text.encode("utf-16-le")
    even, odd = units[: len(units) // 4 * 4], units[2 : 2 + (len(units) - 2) // 4 * 4]
    return {*memoryview(even).cast("i"), *memoryview(odd).cast("i")} if units else set()


def singles(text: str) -> set[int]:
    return set(memoryview(text.encode("utf-16-le")).cast("H")) if text else set()


def all_codes(scope: int, kind: str, text: str) -> set[int]:
    codes = pairs(text)
    codes.update(singles(text), (_code(marker(scope)), _code(marker(scope, kind))))
    return codes


def _code(name: str) -> int:
    return crc32(name.encode()) - 2**31  # a meeting with other codes does no harm: the columns are compared too


def _array(numbers: Iterable[int]) -> str:
    return "{" + ",".join(map(str, numbers)) + "}"


def add(rows: Sequence[Row]) -> list[Row]:
    """Writes the rows; returns those whose id or record another transaction took meanwhile, to be tried again."""
    sql = """INSERT INTO search_entry (id, scope, kind, record_id, text, codes)
        VALUES (%s, %s, %s, %s, %s, %s::int[]) ON CONFLICT DO NOTHING"""
    with connection.cursor() as cursor:
        cursor.executemany(sql, [(*row, _array(all_codes(row.scope, row.kind, row.text))) for row in rows])
    ids = [row.id for row in rows]
    written = set(Entry.objects.filter(id__in=ids).order_by().values_list("id", "kind", "record_id"))
    return [row for row in rows if (row.id, row.kind, row.record_id) not in written]


def fill(rows: Sequence[Row]) -> None:
    """The same while nobody else writes, as one stream."""
    with (
        connection.cursor() as cursor,
        cursor.copy("COPY search_entry (id, scope, kind, record_id, text, codes) FROM STDIN") as copy,
    ):
        for row in rows:
            copy.write_row((*row, _array(all_codes(row.scope, row.kind, row.text))))


def drop(rows: Sequence[Row]) -> None:
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM search_entry WHERE id = ANY(%s)", [[row.id for row in rows]])


def clear() -> None:
    """Empties the table; whoever writes meanwhile waits, whoever reads goes on with what there was."""
    with connection.cursor() as cursor:
        cursor.execute("LOCK TABLE search_entry IN EXCLUSIVE MODE")
        cursor.execute("DELETE FROM search_entry")


def bulk(on: bool) -> None:
    """Many rows wait in a list that GIN then takes in at once, sorted; nobody who reads is locked out meanwhile."""
    waiting = BULK_WAITING if on else USUAL_WAITING
    with connection.cursor() as cursor:
        if on:
            cursor.execute("SET LOCAL work_mem = '256MB'")  # of this transaction
        cursor.execute(f"ALTER INDEX search_entry_codes SET (gin_pending_list_limit = {waiting})")
        if not on:
            cursor.execute("SELECT gin_clean_pending_list('search_entry_codes')")


def comparison(question: Question) -> tuple[str, list[Any]]:
    return question.conditions("strpos")


def propose(question: Question, before: int, limit: int) -> list[tuple[int, str, int]]:
    """(id, kind, record id) of the newest entries below `before`: candidates of the index that the comparison confirms.

    MATERIALIZED, because the planner would otherwise walk all rows newest first, hoping to meet fifty soon.
    """
    conditions, values = comparison(question)
    wanted = spread([code for word in question.words for code in sorted(pairs(word) or singles(word))])
    sql = f"""WITH found AS MATERIALIZED (
            SELECT e.id, e.kind, e.record_id FROM search_entry e
            WHERE e.codes @> %s::int[] AND e.codes && %s::int[] AND e.id < %s AND {conditions}
        ) SELECT id, kind, record_id FROM found ORDER BY id DESC LIMIT %s"""
    markers = _array(map(_code, question.markers()))
    return rows_of(sql, [_array(wanted), markers, before, *values, limit])


def verify() -> list[str]:
    """What differs between the stored texts and the codes beside them, as Japanese sentences."""
    faults = []
    sql = "SELECT id, scope, kind, record_id, text, codes FROM search_entry ORDER BY id"
    with connection.chunked_cursor() as cursor:
        cursor.execute(sql)
        while rows := cursor.fetchmany(1000):
            for _, scope, kind, record_id, text, stored in rows:
                if set(stored) != all_codes(scope, kind, text):
                    faults.append(f"{kind} {record_id}: 検索の索引が本文と一致しません。")
    return faults
