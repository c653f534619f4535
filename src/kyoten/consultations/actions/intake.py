"""受付: a mail, a telephone call or a web form becomes a case, or joins the one it belongs to."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import F
from django.db.models.functions import Lower

from kyoten.consultations import searching
from kyoten.consultations.desks import Desk
from kyoten.consultations.models import KIND, Consultation, Mark, Message, Referral, ids_text
from kyoten.consultations.models import Sequence as Numbers
from kyoten.consultations.personal import speaks_of_people
from kyoten.organisations.models import Organisation, Seat, Section
from kyoten.post import locked, threads
from kyoten.post.actions import send, take
from kyoten.post.models import InboundMail, OutboundMail
from kyoten.records.actions import Entry, record, record_many
from kyoten.records.models import Refused
from kyoten.rules import desk as desk_rules
from kyoten.rules.text import clean, clean_line

SYSTEM = None  # by=None: nobody, the system itself
ONE_REPLY_A_DAY = timedelta(hours=24)  # the backstop of automatic mail, per sender
FORWARD = re.compile(r"\s*(\[[^\]]{1,20}\]\s*)?(fwd?|転送)\s*[:：]", re.I)
STRANGER = "この案件の番号を引用していますが、差出人が違います。差出人を確かめてください。"


@dataclass(frozen=True)
class Caller:
    """Who asks, as far as it is known."""

    body: str = ""
    person: str = ""
    phone: str = ""
    email: str = ""
    organisation: Organisation | None = None
    asker: str = ""


@dataclass(frozen=True)
class Incoming:
    """What comes in, by whatever way."""

    way: str
    subject: str
    text: str
    caller: Caller
    at: datetime
    mail_id: int | None = None
    marks: dict[str, Sequence[str]] = field(default_factory=dict)
    urgent: bool = False
    warning: str = ""
    owner: Seat | None = None
    minutes: int = 0


def number_for(desk: Desk) -> str:
    """The next 受付番号. The row is locked by its UPDATE until the case it is for is committed."""
    if not Numbers.objects.filter(programme=desk.slug).update(last=F("last") + 1):
        Numbers.objects.bulk_create([Numbers(programme=desk.slug)], ignore_conflicts=True)
        Numbers.objects.filter(programme=desk.slug).update(last=F("last") + 1)
    last = Numbers.objects.values_list("last", flat=True).get(programme=desk.slug)
    return f"{desk.rules.number}-{last:04d}"


def open_case(desk: Desk, what: Incoming, *, by: Seat | None, at: datetime) -> Consultation:
    """受付: inside the transaction of the act that brings it."""
    case = new_case(desk, what, section=desk.section(at), number=number_for(desk))
    case.save()
    Mark.objects.bulk_create(
        Mark(consultation=case, kind=kind, value=value) for kind, values in what.marks.items() for value in values
    )
    entry = received(case)
    record(entry.act, entry.title, kind=KIND, record_id=case.pk, by=by.actor() if by else SYSTEM, at=at,
           facts=entry.facts)  # fmt: skip
    return case


def received(case: Consultation) -> Entry:
    """What stands in the 経過 of a case first."""
    said = f"{Consultation.Way(case.way).label}で受付（{case.number}）"
    return Entry("receive", said, KIND, case.pk, facts={"number": case.number, "way": case.way})


def new_case(desk: Desk, what: Incoming, *, section: Section, number: str) -> Consultation:
    """The row of a case, not yet saved."""
    timing = desk_rules.timing(desk.rules, what.at)
    purpose = desk.rules.purpose
    case = Consultation(
        programme=desk.slug,
        operator=desk.operator,
        section=section,
        fiscal_year=desk.definition.fiscal_year,
        number=number,
        state="assigned" if what.owner else "received",
        way=what.way,
        received_at=what.at,
        clock_at=timing.clock_at,
        due=timing.due,
        latest_at=what.at,
        subject=clean_line(what.subject)[:500] or "（件名なし）",
        text=clean(what.text),
        body_name=clean_line(what.caller.body)[:200],
        person_name=clean_line(what.caller.person)[:100],
        phone=clean_line(what.caller.phone)[:60],
        email=what.caller.email[:320],
        organisation=what.caller.organisation,
        asker=what.caller.asker,
        urgent=what.urgent,
        minutes=what.minutes,
        purpose_text=purpose.text,
        purposes_text=ids_text(use.id for use in purpose.uses),
        owner=what.owner,
        warning=what.warning[:300],
    )
    case.personal = speaks_of_people(case, desk, f"{case.subject}\n{case.text}")
    return case


def add_message(case: Consultation, message: Message) -> Message:
    message.consultation = case
    message.save()
    Consultation.objects.filter(pk=case.pk, latest_at__lt=message.at).update(latest_at=message.at)
    searching.index(case.pk)
    return message


@transaction.atomic
def take_mail(mail: InboundMail, desk: Desk, *, at: datetime) -> Consultation:
    """メールの受付: a new case, or one more message of the case it answers. Refused where another worker was first."""
    case, warning = case_of(mail, desk)
    take(mail, kind=KIND, record_id=case.pk if case else None, at=at)
    if case is None:
        known = sections_at([mail.sender]).get(mail.sender.casefold())
        case = open_case(desk, from_mail(mail, desk, warning, known), by=SYSTEM, at=at)
        InboundMail.objects.filter(pk=mail.pk).update(taken_id=case.pk)
        add_message(case, message_of(mail, mail.text, warning))
        record_many(reply_outside([(case, mail)], desk, at=at), by=SYSTEM, at=at)
        return case
    if referral_of(mail, case):
        hear(mail, case, at=at)
        return case
    message = add_message(case, message_of(mail, said_in(mail), warning))
    if speaks_of_people(case, desk, f"{message.subject}\n{message.text}"):
        Consultation.objects.filter(pk=case.pk).update(personal=True)
    entry = heard_of(mail, case)
    if not case.is_open:
        entry = replace(entry, title="メールを受信し、再開")
        reopen(case, mail.received_at, desk)
    record_many([entry], by=SYSTEM, at=at)
    return case


def heard_of(mail: InboundMail, case: Consultation) -> Entry:
    """What stands in the 経過 of a case that one more mail came for."""
    return Entry("mail", "メールを受信", KIND, case.pk, note=mail.sender)


def referral_of(mail: InboundMail, case: Consultation) -> Referral | None:
    """The 照会 that a mail answers, where it answers one."""
    key = mail.answers.key if mail.answers else ""
    pk = key.removeprefix("referral:")
    asked = case.referrals.filter(pk=pk).first() if key.startswith("referral:") and pk.isdecimal() else None
    return asked if asked and mail.sender.casefold() != case.email.casefold() else None


def hear(mail: InboundMail, case: Consultation, *, at: datetime) -> None:
    """照会への回答: what another body or an adviser says on our question. It is no contact of the asker's."""
    referral = referral_of(mail, case)
    message = message_of(mail, said_in(mail), "")
    message.kind = "heard"
    add_message(case, message)
    case.referrals.filter(pk=referral.pk, answered_at=None).update(answered_at=mail.received_at)
    if not case.referrals.filter(answered_at=None).exists():
        state = "assigned" if case.owner_id else "received"
        Consultation.objects.filter(pk=case.pk, state="referring").update(state=state, version=F("version") + 1)
    record("heard", "照会への回答", kind=KIND, record_id=case.pk, by=SYSTEM, at=at, note=referral.to_name)


