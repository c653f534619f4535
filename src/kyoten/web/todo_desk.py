"""What home shows of the desks: the work of the 受信箱 in a few lines, each leading to its list."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from django.db.models import Count, Min, Q
from django.urls import reverse

from kyoten.consultations.models import Callback, Consultation, Draft, Referral
from kyoten.organisations.models import Seat

OWN = (
    ("mine", "担当している相談", "go", "対応する"),
    ("free", "担当の決まっていない相談", "warn", "担当を決める"),
)


def lines(seat: Seat, at: datetime) -> Iterator[dict]:
    """Title, where it leads, note, due, state and act of each line; nothing for a body without a desk's work."""
    list_url = reverse("consultations:list")
    rows = Consultation.objects.visible_to(seat).open()
    mine, free, late = Q(owner=seat), Q(owner=None), Q(due__lt=at)
    counted = rows.aggregate(
        mine=Count("pk", filter=mine), mine_late=Count("pk", filter=mine & late), mine_due=Min("due", filter=mine),
        free=Count("pk", filter=free), free_late=Count("pk", filter=free & late), free_due=Min("due", filter=free),
    )  # fmt: skip
    for name, title, quiet, act in OWN:
        if number := counted[name]:
            overdue = counted[f"{name}_late"]
            words = f"{number}件" + (f"（期限超過 {overdue}件）" if overdue else "")
            state = (words, "stop" if overdue else quiet)
            yield _line(title, f"{list_url}?view={name}", counted[f"{name}_due"], state, act)
    waiting = Draft.objects.filter(state="awaiting", consultation__operator=seat.organisation)
    waiting = waiting.exclude(written_by__person=seat.person_id)
    found = waiting.aggregate(n=Count("pk"), due=Min("consultation__due"))
    if found["n"]:
        state = (f"{found['n']}件", "warn")
        yield _line("承認待ちの回答案", f"{list_url}?view=approving", found["due"], state, "確かめる")
    promised = Callback.objects.filter(done_at=None, consultation__operator=seat.organisation)
    found = promised.filter(Q(owner=seat) | Q(owner=None)).aggregate(n=Count("pk"), first=Min("at"))
    if found["n"]:
        state = (f"{found['n']}件", "stop" if found["first"] <= at else "go")
        yield _line("折り返し予定", list_url, found["first"], state, "電話する")


def asked(seat: Seat) -> Iterator[tuple[str, str, str, datetime | None]]:
    """照会 of the desk that wait for somebody else: title, address, to whom, due."""
    rows = Referral.objects.filter(answered_at=None, consultation__operator=seat.organisation)
    rows = rows.exclude(consultation__state__in=("closed", "withdrawn", "merged")).select_related("consultation")
    for row in rows.order_by("due", "pk")[:50]:
        yield row.consultation.subject, reverse("consultations:case", args=[row.consultation_id]), row.to_name, row.due


def _line(title: str, url: str, due: datetime | None, state: tuple[str, str], act: str) -> dict:
    return {"title": title, "url": url, "note": "相談窓口", "due": due, "state": state, "act": act}
