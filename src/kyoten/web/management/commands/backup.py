"""バックアップ: the database and the files of this instance into a new folder, while it goes on running."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
from pathlib import Path

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import connection

from kyoten.records.models import Attachment


class Command(BaseCommand):
    help = "データベースと保存ファイルを、新しいフォルダに書き出します。動かしたままで構いません。"

    def add_arguments(self, parser):
        parser.add_argument("folder", type=Path, help="書き出し先（まだ無いフォルダ）")

    def handle(self, *args, folder: Path, **options):
        if folder.exists():
            raise CommandError(f"{folder} はすでにあります。まだ無いフォルダを指定してください。")
        folder.mkdir(parents=True)
        name = self._database(folder)
        files = self._files(folder / "files")  # after the database: every file it names is in the copy
        shutil.copy2(settings.DATA / "settings.toml", folder / "settings.toml")
        self.stdout.write(f"書き出しました：{folder}（データベース {name}、ファイル {files}件、設定）")
        self.stdout.write(
            "設定には鍵が入っています。暗号化した場所に保管してください。戻し方は docs/operating.md にあります。"
        )

    def _database(self, folder: Path) -> str:
        if connection.vendor == "sqlite":
            with connection.cursor() as cursor:
                # one step: a page-by-page copy never ends while others write
                cursor.execute("VACUUM INTO %s", [str(folder / "db.sqlite3")])
            return "db.sqlite3"
        return self._pg_dump(folder / "database.dump")

    def _pg_dump(self, path: Path) -> str:
        db = settings.DATABASES["default"]
        env = {"PGPASSWORD": db["PASSWORD"], "PATH": "/usr/bin:/bin:/usr/local/bin"}
        call = ["pg_dump", "--format=custom", f"--file={path}", f"--dbname={db['NAME']}"]
        call += [
            f"--{name}={db[key]}" for name, key in (("host", "HOST"), ("port", "PORT"), ("username", "USER")) if db[key]
        ]
        try:
            subprocess.run(call, env=env, check=True)
        except FileNotFoundError:
            raise CommandError(
                "pg_dump がありません。PostgreSQL のクライアント（postgresql-client）を入れてください。"
            ) from None
        except subprocess.CalledProcessError:
            raise CommandError("pg_dump が失敗しました。上の表示を確かめてください。") from None
        return path.name

    def _files(self, folder: Path) -> int:
        """Every file the database names, checked against its own digest on the way."""
        folder.mkdir()
        digests = list(Attachment.objects.order_by("sha256").values_list("sha256", flat=True).distinct())
        for digest in digests:
            source = Attachment(sha256=digest).path
            data = source.read_bytes()
            if hashlib.sha256(data).hexdigest() != digest:
                raise CommandError(f"保存ファイル {digest} の内容が壊れています。verify-records で確かめてください。")
            target = folder / source.relative_to(settings.FILES)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(data)
        return len(digests)
