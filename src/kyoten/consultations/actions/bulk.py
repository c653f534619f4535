"""受付 of many mails at once: the same cases as one by one, in a tenth of the statements."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from itertools import groupby

from django.db import transaction
from django.db.models import F

from kyoten.consultations import searching
from kyoten.consultations.actions import intake
from kyoten.consultations.desks import Desk
from kyoten.consultations.models import KIND, Consultation, Message
from kyoten.consultations.models import Sequence as Numbers
from kyoten.post import threads
from kyoten.post.bulk import update_many
from kyoten.post.locked import may_be_pairs
from kyoten.post.models import InboundMail
from kyoten.records.actions import record_many
from kyoten.records.models import Refused
from kyoten.records.rows import insert


def take_mails(mails: Sequence[InboundMail], desk: Desk, *, at: datetime, links: threads.Links | None = None) -> None:
    """受付 of mails of one desk, in their order; those another worker was first with are left to it.

    Of a thread, one mail after the other; those that answer a mail of ours or tell a password go alone. `links`: how they
    hang together, where that is known already.
    """
    links = threads.links(mails) if links is None else links
    alone = {mail.pk for mail in mails if mail.answers_id} | may_be_pairs(mails)
    if free := [mail for mail in mails if mail.pk not in links.related | alone]:
        _take_together(free, desk, at=at)
    hanging = [mail for mail in mails if mail.pk in links.related | alone]
    for single, group in groupby(hanging, key=lambda mail: mail.pk in alone):
        if single:
            _take_each(group, desk, at=at)
            continue
        for wave in threads.waves(list(group), links):
            _take_wave(wave, desk, links, at=at)


def _take_wave(mails: Sequence[InboundMail], desk: Desk, links: threads.Links, *, at: datetime) -> None:
    """Mails none of which hangs on another: what belongs to a case joins it, the others are new cases."""
    cases = threads.taken_with(mails, links, KIND)
    if joining := [mail for mail in mails if mail.pk in cases]:
        _take_each(_join_together(joining, cases, desk, at=at), desk, at=at)
    if new := [mail for mail in mails if mail.pk not in cases]:
        _take_together(new, desk, at=at)


def _take_each(mails: Iterable[InboundMail], desk: Desk, *, at: datetime) -> None:
    for mail in mails:
        with suppress(Refused):
            intake.take_mail(mail, desk, at=at)


def _locked(mails: Sequence[InboundMail]) -> list[InboundMail]:
    """Of these, what nobody has taken, with its rows locked, so that of two workers one gets each mail."""
    free = InboundMail.objects.select_for_update().filter(pk__in=[mail.pk for mail in mails]).exclude(state="taken")
    wanted = set(free.order_by("pk").values_list("pk", flat=True))
    return [mail for mail in mails if mail.pk in wanted]


@transaction.atomic
def _take_together(mails: Sequence[InboundMail], desk: Desk, *, at: datetime) -> None:
    """New cases."""
    mails = _locked(mails)
    if not mails:
        return
    section, last = desk.section(at), _numbers(desk, len(mails))
    known = intake.sections_at(mail.sender for mail in mails)
    told = [intake.from_mail(mail, desk, "", known.get(mail.sender.casefold())) for mail in mails]
    cases = insert(
        intake.new_case(desk, what, section=section, number=f"{desk.rules.number}-{n:04d}")
        for n, what in enumerate(told, last - len(mails) + 1)
    )
    messages = [intake.message_of(mail, mail.text, "") for mail in mails]
    _keep(mails, cases, messages, at)
    searching.put_new(cases, messages, [mail.attachment_names for mail in mails])
    replied = intake.reply_outside(zip(cases, mails, strict=True), desk, at=at)
    record_many([*map(intake.received, cases), *replied], by=intake.SYSTEM, at=at)


@transaction.atomic
def _join_together(
    mails: Sequence[InboundMail], wanted: Mapping[int, int], desk: Desk, *, at: datetime
) -> list[InboundMail]:
    """More messages of cases under way. Returns the mails whose case is finished, merged or another desk's."""
    mails = _locked(mails)
    rows = Consultation.objects.select_for_update().filter(pk__in={wanted[mail.pk] for mail in mails})
    known = {case.pk: case for case in rows.filter(programme=desk.slug).open().order_by("pk")}
    joining = [mail for mail in mails if wanted[mail.pk] in known]
    if joining:
        cases = [known[wanted[mail.pk]] for mail in joining]
        messages = [intake.message_of(mail, intake.said_in(mail), "") for mail in joining]
        _keep(joining, cases, messages, at)
        for case, message in zip(cases, messages, strict=True):
            case.latest_at = max(case.latest_at, message.at)
            case.personal = intake.speaks_of_people(case, desk, f"{message.subject}\n{message.text}")
        Consultation.objects.bulk_update(known.values(), ["latest_at", "personal"])
        searching.index(*known)
        record_many([intake.heard_of(mail, case) for mail, case in zip(joining, cases, strict=True)],
                    by=intake.SYSTEM, at=at)  # fmt: skip
    return [mail for mail in mails if wanted[mail.pk] not in known]


def _keep(
    mails: Sequence[InboundMail], cases: Sequence[Consultation], messages: Sequence[Message], at: datetime
) -> None:
    """The mails are taken, each with the message it became in its case."""
    for case, message in zip(cases, messages, strict=True):
        message.consultation = case
    taken = [(mail.pk, {"taken_id": case.pk}) for mail, case in zip(mails, cases, strict=True)]
    update_many(taken, {"state": "taken", "sort": "desk", "taken_at": at, "taken_kind": KIND})
    insert(messages)


def _numbers(desk: Desk, count: int) -> int:
    """The last of `count` 受付番号 in a row; the row stays locked until the cases are committed."""
    first = intake.number_for(desk)
    Numbers.objects.filter(programme=desk.slug).update(last=F("last") + count - 1)
    return int(first.rpartition("-")[2]) + count - 1
