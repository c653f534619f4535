"""Which of the two indexes belongs to the database that runs, and what both are asked."""

from __future__ import annotations

from collections.abc import Sequence
from types import ModuleType
from typing import Any, NamedTuple

from django.db import connection

GROUP = 30  # conditions in one pair of brackets: SQLite takes no expression deeper than 1,000
MOST_TOKENS = 24  # of one question: more of them only cost time, the comparison decides anyway
DENSE = 10  # one text in so many: comparing one after the other is faster than asking the index
NEWEST = 2**63 - 1


class Row(NamedTuple):
    """A row of Entry as both indexes write it."""

    id: int
    scope: int
    kind: str
    record_id: int
    text: str


class Question(NamedTuple):
    """Normalised words that must all occur, in what one body may see; no kinds means all."""

    words: tuple[str, ...]
    scope: int
    kinds: tuple[str, ...] | None

    def conditions(self, position: str) -> tuple[str, list[Any]]:
        """The plain comparison as SQL on the entry `e`; `position` is the database's instr or strpos."""
        tests = [f"{position}(e.text, %s) > 0"] * len(self.words)
        groups = [" AND ".join(tests[at : at + GROUP]) for at in range(0, len(tests), GROUP)]
        sql, values = " AND ".join(["e.scope = %s", *(f"({group})" for group in groups)]), [self.scope, *self.words]
        if self.kinds is not None:
            sql += f" AND e.kind IN ({', '.join(['%s'] * len(self.kinds))})"
            values += self.kinds
        return sql, values

    def markers(self) -> list[str]:
        """Tokens of which a candidate has at least one."""
        return [marker(self.scope, kind) for kind in self.kinds] if self.kinds is not None else [marker(self.scope)]


def marker(scope: int, kind: str = "") -> str:
    """The token all entries of a body (and kind) share, so that a small body never walks through the others' rows."""
    return f"{scope}/{kind}"


def spread(tokens: Sequence[Any]) -> list[Any]:
    """At most MOST_TOKENS of them, from everywhere."""
    step = -(-len(tokens) // MOST_TOKENS) or 1
    return list(dict.fromkeys(tokens[::step]))


def index() -> ModuleType:
    from kyoten.search import postgres, sqlite

    return postgres if connection.vendor == "postgresql" else sqlite


def rows_of(sql: str, values: Sequence[Any] = ()) -> list[Any]:
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
        return cursor.fetchall()
