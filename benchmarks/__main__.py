"""`./kyoten bench`: how fast the pages are with 5,000 applications and with 100,000 consultations, on both databases.

    ./kyoten bench                      the call and the desk, both databases, 30 runs of each page
    ./kyoten bench desk                 only the desk (or: call)
    ./kyoten bench --quick              200 applications, 2,000 consultations, 5 runs
    ./kyoten bench --only sqlite        one database
    ./kyoten bench --runs 100
    ./kyoten bench faults               kills at every system call instead (see faults.py)

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

import faults
from report import report

HERE = Path(__file__).resolve().parent
sys.path.append(str(HERE.parent / "scripts"))
import postgres  # noqa: E402 - from the folder just added

COUNTS = {"call": (5000, 200), "desk": (100_000, 2000)}  # applications and consultations: in full, quick
RUNS = (30, 5)
NAMES = {"sqlite": "SQLite", "postgresql": "PostgreSQL"}


def main() -> None:
    words = arguments()
    for what in words.what or COUNTS:
        print(report([measure(name, what, words) for name in ([words.only] if words.only else NAMES)]), flush=True)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="./kyoten bench", description="性能の測定")
    parser.add_argument("what", nargs="*", choices=[*COUNTS, []], help="call 公募・申込／desk 相談窓口（省くと両方）")
    parser.add_argument("--quick", action="store_true", help="件数を減らして短く測る")
    parser.add_argument("--only", choices=list(NAMES), help="一方のデータベースだけで測る")
    parser.add_argument("--count", type=int, help="申込書・相談の件数（ふだんは 5,000 と 100,000）")
    parser.add_argument("--runs", type=int, help="各画面を測る回数（ふだんは 30）")
    words = parser.parse_args()
    words.runs = words.runs or RUNS[words.quick]
    return words


def measure(name: str, what: str, words: argparse.Namespace) -> dict:
    """Run measure.py against one database; its progress goes to stderr, its result to a file."""
    # Not /tmp: where that is memory, a commit costs nothing.
    with tempfile.TemporaryDirectory(prefix="kyoten-bench-", dir="/var/tmp") as folder, server(name) as url:
        result = Path(folder) / "result.json"
        count = words.count or COUNTS[what][words.quick]
        command = [sys.executable, HERE / "measure.py", result, what, str(count), str(words.runs)]
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
    if sys.argv[1:2] == ["faults"]:
        sys.exit(faults.main(NAMES, server))
    try:
        main()
    except subprocess.CalledProcessError as error:
        sys.exit(error.returncode)
    except KeyboardInterrupt:
        sys.exit(130)
