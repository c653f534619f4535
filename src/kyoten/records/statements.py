"""Queries put together once: what Django does to turn a query into a statement costs many times what running it does.

For the few that stand on the pages an officer opens all day. Everything else asks the ORM as usual.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime
from typing import Any, NamedTuple, get_type_hints

from django.db import connection
from django.db.models import QuerySet

LARGEST = 2**63 - 1
Convert = Callable[[Any, Any, Any], Any]


class Compiled(NamedTuple):
    sql: str
    params: tuple[Any, ...]
    places: tuple[tuple[int, int], ...]  # of a parameter, and of the argument that belongs there
    converters: tuple[tuple[int, Any, tuple[Convert, ...]], ...]


class Statement:
    """Called with the arguments of the function it was made from, gives the rows of its query as tuples.

    The function must return a `values_list` whose shape does not depend on its arguments, which it passes on as they
    are; these are int, str, a date or an aware datetime, as annotated.
    """

    def __init__(self, build: Callable[..., QuerySet]) -> None:
        self.build, self.compiled = build, dict[str, Compiled]()
        self.__doc__, self.__name__ = build.__doc__, build.__name__

    def __call__(self, *values: Any) -> list[tuple[Any, ...]]:
        made = self.compiled.get(connection.vendor)
        if made is None:
            made = self.compiled[connection.vendor] = _compiled(self.build)
        if any(isinstance(value, int) and abs(value) > LARGEST for value in values):
            return []  # no row has such a number
        params = list(made.params)
        for place, number in made.places:
            params[place] = _stored(values[number])
        with connection.cursor() as cursor:
            cursor.execute(made.sql, params)
            rows = cursor.fetchall()
        return _converted(rows, made.converters) if made.converters else rows


def statement(build: Callable[..., QuerySet]) -> Statement:
    """A decorator: the query this function returns is compiled at its first call, with marks for its arguments."""
    return Statement(build)


def _compiled(build: Callable[..., QuerySet]) -> Compiled:
    hints = {name: kind for name, kind in get_type_hints(build).items() if name != "return"}
    marks = [_mark(kind, number) for number, kind in enumerate(hints.values())]
    compiler = build(*marks).query.get_compiler(connection=connection)
    sql, params = compiler.as_sql()
    known = {_stored(mark): number for number, mark in enumerate(marks)}
    places = tuple((place, known[value]) for place, value in enumerate(params) if value in known)
    if {number for _, number in places} != set(known.values()):
        raise ValueError(f"{build.__name__}: an argument does not stand in the statement")
    shown = [column[0] for column in compiler.select[: compiler.col_count]]
    converters = compiler.get_converters(shown).items()
    return Compiled(sql, tuple(params), places, tuple((n, column, tuple(each)) for n, (each, column) in converters))


def _mark(kind: type, number: int) -> Any:
    """A value nobody stores."""
    if kind is datetime:
        return datetime(2, 2, 2, 2, 2, number, tzinfo=UTC)
    if kind is date:
        return date(2, 2, 2 + number)
    return f"\x01{number}" if kind is str else -987654321 - number


def _stored(value: Any) -> Any:
    if isinstance(value, datetime):
        return connection.ops.adapt_datetimefield_value(value)
    return connection.ops.adapt_datefield_value(value) if isinstance(value, date) else value


def _converted(rows: Sequence[tuple[Any, ...]], converters: Sequence[tuple[int, Any, tuple[Convert, ...]]]) -> list:
    changed = [list(row) for row in rows]
    for place, column, each in converters:
        for row in changed:
            value = row[place]
            for convert in each:
                value = convert(value, column, connection)
            row[place] = value
    return [tuple(row) for row in changed]