def reopen(case: Consultation, arrived_at: datetime, desk: Desk) -> None:
    """A follow-up on an answered case: the clock starts again, and the first question's stays for the figures."""
    timing = desk_rules.timing(desk.rules, arrived_at)
    open_again(case, timing.clock_at, timing.due)


def open_again(case: Consultation, clock_at: datetime | None, due: datetime | None) -> None:
    """Back to the inbox with this clock, if it is not there."""
    state = "assigned" if case.owner_id else "received"
    rows = Consultation.objects.filter(pk=case.pk).exclude(state__in=Consultation.OPEN)
    rows.filter(first_clock_at=None).exclude(first_answered_at=None).update(
        first_clock_at=F("clock_at"), first_due=F("due")
    )
    rows.update(
        state=state, clock_at=clock_at, due=due, reopened=F("reopened") + 1, closed_at=None,
        sorted_away=False,
    )  # fmt: skip


def said_in(mail: InboundMail) -> str:
    """What a follow-up says, without our mail below it; of a mail passed on all of it, for that is what it is about."""
    return mail.text if FORWARD.match(mail.subject) else mail.reply_text or mail.text


def message_of(mail: InboundMail, text: str, warning: str) -> Message:
    who = f"{mail.sender_name} <{mail.sender}>" if mail.sender_name else mail.sender
    return Message(kind="in", way="mail", at=mail.received_at, who=who[:400], subject=mail.subject, text=text,
                   mail_id=mail.pk, warning=warning or (locked.WARNING if mail.locked else ""))  # fmt: skip


