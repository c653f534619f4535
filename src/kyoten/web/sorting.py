"""Sorting the one mailbox of desk and call: 相談 becomes a case at once, 申込 and その他 wait for a person."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager, suppress
from datetime import datetime

from django.conf import settings

from kyoten.calls.models import Call
from kyoten.consultations.actions import intake, returning
from kyoten.consultations.actions.bulk import take_mails
from kyoten.consultations.desks import Desk, addressed, desk_of, desks
from kyoten.consultations.models import KIND, Consultation
from kyoten.organisations.models import Seat
from kyoten.post import threads
from kyoten.post.actions import need_attention
from kyoten.post.inbox import UNKNOWN_CASE
from kyoten.post.models import InboundMail
from kyoten.post.sorting import place
from kyoten.records.models import Refused
from kyoten.rules.desk import sort_mail

log = logging.getLogger(__name__)

FAILED = "このメールは自動では受け付けられませんでした。内容を確認し、相談へ移すか、別に処理してください。"


def sort_read(mails: Iterable[InboundMail], *, at: datetime) -> None:
    """Sort mails that were read."""
    if mails := list(mails):
        Sorter(at).sort(mails)


def settled(ids: Collection[int]) -> Counter[str]:
    """How many of these mails went where (desk, call, other, auto, reply, double, attention), whoever sorted them: a
    worker at the same mailbox may have been first."""
    found = Counter[str]()
    rows = InboundMail.objects.filter(pk__in=ids).order_by().values_list("state", "sort", "machine", "double_of")
    for state, sort, machine, double_of in rows:
        if double_of:
            found["double"] += 1
        elif state == "attention":
            found[sort or "attention"] += 1
        elif sort == "desk":
            found["desk"] += 1
        else:
            found["auto" if machine in ("auto", "bounce") else "reply"] += 1
    return found


class Sorter:
    """What one round of sorting knows: the desks, and for whom a call is open."""

    def __init__(self, at: datetime, own: list[Desk] | None = None) -> None:
        # `own`: handed in by a body, for its own desks: nobody else's gets any of it
        self.at, self.desks = at, desks() if own is None else own
        self.applying = set(Call.objects.filter(announced_at=None).values_list("organiser__organisation", flat=True))

    def sort(self, mails: list[InboundMail]) -> None:
        links = threads.links(mails)
        for_desks: dict[str, list[InboundMail]] = {}
        doubles: list[tuple[InboundMail, InboundMail]] = []
        for mail in mails:
            with _guarded(mail):
                if mail.pk in links.shared and _unplaced(mail) and (first := threads.first_of(mail)):
                    doubles.append((mail, first))
                elif desk := self.one(mail):
                    for_desks.setdefault(desk.slug, []).append(mail)
        for slug, group in for_desks.items():
            desk = desk_of(slug, self.desks)
            assert desk is not None
            self.take(group, desk, links)
        for mail, first in doubles:
            with _guarded(mail):
                returning.note_double(mail, first, at=self.at)

    def one(self, mail: InboundMail) -> Desk | None:
        """Settle a mail alone; the desk where it is for one to take."""
        if mail.answers and mail.answers.about_kind == KIND and not mail.sort:
            if mail.machine in ("bounce", "auto"):
                returning.attach_report(mail, at=self.at)
                return None
            if mail.state == "new":
                return self.of_case(mail)
        if not _unplaced(mail):
            return None
        desk, sort = self.proposed(mail)
        if sort == "desk":
            return desk
        place([mail], sort, desk.operator.pk if desk and desk.operator.kind != "secretariat" else None)
        return None

    def proposed(self, mail: InboundMail) -> tuple[Desk | None, str]:
        desk = addressed(self.desks, mail.recipients.splitlines(), mail.received_at)
        if (
            mail.machine in ("auto", "list")
            or mail.sender.casefold() in _ourselves()
            or not mail.text.strip()
            and not mail.subject
            and not mail.attachment_names
        ):
            return desk, "other"
        applying = desk.operator.pk in self.applying if desk else bool(self.applying)
        names = mail.attachment_names.splitlines()
        return desk, sort_mail(desk.rules if desk else None, mail.subject, mail.text, names, applying)

    def of_case(self, mail: InboundMail) -> Desk | None:
        """The desk of the case our mail was about."""
        programme = Consultation.objects.filter(pk=mail.answers.about_id).values_list("programme", flat=True).first()
        desk = desk_of(programme, self.desks) if programme else None
        if desk is None:
            need_attention(mail, FAILED)
        return desk

    def take(self, mails: list[InboundMail], desk: Desk, links: threads.Links) -> None:
        """All together; where that fails, one by one, so that one bad mail stops no other."""
        try:
            take_mails(mails, desk, at=self.at, links=links)
        except Exception:
            log.exception("%s mails could not be taken together", len(mails))
            for mail in mails:
                with _guarded(mail), suppress(Refused):  # refused: it was taken already
                    intake.take_mail(mail, desk, at=self.at)
        InboundMail.objects.filter(pk__in=[mail.pk for mail in mails], state="taken", sort="").update(sort="desk")


@contextmanager
def _guarded(mail: InboundMail) -> Iterator[None]:
    """Whatever goes wrong with one mail, it becomes 要確認, and the next has its turn."""
    try:
        yield
    except Exception:
        log.exception("inbound mail %s could not be sorted or taken", mail.pk)
        need_attention(mail, FAILED)


def _ourselves() -> set[str]:
    """Our own addresses: what comes from them is no question (a copy to ourselves, or somebody who pretends)."""
    known = (settings.MAIL["sender"], settings.MAILBOX.get("address", ""), settings.MAILBOX.get("user", ""))
    return {address.casefold() for address in known if "@" in address}


def _unplaced(mail: InboundMail) -> bool:
    return mail.state == "attention" and not mail.sort and not mail.answers_id and mail.problem == UNKNOWN_CASE


def operators_of(seat: Seat) -> list[int | None]:
    """Whose unsorted mail this seat sees: the organiser's, and that of its own desks."""
    own: list[int | None] = [seat.organisation.pk] if desks(seat.organisation) else []
    return [None, *own] if seat.organisation.kind == "secretariat" else own
