"""Writing down what happened: events, seals, files, reads."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import connection, transaction
from django.db.models import F, Q
from django.utils import timezone

from kyoten.records import chain, files
from kyoten.records.models import AccessLog, Actor, Attachment, Event, EventNote, Head, Refused, Seal
from kyoten.records.names import clean_file_name, clean_text, content_type_of
from kyoten.records.rows import insert

ERASE_NOTE = "erase_note"


@dataclass(frozen=True)
class Entry:
    """One event to write with record_many. `note` is personal text that may be erased later; `facts` may hold none."""

    act: str
    title: str
    kind: str
    record_id: int
    facts: Mapping[str, Any] = field(default_factory=dict)
    note: str = ""

    @property
    def key(self) -> tuple[str, int]:
        return self.kind, self.record_id


def record(
    act: str,
    title: str,
    *,
    kind: str,
    record_id: int,
    by: Actor | None,
    at: datetime,
    facts: Mapping[str, Any] | None = None,
    note: str = "",
) -> Event:
    """Append one event to the record's chain. `by=None` is the system itself.

    Raises RuntimeError outside a transaction: an event is only true together with the change it tells of.
    """
    return record_many([Entry(act, title, kind, record_id, facts or {}, note)], by=by, at=at)[0]


def record_many(entries: Iterable[Entry], *, by: Actor | None, at: datetime) -> list[Event]:
    """Append several events in the order given; the heads are locked in sorted order, so acts never deadlock."""
    entries = list(entries)
    if not connection.in_atomic_block:
        raise RuntimeError("record() must run inside the transaction of its act")
    heads = _locked_heads({entry.key for entry in entries})
    written = [_append(heads[entry.key], entry, by or Actor(), at) for entry in entries]
    events = insert(event for event, _ in written)
    EventNote.objects.bulk_create([note for _, note in written if note])
    _move(heads.values())
    return events


def _locked_heads(keys: set[tuple[str, int]]) -> dict[tuple[str, int], Head]:
    """The heads of `keys`, locked. New ones are made first, so that all locks are then taken in one sorted pass."""
    wanted = sorted(keys)
    heads = _lock(wanted) if len(wanted) == 1 else {}
    if len(heads) < len(wanted):
        known = {(head.kind, head.record_id) for head in _heads(wanted)}
        missing = [Head(kind=kind, record_id=record_id) for kind, record_id in wanted if (kind, record_id) not in known]
        Head.objects.bulk_create(missing, ignore_conflicts=True)
        heads = _lock(wanted)
    return heads


def _heads(keys: Sequence[tuple[str, int]]):
    by_kind: dict[str, list[int]] = {}
    for kind, record_id in keys:
        by_kind.setdefault(kind, []).append(record_id)
    found = Q()
    for kind, ids in by_kind.items():
        found |= Q(kind=kind, record_id__in=ids)
    return Head.objects.filter(found).order_by("kind", "record_id") if by_kind else Head.objects.none()


def _lock(keys: Sequence[tuple[str, int]]) -> dict[tuple[str, int], Head]:
    return {(head.kind, head.record_id): head for head in _heads(keys).select_for_update()}


def _append(head: Head, entry: Entry, by: Actor, at: datetime) -> tuple[Event, EventNote | None]:
    """The next event of a head, and its note; the head is moved in memory, so that several may follow each other."""
    note, salt = clean_text(entry.note), secrets.token_hex(16)
    event = Event(
        head=head,
        seq=head.seq + 1,
        act=entry.act,
        title=clean_text(entry.title)[:500],
        at=at,
        recorded_at=timezone.now(),
        facts_text=clean_text(chain.facts_text(dict(entry.facts))),
        note_digest=chain.note_digest(salt, note) if note else "",
        previous=head.digest,
        **by.columns(),
    )
    event.digest = chain.event_digest(head.kind, head.record_id, event)
    head.seq, head.digest = event.seq, event.digest
    return event, EventNote(event=event, text=note, salt=salt) if note else None


def _move(heads: Iterable[Head]) -> None:
    """Write the heads down, one statement run many times: 1,741 rows as CASE … WHEN take Django seconds."""
    with connection.cursor() as cursor:
        statement = f"UPDATE {Head._meta.db_table} SET seq = %s, digest = %s, sealed_seq = %s WHERE id = %s"
        cursor.executemany(statement, [(head.seq, head.digest, head.sealed_seq, head.id) for head in heads])


def erase_note(event: Event, *, by: Actor | None, at: datetime) -> None:
    """個人情報の消去: empty the note of an event. That it was done is itself an event; the chain stays whole."""
    with transaction.atomic():
        if not EventNote.objects.filter(event=event, erased_at=None).update(text="", salt="", erased_at=at):
            raise Refused("この記録に、消去できる記載はありません。")
        head = event.head
        facts = {"seq": event.seq}
        record(ERASE_NOTE, "記載の消去", kind=head.kind, record_id=head.record_id, by=by, at=at, facts=facts)


def seal(at: datetime) -> Seal | None:
    """Bind all heads that moved since the last seal. None where nothing moved. Records in use wait for the next one."""
    if not Head.objects.filter(seq__gt=F("sealed_seq")).exists():
        return None
    with transaction.atomic():
        last = Seal.objects.order_by("-number").select_for_update().first()
        # skip_locked: an act that is under way is not waited for, so sealing can never deadlock with it
        heads = list(
            Head.objects.filter(seq__gt=F("sealed_seq"))
            .order_by("kind", "record_id")
            .select_for_update(skip_locked=True)
        )
        if not heads:
            return None
        for head in heads:
            head.sealed_seq = head.seq
        _move(heads)
        return _new_seal(last, heads, at)


def _new_seal(last: Seal | None, heads: Sequence[Head], at: datetime) -> Seal:
    number, previous = (last.number + 1, last.digest) if last else (1, chain.START)
    text = "\n".join(chain.head_line(head.kind, head.record_id, head.seq, head.digest) for head in heads)
    digest = chain.seal_digest(number, at, text, previous)
    return Seal.objects.create(number=number, at=at, heads_text=text, previous=previous, digest=digest)


def store_file(
    data: bytes,
    name: str,
    *,
    by: Actor | None,
    at: datetime,
    kind: str = "",
    record_id: int | None = None,
    label: str = "",
) -> Attachment:
    """Keep a file, durable before its row exists. Refused (a sentence for the officer) where the disk is full."""
    try:
        digest = files.put(data)
    except OSError as error:
        raise Refused(
            "ファイルを保存できませんでした（保存先の空きがありません）。入力内容は残っています。"
            "システムの管理者に連絡し、しばらくしてからもう一度お試しください。"
        ) from error
    name = clean_file_name(name)
    return Attachment.objects.create(
        sha256=digest,
        size=len(data),
        name=name,
        content_type=content_type_of(name),
        kind=kind,
        record_id=record_id,
        label=label,
        at=at,
        **(by or Actor()).columns(),
    )


def attach(attachment: Attachment, *, kind: str, record_id: int, label: str = "") -> Attachment:
    """Give a stored file to a record. A file that already belongs to another record gets a second row."""
    if attachment.kind and (attachment.kind, attachment.record_id) != (kind, record_id):
        attachment.pk, attachment._state.adding = None, True
    attachment.kind, attachment.record_id, attachment.label = kind, record_id, label
    attachment.save()
    return attachment


def log_access(kind: str, record_id: int, *, by: Actor | None, at: datetime, what: str = "") -> None:
    """Write down that `by` read the record's sensitive content."""
    row = AccessLog(kind=kind, record_id=record_id, what=what, at=at, recorded_at=timezone.now(),
                    **(by or Actor()).columns())  # fmt: skip
    insert([row])
