"""When a mail arrived that comes to us as a file: what the server that took it in wrote above it.

An officer hands in on Monday what came on Friday, and a folder is taken in hours after the mails were put into it; the
clock of a question and the deadline of a form go by the day the mail came.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

from kyoten.post.msg import is_msg, read_msg

AT_MOST = timedelta(days=31)  # before it was handed in: of older mail nobody waits for an answer since then
HEADERS = 65_536  # bytes of headers looked through
END = re.compile(rb"\r?\n\r?\n")
# The stamp of a server stands behind the last semicolon; servers put theirs on top, so the first is the nearest.
RECEIVED = re.compile(rb"(?im)^Received:((?:[^\r\n]|\r?\n[ \t])*)")
DATE = re.compile(rb"(?im)^Date:([^\r\n]*(?:\r?\n[ \t][^\r\n]*)*)")


def arrived_at(raw: bytes, at: datetime) -> datetime:
    """The moment the nearest server took the mail in, or else that of its Date; `at` where neither says anything that
    can be: nothing, the future, or more than AT_MOST ago."""
    headers = _headers(raw)
    if found := RECEIVED.search(headers):
        said = _moment(found[1].rpartition(b";")[2])
    else:
        said = _moment(found[1]) if (found := DATE.search(headers)) else None
    return said if said and at - AT_MOST <= said <= at else at


def _headers(raw: bytes) -> bytes:
    if is_msg(raw):
        try:
            return read_msg(raw).headers.encode("utf-8", "replace")
        except ValueError:
            return b""
    return END.split(raw[:HEADERS], maxsplit=1)[0]


def _moment(words: bytes) -> datetime | None:
    try:
        said = parsedate_to_datetime(words.decode("ascii", "replace"))
        return said.astimezone(UTC) if said.tzinfo else said.replace(tzinfo=UTC)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
