"""保存期間と消去: a case goes as a whole when its time is over, or because its caller asks; never while it is alive.

A family is a case and what was merged into it: they share messages, so they go together, in one transaction. What stays
is one Deletion each, with what the tables count, and the chained events without their notes.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import reduce
from operator import or_

from django.db import IntegrityError, transaction
from django.db.models import Q, QuerySet

from kyoten.consultations.actions.reading import of_caller, unspaced
from kyoten.consultations.desks import Desk, desks
from kyoten.consultations.figures import kept
from kyoten.consultations.models import (
    INBOUND,
    KIND,
    Callback,
    Consultation,
    Deletion,
    Draft,
    Example,
    Mark,
    Message,
    Referral,
)
from kyoten.consultations.searching import FILE_NAMES
from kyoten.organisations.models import Organisation, Seat
from kyoten.papers.listings import write_list
from kyoten.papers.tables import Table
from kyoten.post.forgetting import forget
from kyoten.post.models import Barrier, Enclosure, InboundMail, OutboundMail
from kyoten.records.actions import Entry, erase_note, record_many
from kyoten.records.models import AccessLog, Actor, Attachment, Event, Refused
from kyoten.records.sweeping import remove_unused, sweep
from kyoten.rules.clock import local
from kyoten.rules.text import clean_line
from kyoten.rules.wareki import wareki, wareki_moment
from kyoten.search.actions import remove_many

log = logging.getLogger(__name__)

TIME_OVER = "保存期間の満了"
ON_REQUEST = "本人からの求め"
USED = "ほかの記録から使われているため残しました。システムの管理者に連絡してください。"
GONE = "返信の元の相談は消去されています。内容を確認し、必要なら新しい相談として受け付けてください。"


@dataclass(frozen=True)
class Outcome:
    """One case of a run: deleted (or due, in a dry run), or kept with the reason."""

    number: str
    kept: str = ""


# ---- what is due ------------------------------------------------------------------------------


def keep_until(desk: Desk) -> date | None:
    """保存期間の最終日: the end of the programme's fiscal year, and so many years more. None: no end is set."""
    retention = desk.rules.retention
    return date(desk.definition.fiscal_year + 1 + retention.years, 3, 31) if retention else None


def is_over(desk: Desk, at: datetime) -> bool:
    last = keep_until(desk)
    return last is not None and local(at).date() > last


def retain(*, at: datetime, by: Actor | None = None, dry_run: bool = False) -> list[Outcome]:
    """保存期間の満了: delete what is due, one transaction a family. Safe to run again, or to be killed at any point."""
    outcomes = []
    for desk in desks():
        if is_over(desk, at):
            outcomes += [_retained(pk, desk, at, by, dry_run) for pk in _roots(desk)]
            if not dry_run:
                _forget_readings(desk)
    if not dry_run:
        sweep()
    return outcomes


def _roots(desk: Desk) -> list[int]:
    rows = Consultation.objects.filter(programme=desk.slug, operator=desk.operator, merged_into=None)
    return list(rows.order_by("pk").values_list("pk", flat=True))


def _retained(pk: int, desk: Desk, at: datetime, by: Actor | None, dry_run: bool) -> Outcome:
    root = Consultation.objects.filter(pk=pk).first()
    if root is None:
        return Outcome("", "別の処理がすでに消去しました。")
    try:
        if dry_run:
            check(root)
        else:
            delete_family(root, desk, TIME_OVER, by=by, at=at)
    except Refused as reason:
        return Outcome(root.number, str(reason))
    except IntegrityError:  # rolled back; the others are not kept waiting for it
        log.exception("case %s could not be deleted", root.number)
        return Outcome(root.number, USED)
    return Outcome(root.number)


def _forget_readings(desk: Desk) -> None:
    """The log of who read a case lasts as long as the desk's cases, however the case itself went."""
    gone = Deletion.objects.filter(programme=desk.slug).values("record_id")
    AccessLog.objects.filter(kind=KIND, record_id__in=gone).delete()


# ---- what keeps a case ------------------------------------------------------------------------


def check(root: Consultation) -> None:
    """Refused with the reason while anything of the family is open, unanswered, undelivered or unread."""
    reason = next(_reasons(_ids(root)), "")
    if reason:
        raise Refused(reason)


def _ids(root: Consultation) -> list[int]:
    return list(
        Consultation.objects.filter(Q(pk=root.pk) | Q(merged_into=root)).order_by("pk").values_list("pk", flat=True)
    )


def _reasons(ids: Sequence[int]) -> Iterator[str]:
    cases = Consultation.objects.filter(pk__in=ids)
    if cases.open().exists():
        yield "対応中のため残しました。"
    if cases.exclude(warning="").exists():
        yield "「確認が必要なこと」が残っているため残しました。"
    if Draft.objects.filter(consultation__in=ids, state__in=Draft.OPEN).exists():
        yield "送っていない回答案があるため残しました。"
    if Referral.objects.filter(consultation__in=ids, answered_at=None).exists():
        yield "回答の届いていない照会があるため残しました。"
    if Callback.objects.filter(consultation__in=ids, done_at=None).exists():
        yield "折り返し予定があるため残しました。"
    mails = _sent(ids)
    undelivered = Q(state__in=("queued", "sending")) | Q(state="failed", settled_at=None)
    if mails.filter(undelivered).exists():
        yield "届いていないメールがあるため残しました。"
    if InboundMail.objects.filter(answers__in=mails).exclude(state="taken").exists():
        yield "まだ処理していない返信のメールがあるため残しました。"


