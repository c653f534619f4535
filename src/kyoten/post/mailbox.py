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
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import transaction

from kyoten.post.actions import receive
from kyoten.post.arrival import arrived_at
from kyoten.post.forgetting import is_forgotten
from kyoten.post.imap_login import log_in
from kyoten.post.models import InboundMail, MailboxState
from kyoten.post.trouble import PASSWORD_REFUSED, FolderRefused, NotHandedOver, words
from kyoten.records.models import Refused
from kyoten.rules.clock import JST

log = logging.getLogger(__name__)

TIMEOUT = 60  # seconds, any answer of the server
SIZE_LIMIT = 40 * 1024 * 1024  # bytes; of a larger mail only the headers are fetched
LIMIT = 200  # mails a look brings in at most: the worker has other duties too
TRIES = 3  # times a mail is asked for that the server does not hand over, before the mails behind it
TOO_LARGE = "大きすぎるため、本文と添付ファイルを取り込んでいません。受信箱で直接確認してください。"
PASSED_OVER = (
    "メールサーバーから取り出せなかったメールです。受信箱で直接確認し、必要なときは、メールソフトでファイル（.eml）に"
    "保存して取り込んでください。"
)
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")

Stop = Callable[[], bool]


def fetch(at: datetime, *, limit: int = LIMIT, stop: Stop = lambda: False) -> int:
    """Bring in what is new in the mailbox of the settings; returns how many. Trouble is kept in MailboxState.problem,
    logged, and tried again at the next call: a mailbox that is down stops nothing else."""
    source = source_of_settings()
    if settings.DEMO or not source:
        return 0
    options, directory = settings.MAILBOX, settings.MAILBOX.get("directory")
    state, _ = MailboxState.objects.get_or_create(source=source)
    count, problem = 0, ""
    try:
        arrivals = _directory(Path(directory), state, at) if directory else _imap(options, state, at)
        for _mail in arrivals:
            count += 1
            if count >= limit or stop():
                break
    except (OSError, imaplib.IMAP4.error, Refused, ValueError) as error:
        problem = words(error)
        log.warning("mailbox %s: %s: %s", source, type(error).__name__, problem)
    MailboxState.objects.filter(pk=state.pk).update(problem=problem, fetched_at=at)
    return count


def source_of_settings() -> str:
    """What the mails of the mailbox in the settings are marked with; empty where there is none."""
    options = settings.MAILBOX
    if options.get("directory"):
        return f"eml:{options['directory']}"[:200]
    if options.get("host"):
        return f"imap:{options.get('user', '')}@{options['host']}/{_folder(options)}"[:200]
    return ""


def trouble_now() -> str:
    """Why the mailbox of the settings cannot be read; empty while it can."""
    state = MailboxState.objects.filter(source=source_of_settings()).first()
    return state.problem if state else ""


def password_is_refused() -> bool:
    """Whether the last look ended at the password: asked again and again, a server locks the account."""
    return trouble_now().startswith(PASSWORD_REFUSED)


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
        mail = None if is_forgotten(raw) else receive(raw, source=state.source, at=arrived_at(raw, at))
        path.rename(taken / path.name)
        MailboxState.objects.filter(pk=state.pk).update(waiting=left)
        if mail:
            yield mail


def _imap(options: dict[str, Any], state: MailboxState, at: datetime) -> Iterator[InboundMail]:
    with _opened(options, state) as (server, held):
        uids = _new_uids(server, options, state.last_uid)
        MailboxState.objects.filter(pk=state.pk).update(on_server=held, waiting=len(uids))
        for number, uid in enumerate(uids, 1):
            found = _take(server, uid, uids[number:], options, state)
            mail = _keep(found, state.source, at) if found else None
            MailboxState.objects.filter(pk=state.pk).update(last_uid=uid, waiting=len(uids) - number)
            if mail:
                yield mail


@contextmanager
def _opened(options: dict[str, Any], state: MailboxState) -> Iterator[tuple[imaplib.IMAP4, int]]:
    """A session in the folder, and how many mails that holds. EXAMINE: nothing becomes \\Seen."""
    server = _connect(options)
    try:
        if options.get("security", "tls") not in ("tls", "none"):
            server.starttls(_tls(options))
        log_in(server, options)
        yield server, _examine(server, _folder(options), state)
    finally:
        _hang_up(server)


def _examine(server: imaplib.IMAP4, folder: str, state: MailboxState) -> int:
    try:
        [held] = _checked(server.select(_quoted(folder), readonly=True))
    except imaplib.IMAP4.abort:
        raise
    except imaplib.IMAP4.error as error:
        raise FolderRefused(folder, str(error)) from None
    [validity] = server.response("UIDVALIDITY")[1]
    _follow(state, int(validity or 0))
    return int(held)


def _hang_up(server: imaplib.IMAP4) -> None:
    """Where the line is gone there is no LOGOUT, and our end of it still to be closed."""
    try:
        server.logout()
    except (OSError, imaplib.IMAP4.error):
        with suppress(OSError):
            server.shutdown()


