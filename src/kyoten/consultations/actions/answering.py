"""回答: a draft, the approval of a second person, and one answer, by mail or said on the telephone."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.db.models import F, Value
from django.db.models.functions import Coalesce

from kyoten.consultations import searching
from kyoten.consultations.actions.handling import CHANGED, check_living, check_seat, locked
from kyoten.consultations.desks import Desk
from kyoten.consultations.models import KIND, Consultation, Draft, Message
from kyoten.organisations.models import Seat
from kyoten.post.actions import is_address, send
from kyoten.post.models import InboundMail, OutboundMail
from kyoten.records.actions import record
from kyoten.records.models import Refused
from kyoten.rules.text import clean, clean_line


@transaction.atomic
def save_draft(case: Consultation, *, subject: str, text: str, version: int | None, by: Seat, at: datetime) -> Draft:
    """回答案の保存. `version` is that of the draft the page showed (None: there was none): nothing is overwritten."""
    check_seat(case, by)
    case = locked(case)
    check_living(case)
    draft = case.drafts.filter(state__in=Draft.OPEN).first()
    if (draft.version if draft else None) != version:
        raise Refused(CHANGED)
    if draft and draft.state == "awaiting":
        raise Refused("承認待ちの回答案は書き換えられません。差し戻してもらってから直してください。")
    if not text.strip():
        raise Refused("回答の内容を入力してください。")
    values = {"subject": clean_line(subject)[:500] or f"Re: {case.subject}"[:500], "text": clean(text),
              "written_by": by, "written_at": at, "state": "writing"}  # fmt: skip
    if draft is None:
        draft = Draft.objects.create(consultation=case, **values)
    else:
        Draft.objects.filter(pk=draft.pk).update(**values, version=F("version") + 1)
        draft.refresh_from_db()
    if case.state in ("received", "assigned", "referring", "answered"):
        Consultation.objects.filter(pk=case.pk).update(state="drafted", owner=case.owner or by)
    record("draft", "回答案を保存", kind=KIND, record_id=case.pk, by=by.actor(), at=at)
    return draft


@transaction.atomic
def ask_approval(draft: Draft, *, by: Seat, at: datetime) -> None:
    """承認の依頼"""
    check_seat(draft.consultation, by)
    locked(draft.consultation)
    changed = Draft.objects.filter(pk=draft.pk, version=draft.version, state__in=("writing", "returned"))
    if not changed.update(state="awaiting", remark=""):
        raise Refused(CHANGED)
    Consultation.objects.filter(pk=draft.consultation_id).update(state="approving")
    record("ask_approval", "承認を依頼", kind=KIND, record_id=draft.consultation_id, by=by.actor(), at=at)


@transaction.atomic
def send_back(draft: Draft, remark: str, *, by: Seat, at: datetime) -> None:
    """差戻し: with the reason, to who wrote it."""
    check_seat(draft.consultation, by)
    locked(draft.consultation)
    if not remark.strip():
        raise Refused("差し戻す理由を入力してください。")
    if not Draft.objects.filter(pk=draft.pk, state="awaiting").update(state="returned", remark=clean(remark)):
        raise Refused(CHANGED)
    Consultation.objects.filter(pk=draft.consultation_id).update(state="drafted")
    record("send_back", "回答案を差戻し", kind=KIND, record_id=draft.consultation_id, by=by.actor(), at=at, note=remark)


@transaction.atomic
def answer(draft: Draft, desk: Desk, *, by_phone: str = "", by: Seat, at: datetime) -> Message:
    """回答: approved by a second person where the desk asks for one, then sent once, or recorded as said (`by_phone`).

    The row lock of the case and the guarded UPDATE of the draft make two officers' answers one.
    """
    check_seat(draft.consultation, by)
    case = locked(draft.consultation)
    check_living(case)
    seen, draft = draft.version, Draft.objects.select_related("written_by").get(pk=draft.pk)
    _may_answer(draft, desk, by)
    if not by_phone and not is_address(case.email):
        raise Refused("相談者のメールアドレスがありません。アドレスを入力するか、電話で回答した記録にしてください。")
    state = "awaiting" if desk.rules.approval else "writing"
    changed = Draft.objects.filter(pk=draft.pk, version=seen, state=state)
    said_by = "phone" if by_phone else ""
    if not changed.update(state="sent", approved_by=by, approved_at=at, sent_at=at, said_by=said_by):
        raise Refused("この回答案は、すでに回答されたか、書き換えられています。画面を開き直して確かめてください。")
    message = _said(case, draft, by_phone, by, at) if by_phone else _mailed(case, draft, desk, by, at)
    Consultation.objects.filter(pk=case.pk).update(
        state="answered", answered_at=at, first_answered_at=Coalesce("first_answered_at", Value(at)), latest_at=at,
        version=F("version") + 1,
    )  # fmt: skip
    how = "電話で回答" if by_phone else "メールで回答"
    record("answer", f"{how}（{'承認 ' if desk.rules.approval else ''}{by.person.name}）", kind=KIND, record_id=case.pk,
           by=by.actor(), at=at, facts={"draft": draft.pk})  # fmt: skip
    searching.index(case.pk)
    return message


def _may_answer(draft: Draft, desk: Desk, by: Seat) -> None:
    if not desk.rules.approval:
        return
    if draft.state != "awaiting":
        raise Refused("承認を依頼してから回答してください。")
    if draft.written_by.person_id == by.person_id:
        raise Refused("承認は、回答案を書いた人とは別の人が行います。")


def _said(case: Consultation, draft: Draft, heard_by: str, by: Seat, at: datetime) -> Message:
    return Message.objects.create(
        consultation=case, kind="out", way="phone", at=at, who=clean_line(heard_by)[:400], subject=draft.subject,
        text=draft.text,
    )  # fmt: skip


def _mailed(case: Consultation, draft: Draft, desk: Desk, by: Seat, at: datetime) -> Message:
    asked = case.messages.filter(kind="in", way="mail", mail_id__isnull=False).last()
    answered = InboundMail.objects.filter(pk=asked.mail_id).first() if asked else None
    [mail] = send(
        to=[case.email],
        subject=draft.subject,
        text=f"{draft.text}\n\n{desk.definition.contact.name}\n受付番号　{case.number}",
        at=at,
        key=f"answer:{draft.pk}",
        by=by.actor(),
        section_id=case.section_id,
        about=(KIND, case.pk),
        in_reply_to=answered.message_id if answered else "",
        from_name=desk.definition.contact.name,
    )
    return Message.objects.create(
        consultation=case, kind="out", way="mail", at=at, who=case.email, subject=draft.subject, text=draft.text,
        mail_id=mail.pk,
    )  # fmt: skip


@transaction.atomic
def reopen_undelivered(mail: OutboundMail, *, at: datetime) -> bool:
    """未達: an answer that did not arrive reopens its case. True where it did so now."""
    case = Consultation.objects.select_for_update(no_key=True).filter(pk=mail.about_id).first()
    answer_of = Message.objects.filter(consultation=case, kind="out", way="mail", mail_id=mail.pk) if case else None
    if case is None or not answer_of.exists() or case.state not in ("answered", "closed"):
        return False
    lost = answer_of.get()
    answer_of.update(warning="届きませんでした。")
    Consultation.objects.filter(pk=case.pk, first_answered_at=lost.at).update(first_answered_at=None)
    state = "assigned" if case.owner_id else "received"
    Consultation.objects.filter(pk=case.pk).update(
        state=state, warning="回答のメールが届きませんでした。宛先を確かめて、もう一度回答してください。",
        closed_at=None, reopened=F("reopened") + 1, version=F("version") + 1,
    )  # fmt: skip
    record("undelivered", "回答のメールが届かず、再開", kind=KIND, record_id=case.pk, by=None, at=at, note=mail.to)
    return True
