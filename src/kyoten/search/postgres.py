"""The index on PostgreSQL: GIN over a bigint[] for every text, no extension.

A code is two neighbouring UTF-16 units in one integer, or one unit alone. The codes stand in a table of their own, out of
line, so that thousands of candidates are read from few pages (bigint, because what is shorter than 2 kB stays in line).
GIN gives them in no order: where many texts have what is asked for, the newest are compared one after the other instead
(`finding`).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any
from zlib import crc32

from django.db import connection

from kyoten.search.backend import Question, Row, marker, rows_of, spread

ASKED_FIRST = False
MOST_WAITING = 256  # kB of new rows that GIN may leave unsorted: every question reads them all


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
    """As PostgreSQL writes an array of at least one number. Python prints a set just so, and faster than it joins."""
    return str({*numbers})


def add(rows: Sequence[Row]) -> list[Row]:
    """Writes the rows; returns those whose id or record another transaction took meanwhile, to be tried again."""
    sql = """INSERT INTO search_entry (id, scope, kind, record_id, text)
        SELECT * FROM unnest(%s::bigint[], %s::bigint[], %s::text[], %s::bigint[], %s::text[])
        ON CONFLICT DO NOTHING RETURNING id"""
    written = {id for (id,) in rows_of(sql, [list(column) for column in zip(*rows, strict=True)])}
    with connection.cursor() as cursor:
        sql = "INSERT INTO search_posting (id, codes) VALUES (%s, %s::bigint[])"
        cursor.executemany(sql, _postings([row for row in rows if row.id in written]))
    return [row for row in rows if row.id not in written]


def fill(rows: Sequence[Row]) -> None:
    """The same while the whole index is built anew, as two streams."""
    _stream("search_entry (id, scope, kind, record_id, text)", rows)
    _stream("search_posting_next (id, codes)", _postings(rows))


def _postings(rows: Sequence[Row]) -> list[tuple[int, str]]:
    return [(row.id, _array(all_codes(row.scope, row.kind, row.text))) for row in rows]


def _stream(table: str, rows: Iterable[tuple[Any, ...]]) -> None:
    with connection.cursor() as cursor, cursor.copy(f"COPY {table} FROM STDIN") as copy:
        for row in rows:
            copy.write_row(row)


def drop(rows: Sequence[Row]) -> None:
    """A trigger takes the postings away with them."""
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM search_entry WHERE id = ANY(%s)", [[row.id for row in rows]])


def clear() -> None:
    """Empties the texts and begins other postings; whoever writes meanwhile waits, whoever reads goes on with the old."""
    with connection.cursor() as cursor:
        cursor.execute("LOCK TABLE search_entry IN EXCLUSIVE MODE")
        cursor.execute("DELETE FROM search_entry")
        cursor.execute(
            "CREATE TABLE search_posting_next (id bigint NOT NULL, codes bigint[] NOT NULL) WITH (toast_tuple_target = 128)"
        )
        cursor.execute("ALTER TABLE search_posting_next ALTER codes SET STORAGE EXTERNAL")


def filled() -> None:
    """What was written by `fill` takes the place of the old postings. GIN is built at once, sorted: a third of the time."""
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL maintenance_work_mem = '256MB'")  # of this transaction
        cursor.execute("ALTER TABLE search_posting_next ADD CONSTRAINT search_posting_next_pkey PRIMARY KEY (id)")
        cursor.execute(
            "CREATE INDEX search_posting_next_codes ON search_posting_next USING gin (codes) "
            f"WITH (gin_pending_list_limit = {MOST_WAITING})"
        )
        cursor.execute("ANALYZE search_posting_next")
        cursor.execute("DROP TABLE search_posting")
        cursor.execute("ALTER TABLE search_posting_next RENAME TO search_posting")
        cursor.execute("ALTER INDEX search_posting_next_pkey RENAME TO search_posting_pkey")
        cursor.execute("ALTER INDEX search_posting_next_codes RENAME TO search_posting_codes")


def comparison(question: Question) -> tuple[str, list[Any]]:
    return question.conditions("strpos")


def propose(question: Question, before: int, limit: int) -> list[tuple[int, str, int]]:
    """(id, kind, record id) of the newest entries below `before`: candidates of the index that the comparison confirms.

    MATERIALIZED and OFFSET 0, because the planner would otherwise compare every candidate's text before it sorts them.
    """
    conditions, values = comparison(question)
    wanted = spread([code for word in question.words for code in sorted(pairs(word) or singles(word))])
    sql = f"""WITH candidate AS MATERIALIZED (
            SELECT id FROM search_posting WHERE codes @> %s::bigint[] AND codes && %s::bigint[] AND id < %s ORDER BY id DESC
        ) SELECT e.id, e.kind, e.record_id FROM candidate c
        CROSS JOIN LATERAL (SELECT * FROM search_entry e WHERE e.id = c.id AND {conditions} OFFSET 0) e LIMIT %s"""
    markers = _array([_code(name) for name in question.markers()])
    return rows_of(sql, [_array(wanted), markers, before, *values, limit])


def verify() -> list[str]:
    """What differs between the stored texts and their codes, as Japanese sentences."""
    faults = []
    sql = """SELECT e.id, e.scope, e.kind, e.record_id, e.text, p.codes, p.id
        FROM search_entry e FULL JOIN search_posting p ON p.id = e.id ORDER BY coalesce(e.id, p.id)"""
    with connection.chunked_cursor() as cursor:
        cursor.execute(sql)
        while rows := cursor.fetchmany(1000):
            for entry, scope, kind, record_id, text, stored, posting in rows:
                if entry is None:
                    faults.append(f"本文のない番号 {posting}: 検索の索引に残っています。")
                elif set(stored or ()) != all_codes(scope, kind, text):
                    faults.append(f"{kind} {record_id}: 検索の索引が本文と一致しません。")
    return faults
