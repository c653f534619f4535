"""The file store: bytes under their own sha256, written so that a crash leaves either the whole file or none."""

from __future__ import annotations

import contextlib
import hashlib
import os
import uuid
from pathlib import Path

from django.conf import settings


def path_of(sha256: str) -> Path:
    return Path(settings.FILES) / sha256[:2] / sha256[2:4] / sha256


def put(data: bytes) -> str:
    """Keep `data` and return its sha256. Durable on return; raises OSError (disk full) with nothing half-written."""
    digest = hashlib.sha256(data).hexdigest()
    target = path_of(digest)
    if not _complete(target, data):
        _write(target, data)
    return digest


def _complete(target: Path, data: bytes) -> bool:
    """Whether the bytes are there; touches them, so that a sweep (see sweeping) knows they are wanted again."""
    try:
        if target.stat().st_size != len(data):
            return False
        os.utime(target)
    except FileNotFoundError:
        return False
    return True


def _write(target: Path, data: bytes) -> None:
    _make_folder(target.parent)
    partial = target.with_name(f"{target.name}.{uuid.uuid4().hex}.part")
    try:
        with open(partial, "xb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(partial, target)
    except OSError:
        with contextlib.suppress(OSError):
            partial.unlink()
        raise
    _sync_folder(target.parent)


def _make_folder(folder: Path) -> None:
    """mkdir -p with the new entries on disk before anything is put into them."""
    missing = [folder, *folder.parents]
    for path in reversed([path for path in missing if not path.exists()]):
        path.mkdir(mode=0o700, exist_ok=True)
        _sync_folder(path.parent)


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
