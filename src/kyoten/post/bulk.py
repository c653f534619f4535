"""Many mails at once: stored in one transaction, read in one, each still on disk before its row is committed.

A batch is only a faster way: whatever goes wrong with one goes back to one by one, so that no mail stops another.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Mapping, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Any

from django.db import IntegrityError, connection, transaction
from django.db.models import F
from django.utils import timezone

from kyoten.post import inbox, threads
from kyoten.post.actions import receive
from kyoten.post.arrival import arrived_at
from kyoten.post.models import ForgottenMail, InboundMail, OutboundMail
from kyoten.post.msg import is_msg
from kyoten.post.parse import Parsed, parse
from kyoten.records import files
from kyoten.records.models import Actor, Attachment
from kyoten.records.rows import insert

WRITERS = 8  # files on their way to the disk at once

log = logging.getLogger(__name__)


class Arriving:
    """Mails on their way to the disk from the moment this is made: a disk is slower than we are, and meanwhile the
    mails before them are read. Threads, because each file waits for the disk three times."""

    def __init__(self, raws: Sequence[bytes], writers: Executor) -> None:
        self.count = len(raws)
        by_digest = {hashlib.sha256(raw).hexdigest(): raw for raw in raws}
        self.fresh = _fresh(by_digest)  # what was received once may have been deleted on purpose: it is not kept again
        self.written = [writers.submit(files.put, raw) for raw in self.fresh.values()]

    def received(self, *, source: str, at: datetime) -> tuple[list[InboundMail], int]:
        """See receive_many."""
        fresh = _fresh(self.fresh)  # those before them may have been the same
        try:
            for each in self.written:
                each.result()
            made = _insert(fresh, source, at)
        except (IntegrityError, OSError):  # another worker was first with one of them, or the disk is full
            made = [receive(raw, source=source, at=arrived_at(raw, at)) for raw in fresh.values()]
        return made, self.count - len(fresh)


def receive_many(raws: Sequence[bytes], *, source: str, at: datetime) -> tuple[list[InboundMail], int]:
    """Keep mails as they came, a microsecond after the other, durable on return: (the new ones, how many were known
    byte for byte). `at` counts as their arrival where they do not say it themselves.

    Raises Refused where the disk is full: what was not kept is not in the result, nor in the database.
    """
    with ThreadPoolExecutor(WRITERS) as writers:
        return Arriving(raws, writers).received(source=source, at=at)


def _fresh(by_digest: dict[str, bytes]) -> dict[str, bytes]:
    here, gone = (
        model.objects.filter(sha256__in=by_digest).order_by().values_list("sha256", flat=True)
        for model in (InboundMail, ForgottenMail)  # what was deleted when its time was over does not come back
    )
    known = set(here.union(gone))
    return {digest: raw for digest, raw in by_digest.items() if digest not in known}


def _insert(fresh: dict[str, bytes], source: str, at: datetime) -> list[InboundMail]:
    now, nobody = timezone.now(), Actor().columns()
    with transaction.atomic():
        originals = insert(
            Attachment(sha256=digest, size=len(raw), name=f"{digest[:12]}.{'msg' if is_msg(raw) else 'eml'}",
                       content_type="application/octet-stream", label="original", at=at, **nobody)
            for digest, raw in fresh.items()
        )  # fmt: skip
        return insert(
            InboundMail(
                sha256=original.sha256,
                original=original,
                source=source,
                recorded_at=now,
                received_at=arrived_at(fresh[original.sha256], at) + timedelta(microseconds=n),
            )
            for n, original in enumerate(originals)
        )


def read_many(mails: Sequence[InboundMail], at: datetime, raws: Mapping[str, bytes] | None = None) -> list[InboundMail]:
    """Read mails that were only stored so far; the rows as they are then. One that was begun before goes alone: it may
    be the one that ended us. `raws`: their bytes by digest, of those just stored."""
    together = [mail for mail in mails if not mail.tries and not mail.parsed_at]
    pks = [mail.pk for mail in together]
    InboundMail.objects.filter(pk__in=pks).update(tries=F("tries") + 1)  # committed before anything is read
    kept: dict[int, InboundMail] = {}
    try:
        known = raws or {}
        kept = _keep_many([(mail, parse(known.get(mail.sha256) or mail.original.read())) for mail in together], at)
    except Exception:  # noqa: BLE001 - whatever it was, one by one it stops one
        log.info("a batch of %s mails is read one by one", len(together))
        InboundMail.objects.filter(pk__in=pks, parsed_at=None).update(tries=F("tries") - 1)
    others = [mail.pk for mail in mails if mail.pk not in kept]
    if not others:
        return list(kept.values())
    for mail in InboundMail.objects.filter(pk__in=others, parsed_at=None).order_by("pk"):
        inbox.read(mail, at)
    rows = InboundMail.objects.filter(pk__in=others).select_related("original", "answers")
    return [row for _, row in sorted((kept | {row.pk: row for row in rows}).items())]


def _keep_many(read: Sequence[tuple[InboundMail, Parsed]], at: datetime) -> dict[int, InboundMail]:
    """By id, the mails as they are now; without those another worker was first with."""
    tokens = {token for _, parsed in read for token in parsed.tokens}
    sent = {mail.token: mail for mail in OutboundMail.objects.filter(token__in=tokens)} if tokens else {}
    answered = {mail.pk: next((sent[token] for token in parsed.tokens if token in sent), None) for mail, parsed in read}
    rows = {
        mail.pk: inbox.values(parsed) | inbox.state_of(parsed, answered[mail.pk], at, mail.problem) | {
            "parsed_at": at, "answers_id": answered[mail.pk].pk if answered[mail.pk] else None
        }
        for mail, parsed in read
    }  # fmt: skip
    with transaction.atomic():
        free = InboundMail.objects.select_for_update().filter(pk__in=list(rows), parsed_at=None)
        wanted = set(free.order_by("pk").values_list("pk", flat=True))
        update_many([(pk, row) for pk, row in rows.items() if pk in wanted], {})
        kept = [(mail, parsed) for mail, parsed in read if mail.pk in wanted]
        insert(row for mail, parsed in kept for row in threads.ids_of(mail.pk, parsed))
        for mail, parsed in kept:
            if answered[mail.pk] and parsed.failed:
                inbox.bounce(answered[mail.pk], parsed, at)
    for mail, _ in kept:
        vars(mail).update(rows[mail.pk], tries=mail.tries + 1)
        mail.answers = answered[mail.pk]
    return {mail.pk: mail for mail, _ in sorted(kept, key=lambda pair: pair[0].pk)}


def update_many(rows: Sequence[tuple[int, Mapping[str, Any]]], shared: Mapping[str, Any]) -> None:
    """Change many mails, each to values of its own: one statement per set of columns, run many times. What the ORM
    offers builds a statement for each, or one CASE … WHEN of all, at ten times the cost."""
    groups: dict[tuple[str, ...], list[list[Any]]] = {}
    for pk, row in rows:
        row = {**shared, **row}
        names = tuple(sorted(row))
        groups.setdefault(names, []).append([*(_stored(row[name]) for name in names), pk])
    with connection.cursor() as cursor:
        for names, parameters in groups.items():
            sets = ", ".join(f'"{InboundMail._meta.get_field(name).column}" = %s' for name in names)
            cursor.executemany(f'UPDATE "{InboundMail._meta.db_table}" SET {sets} WHERE "id" = %s', parameters)


def _stored(value: Any) -> Any:
    return connection.ops.adapt_datetimefield_value(value) if isinstance(value, datetime) else value
