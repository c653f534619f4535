"""The index on SQLite: FTS5 without content, its tokens every two neighbouring characters of a text.

The `ascii` tokeniser separates at ASCII only, so a token may be the two characters themselves once ASCII is written full
width (which no normalised text contains). Two characters of which one is a blank become the other alone: the last
character before every blank is a token of its own, and a single character is found as the beginning of a token.
Postings are deleted with the text they came from: FTS5 keeps nothing but the postings.
"""

from __future__ import annotations

import re
from array import array
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from typing import Any

from django.db import DatabaseError, connection, transaction

from kyoten.search.backend import DENSE, Question, Row, marker, rows_of, spread
from kyoten.search.models import Entry

ASKED_FIRST = True  # walks its candidates newest first, and stops when there are enough
SAMPLE = 500  # texts that show which characters are rare
NAMED = 50  # tokens whose postings are compared one by one when their numbers differ
_FULL_WIDTH = {code: code + 0xFEE0 for code in range(0x21, 0x7F)}
_ASCII = re.compile(r"[\n -~]+")  # blanks too, which stay: whole lines at a time
_BETWEEN = re.compile(r"[\x00-\x7f]+")  # what the tokeniser takes for a separation


def wide(text: str) -> str:
    return _ASCII.sub(lambda match: match[0].translate(_FULL_WIDTH), text)


def tokens(scope: int, kind: str, text: str) -> str:
    """What FTS5 is given for an entry, to add it and to take it away."""
    return f"{wide(marker(scope))} {wide(marker(scope, kind))} {neighbours(wide(text) + ' ')}"


def neighbours(text: str) -> str:
    """abc → "ab bc". Whole arrays of characters are moved; one by one it takes twenty times as long."""
    characters = array("I", text.encode("utf-32-le", "surrogatepass"))
    pairs = array("I", [0x20]) * (3 * len(characters) - 3)
    pairs[0::3], pairs[1::3] = characters[:-1], characters[1:]
    return pairs[:-1].tobytes().decode("utf-32-le", "surrogatepass")


def _postings(rows: Sequence[Row]) -> list[tuple[int, str]]:
    return [(row.id, tokens(row.scope, row.kind, row.text)) for row in rows]


def add(rows: Sequence[Row]) -> list[Row]:
    """Writes the rows with their postings; returns what could not be written for a neighbour's sake: here nothing."""
    with connection.cursor() as cursor:
        sql = "INSERT INTO search_entry (id, scope, kind, record_id, text) VALUES (%s, %s, %s, %s, %s)"
        cursor.executemany(sql, rows)
        cursor.executemany("INSERT INTO search_posting (rowid, tokens) VALUES (%s, %s)", _postings(rows))
    return []


def fill(rows: Sequence[Row]) -> None:
    """The same while the whole index is built anew."""
    add(rows)


def drop(rows: Sequence[Row]) -> None:
    with connection.cursor() as cursor:
        sql = "INSERT INTO search_posting (search_posting, rowid, tokens) VALUES ('delete', %s, %s)"
        cursor.executemany(sql, _postings(rows))
        cursor.executemany("DELETE FROM search_entry WHERE id = %s", [(row.id,) for row in rows])


def clear() -> None:
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM search_entry")
        cursor.execute("INSERT INTO search_posting (search_posting) VALUES ('delete-all')")


def filled() -> None:
    """Nothing: larger pieces build no faster, and putting them together later holds up a single mail for seconds."""


def comparison(question: Question) -> tuple[str, list[Any]]:
    return question.conditions("instr")


def propose(question: Question, before: int, limit: int) -> list[tuple[int, str, int]]:
    """(id, kind, record id) of the newest entries below `before`: candidates of the index that the comparison confirms."""
    conditions, values = comparison(question)
    sql = f"""SELECT e.id, e.kind, e.record_id FROM search_posting p CROSS JOIN search_entry e ON e.id = p.rowid
        WHERE p.search_posting MATCH %s AND p.rowid < %s AND {conditions} ORDER BY p.rowid DESC LIMIT %s"""
    return rows_of(sql, [_match(question), before, *values, limit])