def from_mail(mail: InboundMail, desk: Desk, warning: str, known: Section | None = None) -> Incoming:
    """What a mail says. `known`: the section whose address the sender's is."""
    told = desk_rules.told(desk.rules, mail.text)
    caller = Caller(
        body=told.body or (known.organisation.name if known else ""),
        person=told.person or mail.sender_name,
        phone=told.phone,
        email=mail.sender or told.email,
        organisation=known.organisation if known else None,
        asker=_asker(desk, known.organisation.kind if known else ""),
    )
    return Incoming(way="mail", subject=mail.subject, text=told.text or mail.text, caller=caller, at=mail.received_at,
                    mail_id=mail.pk, warning=warning)  # fmt: skip


def sections_at(addresses: Iterable[str]) -> dict[str, Section]:
    """By address, the section that has it; one query for many."""
    wanted = {address.casefold() for address in addresses if address}
    rows = Section.objects.annotate(address=Lower("email")).filter(address__in=wanted).select_related("organisation")
    return {row.address: row for row in rows.order_by("-pk")}


def _asker(desk: Desk, kind: str) -> str:
    """An organisation's kind is the asker's, where the desk's list has one of that name."""
    return kind if kind in {item.id for item in desk.rules.askers} else ""


def case_of(mail: InboundMail, desk: Desk) -> tuple[Consultation | None, str]:
    """The case a mail belongs to, and what an officer should know about it.

    A signed token of ours counts only from somebody who is part of the case: a stranger who quotes it opens a new
    case, with a warning. Without a token, In-Reply-To and References count within the same sender.
    """
    if mail.answers and mail.answers.about_kind == KIND:
        case = living(mail.answers.about_id)
        if case and _takes_part(case, mail.sender, mail.answers):
            return case, ""
        return None, f"{case.number}　{STRANGER}" if case else ""
    if case := _by_references(mail, desk):
        return case, ""
    return _with_its_password(mail, desk)


def _with_its_password(mail: InboundMail, desk: Desk) -> tuple[Consultation | None, str]:
    """PPAP: a locked file and the mail with its password stand together, whichever came first."""
    other = locked.partner(mail, taken_kind=KIND, taken_id__isnull=False)
    case = living(other.taken_id) if other else None
    if case is None or case.programme != desk.slug:
        return None, ""
    Message.objects.filter(consultation=case, mail_id=other.pk, kind="in").update(warning=locked.PAIR)
    return case, locked.PAIR


def living(pk: int | None) -> Consultation | None:
    """The case, or the one it was merged into."""
    case = Consultation.objects.filter(pk=pk).first()
    while case is not None and case.merged_into_id:
        case = Consultation.objects.get(pk=case.merged_into_id)
    return case


def _takes_part(case: Consultation, sender: str, answered: OutboundMail) -> bool:
    """Who was written to, or somebody of the same mail domain's section: the address the case knows, exactly."""
    known = {case.email.casefold(), answered.to.casefold()}
    return sender.casefold() in known