# ---- deleting ---------------------------------------------------------------------------------


def delete_family(root: Consultation, desk: Desk, reason: str, *, by: Actor | None, at: datetime) -> None:
    """消去: rows, mails, files and search entries of the case and of what was merged into it."""
    with transaction.atomic():
        # FOR UPDATE, not NO KEY: a message that is just arriving waits, and then finds no case to join.
        family = Consultation.objects.select_for_update().filter(Q(pk=root.pk) | Q(merged_into=root)).order_by("pk")
        cases = list(family)
        if not any(case.pk == root.pk for case in cases):
            raise Refused("この相談は、すでに消去されています。")
        check(root)
        _leave_traces(cases, desk, reason, by, at)
        digests = _delete_rows([case.pk for case in cases], at)
        transaction.on_commit(lambda: remove_unused(digests))


def _leave_traces(cases: Sequence[Consultation], desk: Desk, reason: str, by: Actor | None, at: datetime) -> None:
    Deletion.objects.bulk_create(
        Deletion(number=case.number, programme=case.programme, fiscal_year=case.fiscal_year, record_id=case.pk,
                 reason=reason[:300], deleted_at=at, figures_text=kept(case, desk, at))
        for case in cases
    )  # fmt: skip
    for case in cases:
        for event in Event.objects.of(KIND, case.pk).filter(note_row__erased_at=None, note_row__isnull=False):
            erase_note(event, by=by, at=at)
    record_many([Entry("delete", f"消去（{reason}）"[:500], KIND, case.pk) for case in cases], by=by, at=at)


def _delete_rows(ids: Sequence[int], at: datetime) -> list[str]:
    """Everything of these cases, upper rows first. Returns the digests of the files that lost a row."""
    came, sent = _came(ids), list(_sent(ids).values_list("pk", flat=True))
    files = set(_files(ids, came, sent))
    _delete_conversation(ids)
    _delete_mails(came, sent, at)
    rows = Attachment.objects.filter(pk__in=files)
    digests = list(rows.values_list("sha256", flat=True))
    rows.delete()
    Barrier.objects.filter(kind=KIND, record_id__in=ids).delete()
    remove_many(KIND, ids)
    Consultation.objects.filter(pk__in=ids).update(merged_into=None)
    Consultation.objects.filter(pk__in=ids).delete()
    return digests


def _sent(ids: Sequence[int]):
    return OutboundMail.objects.filter(about_kind=KIND, about_id__in=ids).order_by("pk")


def _came(ids: Sequence[int]) -> list[int]:
    """The mails that came in these cases and their doubles, without those whose message was moved to another case."""
    mine = Message.objects.filter(kind__in=INBOUND, mail_id__isnull=False)
    elsewhere = mine.exclude(consultation__in=ids).values("mail_id")
    taken = Q(taken_kind=KIND, taken_id__in=ids) | Q(pk__in=mine.filter(consultation__in=ids).values("mail_id"))
    found: set[int] = set()
    ours = InboundMail.objects.filter(taken, taken_kind__in=("", KIND))  # what another record took is that one's
    more = set(ours.exclude(pk__in=elsewhere).values_list("pk", flat=True))
    while more:
        found |= more
        more = set(InboundMail.objects.filter(double_of__in=more).values_list("pk", flat=True)) - found
    return sorted(found)


def _files(ids: Sequence[int], came: Sequence[int], sent: Sequence[int]) -> Iterator[int]:
    """Attachment rows of the cases: the mails as they came, their own, and what was enclosed in their mails alone."""
    yield from InboundMail.objects.filter(pk__in=came).values_list("original_id", flat=True)
    own = Q(kind=KIND, record_id__in=ids) | Q(
        kind="", pk__in=Enclosure.objects.filter(mail__in=sent).values("attachment")
    )
    elsewhere = Enclosure.objects.exclude(mail__in=sent).values("attachment")
    yield from Attachment.objects.filter(own).exclude(pk__in=elsewhere).values_list("pk", flat=True)


def _delete_conversation(ids: Sequence[int]) -> None:
    """A released 事例 is nobody's any more and stays; a proposal or a withdrawn one goes with its case."""
    examples = Example.objects.filter(consultation__in=ids)
    examples.filter(state="released").update(consultation=None)
    examples.exclude(state="released").delete()
    Message.objects.filter(moved_from__in=ids).update(moved_from=None)
    for model in (Message, Draft, Referral, Callback, Mark):
        model.objects.filter(consultation__in=ids).delete()


