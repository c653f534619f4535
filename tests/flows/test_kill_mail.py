"""SIGKILL on the way: what was accepted is stored once and is one case; what was sent is not sent again unnoticed.

The short version of `./kyoten bench faults`: every seventh call of each kind, a few points, SQLite.
"""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def killed(flow: str, folder: Path, *more: str) -> dict:
    environment = {name: value for name, value in os.environ.items() if name not in ("DATABASE_URL", "KYOTEN_DATA")}
    environment |= {"KYOTEN_DATA": str(folder), "PYTHONPATH": f"{ROOT / 'src'}{os.pathsep}{ROOT}", "PYTHONWARNINGS": ""}
    command = [sys.executable, "-m", "tests.flows.killing", flow, "--every", "7", "--seconds", "60", *more]
    done = subprocess.run(command, env=environment, cwd=ROOT, capture_output=True, text=True, timeout=240, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout.splitlines()[-1])


@pytest.mark.skipif(not shutil.which("strace"), reason="the calls of the system are counted by strace")
@pytest.mark.parametrize("flow, points", [("take", 9), ("send", 5)])
def test_killed_at_calls_of_the_system(flow, points, tmp_path):
    found = killed(flow, tmp_path, "--points", str(points))
    assert found["faults"] == []
    assert found["killed"] >= 3


def test_killed_between_statements(tmp_path):
    found = killed("take", tmp_path, "--points", "4", "--no-strace")
    assert (found["faults"], found["killed"]) == ([], 4)
