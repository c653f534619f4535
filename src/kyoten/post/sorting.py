"""Piles of the one mailbox: 相談, 申込, その他, and what is not sorted yet. Who sorts is composed above."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from django.db.models import Q, QuerySet

from kyoten.post.inbox import UNKNOWN_CASE
from kyoten.post.models import InboundMail
from kyoten.records.models import Refused

PILES = ("call", "other")
REASONS = {
    "call": "申込とみられるメールです。添付の申込書を代行入力するか、相談であれば相談へ移してください。",
    "other": "相談でも申込でもないとみられるメールです。内容を確認し、確認済みにするか、相談へ移してください。",
}
# Machines are known by signs that people's mail may bear too: without a case to stand on, a person looks at it.
AUTO = "自動応答とみられますが、どのメールへの応答か分かりません。確認済みにするか、人からの相談であれば相談へ移してください。"
MOVED = "このメールは、すでにほかの方が処理しています。一覧を開き直して確認してください。"


def unsorted() -> QuerySet[InboundMail]:
    """Read and not yet sorted, oldest first: what answers nothing we know of, what answers a mail about a
    consultation, and the reports of machines about one."""
    unplaced = Q(state="attention", answers=None, problem=UNKNOWN_CASE)
    replies = Q(state="new", answers__about_kind="consultation")
    reports = Q(state="taken", answers__about_kind="consultation", machine__in=("bounce", "auto"))
    rows = InboundMail.objects.filter(unplaced | replies | reports, sort="").exclude(parsed_at=None)
    return rows.select_related("answers", "original").order_by("id")


def pile(sort: str, operators: Iterable[int | None]) -> QuerySet[InboundMail]:
    """What waits in one pile for these bodies (None: the organiser's), oldest first."""
    return InboundMail.objects.waiting(operators).filter(sort=sort)


def place(mails: Iterable[InboundMail], sort: str, operator_id: int | None) -> int:
    """Put unsorted mails on a pile. Those another worker has taken meanwhile stay where they are."""
    mails = list(mails)
    rows = InboundMail.objects.filter(pk__in=[mail.pk for mail in mails], state="attention", sort="")
    automatic = rows.filter(machine="auto").update(sort=sort, operator_id=operator_id, problem=AUTO)
    return automatic + rows.update(sort=sort, operator_id=operator_id, problem=REASONS[sort])


def move(mail: InboundMail, sort: str) -> None:
    """Another pile for a mail that waits in one, in the transaction of the act. Refused where it is gone from there."""
    rows = InboundMail.objects.filter(pk=mail.pk, state="attention", sort=mail.sort)
    if not rows.update(sort=sort, problem=REASONS[sort]):
        raise Refused(MOVED)


def give_back(mail: InboundMail, sort: str) -> None:
    """A mail that a record had taken goes back to a pile, in the transaction of the act."""
    rows = InboundMail.objects.filter(pk=mail.pk, state="taken", taken_kind=mail.taken_kind, taken_id=mail.taken_id)
    if not rows.update(
        state="attention", sort=sort, problem=REASONS[sort], taken_at=None, taken_kind="", taken_id=None
    ):
        raise Refused(MOVED)


def mark_double(mail: InboundMail, first: InboundMail, at: datetime) -> bool:
    """重複: the same message came before; this copy goes where the first one went. False where it was taken already."""
    first = InboundMail.objects.get(pk=first.pk)
    rows = InboundMail.objects.filter(pk=mail.pk, state="attention", sort="")
    return bool(rows.update(
        state="taken", taken_at=at, taken_kind=first.taken_kind, taken_id=first.taken_id, double_of=first,
        sort=first.sort or "other", problem="",
    ))  # fmt: skip