def _delete_mails(came: Sequence[int], sent: Sequence[int], at: datetime) -> None:
    forget(came, at)
    others = InboundMail.objects.filter(answers__in=sent)  # of a stranger who quoted us: another case's
    others.exclude(state="taken").update(state="attention", problem=GONE)  # came in this very moment
    others.update(answers=None)
    OutboundMail.objects.filter(resent_as__in=sent).update(resent_as=None)
    OutboundMail.objects.filter(pk__in=sent).delete()


# ---- one person's data ------------------------------------------------------------------------


def cases_of(who: str, operator: Organisation):
    """The cases of one caller at this body's desks, newest first."""
    return of_caller(clean_line(who), operator).order_by("-received_at", "-pk")


def naming(who: str, operator: Organisation, limit: int = 50) -> list[Consultation]:
    """Other cases whose words, or whose files', name this person: to be covered there (伏せる), not deleted.

    Whoever is asked for by mail address is looked for by the names of their cases too; blanks make no difference.
    """
    own = cases_of(who, operator)
    known = {clean_line(who), *(name for pair in own.values_list("person_name", "email") for name in pair)}
    names = sorted({bare for name in known if len(bare := "".join(name.split())) > 1})
    if not names:
        return []
    said = _with(names, Message.objects.filter(consultation__operator=operator), "subject", "text", "attached_text")
    asked = _with(names, Consultation.objects.of_body(operator.pk), "subject", "text")
    rows = Consultation.objects.of_body(operator.pk).filter(
        Q(pk__in=said.values("consultation")) | Q(pk__in=asked.values("pk"))
    )
    return list(rows.exclude(pk__in=own.values("pk")).order_by("-received_at", "-pk")[:limit])


def _with(names: Sequence[str], rows: QuerySet, *columns: str) -> QuerySet:
    """The rows where one of the names stands in one of the columns, blanks aside."""
    rows = rows.annotate(**{f"bare_{column}": unspaced(column) for column in columns})
    places = [Q(**{f"bare_{column}__icontains": name}) for column in columns for name in names]
    return rows.filter(reduce(or_, places)).order_by()


def disclose(who: str, kind: str, *, by: Seat, at: datetime) -> bytes:
    """本人の求めによる写し: everything kept of one caller, as PDF or Excel; recorded on each case."""
    cases = _asked_for(who, by)
    title = "本人の求めにより写しを作成"
    data = write_list(_copy(cases, at), "xlsx" if kind == "xlsx" else "pdf")
    with transaction.atomic():
        record_many([Entry("disclose", title, KIND, case.pk, {"file": kind}) for case in cases], by=by.actor(), at=at)
    return data


def _asked_for(who: str, by: Seat) -> list[Consultation]:
    if not by.is_manager:
        raise Refused("本人の求めに応じる操作ができるのは、窓口の「管理」の席だけです。")
    cases = list(cases_of(who, by.organisation))
    if not cases:
        raise Refused("この方の相談は見つかりません。メールアドレスか氏名を、登録のとおりに入力してください。")
    return cases


def _copy(cases: Sequence[Consultation], at: datetime) -> Table:
    rows: list[tuple[str, str, str, str]] = []
    for case in cases:
        told = [("機関", case.body_name), ("氏名", case.person_name), ("電話番号", case.phone), ("メール", case.email),
                ("件名", case.subject), ("利用目的", case.purpose_text), ("同意の記録", case.consent_text)]  # fmt: skip
        day = wareki_moment(local(case.received_at))
        rows += [(case.number, day, label, text) for label, text in told if text]
        said = case.messages.exclude(kind="note").annotate(files=FILE_NAMES)
        rows += [row for message in said for row in _said(case, message)]
    note = f"{wareki(local(at).date())}時点で窓口が保有する記録です。"
    return Table("相談の記録の写し", ("受付番号", "日時", "区分", "内容"), rows, note)


def _said(case: Consultation, message: Message) -> Iterator[tuple[str, str, str, str]]:
    """What was said, and the names of the files that came with it."""
    at = wareki_moment(local(message.at))
    yield case.number, at, message.get_kind_display(), message.text
    if message.files:
        yield case.number, at, "添付ファイル", message.files


def delete_on_request(who: str, document: str, *, by: Seat, at: datetime) -> list[Outcome]:
    """本人の求めによる消去: of every case of one caller that nothing keeps. `document` is the number of the request."""
    if not document.strip():
        raise Refused("求めを受け付けた文書の番号（または受付日）を入力してください。記録に残ります。")
    reason = f"{ON_REQUEST}（{clean_line(document)[:100]}）"
    return [_requested(case, reason, by, at) for case in _asked_for(who, by)]


def _requested(case: Consultation, reason: str, by: Seat, at: datetime) -> Outcome:
    if case.merged_into_id:
        return Outcome(case.number, "統合先の相談とともに消去されます。")
    desk = next(desk for desk in desks(by.organisation) if desk.slug == case.programme)
    try:
        delete_family(case, desk, reason, by=by.actor(), at=at)
    except Refused as refusal:
        return Outcome(case.number, str(refusal))
    return Outcome(case.number)
