"""The one mailbox of desk and call: what came in is sorted into 相談・申込・その他 and taken up, in batches.

Composed here, because the post knows neither desks nor calls.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import TypeVar

from django.db import transaction

from kyoten.consultations.desks import desks_of
from kyoten.organisations.models import Seat
from kyoten.post.bulk import WRITERS, Arriving, read_many, receive_many
from kyoten.post.models import InboundMail
from kyoten.post.sorting import unsorted
from kyoten.records.actions import Entry, record_many
from kyoten.web.sorting import Sorter, settled, sort_read

T = TypeVar("T")

BATCH = 100  # mails in one transaction, unless they are large
LARGE = 64 * 1024 * 1024  # bytes of mails held at once
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
        pace = self.files / self.seconds if self.seconds else 0
        return f"{self.words()}、{self.seconds:.1f}秒、{pace:.0f}通/秒"

    def words(self) -> str:
        doubled = self.known + self.sorts["double"]
        named = [
            ("相談", "desk"),
            ("申込", "call"),
            ("その他", "other"),
            ("自動応答・不達通知", "auto"),
            ("返信", "reply"),
        ]
        parts = "・".join(f"{name} {self.sorts[key]}" for name, key in named)
        return f"取込 {self.stored - self.sorts['double']}通（{parts}）、重複 {doubled}通、要確認 {self.quarantined}通"


def take_directory(directory: Path, *, at: datetime, say: Callable[[str], object] = lambda line: None) -> Taken:
    """Take every file of a directory and what lies below. Interrupted anywhere, the next run goes on: bytes known are
    passed over, and what was only stored or only read is brought to its end first."""
    done, begun = Taken(), time.perf_counter()
    for mails in _batches(InboundMail.objects.filter(parsed_at=None).order_by("pk").select_related("original")):
        _sort(read_many(mails, at), done, at)
    for mails in _batches(unsorted()):
        _sort(mails, done, at)
    with ThreadPoolExecutor(WRITERS) as writers:
        for mails in _arriving(_files(directory), done, writers, say):
            _take(mails, f"dir:{directory}"[:200], done, at)
    done.seconds = time.perf_counter() - begun
    return done


def take_handed_in(raws: Sequence[bytes], *, by: Seat, at: datetime) -> Taken:
    """Mails an officer saved as files (.eml, .msg) and hands in: for the desks of its own body, whoever they went to.

    Raises Refused where the disk is full; what was kept until then stays.
    """
    made, known = receive_many(raws, source=f"handed-in:{by.section_id}", at=at)
    with transaction.atomic():
        entries = [Entry("hand_in", "メールのファイルを取込", "inbound_mail", mail.pk) for mail in made]
        record_many(entries, by=by.actor(), at=at)
    done = Taken(files=len(raws), stored=len(made), known=known)
    if mails := read_many(made, at):
        Sorter(at, desks_of(by)).sort(mails)
        done.sorts.update(settled([mail.pk for mail in mails]))
    return done


def _arriving(
    paths: Iterable[Path], done: Taken, writers: Executor, say: Callable[[str], object]
) -> Iterator[Arriving]:
    """Batches of mails; while one is taken, the next is on its way to the disk."""
    before = None
    for batch in _light(paths):
        mails = Arriving([raw for path in batch if (raw := _bytes_of(path, done, say)) is not None], writers)
        if before:
            yield before
        before = mails
    if before:
        yield before


def _light(paths: Iterable[Path]) -> Iterator[list[Path]]:
    """Batches of files, fewer where they are large: two of them are in memory at a time."""
    batch, size = list[Path](), 0
    for path in paths:
        length = _size(path)
        if batch and (len(batch) == BATCH or size + length > LARGE):
            yield batch
            batch, size = [], 0
        batch.append(path)
        size += length
    if batch:
        yield batch


def _size(path: Path) -> int:
    with suppress(OSError):  # reading it says what is wrong
        return path.stat().st_size
    return 0


def _bytes_of(path: Path, done: Taken, say: Callable[[str], object]) -> bytes | None:
    try:
        return path.read_bytes()
    except OSError as error:
        done.files += 1
        done.unreadable += 1
        say(f"{path}: 開けません（{error.strerror}）。")
        return None


def _take(mails: Arriving, source: str, done: Taken, at: datetime) -> None:
    done.files += mails.count
    made, known = mails.received(source=source, at=at + timedelta(microseconds=done.files))
    done.stored += len(made)
    done.known += known
    _sort(read_many(made, at, mails.fresh), done, at)


def _sort(mails: list[InboundMail], done: Taken, at: datetime) -> None:
    sort_read(mails, at=at)
    done.sorts.update(settled([mail.pk for mail in mails]))


def _files(directory: Path) -> Iterator[Path]:
    for path in sorted(directory.rglob("*")):
        if path.is_file() and not path.name.startswith(".") and path.suffix not in SKIPPED:
            yield path


def _batches(rows: Iterable[T]) -> Iterator[list[T]]:
    rows = iter(rows)
    while batch := list(islice(rows, BATCH)):
        yield batch
