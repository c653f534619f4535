"""Writers at the same moment, and a writer that is killed: never a posting without its row, nor a row without postings."""

import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from django.core.management import call_command
from django.db import connection, transaction

from kyoten.search.actions import Text, put, put_many, remove
from kyoten.search.finding import find
from kyoten.search.models import Entry
from kyoten.search.verify import verify
from tests.flows.racing import race

pytestmark = pytest.mark.django_db(transaction=True)
ROOT = Path(__file__).resolve().parents[2]
AT = datetime(2025, 7, 19, 1, 0, tzinfo=UTC)
KILLED_INSIDE = """
import sys
from datetime import UTC, datetime
import django
django.setup()
from django.db import transaction
from kyoten.search.actions import Text, put_many, remove
with transaction.atomic():
    remove("message", 1)
    put_many(Text("message", number, "往診の記録" * 200, datetime(2025, 7, 19, tzinfo=UTC), 12) for number in range(2, 800))
    print("inside", flush=True)
    sys.stdin.read()
"""


def acting(act):
    def inside():
        with transaction.atomic():
            act()

    return inside


def test_many_writers_of_the_same_moment_all_find_a_place():
    def writer(first):
        return acting(lambda: put_many([Text("message", first + n, f"往診{first + n}", AT, 12) for n in range(20)]))

    assert race(*[writer(100 * number) for number in range(1, 5)]) == ["done"] * 4
    assert find("往診", scope=12, limit=100).count == 80 == Entry.objects.count()
    assert verify() == []


def test_writers_of_the_same_record_leave_one_text():
    def writer(number):
        return acting(lambda: put("message", 1, text=f"往診{number}", at=AT + timedelta(number), scope=12))

    assert race(*[writer(number) for number in range(1, 5)]) == ["done"] * 4
    assert [entry.record_id for entry in Entry.objects.all()] == [1]
    assert find("往診", scope=12).ids == [("message", 1)] and verify() == []


def test_writing_and_removing_the_same_record():
    acting(lambda: put("message", 1, text="往診", at=AT, scope=12))()
    acts = [lambda: remove("message", 1), lambda: put("message", 1, text="看取り", at=AT, scope=12)]
    assert race(*map(acting, acts)) == ["done"] * 2
    assert find("往診", scope=12).count == 0 and verify() == []


def test_a_writer_killed_inside_its_transaction_leaves_nothing(tmp_path):
    acting(lambda: put("message", 1, text="看取り", at=AT, scope=12))()
    command = [sys.executable, "-c", KILLED_INSIDE]
    with subprocess.Popen(
        command, env=environment(tmp_path / "data"), stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout.readline() == b"inside\n"
        process.kill()
    assert find("往診", scope=12).count == 0
    assert find("看取り", scope=12).ids == [("message", 1)]
    assert verify() == []


def test_the_migration_goes_back_and_forth():
    call_command("migrate", "search", "zero", verbosity=0)
    assert [name for name in connection.introspection.table_names() if name.startswith("search_")] == []
    call_command("migrate", "search", verbosity=0)
    acting(lambda: put("message", 1, text="看取り", at=AT, scope=12))()
    assert find("看取り", scope=12).count == 1 and verify() == []


def test_an_emptied_table_has_an_empty_index():
    acting(lambda: put("message", 1, text="看取り", at=AT, scope=12))()
    Entry.objects.all().delete()
    assert verify() == []


def environment(folder):
    """The product's settings in a folder of its own, on the database of this test."""
    folder.mkdir()
    database, url = connection.settings_dict, ""
    if connection.vendor == "postgresql":
        url = f"postgres://{database['USER']}:{database['PASSWORD']}@/{database['NAME']}?host={database['HOST']}"
    else:
        (folder / "db.sqlite3").symlink_to(database["NAME"])
    product = {"DJANGO_SETTINGS_MODULE": "kyoten.web.settings", "PYTHONPATH": str(ROOT / "src")}
    return os.environ | product | {"KYOTEN_DATA": str(folder), "DATABASE_URL": url}
