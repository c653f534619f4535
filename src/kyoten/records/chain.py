"""The texts that are hashed. Kept apart from the models: their form may never change once rows exist."""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime
from typing import Any

START = "0" * 64  # what the first event of a record, and the first seal, have before them

ACTOR = ("seat_id", "person", "section", "organisation", "organisation_id", "section_id")


def sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def moment(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="microseconds")


def facts_text(facts: dict[str, Any]) -> str:
    """Facts as the text that is stored and hashed verbatim; never re-serialised (jsonb would reorder the keys)."""
    return json.dumps(facts, ensure_ascii=False, sort_keys=True, default=str) if facts else ""


def note_digest(salt: str, text: str) -> str:
    """Salted, so that an erased short note cannot be guessed from its digest."""
    return sha256(f"{salt}\n{text}")


def event_digest(kind: str, record_id: int, event: Any) -> str:
    """sha256 over every column of an event and the digest of the one before."""
    columns = [getattr(event, name) for name in ACTOR]
    parts = [kind, record_id, event.seq, event.act, event.title, moment(event.at), moment(event.recorded_at)]
    parts += [*columns, event.facts_text, event.note_digest, event.previous]
    return sha256(json.dumps(parts, ensure_ascii=False))


def head_line(kind: str, record_id: int, seq: int, digest: str) -> str:
    return f"{kind} {record_id} {seq} {digest}"


def seal_digest(number: int, at: datetime, heads_text: str, previous: str) -> str:
    return sha256("\n".join([str(number), moment(at), previous, heads_text]))
