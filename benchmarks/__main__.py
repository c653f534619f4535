"""`./kyoten bench`: how fast the pages are with 5,000 applications, on SQLite and on PostgreSQL, as one table.

    ./kyoten bench                      both databases, 30 runs of each page
    ./kyoten bench --quick              200 applications, 5 runs
    ./kyoten bench --only sqlite        one database
    ./kyoten bench --runs 100

Nothing is asserted: a machine at work is not a test. Every database gets a process, a data folder and (PostgreSQL) a
server of its own, which are gone afterwards.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from report import report

HERE = Path(__file__).resolve().parent
sys.path.append(str(HERE.parent / "scripts"))
import postgres  # noqa: E402 - from the folder just added

FULL, QUICK = (5000, 30), (200, 5)  # applications, runs
NAMES = {"sqlite": "SQLite", "postgresql": "PostgreSQL"}


def main() -> None:
    words = arguments()
    results = [measure(name, words) for name in ([words.only] if words.only else NAMES)]
    print(report(results))


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="./kyoten bench", description="性能の測定")
    parser.add_argument("--quick", action="store_true", help="申込書を200件にして短く測る")
    parser.add_argument("--only", choices=list(NAMES), help="一方のデータベースだけで測る")
    parser.add_argument("--applications", type=int, help="申込書の件数（ふだんは 5000）")
    parser.add_argument("--runs", type=int, help="各画面を測る回数（ふだんは 30）")
    words = parser.parse_args()
    applications, runs = QUICK if words.quick else FULL
    words.applications, words.runs = words.applications or applications, words.runs or runs
    return words


def measure(name: str, words: argparse.Namespace) -> dict:
    """Run measure.py against one database; its progress goes to stderr, its result to a file."""
    # Not /tmp: where that is memory, a commit costs nothing.
    with tempfile.TemporaryDirectory(prefix="kyoten-bench-", dir="/var/tmp") as folder, server(name) as url:
        result = Path(folder) / "result.json"
        command = [sys.executable, HERE / "measure.py", result, str(words.applications), str(words.runs)]
        environment = {key: value for key, value in os.environ.items() if not key.startswith("KYOTEN_")}
        subprocess.run(command, env=environment | {"KYOTEN_DATA": folder, "DATABASE_URL": url}, check=True)
        return json.loads(result.read_text("utf-8"))


@contextmanager
def server(name: str) -> Iterator[str]:
    """The DATABASE_URL; PostgreSQL with its own, durable settings (those of the tests commit to memory only)."""
    if name == "sqlite":
        yield ""
        return
    postgres.SETTINGS = {"timezone": "Asia/Tokyo"}
    with postgres.postgres() as url:
        yield url


if __name__ == "__main__":
    try:
        main()
    except subprocess.CalledProcessError as error:
        sys.exit(error.returncode)
    except KeyboardInterrupt:
        sys.exit(130)
