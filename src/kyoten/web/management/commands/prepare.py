"""Everything an instance needs before it serves pages, in one process: tables, static files, master data."""

import hashlib
from pathlib import Path

from django.conf import settings
from django.contrib.staticfiles.finders import get_finders
from django.core.management import call_command, get_commands
from django.core.management.base import BaseCommand, CommandError
from django.db import OperationalError, connection
from django.db.migrations.executor import MigrationExecutor


class Command(BaseCommand):
    help = "データベースの表、画面の部品、基本データをそろえます（何度実行しても同じ結果になります）。"
    requires_system_checks: list[str] = []  # the tests run them; a start should not wait for them

    def handle(self, *args: object, **options: object) -> None:
        migrate()
        collect_static()
        if "setup" in get_commands():
            call_command("setup", stdout=self.stdout, stderr=self.stderr)


def migrate() -> None:
    """Bring the tables up to date; costs one query when they are."""
    try:
        executor = MigrationExecutor(connection)
    except OperationalError as error:
        raise CommandError(f"データベースに接続できません。DATABASE_URL と接続先をご確認ください。\n{error}") from error
    if executor.migration_plan(executor.loader.graph.leaf_nodes()):
        call_command("migrate", interactive=False, verbosity=0)


def static_inputs() -> str:
    """A digest over what collectstatic would read: paths, sizes and times of change."""
    digest = hashlib.sha256(settings.STORAGES["staticfiles"]["BACKEND"].encode())
    for finder in get_finders():
        for name, storage in sorted(finder.list([]), key=lambda found: found[0]):
            stat = Path(storage.path(name)).stat()
            digest.update(f"{name} {stat.st_size} {stat.st_mtime_ns}\n".encode())
    return digest.hexdigest()


def collect_static() -> None:
    """Copy, name by content and compress the static files, only when one of them changed since the last time."""
    mark = Path(settings.STATIC_ROOT).with_suffix(".inputs")
    inputs = static_inputs()
    complete = (Path(settings.STATIC_ROOT) / "staticfiles.json").exists()
    if complete and mark.exists() and mark.read_text() == inputs:
        return
    call_command("collectstatic", interactive=False, verbosity=0)
    mark.write_text(inputs)
