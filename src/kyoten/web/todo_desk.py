"""What home shows of the desks: the work of the 受信箱 in a few lines, each leading to its list."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from django.db.models import Count, Min, Q
from django.urls import reverse

from kyoten.consultations.models import Callback, Consultation, Draft, Referral
from kyoten.organisations.models import Seat


def lines(seat: Seat, at: datetime) -> Iterator[dict]:
    """Title, where it leads, note, due, state and act of each line; nothing for a body without a desk's work."""
    list_url = reverse("consultations:list")
    rows = Consultation.objects.visible_to(seat).open()
    mine, free = Q(owner=seat), Q(owner=None)
    counted = rows.aggregate(
        mine=Count("pk", filter=mine), free=Count("pk", filter=free), late=Count("pk", filter=(mine | free) & Q(due__lt=at)),
        first_mine=Min("due", filter=mine), first_free=Min("due", filter=free),
    )  # fmt: skip
    late = f"（期限超過 {counted['late']}件）" if counted["late"] else ""
    kind = "stop" if counted["late"] else "go"
    if counted["mine"]:
        yield _line(
            "担当している相談",
            f"{list_url}?view=mine",
            counted["first_mine"],
            (f"{counted['mine']}件{late}", kind),
            "対応する",
        )
    if counted["free"]:
        yield _line(
            "担当の決まっていない相談",
            f"{list_url}?view=free",
            counted["first_free"],
            (f"{counted['free']}件", "warn"),
            "担当を決める",
        )
    waiting = Draft.objects.filter(state="awaiting", consultation__operator=seat.organisation)
    if number := waiting.exclude(written_by__person=seat.person_id).count():
        yield _line("承認待ちの回答案", f"{list_url}?view=approving", None, (f"{number}件", "warn"), "確かめる")
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
