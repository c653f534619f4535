"""保存期間の満了した相談の消去: what is due goes, what is alive stays with its reason."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from kyoten.consultations.actions.mail_retention import retain_mails
from kyoten.consultations.actions.retention import retain
from kyoten.web import demo


class Command(BaseCommand):
    help = "保存期間の満了した相談を消去します。対応中・未回答・未達のものは残します。何度実行しても構いません。"

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--dry-run", action="store_true", help="消去せずに、対象を表示します")

    def handle(self, *args: Any, dry_run: bool, **options: Any) -> None:
        outcomes = retain(at=demo.now(), dry_run=dry_run)
        gone = "消去の対象" if dry_run else "消去"
        for outcome in outcomes:
            self.stdout.write(f"{outcome.number}\t{outcome.kept or gone}")
        kept = sum(1 for outcome in outcomes if outcome.kept)
        self.stdout.write(f"{gone} {len(outcomes) - kept}件、残したもの {kept}件。")
        mails = retain_mails(at=demo.now(), dry_run=dry_run)
        self.stdout.write(f"相談にならなかったメール　{gone} {mails}通。")
