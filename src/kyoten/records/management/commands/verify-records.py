"""manage verify-records: is everything that was ever recorded still there, as it was?"""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from kyoten.records.verify import verify


class Command(BaseCommand):
    help = "記録・経過・封印・ファイルに、書換え・取り除き・並べ替えがないかを確かめます。"

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--seal", default="", metavar="DIGEST", help="紙やメールに控えておいた封印の値")

    def handle(self, *args: Any, seal: str, **options: Any) -> None:
        report = verify(seal.strip().lower())
        for fault in report.faults:
            self.stdout.write(fault)
        self.stdout.write(
            f"確認しました: 記録 {report.heads}、経過 {report.events}、封印 {report.seals}、ファイル {report.files}。"
        )
        if report.newest_seal:
            self.stdout.write(f"最新の封印: {report.newest_seal.number}番 {report.newest_seal.digest}")
        if report.faults:
            self.stdout.write(f"異常が {len(report.faults)}件 あります。")
            raise SystemExit(1)
        self.stdout.write("異常はありません。")
