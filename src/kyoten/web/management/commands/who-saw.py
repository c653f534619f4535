"""だれが見たか: the reads of a case, of a caller's cases, or by an officer, between two days."""

from __future__ import annotations

from argparse import ArgumentParser, ArgumentTypeError
from datetime import date, datetime, time, timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from kyoten.consultations.actions.reading import readings, understood
from kyoten.rules.clock import JST, local


def day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise ArgumentTypeError(f"{text} は日付として読めません。2025-07-22 の形で指定してください。") from None


class Command(BaseCommand):
    help = "相談をだれがいつ見たかを表示します（受付番号、相談者のメールアドレス・氏名、職員の氏名・利用者ID で指定）。"

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("who", metavar="CASE|PERSON", help="受付番号、相談者、または職員")
        parser.add_argument("--from", dest="since", type=day, help="この日から（例 2025-07-22）")
        parser.add_argument("--to", dest="until", type=day, help="この日まで（この日を含む）")

    def handle(self, *args: Any, who: str, since: date | None, until: date | None, **options: Any) -> None:
        asked = understood(who)
        if not asked:
            raise CommandError(f"「{who}」に当たる受付番号、相談者、職員はありません。")
        end = until + timedelta(days=1) if until else None
        rows = readings(asked, _begin(since), _begin(end))
        for row in rows:
            said = (
                f"{local(row.at):%Y-%m-%d %H:%M:%S}",
                row.number,
                row.what,
                row.organisation,
                row.section,
                row.person,
            )
            self.stdout.write("\t".join(said))
        self.stdout.write(f"{len(rows)}件")


def _begin(day: date | None) -> datetime | None:
    return datetime.combine(day, time(), JST) if day else None
