"""./kyoten run with the real product, from an empty data folder to pages in a browser's hands, and a second start."""

import os
import re
import signal
import socket
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

LAUNCHER = Path(__file__).resolve().parents[1] / "kyoten"
SECONDS = 120


@pytest.fixture(scope="module")
def port():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


@pytest.fixture(scope="module")
def start(tmp_path_factory, port):
    """Starts it over one data folder; gives the process and what it said until it said that it runs."""
    data = tmp_path_factory.mktemp("data")
    mine = {name: value for name, value in os.environ.items() if not name.startswith(("KYOTEN_", "DJANGO_", "PYTHON"))}
    mine.pop("DATABASE_URL", None)
    processes = []

    def begin():
        command = [sys.executable, LAUNCHER, "run", "--data", data, "--port", str(port)]
        process = subprocess.Popen(
            command, env=mine, encoding="utf-8", stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )
        processes.append(process)
        lines = []
        while not lines or "Ctrl-C を押してください。" not in lines[-1]:
            lines.append(process.stdout.readline())
            assert lines[-1], "".join(lines)
        return process, "".join(lines)

    yield begin
    for process in processes:
        process.terminate()
        process.communicate(timeout=SECONDS)


def test_from_nothing_to_a_page_and_again(start, port):
    for _ in range(2):
        process, said = start()
        assert f"\n    http://localhost:{port}\n" in said
        for host in ("localhost", "127.0.0.1"):
            with urllib.request.urlopen(f"http://{host}:{port}/", timeout=SECONDS) as answer:
                page = answer.read().decode("utf-8")
                assert answer.status == 200
                assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
        assert '<html lang="ja">' in page
        style = re.search(r'href="(/static/[^"]+\.css)"', page)[1]
        with urllib.request.urlopen(f"http://localhost:{port}{style}", timeout=SECONDS) as answer:
            assert answer.headers["Content-Type"].startswith("text/css")
        process.send_signal(signal.SIGTERM)
        assert (process.communicate(timeout=SECONDS)[0], process.returncode) == ("\n終了します…\n", 0)