def _by_references(mail: InboundMail, desk: Desk) -> Consultation | None:
    """A thread without a token of ours: earlier mails of this sender that it names, or that named it."""
    taken = {"taken_kind": KIND, "taken_id__isnull": False}
    found = threads.earlier(mail).filter(**taken).order_by("-pk").first()
    found = found or threads.later(mail).filter(**taken).order_by("pk").first()
    case = living(found.taken_id) if found else None
    return case if case and case.programme == desk.slug else None


def reply_outside(new: Iterable[tuple[Consultation, InboundMail]], desk: Desk, *, at: datetime) -> list[Entry]:
    """期間外の返事: one polite mail, automatic, at most one a day to one address, and never to a machine. Returns what is
    to be recorded of it."""
    asked = [
        (case, mail) for case, mail in new
        if desk.rules.outside and mail.sender and not mail.machine and desk_rules.outside(desk.rules, mail.received_at)
    ]  # fmt: skip
    told = _told_lately([mail.sender for _, mail in asked], at) if asked else set()
    entries = []
    for case, mail in asked:
        if mail.sender.casefold() in told:
            continue
        told.add(mail.sender.casefold())
        send(
            to=[mail.sender],
            subject=f"Re: {mail.subject}",
            text=f"{desk.rules.outside.text.strip()}\n\n受付番号　{case.number}\n\n{desk.definition.contact.name}",
            at=at,
            key=f"outside:{case.pk}",
            by=SYSTEM,
            section_id=case.section_id,
            about=(KIND, case.pk),
            in_reply_to=mail.message_id,
            from_name=desk.definition.contact.name,
            automatic=True,
        )
        entries.append(Entry("reply_outside", "実施期間の外であることを自動で返信", KIND, case.pk))
    return entries


def _told_lately(addresses: Iterable[str], at: datetime) -> set[str]:
    lately = OutboundMail.objects.filter(automatic=True, queued_at__gt=at - ONE_REPLY_A_DAY)
    wanted = {address.casefold() for address in addresses}
    return set(lately.annotate(low=Lower("to")).filter(low__in=wanted).values_list("low", flat=True))


@transaction.atomic
def take_call(desk: Desk, what: Incoming, *, by: Seat, at: datetime) -> Consultation:
    """電話・FAX・来所・訪問の受付: typed in by the officer who heard it."""
    if by.organisation != desk.operator or not by.may_act:
        raise Refused("この窓口で受け付けられるのは、窓口の担当だけです。")
    if not what.text.strip() and not what.subject.strip():
        raise Refused("件名か照会内容を入力してください。")
    if what.at > at:
        raise Refused("受付日時がいまより後になっています。日時を確かめてください。")
    case = open_case(desk, what, by=by, at=at)
    who = "　".join(filter(None, [case.body_name, case.person_name]))
    add_message(case, Message(kind="in", way=what.way, at=what.at, who=who, subject=case.subject, text=case.text))
    return case


@transaction.atomic
def take_web(desk: Desk, what: Incoming, *, at: datetime) -> Consultation:
    """Webフォームの受付: without login, where the desk's definition opens it."""
    if not desk.rules.web_form:
        raise Refused("この窓口では入力フォームを開いていません。メールか電話でお問い合わせください。")
    hour_ago = at - timedelta(hours=1)
    if Consultation.objects.filter(email=what.caller.email, way="web", received_at__gt=hour_ago).count() >= 10:
        raise Refused("短い時間に多くの相談が送られました。しばらく待ってから、もう一度送ってください。")
    same = Consultation.objects.filter(
        programme=desk.slug, email=what.caller.email, way="web", received_at__gt=hour_ago, text=clean(what.text)
    ).first()
    if same:
        return same  # the button pressed twice
    case = open_case(desk, what, by=SYSTEM, at=at)
    who = "　".join(filter(None, [case.body_name, case.person_name]))
    add_message(case, Message(kind="in", way="web", at=at, who=who, subject=case.subject, text=case.text))
    return case
