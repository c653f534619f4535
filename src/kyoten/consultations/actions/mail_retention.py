"""相談にならなかったメールの保存期間: what the mailbox brought and no case took (その他, 広告, 自動応答, 重複).

Such a mail goes as many years after the fiscal year it came in as the desk it was written to keeps its cases
(`desk.retention`); where no desk says so, as the instance does (`keep_years` of `[mailbox]`); where neither does, never.
What waits for a person, what a case or another record took, and what answers a mail of ours is not touched: it goes
with its record. The events of the mail stay, without their notes, and the digest of its bytes.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, datetime

from django.conf import settings
from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet

from kyoten.consultations.desks import Desk, addressed, desks
from kyoten.consultations.models import INBOUND, Message
from kyoten.post.forgetting import forget
from kyoten.post.models import InboundMail
from kyoten.records.actions import Entry, erase_note, record_many
from kyoten.records.models import AccessLog, Actor, Attachment, Event
from kyoten.records.sweeping import remove_unused
from kyoten.rules.clock import local
from kyoten.rules.wareki import fiscal_year

KIND = "inbound_mail"  # the record kind
TIME_OVER = "保存期間の満了"
BATCH = 100  # mails in one transaction


def keep_until(mail: InboundMail, among: Sequence[Desk]) -> date | None:
    """保存期間の最終日 of a mail; None: no end is set."""
    years = _years(mail, among)
    return None if years is None else date(fiscal_year(local(mail.received_at).date()) + 1 + years, 3, 31)


def _years(mail: InboundMail, among: Sequence[Desk]) -> int | None:
    own = [desk for desk in among if desk.operator.pk == mail.operator_id] or list(among)
    desk = addressed(own, mail.recipients.splitlines(), mail.received_at)
    if desk and desk.rules.retention:
        return desk.rules.retention.years
    return settings.MAILBOX.get("keep_years")


def retain_mails(*, at: datetime, by: Actor | None = None, dry_run: bool = False) -> int:
    """保存期間の満了: delete the mails that are due. Returns how many. Safe to run again, or to be killed at any point."""
    due = list(_due(at))
    if dry_run:
        return len(due)
    return sum(_delete(due[start : start + BATCH], by, at) for start in range(0, len(due), BATCH))


def _due(at: datetime) -> Iterator[int]:
    among, today = desks(), local(at).date()
    rows = settled().only("received_at", "recipients", "operator_id")
    for mail in rows.order_by("pk").iterator(chunk_size=1000):
        last = keep_until(mail, among)
        if last and today > last:
            yield mail.pk


def settled() -> QuerySet[InboundMail]:
    """Nobody has to look at them any more, and no record is made of them."""
    rows = InboundMail.objects.filter(state="taken", taken_kind="", answers=None)
    return rows.exclude(Exists(Message.objects.filter(mail_id=OuterRef("pk"), kind__in=INBOUND)))


def _delete(mails: Sequence[int], by: Actor | None, at: datetime) -> int:
    with transaction.atomic():
        rows = settled().select_for_update(of=("self",)).filter(pk__in=mails).order_by("pk")
        originals = dict(rows.values_list("pk", "original_id"))
        for event in Event.objects.filter(head__kind=KIND, head__record_id__in=originals).exclude(note_row=None):
            if not event.note_erased:
                erase_note(event, by=by, at=at)
        record_many([Entry("delete", f"消去（{TIME_OVER}）", KIND, pk) for pk in originals], by=by, at=at)
        AccessLog.objects.filter(kind=KIND, record_id__in=originals).delete()
        forget(originals.keys(), at)
        files = Attachment.objects.filter(pk__in=originals.values())
        digests = list(files.values_list("sha256", flat=True))
        files.delete()
        transaction.on_commit(lambda: remove_unused(digests))
    return len(originals)
