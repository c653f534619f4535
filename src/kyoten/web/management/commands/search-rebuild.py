"""manage search-rebuild: the search index made anew from the rows it is about."""

from __future__ import annotations

import time
from typing import Any

from django.core.management.base import BaseCommand

from kyoten.consultations import knowledge_searching, searching
from kyoten.search.actions import rebuild


class Command(BaseCommand):
    help = "検索の索引を作り直します（運用を止めずに行えます）。"
    requires_system_checks: list[str] = []

    def handle(self, *args: object, **options: Any) -> None:
        start = time.monotonic()
        count = rebuild([searching.everything(), knowledge_searching.everything()])
        self.stdout.write(f"索引を作り直しました（{count:,}件、{time.monotonic() - start:.1f}秒）。")