def _connect(options: dict[str, Any]) -> imaplib.IMAP4:
    security, timeout = options.get("security", "tls"), options.get("timeout", TIMEOUT)
    if security == "tls":
        port = options.get("port", 993)
        return imaplib.IMAP4_SSL(options["host"], port, ssl_context=_tls(options), timeout=timeout)
    return imaplib.IMAP4(options["host"], options.get("port", 143), timeout=timeout)


def _tls(options: dict[str, Any]) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=options.get("ca_file"))


def _follow(state: MailboxState, uidvalidity: int) -> None:
    """A new UIDVALIDITY makes all UIDs void: start over, the bytes' hash keeps everything single."""
    if state.uidvalidity != uidvalidity:
        state.uidvalidity, state.last_uid, state.failing_uid, state.failures = uidvalidity, 0, 0, 0
        state.save(update_fields=["uidvalidity", "last_uid", "failing_uid", "failures"])


def _new_uids(server: imaplib.IMAP4, options: dict[str, Any], last: int) -> list[int]:
    since = options.get("since")  # a date: an old mailbox need not come in whole
    criteria = ["SINCE", f"{since.day}-{MONTHS[since.month - 1]}-{since.year}"] if since else []
    [found] = _checked(server.uid("SEARCH", "UID", f"{last + 1}:*", *criteria))
    # "*" is the newest mail even when its UID is below the range
    return sorted(uid for uid in map(int, (found or b"").split()) if uid > last)


def _take(
    server: imaplib.IMAP4, uid: int, behind: list[int], options: dict[str, Any], state: MailboxState
) -> Found | None:
    """None where the mail vanished meanwhile.

    A mail the server fails to hand over must not keep back those behind it for ever: when it hands over one of them,
    the trouble lies with that mail, and a row for a person to look at takes its place.
    """
    try:
        return _ask(server, uid, _limit(options))
    except (OSError, imaplib.IMAP4.error) as error:
        state.failures = state.failures + 1 if state.failing_uid == uid else 1
        state.failing_uid = uid
        state.save(update_fields=["failing_uid", "failures"])
        if state.failures == 1 and isinstance(error, (OSError, imaplib.IMAP4.abort)):
            raise  # a line that was cut once says nothing about the mail
        if state.failures < TRIES or not behind:
            raise NotHandedOver(uid, str(error)) from error
    with _opened(options, state) as (again, _):
        another = behind[(state.failures - TRIES) % len(behind)]
        try:
            _ask(again, another, _limit(options))
        except (OSError, imaplib.IMAP4.error) as error:
            raise NotHandedOver(uid, str(error)) from error
        return _what_can_be_had(again, uid, state)


def _limit(options: dict[str, Any]) -> int:
    return options.get("size_limit", SIZE_LIMIT)


Found = tuple[bytes, bytes, str]  # what was fetched, the server's facts about it, why a person has to look


def _ask(server: imaplib.IMAP4, uid: int, limit: int) -> Found | None:
    """None where there is no such mail (any more)."""
    facts = _flat(_checked(server.uid("FETCH", str(uid), "(RFC822.SIZE INTERNALDATE)")))
    size = re.search(rb"RFC822\.SIZE (\d+)", facts)
    if not size:
        return None
    large = int(size[1]) > limit
    part = "BODY.PEEK[HEADER]" if large else "BODY.PEEK[]"
    raw = _body(_checked(server.uid("FETCH", str(uid), f"(UID {part})")))
    return None if raw is None else (raw, facts, TOO_LARGE if large else "")


def _body(answer: list[Any]) -> bytes | None:
    """A server may say it as a literal or, when it is short, in quotes; NIL where it has the mail and not its bytes."""
    for item in answer:
        if isinstance(item, tuple):
            return item[1]
        if short := re.search(rb'BODY\[(?:HEADER)?\] (?:NIL|"((?:[^"\\]|\\.)*)")', item or b"", re.I):
            if short[1] is None:
                raise imaplib.IMAP4.error("NIL")
            return re.sub(rb"\\(.)", rb"\1", short[1])
    return None


def _what_can_be_had(server: imaplib.IMAP4, uid: int, state: MailboxState) -> Found:
    """Of a mail the server does not hand over: its headers, or words that say where it lies."""
    found = None
    with suppress(OSError, imaplib.IMAP4.error):
        found = _ask(server, uid, -1)
    if found:
        return found[0], found[1], PASSED_OVER
    place = f"UIDVALIDITY {state.uidvalidity}, UID {uid}"
    return f"Subject: 取り出せなかったメール（{place}）\r\n\r\n{state.source}\r\n".encode(), b"", PASSED_OVER


def _keep(found: Found, source: str, at: datetime) -> InboundMail | None:
    """None where the mail was deleted here when its time was over."""
    raw, facts, problem = found
    if is_forgotten(raw):
        return None
    with transaction.atomic():
        mail = receive(raw, source=source, at=_arrived(facts, at))
        if problem:
            InboundMail.objects.filter(pk=mail.pk, parsed_at=None).update(problem=problem)
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
