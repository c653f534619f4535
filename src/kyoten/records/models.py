"""What happened to a record: chained events, seals over them, files by content, and who read what."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from django.db import models
from django.db.models import F, Q

from kyoten.records import chain, files


class Refused(Exception):
    """An act was refused. str() is one Japanese sentence telling the officer what to do; views show it."""


@dataclass(frozen=True)
class Actor:
    """Who acted, with the names of that day: an old 経過 keeps them when sections are renamed."""

    seat_id: int | None = None
    person: str = ""
    section: str = ""
    organisation: str = ""
    organisation_id: int | None = None
    section_id: int | None = None

    def columns(self) -> dict[str, Any]:
        return asdict(self)


class ActorColumns(models.Model):
    """The snapshot of an Actor as columns. Ids and names only: nothing here points upwards."""

    seat_id = models.BigIntegerField(null=True)
    person = models.CharField(max_length=200, blank=True)
    section = models.CharField(max_length=200, blank=True)
    organisation = models.CharField(max_length=200, blank=True)
    organisation_id = models.BigIntegerField(null=True)
    section_id = models.BigIntegerField(null=True)

    class Meta:
        abstract = True

    @property
    def actor(self) -> Actor:
        return Actor(*(getattr(self, name) for name in Actor.__dataclass_fields__))


class Head(models.Model):
    """The newest event of one record. Its row is the lock under which events are appended."""

    kind = models.CharField(max_length=40)
    record_id = models.BigIntegerField()
    seq = models.PositiveIntegerField(default=0)
    digest = models.CharField(max_length=64, default=chain.START)
    sealed_seq = models.PositiveIntegerField(default=0)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["kind", "record_id"], name="one_head_per_record")]
        indexes = [models.Index(fields=["id"], name="head_unsealed", condition=Q(seq__gt=F("sealed_seq")))]

    def __str__(self) -> str:
        return f"{self.kind} {self.record_id}"


class EventQuerySet(models.QuerySet):
    def of(self, kind: str, record_id: int) -> EventQuerySet:
        """経過 of one record, oldest first, with its notes."""
        return self.filter(head__kind=kind, head__record_id=record_id).select_related("note_row").order_by("seq")


class Event(ActorColumns):
    """One official act on one record, written once and never changed; `digest` binds it to the one before."""

    head = models.ForeignKey(Head, models.PROTECT, related_name="events")
    seq = models.PositiveIntegerField()
    act = models.CharField(max_length=60)
    title = models.CharField(max_length=500)
    at = models.DateTimeField()
    recorded_at = models.DateTimeField()
    facts_text = models.TextField(blank=True)
    note_digest = models.CharField(max_length=64, blank=True)
    previous = models.CharField(max_length=64)
    digest = models.CharField(max_length=64)

    objects = EventQuerySet.as_manager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["head", "seq"], name="one_event_per_place")]
        indexes = [models.Index(fields=["organisation_id", "at"], name="event_by_organisation")]

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d %H:%M} {self.title}"

    @property
    def facts(self) -> dict[str, Any]:
        return json.loads(self.facts_text or "{}")

    @property
    def note(self) -> str:
        """The personal text written beside the act; empty once it was erased."""
        row = getattr(self, "note_row", None)
        return row.text if row else ""

    @property
    def note_erased(self) -> bool:
        row = getattr(self, "note_row", None)
        return bool(row and row.erased_at)


class EventNote(models.Model):
    """Personal text of an event in a row of its own: erasing it leaves the chain whole (only its digest is chained)."""

    event = models.OneToOneField(Event, models.PROTECT, related_name="note_row")
    text = models.TextField(blank=True)
    salt = models.CharField(max_length=64, blank=True)
    erased_at = models.DateTimeField(null=True)


class Seal(models.Model):
    """All heads that moved since the last seal, bound to it: removing a whole record is found as well."""

    number = models.PositiveIntegerField(unique=True)
    at = models.DateTimeField()
    heads_text = models.TextField()  # one line each: kind, record id, seq, digest
    previous = models.CharField(max_length=64)
    digest = models.CharField(max_length=64, unique=True)


class AttachmentQuerySet(models.QuerySet):
    def of(self, kind: str, record_id: int, label: str | None = None) -> AttachmentQuerySet:
        """The files of one record, oldest first; `label` narrows to one purpose (e.g. "original")."""
        found = self.filter(kind=kind, record_id=record_id).order_by("id")
        return found if label is None else found.filter(label=label)


class Attachment(ActorColumns):
    """A file in one use. The bytes lie once under their sha256, however often the same file comes in."""

    sha256 = models.CharField(max_length=64, db_index=True)
    size = models.PositiveBigIntegerField()
    name = models.CharField(max_length=255)
    content_type = models.CharField(max_length=100)
    kind = models.CharField(max_length=40, blank=True)
    record_id = models.BigIntegerField(null=True)
    label = models.CharField(max_length=40, blank=True)
    at = models.DateTimeField()

    objects = AttachmentQuerySet.as_manager()

    class Meta:
        indexes = [models.Index(fields=["kind", "record_id"], name="attachment_of_record")]

    def __str__(self) -> str:
        return self.name

    @property
    def path(self) -> Path:
        return files.path_of(self.sha256)

    def read(self) -> bytes:
        """The bytes; raises FileNotFoundError where the store has lost them."""
        return self.path.read_bytes()


class AccessLog(ActorColumns):
    """Who read sensitive content when. Not chained: reads are many, and they change nothing."""

    kind = models.CharField(max_length=40)
    record_id = models.BigIntegerField()
    what = models.CharField(max_length=60, blank=True)
    at = models.DateTimeField()
    recorded_at = models.DateTimeField()

    class Meta:
        indexes = [
            models.Index(fields=["kind", "record_id", "at"], name="access_to_record"),
            models.Index(fields=["seat_id", "at"], name="access_by_seat"),
        ]
