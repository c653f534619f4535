"""What machines send back on a case, doubles, and mails that turn out to be none of the desk's."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.db.models import F

from kyoten.consultations.actions import answering, intake
from kyoten.consultations.actions.handling import check_seat, locked
from kyoten.consultations.models import KIND, Consultation, Message
from kyoten.organisations.models import Seat
from kyoten.post import sorting
from kyoten.post.models import InboundMail, OutboundMail
from kyoten.records.actions import record
from kyoten.records.models import Refused
from kyoten.rules.wareki import wareki

UNDELIVERED = "届きませんでした。"


@transaction.atomic
def attach_report(mail: InboundMail, *, at: datetime) -> None:
    """自動応答・不達通知: noted on the case it is about. Nobody is answered; an answer that came back reopens its case."""
    claimed = InboundMail.objects.filter(pk=mail.pk, sort="")
    if not claimed.update(sort="auto"):
        return
    case = intake.living(mail.answers.about_id)
    if case is None:
        return
    message = intake.message_of(mail, mail.reply_text or mail.text, "")
    message.kind = "auto"
    intake.add_message(case, message)
    said = "不達通知" if mail.machine == "bounce" else "自動応答"
    record("report", f"{said}を受信", kind=KIND, record_id=case.pk, by=None, at=at, note=mail.sender)
    if mail.machine == "bounce" and OutboundMail.objects.filter(pk=mail.answers_id, state="failed").exists():
        mark_undelivered(mail.answers, at=at)


def undelivered(at: datetime) -> int:
    """Failed deliveries of answers and 照会, whoever reported them: each is shown at its case. Returns how many."""
    failed = OutboundMail.objects.filter(state="failed", about_kind=KIND)
    about = dict(failed.order_by().values_list("pk", "about_id"))
    if not about:
        return 0
    cases = Consultation.objects.filter(pk__in=set(about.values()))
    merged = set(cases.exclude(merged_into=None).values_list("merged_into", flat=True))  # their messages moved along
    said = Message.objects.filter(consultation__in=set(about.values()) | merged, kind__in=("out", "asked"), way="mail")
    waiting = list(said.filter(mail_id__in=about).exclude(warning=UNDELIVERED).values_list("mail_id", flat=True))
    for mail in failed.filter(pk__in=waiting).order_by("pk"):
        mark_undelivered(mail, at=at)
    return len(waiting)


@transaction.atomic
def mark_undelivered(mail: OutboundMail, *, at: datetime) -> None:
    """未達: an answer reopens its case; a 照会 that did not arrive is pointed out on it."""
    about = Message.objects.filter(mail_id=mail.pk, kind__in=("out", "asked"), way="mail")
    message = about.exclude(warning=UNDELIVERED).first()
    if message is None:
        return
    mail.about_id = message.consultation_id  # where it is now: the case may have been merged into another
    if answering.reopen_undelivered(mail, at=at):
        return
    about.update(warning=UNDELIVERED)
    warning = f"{mail.to} へのメールが届きませんでした。宛先を確かめて、電話などで連絡してください。"
    Consultation.objects.filter(pk=mail.about_id).update(warning=warning[:300], version=F("version") + 1)
    record("undelivered", "メールが届かず", kind=KIND, record_id=mail.about_id, by=None, at=at, note=mail.to)


@transaction.atomic
def note_double(mail: InboundMail, first: InboundMail, *, at: datetime) -> bool:
    """重複: the same message once more. It is one case; the message says that it came twice."""
    if not sorting.mark_double(mail, first, at):
        return False
    message = Message.objects.filter(mail_id=first.pk, kind__in=("in", "heard")).first()
    if message:
        came = f"重複：同じメールが{wareki(mail.received_at.date())}にも届いています。"
        Message.objects.filter(pk=message.pk).update(warning=came)
        record("double", "同じメールを再度受信", kind=KIND, record_id=message.consultation_id, by=None, at=at,
               note=mail.sender)  # fmt: skip
    return True


@transaction.atomic
def move_away(mail: InboundMail, sort: str, *, by: Seat, at: datetime) -> None:
    """振り分けの変更（相談 → 申込・その他）: the case is closed as 取下げ, never counted, and its mail goes to the other pile.

    Refused where the desk has begun to answer, or where more was said than that mail.
    """
    message = Message.objects.select_related("consultation").filter(mail_id=mail.pk, kind="in").first()
    if message is None:
        raise Refused(sorting.MOVED)
    case = locked(message.consultation)
    check_seat(case, by)
    if case.state not in ("received", "assigned") or case.messages.exclude(pk=message.pk).exclude(kind="note").exists():
        raise Refused("この相談では、すでにやりとりが始まっています。相談の画面で「取下げ」などの処理をしてください。")
    sorting.give_back(mail, sort)
    said = dict(InboundMail.SORTS)[sort]
    Message.objects.filter(pk=message.pk).update(mail_id=None, warning=f"このメールは「{said}」へ移しました。")
    Consultation.objects.filter(pk=case.pk).update(
        state="withdrawn", sorted_away=True, closed_at=at, version=F("version") + 1
    )
    record("move_away", f"相談ではなく{said}のメールとして取下げ", kind=KIND, record_id=case.pk, by=by.actor(), at=at)
