"""デモ環境: a made-up world at the documents' own dates. The clock of a request is shifted; sessions, codes,
leases and recorded_at keep real time."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

from django.apps import apps
from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from kyoten.records.models import Attachment
from kyoten.records.statements import statement
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
# Not the demo's: what migrations made.
KEPT = {"contenttypes.ContentType", "auth.Permission"}


def shift() -> timedelta:
    rows = _shifts()
    return rows[0][0] if rows else timedelta(0)


@statement
def _shifts() -> QuerySet:
    return DemoClock.objects.order_by("pk").values_list("shift")[:1]


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


def reset() -> None:
    """Back to the first day, in one transaction: whoever reads meanwhile sees the old world or the new one."""
    from kyoten.web import world

    if not settings.DEMO:
        raise RuntimeError("only the demo may be reset")
    started = timezone.now()
    with transaction.atomic():
        _wipe()
        world.build(START)
        set_clock(START)
        transaction.on_commit(lambda: _sweep(started))


def _wipe() -> None:
    """Foreign keys are checked at the commit, so the order of the tables does not matter."""
    for model in apps.get_models(include_auto_created=True):
        if model._meta.label not in KEPT and model._meta.managed and not model._meta.proxy:
            rows = model._base_manager.all()
            rows._raw_delete(rows.db)


def _sweep(before: datetime) -> None:
    """Remove the files of the old world; what anybody stored meanwhile is newer and stays."""
    used = set(Attachment.objects.values_list("sha256", flat=True))
    for path in Path(settings.FILES).glob("??/??/*"):
        if path.name not in used and path.stat().st_mtime < before.timestamp():
            path.unlink(missing_ok=True)
