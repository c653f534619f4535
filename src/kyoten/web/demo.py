"""デモ環境: a made-up world at the documents' own dates. The clock of a request is shifted; sessions, codes,
leases and recorded_at keep real time."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.conf import settings
from django.utils import timezone

from kyoten.rules.clock import JST
from kyoten.web.models import DemoClock

START = datetime(2025, 6, 25, 9, 0, tzinfo=JST)  # the day the notice of seed 000 is dated
MOMENTS = [
    (datetime(2025, 6, 25, 9, 0, tzinfo=JST), "公募の開始（6月25日）"),
    (datetime(2025, 6, 27, 10, 0, tzinfo=JST), "県から市町村への照会（6月27日）"),
    (datetime(2025, 7, 14, 10, 0, tzinfo=JST), "市町村での検討（7月14日）"),
    (datetime(2025, 7, 24, 16, 0, tzinfo=JST), "県への提出期限の日（7月24日）"),
    (datetime(2025, 7, 29, 10, 0, tzinfo=JST), "県でのとりまとめ（7月29日）"),
    (datetime(2025, 7, 31, 23, 50, tzinfo=JST), "申込締切の10分前（7月31日）"),
    (datetime(2025, 8, 1, 9, 0, tzinfo=JST), "締切の翌日・事務局での確認（8月1日）"),
    (datetime(2025, 8, 14, 10, 0, tzinfo=JST), "選定結果の通知期限（8月14日）"),
]


def shift() -> timedelta:
    row = DemoClock.objects.order_by("pk").first()
    return row.shift if row else timedelta(0)


def shifted(real: datetime) -> datetime:
    return real + shift()


def now() -> datetime:
    """The moment it is in this instance: the demo's clock in demo mode, real time elsewhere."""
    real = timezone.now()
    return timezone.localtime(shifted(real) if settings.DEMO else real)


def set_clock(to: datetime) -> None:
    DemoClock.objects.update_or_create(pk=1, defaults={"shift": to - timezone.now()})


def accounts() -> list[dict[str, str]]:
    """The accounts offered on the login page, in the order of the tour."""
    from kyoten.web.world import ACCOUNTS

    return ACCOUNTS if settings.DEMO else []
