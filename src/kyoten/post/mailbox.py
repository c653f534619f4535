"""Fetching mail: an IMAP folder, read without leaving a trace in it, or a directory of .eml and .msg files.

The raw bytes are on disk and their row is committed before the mailbox, or our own mark in it, moves on.
"""

from __future__ import annotations

import imaplib
import logging
import re
import ssl
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import transaction

from kyoten.post.actions import receive
from kyoten.post.forgetting import is_forgotten
from kyoten.post.imap_login import log_in
from kyoten.post.models import InboundMail, MailboxState
from kyoten.records.models import Refused
from kyoten.rules.clock import JST

log = logging.getLogger(__name__)

TIMEOUT = 60  # seconds, any answer of the server
SIZE_LIMIT = 40 * 1024 * 1024  # bytes; of a larger mail only the headers are fetched
TOO_LARGE = "大きすぎるため、本文と添付ファイルを取り込んでいません。受信箱で直接確認してください。"
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")

Stop = Callable[[], bool]


def fetch(at: datetime, *, limit: int = 200, stop: Stop = lambda: False) -> int:
    """Bring in what is new in the mailbox of the settings; returns how many. Trouble is kept in MailboxState.problem,
    logged, and tried again at the next call: a mailbox that is down stops nothing else."""
    options = settings.MAILBOX
    if settings.DEMO or not (options.get("host") or options.get("directory")):
        return 0
    directory = options.get("directory")
    source = f"eml:{directory}" if directory else f"imap:{options['user']}@{options['host']}/{_folder(options)}"
    state, _ = MailboxState.objects.get_or_create(source=source)
    count, problem = 0, ""
    try:
        arrivals = _directory(Path(directory), state, at) if directory else _imap(options, state, at)
        for _mail in arrivals:
            count += 1
            if count >= limit or stop():
                break
    except (OSError, imaplib.IMAP4.error, ssl.SSLError, Refused, ValueError) as error:
        problem = f"{type(error).__name__}: {error}"[:500]
        log.warning("mailbox %s: %s", source, problem)
    MailboxState.objects.filter(pk=state.pk).update(problem=problem, fetched_at=at)
    return count


def _folder(options: dict[str, Any]) -> str:
    return options.get("folder", "INBOX")


def _directory(folder: Path, state: MailboxState, at: datetime) -> Iterator[InboundMail]:
    """Files *.eml and *.msg, put into the directory by a rename; what is stored moves to its subfolder `taken`."""
    taken = folder / "taken"
    taken.mkdir(exist_ok=True)
    paths = sorted(path for path in folder.iterdir() if path.suffix.lower() in (".eml", ".msg") and path.is_file())
    MailboxState.objects.filter(pk=state.pk).update(on_server=len(paths), waiting=len(paths))
    for left, path in zip(range(len(paths) - 1, -1, -1), paths, strict=True):
        raw = path.read_bytes()
        mail = None if is_forgotten(raw) else receive(raw, source=state.source, at=at)
        path.rename(taken / path.name)
        MailboxState.objects.filter(pk=state.pk).update(waiting=left)
        if mail:
            yield mail


def _imap(options: dict[str, Any], state: MailboxState, at: datetime) -> Iterator[InboundMail]:
    server = _connect(options)
    try:
        log_in(server, options)
        [held] = _checked(server.select(_quoted(_folder(options)), readonly=True))  # EXAMINE: nothing becomes \Seen
        _follow(state, int(server.response("UIDVALIDITY")[1][0]))
        uids = _new_uids(server, options, state.last_uid)
        MailboxState.objects.filter(pk=state.pk).update(on_server=int(held), waiting=len(uids))
        for left, uid in zip(range(len(uids) - 1, -1, -1), uids, strict=True):
            mail = _receive(server, uid, options.get("size_limit", SIZE_LIMIT), state.source, at)
            MailboxState.objects.filter(pk=state.pk).update(last_uid=uid, waiting=left)
            if mail:
                yield mail
    finally:
        with suppress(OSError, imaplib.IMAP4.error):
            server.logout()


def _connect(options: dict[str, Any]) -> imaplib.IMAP4:
    security, timeout = options.get("security", "tls"), options.get("timeout", TIMEOUT)
    if security == "none":
        return imaplib.IMAP4(options["host"], options.get("port", 143), timeout=timeout)
    context = ssl.create_default_context(cafile=options.get("ca_file"))
    if security == "tls":
        return imaplib.IMAP4_SSL(options["host"], options.get("port", 993), ssl_context=context, timeout=timeout)
    server = imaplib.IMAP4(options["host"], options.get("port", 143), timeout=timeout)
    server.starttls(context)
    return server


def _follow(state: MailboxState, uidvalidity: int) -> None:
    """A new UIDVALIDITY makes all UIDs void: start over, the bytes' hash keeps everything single."""
    if state.uidvalidity != uidvalidity:
        state.uidvalidity, state.last_uid = uidvalidity, 0
        state.save(update_fields=["uidvalidity", "last_uid"])


def _new_uids(server: imaplib.IMAP4, options: dict[str, Any], last: int) -> list[int]:
    since = options.get("since")  # a date: an old mailbox need not come in whole
    criteria = ["SINCE", f"{since.day}-{MONTHS[since.month - 1]}-{since.year}"] if since else []
    [found] = _checked(server.uid("SEARCH", "UID", f"{last + 1}:*", *criteria))
    # "*" is the newest mail even when its UID is below the range
    return sorted(uid for uid in map(int, (found or b"").split()) if uid > last)


def _receive(server: imaplib.IMAP4, uid: int, limit: int, source: str, at: datetime) -> InboundMail | None:
    """None where the mail vanished meanwhile, or was deleted here when its time was over."""
    facts = _flat(_checked(server.uid("FETCH", str(uid), "(RFC822.SIZE INTERNALDATE)")))
    size = re.search(rb"RFC822\.SIZE (\d+)", facts)
    if not size:
        return None
    large = int(size[1]) > limit
    part = "BODY.PEEK[HEADER]" if large else "BODY.PEEK[]"
    answer = _checked(server.uid("FETCH", str(uid), f"(UID {part})"))
    raw = next((item[1] for item in answer if isinstance(item, tuple)), None)
    if raw is None or is_forgotten(raw):
        return None
    with transaction.atomic():
        mail = receive(raw, source=source, at=_arrived(facts, at))
        if large:
            InboundMail.objects.filter(pk=mail.pk, parsed_at=None).update(problem=TOO_LARGE)
    return mail


def _arrived(facts: bytes, at: datetime) -> datetime:
    """When the mail server took the mail in: deadlines are judged by that, not by when we came to fetch it."""
    moment = imaplib.Internaldate2tuple(facts)
    return min(at, datetime.fromtimestamp(time.mktime(moment), JST)) if moment else at


def _flat(answer: list[Any]) -> bytes:
    return b" ".join(b" ".join(item) if isinstance(item, tuple) else item or b"" for item in answer)


def _checked(answer: tuple[str, list[Any]]) -> list[Any]:
    status, data = answer
    if status != "OK":
        raise imaplib.IMAP4.error(f"{status} {_flat(data)[:200].decode('utf-8', 'replace')}")
    return data


def _quoted(folder: str) -> str:
    """As IMAP wants it: modified UTF-7 for Japanese folder names, quoted."""
    encoded = re.sub("[^\x20-\x7e]+", lambda run: f"&{_utf7(run[0])}-", folder.replace("&", "&-"))
    escaped = encoded.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _utf7(text: str) -> str:
    return text.encode("utf-7").decode("ascii")[1:].rstrip("-").replace("/", ",")
