"""What the apps have due regularly; the worker calls each of these again and again, with the moment it is."""

from __future__ import annotations

from datetime import datetime

from django.contrib.sessions.models import Session
from django.utils import timezone

from kyoten.consultations.actions.attached import read_attached
from kyoten.consultations.actions.returning import undelivered
from kyoten.consultations.models import KIND as CONSULTATION
from kyoten.inquiries.actions import KIND as ADDRESSEE
from kyoten.inquiries.actions import take_replies as take_answers
from kyoten.organisations.actions.addresses import take_bounces, take_replies
from kyoten.post.actions import need_attention
from kyoten.post.models import InboundMail
from kyoten.post.sorting import unsorted
from kyoten.web.sorting import sort_read


def answers_by_mail(at: datetime) -> None:
    """Replies to an inquiry's mail become answers, or 要確認."""
    take_answers(at=at)


def confirmations_by_mail(at: datetime) -> None:
    """Replies to the confirmation of the address list."""
    take_replies(at)


def other_answers_by_mail(at: datetime) -> None:
    """Answers to any other mail (a result, a 補正依頼) go to the section that sent it: none may lie unseen."""
    for mail in InboundMail.objects.replies().exclude(answers__about_kind__in=(ADDRESSEE, "address", CONSULTATION)):
        need_attention(mail, f"「{mail.answers.subject}」への返信です。内容を確認してください。")


def sorted_mail(at: datetime) -> None:
    """The one mailbox of desk and call is sorted: 相談 becomes a case, 申込 and その他 wait for a person."""
    sort_read(unsorted()[:SORTED_AT_ONCE], at=at)


def undelivered_answers(at: datetime) -> None:
    """An answer of the desk that did not arrive reopens its case."""
    undelivered(at)


def texts_of_files(at: datetime) -> None:
    """What stands in the files that came with a mail becomes findable."""
    read_attached()


def bounced_addresses(at: datetime) -> None:
    """Addresses to which mail came back go to the to-mend list."""
    take_bounces()


def ended_sessions(at: datetime) -> None:
    """Sessions whose time is over, in real time. Looking first: an idle worker takes no write lock."""
    over = Session.objects.filter(expire_date__lt=timezone.now())
    if over.exists():
        over.delete()


SORTED_AT_ONCE = 200

rounds = [
    answers_by_mail,
    confirmations_by_mail,
    sorted_mail,
    other_answers_by_mail,
    undelivered_answers,
    texts_of_files,
    bounced_addresses,
    ended_sessions,
]
