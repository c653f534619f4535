"""受付 of many mails at once: the same cases as one by one, in a tenth of the statements."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from contextlib import suppress
from datetime import datetime

from django.db import transaction
from django.db.models import F

from kyoten.consultations import searching
from kyoten.consultations.actions import intake
from kyoten.consultations.desks import Desk
from kyoten.consultations.models import KIND
from kyoten.consultations.models import Sequence as Numbers
from kyoten.post import threads
from kyoten.post.bulk import update_many
from kyoten.post.locked import may_have_partner
from kyoten.post.models import InboundMail
from kyoten.records.actions import record_many
from kyoten.records.models import Refused
from kyoten.records.rows import insert
from kyoten.rules import desk as desk_rules


def take_mails(
    mails: Sequence[InboundMail], desk: Desk, *, at: datetime, related: Collection[int] | None = None
) -> int:
    """受付 of mails of one desk, in their order. Returns how many were taken; those another worker was first with are
    left to it.

    Mails that belong to threads, answer a mail of ours or tell a password go one by one. `related`: those of threads,
    where that is known already.
    """
    related = threads.related(mails) if related is None else related
    alone = [mail for mail in mails if mail.answers_id or mail.pk in related or may_have_partner(mail)]
    single = {mail.pk for mail in alone}
    together = [mail for mail in mails if mail.pk not in single]
    count = _take_together(together, desk, at=at) if together else 0
    for mail in alone:
        with suppress(Refused):
            intake.take_mail(mail, desk, at=at)
            count += 1
    return count


@transaction.atomic
def _take_together(mails: Sequence[InboundMail], desk: Desk, *, at: datetime) -> int:
    """New cases. The rows are locked first, so that of two workers one gets each mail."""
    free = InboundMail.objects.select_for_update().filter(pk__in=[mail.pk for mail in mails]).exclude(state="taken")
    wanted = set(free.order_by("pk").values_list("pk", flat=True))
    mails = [mail for mail in mails if mail.pk in wanted]
    if not mails:
        return 0
    section, last = desk.section(at), _numbers(desk, len(mails))
    known = intake.sections_at(mail.sender for mail in mails)
    told = [intake.from_mail(mail, desk, "", known.get(mail.sender.casefold())) for mail in mails]
    cases = insert(
        intake.new_case(desk, what, section=section, number=f"{desk.rules.number}-{n:04d}")
        for n, what in enumerate(told, last - len(mails) + 1)
    )
    messages = [intake.message_of(mail, mail.text, "") for mail in mails]
    for case, message in zip(cases, messages, strict=True):
        message.consultation = case
    taken = [(mail.pk, {"taken_id": case.pk}) for mail, case in zip(mails, cases, strict=True)]
    update_many(taken, {"state": "taken", "sort": "desk", "taken_at": at, "taken_kind": KIND})
    insert(messages)
    searching.put_new(cases, messages, [mail.attachment_names for mail in mails])
    record_many([intake.received(case) for case in cases], by=intake.SYSTEM, at=at)
    for case, mail in zip(cases, mails, strict=True):
        if desk_rules.outside(desk.rules, mail.received_at):
            intake.reply_outside(case, mail, desk, at=at)
    return len(cases)


def _numbers(desk: Desk, count: int) -> int:
    """The last of `count` 受付番号 in a row; the row stays locked until the cases are committed."""
    first = intake.number_for(desk)
    Numbers.objects.filter(programme=desk.slug).update(last=F("last") + count - 1)
    return int(first.rpartition("-")[2]) + count - 1
