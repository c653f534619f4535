"""Acts at the same moment: threads that start together, and what each of them came to."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from types import SimpleNamespace
from typing import Any

from django.db import connection

from kyoten.organisations.models import Designation, Organisation, Seat, Section, Supervision, User
from kyoten.records.models import Refused


def race(*acts: Callable[[], Any]) -> list[str]:
    """Run the acts in threads that start together. "done", or the sentence with which each was refused, in order.

    Any other exception (a deadlock, a broken constraint) fails the test.
    """
    start = threading.Barrier(len(acts))

    def run(act: Callable[[], Any]) -> str:
        try:
            connection.ensure_connection()
            start.wait(timeout=60)
            act()
            return "done"
        except Refused as refusal:
            return str(refusal)
        finally:
            connection.close()

    with ThreadPoolExecutor(len(acts)) as pool:
        return list(pool.map(run, acts))


def towns(world: SimpleNamespace, number: int) -> Sequence[Seat]:
    """Seats of so many further municipalities of 千葉県, each a designated hub."""
    return [town(world.chiba, n) for n in range(number)]


def town(prefecture: Organisation, n: int) -> Seat:
    body = Organisation.objects.create(
        kind="municipality",
        name=f"見本{n}市",
        code=f"{prefecture.code[:2]}9{n:03d}",
        prefecture=prefecture,
        kana=f"ミホン{n}シ",
    )
    section = Section.objects.create(
        organisation=body, name="地域医療課", email=f"town{n}@example.jp", phone="000-0000-0000", is_default=True
    )
    Supervision.objects.create(superior=prefecture, subordinate=body)
    Designation.objects.create(organisation=body, prefecture=prefecture, valid_from=date(2024, 4, 1), source="計画")
    person = User.objects.create(username=f"town{n}", name=f"職員{n}")
    return Seat.objects.create(person=person, section=section, role="officer")