def _match(question: Question) -> str:
    """The question in FTS5's language. Single characters only where there is nothing longer: they stand for many tokens."""
    long = [wide(word) for word in question.words if len(word) > 1]
    pairs = spread([word[at : at + 2] for word in long for at in range(len(word) - 1)])
    wanted = [f'"{pair}"' for pair in pairs] or [f'"{wide(word)}" *' for word in _rare(question)]
    markers = " OR ".join(f'"{wide(name)}"' for name in question.markers())
    return " AND ".join([f"({markers})", *wanted])


def _rare(question: Question) -> list[str]:
    """Those of the single characters that few of the newest texts have; the others would propose nearly everything."""
    words = spread(question.words)
    sums = ", ".join(["sum(instr(e.text, %s) > 0)"] * len(words))
    sql = f"""SELECT count(*), {sums} FROM
        (SELECT text FROM search_entry WHERE scope = %s ORDER BY scope DESC, id DESC LIMIT {SAMPLE}) e"""
    [(rows, *hits)] = rows_of(sql, [*words, question.scope])
    return [word for word, number in zip(words, hits, strict=True) if rows and number * DENSE < rows]


def verify() -> list[str]:
    """What differs between the stored texts and the postings, as Japanese sentences."""
    try:
        with transaction.atomic():
            rows_of("INSERT INTO search_posting (search_posting) VALUES ('integrity-check')")
    except DatabaseError as error:
        return [f"検索の索引が壊れています（{error}）。作り直してください。"]
    expected, markers = Counter[str](), defaultdict[str, set[int]](set)
    for row in _rows():
        expected.update(_tokens_of(row))
        for name in (marker(row.scope), marker(row.scope, row.kind)):
            markers[wide(name)].add(row.id)
    there = _counted()
    different = {token for token in {*expected, *there} if expected[token] != there[token]} - markers.keys()
    return _named(markers | _holders(sorted(different)[:NAMED]))


def _rows() -> Iterator[Row]:
    return (Row(*values) for values in Entry.objects.values_list(*Row._fields).iterator(chunk_size=1000))


def _tokens_of(row: Row) -> set[str]:
    return {token for token in _BETWEEN.split(tokens(row.scope, row.kind, row.text)) if token}


def _counted() -> Counter[str]:
    """How many postings every token has."""
    with connection.cursor() as cursor:
        cursor.execute("CREATE VIRTUAL TABLE temp.search_vocabulary USING fts5vocab('main', 'search_posting', 'row')")
        try:
            cursor.execute("SELECT term, doc FROM temp.search_vocabulary")
            return Counter(dict(cursor.fetchall()))
        finally:
            cursor.execute("DROP TABLE temp.search_vocabulary")


def _holders(suspects: Sequence[str]) -> dict[str, set[int]]:
    """For tokens whose numbers differ: the entries whose text has them."""
    holders: dict[str, set[int]] = {token: set() for token in suspects}
    for row in _rows() if suspects else ():
        for token in _tokens_of(row) & holders.keys():
            holders[token].add(row.id)
    return holders


def _named(expected: dict[str, set[int]]) -> list[str]:
    """The postings of these tokens compared with the texts, one by one."""
    faults: dict[int, str] = {}
    for token, holders in expected.items():
        rows = rows_of("SELECT rowid FROM search_posting WHERE search_posting MATCH %s", [f'"{token}"'])
        there = {row[0] for row in rows}
        for missing in sorted(holders - there):
            faults.setdefault(missing, f"本文の「{token}」が検索の索引にありません。")
        for extra in sorted(there - holders):
            faults.setdefault(extra, f"検索の索引に、本文にない「{token}」があります。")
    known = Entry.objects.in_bulk(list(faults))
    return [f"{_name(known.get(number), number)}: {fault}" for number, fault in sorted(faults.items())]


def _name(entry: Entry | None, number: int) -> str:
    return f"{entry.kind} {entry.record_id}" if entry else f"本文のない番号 {number}"
