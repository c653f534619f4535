"""The whole suite, as `./kyoten test` runs it: style, layers, types, and pytest on SQLite, in Chromium and on PostgreSQL.

Two lanes run side by side. With arguments, pytest alone runs with them, on both databases. The last line is
`N passed, N failed`; with CI=true a skipped test counts as failed, because there everything must be present.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event
from types import FrameType

from postgres import end_with_parent, postgres

ROOT = Path(__file__).resolve().parents[1]
BIN = Path(sys.executable).parent
ON_POSTGRES = ["tests/flows", "tests/pages"]  # what touches rows
CLOSING_LINE = re.compile(r"^=*\s*((?:\d+ \w+(?:, )?)+|no tests ran) in [\d.]+s")
NO_TESTS_COLLECTED = 5
running: set[subprocess.Popen[bytes]] = set()
stopped = Event()


@dataclass
class Result:
    name: str
    code: int
    seconds: float
    closing: str = ""
    counts: dict[str, int] = field(default_factory=dict)

    @property
    def failed(self) -> int:
        """Tests that failed; a run that broke without naming one counts as one."""
        failed = self.counts.get("failed", 0) + self.counts.get("error", 0) + self.counts.get("errors", 0)
        if os.environ.get("CI") == "true":
            failed += self.counts.get("skipped", 0)
        return failed or int(self.code != 0)


def run(name: str, command: Sequence[str | Path], *, live: bool = False, **environment: str) -> Result:
    """Run one step; a live one prints as it goes, another shows its output whole when it is done and failed."""
    if stopped.is_set():
        return Result(name, 1, 0)
    start = time.monotonic()
    with tempfile.TemporaryFile("w+b") as kept:
        process = subprocess.Popen(
            command,
            cwd=ROOT,
            env=os.environ | {"PYTHONPATH": str(ROOT / "src"), "PYTHONUTF8": "1"} | environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            preexec_fn=end_with_parent,
        )
        running.add(process)
        assert process.stdout
        for line in process.stdout:
            kept.write(line)
            if live:
                sys.stdout.buffer.write(line)
                sys.stdout.flush()
        code = process.wait()
        running.discard(process)
        kept.seek(0)
        output = kept.read().decode("utf-8", "replace")
    if code and not live:
        print(f"\n── {name} ──\n{output}", flush=True)
    return Result(name, code, time.monotonic() - start, *closing_line(output))


def closing_line(output: str) -> tuple[str, dict[str, int]]:
    """pytest's last word and what it counts: ("3 passed in 0.1s", {"passed": 3})."""
    found = [line for line in output.splitlines() if CLOSING_LINE.match(line)]
    if not found:
        return "", {}
    return found[-1].strip("= "), {word: int(number) for number, word in re.findall(r"(\d+) ([a-z]+)", found[-1])}


def pytest(name: str, arguments: list[str], *, live: bool = False, url: str = "") -> Result:
    command = [sys.executable, "-m", "pytest", "-q", "--color=no", *arguments]
    result = run(name, command, live=live, DATABASE_URL=url)
    if result.code == NO_TESTS_COLLECTED:
        result.code = 0
    return result


def pytest_on_postgres(arguments: list[str]) -> Result:
    with postgres() as url:
        return pytest("pytest PostgreSQL", arguments, url=url)


def checks() -> list[Result]:
    return [
        run("ruff", [BIN / "ruff", "check", "."]),
        run("import-linter", [BIN / "lint-imports"]),
        run("mypy", [BIN / "mypy"]),
    ]


def other_lane(arguments: list[str]) -> list[Result]:
    """What runs beside pytest on SQLite."""
    if arguments:
        return [pytest_on_postgres(arguments)]
    return [*checks(), pytest_on_postgres(ON_POSTGRES), in_chromium()]


def in_chromium() -> Result:
    """Apart from the others, because Playwright keeps an event loop running in the thread of the tests."""
    return pytest("pytest ブラウザー", ["tests/browser"])


def stop(number: int, frame: FrameType | None) -> None:
    """End what runs and begin nothing more; the lanes then clean up behind themselves."""
    stopped.set()
    for process in list(running):
        process.send_signal(signal.SIGINT)
    raise SystemExit(128 + number)


def main(arguments: list[str]) -> int:
    with ThreadPoolExecutor(1) as pool:
        beside = pool.submit(other_lane, arguments)
        results = [pytest("pytest SQLite", arguments or ["--ignore=tests/browser"], live=True), *beside.result()]
    return report(results)


def report(results: list[Result]) -> int:
    print("\n── 結果 ──")
    for result in results:
        verdict = "○ 合格" if result.failed == 0 else "× 不合格"
        print(f"{verdict}  {result.name}（{result.seconds:.1f}秒）")
        if result.closing:
            print(result.closing)
    passed = sum(result.counts.get("passed", 0) for result in results)
    failed = sum(result.failed for result in results)
    print(f"{passed} passed, {failed} failed", flush=True)
    return int(failed > 0)


if __name__ == "__main__":
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, stop)
    sys.exit(main(sys.argv[1:]))
