"""`./kyoten mail read FILE…` shows what the intake reads in a mail; `./kyoten mail take DIR` takes a folder of them in."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from kyoten.post.reading import read_file
from kyoten.web import demo, taking


class Command(BaseCommand):
    help = "メールを読み取って表示します（read）、フォルダーのメールを取り込みます（take）。"
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parts = parser.add_subparsers(dest="part", required=True, metavar="read | take")
        read = parts.add_parser("read", help="1通を1行のJSONで表示します（保存しません）")
        read.add_argument("files", nargs="+", type=Path, metavar="FILE")
        take = parts.add_parser("take", help="フォルダーのメールをすべて取り込みます（中断しても続きから）")
        take.add_argument("directory", type=Path, metavar="DIR")

    def handle(self, *args: object, part: str, **options: Any) -> None:
        if part == "read":
            for path in options["files"]:
                self.stdout.write(json.dumps(read_file(path), ensure_ascii=False))
        else:
            self.take(options["directory"])

    def take(self, directory: Path) -> None:
        if not directory.is_dir():
            raise CommandError(f"フォルダー {directory} がありません。")
        done = taking.take_directory(directory, at=demo.now(), say=lambda line: self.stderr.write(line))
        self.stdout.write(done.line())
