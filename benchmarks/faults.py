"""`./kyoten bench faults`: the intake and the sending of mail, killed at every system call that writes, on both databases.

./kyoten bench faults                    400 kills or ten minutes for each flow on each database
./kyoten bench faults --only sqlite --points 1000 --seconds 3600
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FLOWS = {"take": "メールの取込", "send": "メールの送信"}


def main(names: dict[str, str], server: Callable[[str], AbstractContextManager[str]]) -> int:
    """Runs and prints; the exit code is 1 where anything was lost or doubled."""
    words = arguments(names)
    wrong = 0
    print("流れ / データベース / 強制終了 / 受け付けた件数 / 再送（同じMessage-ID・表示あり） / 失われた・重なったもの")
    for name in [words.only] if words.only else names:
        for flow, title in FLOWS.items():
            with tempfile.TemporaryDirectory(prefix="kyoten-faults-", dir="/var/tmp") as folder, server(name) as url:
                found = run(flow, folder, url, words)
            calls = "・".join(f"{kind} {count}" for kind, count in found["calls"].items())
            print(f"{title} / {names[name]} / {found['killed']}（{calls}） / {found['accepted']} / {found['twice']} / "
                  f"{len(found['faults'])}", flush=True)  # fmt: skip
            for fault in found["faults"][:20]:
                print(f"    {fault}")
            wrong += len(found["faults"])
    return 1 if wrong else 0


def arguments(names: dict[str, str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="./kyoten bench faults", description="強制終了の試験")
    parser.add_argument("--only", choices=list(names), help="一方のデータベースだけで試す")
    parser.add_argument("--every", type=int, default=1, help="何回目ごとの呼出しで終了させるか（ふだんは 1）")
    parser.add_argument("--points", type=int, default=400, help="流れごとの回数の上限（ふだんは 400）")
    parser.add_argument("--seconds", type=float, default=600, help="流れごとの時間の上限（ふだんは 600秒）")
    return parser.parse_args(sys.argv[2:])


def run(flow: str, folder: str, url: str, words: argparse.Namespace) -> dict:
    environment = {key: value for key, value in os.environ.items() if not key.startswith("KYOTEN_")}
    environment |= {"KYOTEN_DATA": folder, "DATABASE_URL": url, "PYTHONPATH": f"{ROOT / 'src'}{os.pathsep}{ROOT}"}
    command = [sys.executable, "-m", "tests.flows.killing", flow, "--every", str(words.every)]
    command += ["--points", str(words.points), "--seconds", str(words.seconds)]
    done = subprocess.run(command, env=environment, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True)
    return json.loads(done.stdout.splitlines()[-1])
