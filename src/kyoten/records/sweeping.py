"""使われなくなったファイルの消去: bytes that no row names any more leave the disk.

Rows go first, in the transaction of whoever deletes them; the bytes after its commit. A kill in between leaves bytes
without a row, which the next sweep finds. Bytes that were put down lately are left alone: their row may just be on its
way (`files.put` touches what it finds).
"""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

from django.conf import settings

from kyoten.records import files
from kyoten.records.models import Attachment

GRACE = 3600  # seconds after which bytes without a row are nobody's; no transaction takes as long
GONE = ".gone"
CHUNK = 500


def sweep(grace: float = GRACE) -> int:
    """Remove every file of the store that no row names. Returns how many."""
    return remove_unused(_stored(), grace)


def remove_unused(digests: Iterable[str], grace: float = GRACE) -> int:
    """Remove those of the files that no row names and that nobody put down within `grace` seconds."""
    wanted, count = sorted(set(digests)), 0
    for start in range(0, len(wanted), CHUNK):
        part = wanted[start : start + CHUNK]
        for digest in sorted(set(part) - _named(part)):
            count += _remove(files.path_of(digest), grace)
    return count


def _named(digests: Iterable[str]) -> set[str]:
    return set(Attachment.objects.filter(sha256__in=list(digests)).values_list("sha256", flat=True))


def _stored() -> Iterator[str]:
    root = Path(settings.FILES)
    for path in root.glob("??/??/*") if root.exists() else ():
        name = path.name.removesuffix(GONE)
        if len(name) == 64:
            yield name


def _remove(path: Path, grace: float) -> bool:
    """Out of the way first, then looked at once more: who puts the same bytes meanwhile writes them anew, or has
    touched them, and then they come back."""
    aside = path.with_name(path.name + GONE)
    with contextlib.suppress(FileNotFoundError):
        if _young(path, grace):
            return False
        os.rename(path, aside)
    try:
        if _young(aside, grace) or _named([path.name]):
            os.rename(aside, path)
            return False
        aside.unlink()
    except FileNotFoundError:  # another sweep was first
        return False
    return True


def _young(path: Path, grace: float) -> bool:
    return path.stat().st_mtime > time.time() - grace
