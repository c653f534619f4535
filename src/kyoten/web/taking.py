"""The one mailbox of desk and call: what came in is sorted into 相談・申込・その他 and taken up, in batches.

Composed here, because the post knows neither desks nor calls.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import TypeVar

from kyoten.post.bulk import read_many, receive_many
from kyoten.post.models import InboundMail
from kyoten.post.sorting import unsorted
from kyoten.web.sorting import sort_read

T = TypeVar("T")

BATCH = 50  # mails in one transaction
SKIPPED = {".part", ".tmp"}  # being written just now


@dataclass
class Taken:
    """What one run of `mail take` did."""

    files: int = 0
    stored: int = 0
    known: int = 0
    sorts: Counter[str] = field(default_factory=Counter)
    unreadable: int = 0  # files that could not be opened
    seconds: float = 0.0

    @property
    def quarantined(self) -> int:
        return self.sorts["attention"] + self.unreadable

    def line(self) -> str:
        """取込 …、重複 …、要確認 …: one line for the screen."""
        doubled = self.known + self.sorts["double"]
        named = [
            ("相談", "desk"),
            ("申込", "call"),
            ("その他", "other"),
            ("自動応答・不達通知", "auto"),
            ("返信", "reply"),
        ]
        parts = "・".join(f"{name} {self.sorts[key]}" for name, key in named)
        pace = self.files / self.seconds if self.seconds else 0
        return (
            f"取込 {self.stored - self.sorts['double']}通（{parts}）、重複 {doubled}通、"
            f"要確認 {self.quarantined}通、{self.seconds:.1f}秒、{pace:.0f}通/秒"
        )


def take_directory(directory: Path, *, at: datetime, say: Callable[[str], object] = lambda line: None) -> Taken:
    """Take every file of a directory and what lies below. Interrupted anywhere, the next run goes on: bytes known are
    passed over, and what was only stored or only read is brought to its end first."""
    done, begun = Taken(), time.perf_counter()
    for mails in _batches(InboundMail.objects.filter(parsed_at=None).order_by("pk").select_related("original")):
        done.sorts.update(sort_read(read_many(mails, at), at=at))
    for mails in _batches(unsorted()):
        done.sorts.update(sort_read(mails, at=at))
    for paths in _batches(_files(directory)):
        _take(paths, f"dir:{directory}"[:200], done, at, say)
    done.seconds = time.perf_counter() - begun
    return done


def _take(paths: Sequence[Path], source: str, done: Taken, at: datetime, say: Callable[[str], object]) -> None:
    raws, moment = [], at + timedelta(microseconds=done.files)
    for path in paths:
        done.files += 1
        try:
            raws.append(path.read_bytes())
        except OSError as error:
            done.unreadable += 1
            say(f"{path}: 開けません（{error.strerror}）。")
    made, known = receive_many(raws, source=source, at=moment)
    done.stored += len(made)
    done.known += known
    done.sorts.update(sort_read(read_many(made, at), at=at))


def _files(directory: Path) -> Iterator[Path]:
    for path in sorted(directory.rglob("*")):
        if path.is_file() and not path.name.startswith(".") and path.suffix not in SKIPPED:
            yield path


def _batches(rows: Iterable[T]) -> Iterator[list[T]]:
    rows = iter(rows)
    while batch := list(islice(rows, BATCH)):
        yield batch
