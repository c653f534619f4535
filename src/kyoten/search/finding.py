"""Finding: the index proposes, the plain comparison of the stored texts decides."""

from __future__ import annotations

from collections.abc import Collection
from typing import NamedTuple

from kyoten.rules.search_text import words as words_of
from kyoten.search.backend import DENSE, NEWEST, Question, index, rows_of

CAP = 1000  # what is counted exactly; beyond it the screen says 「1,000件以上」
STEP = 500  # rows compared one after the other at first, then twice as many each time
Hit = tuple[int, str, int]  # id of the entry, kind, record id


class Found(NamedTuple):
    """(kind, record id) newest first, and how many there are in all: at least `count` where capped."""

    ids: list[tuple[str, int]]
    count: int
    capped: bool
    before: int | None  # give it to `find` for the next page; None: this was the last


def find(
    words: str, *, scope: int, kinds: Collection[str] | None = None, before: int | None = None, limit: int = 50
) -> Found:
    """What contains all the words, typed by anybody, in what the body `scope` may see. No words find nothing."""
    question = Question(words_of(words), scope, None if kinds is None else tuple(sorted(set(kinds))))
    if not question.words or question.kinds == ():
        return Found([], 0, False, None)
    newest = _newest(question, NEWEST, max(CAP, limit + 1))
    page = newest[: limit + 1] if before is None else _newest(question, before, limit + 1)
    shown, more = page[:limit], len(page) > limit
    ids = [(kind, record_id) for _, kind, record_id in shown]
    return Found(ids, min(len(newest), CAP), len(newest) >= CAP, shown[-1][0] if more and shown else None)


def _newest(question: Question, before: int, limit: int) -> list[Hit]:
    """The newest hits below `before`, at most `limit`."""
    if index().ASKED_FIRST and any(len(word) > 1 for word in question.words):
        return index().propose(question, before, limit)
    found, walked, step = [], 0, STEP
    while len(found) < limit and len(found) * DENSE >= walked:
        lowest = _step(question.scope, before, step)
        found += _compared(question, lowest, before, limit - len(found))
        if lowest is None:
            return found
        walked, step, before = walked + step, step * 2, lowest
    return found + index().propose(question, before, limit - len(found)) if len(found) < limit else found


def _step(scope: int, before: int, rows: int) -> int | None:
    """The id of the entry so many rows further down; None where there are not that many."""
    sql = "SELECT id FROM search_entry WHERE scope = %s AND id < %s ORDER BY scope DESC, id DESC LIMIT 1 OFFSET %s"
    lowest = rows_of(sql, [scope, before, rows - 1])
    return lowest[0][0] if lowest else None


def _compared(question: Question, lowest: int | None, before: int, limit: int) -> list[Hit]:
    conditions, values = index().comparison(question)
    sql = f"""SELECT e.id, e.kind, e.record_id FROM search_entry e
        WHERE e.id < %s AND e.id >= %s AND {conditions} ORDER BY e.scope DESC, e.id DESC LIMIT %s"""
    return rows_of(sql, [before, -NEWEST if lowest is None else lowest, *values, limit])
