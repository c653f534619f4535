"""PPAP: a locked zip, and its password in a second mail. Shown together; nothing is unlocked here, because what is inside
was examined by no gateway on its way."""

from __future__ import annotations

import re
import struct
from collections.abc import Iterable, Iterator
from datetime import timedelta
from itertools import islice

from django.db.models import QuerySet

from kyoten.post.models import InboundMail
from kyoten.post.parse import Enclosed
from kyoten.rules.text import narrow

WITHIN = timedelta(hours=24)
NEAR = 5000  # mails before; what lies further back is no partner, and is not searched
ENTRIES = 1000  # of an archive, looked at
PASSWORD = re.compile(
    r"パスワード|password|(解凍|開封|展開|復元)(用)?の?(キー|パス|鍵)|復号|暗証番号|(?<![A-Za-z])PW *([:=は]|$)",
    re.I | re.M,
)
# A gateway that locks files tells the password from its own address: the same domain, at once, and nobody else there.
AT_ONCE = timedelta(minutes=10)
EVERYBODYS = re.compile(
    r"@(gmail|yahoo|ymail|outlook|hotmail|live|icloud|me|aol|docomo|ezweb|au|softbank|i\.softbank|nifty|biglobe)\."
    r"(com|jp|co\.jp|ne\.jp)$",
    re.I,
)
HEADERS = re.compile(rb"PK\x03\x04|PK\x01\x02")
WARNING = (
    "鍵のかかった添付ファイルがあります。中身はウイルス検査を受けていません。自動では開きません。"
    "開く前に、差出人に電話などで確かめてください。"
)
PAIR = "鍵のかかった添付ファイルとそのパスワードが別のメールで届いています（PPAP）。差出人を確かめるまで開かないでください。"


def is_locked(file: Enclosed) -> bool:
    """A zip any of whose entries is encrypted, by its headers alone (APPNOTE 4.4.4, bit 0)."""
    if not file.data.startswith(b"PK"):
        return False
    for n, header in enumerate(HEADERS.finditer(file.data)):
        at = header.start() + (6 if header[0][2] == 3 else 8)
        flags = file.data[at : at + 2]
        if len(flags) == 2 and struct.unpack("<H", flags)[0] & 1:
            return True
        if n >= ENTRIES:
            break
    return False


def any_locked(files: Iterable[Enclosed]) -> bool:
    return any(is_locked(file) for file in files)


def tells_password(mail: InboundMail) -> bool:
    return not mail.attachment_names and PASSWORD.search(narrow(f"{mail.subject}\n{mail.reply_text}")) is not None


def may_have_partner(mail: InboundMail) -> bool:
    return mail.locked or tells_password(mail)


def may_be_pairs(mails: Iterable[InboundMail]) -> set[int]:
    """Of these, the ones that may have a partner: many a mail speaks of a password, few come with a locked file."""
    files, telling = set[int](), list[InboundMail]()
    for mail in mails:
        if mail.locked:
            files.add(mail.pk)
        elif tells_password(mail):
            telling.append(mail)
    times = [mail.received_at for mail in telling]
    if (
        times
        and InboundMail.objects.filter(
            locked=True, received_at__range=(min(times) - WITHIN, max(times) + WITHIN)
        ).exists()
    ):
        return files | {mail.pk for mail in telling}
    return files


def partner(mail: InboundMail, **taken: object) -> InboundMail | None:
    """The other mail of the pair: of the same sender, within a day, the nearest; else of the gateway of its domain. Only
    among those `taken` so."""
    if not may_have_partner(mail):
        return None
    mails = InboundMail.objects.filter(pk__gt=mail.pk - NEAR, **taken).exclude(pk=mail.pk).exclude(sender="")
    own = _within(mails, mail, WITHIN).filter(sender__iexact=mail.sender).order_by("-pk")
    return next(_partners(mail, own), None) or _by_gateway(mail, _within(mails, mail, AT_ONCE).order_by("-pk"))


def _within(mails: QuerySet[InboundMail], mail: InboundMail, time: timedelta) -> QuerySet[InboundMail]:
    return mails.filter(received_at__range=(mail.received_at - time, mail.received_at + time))


def _partners(mail: InboundMail, among: QuerySet[InboundMail]) -> Iterator[InboundMail]:
    if not mail.locked:
        yield from among.filter(locked=True)[:2]
    else:
        yield from (other for other in among.filter(locked=False, attachment_names="")[:50] if tells_password(other))


def _by_gateway(mail: InboundMail, among: QuerySet[InboundMail]) -> InboundMail | None:
    """Of the same domain, where only one comes into question and nobody there has sent another of its kind."""
    domain = mail.sender[mail.sender.rfind("@") :]
    if "@" not in domain or EVERYBODYS.search(domain):
        return None
    there = among.filter(sender__iendswith=domain)
    found = list(islice(_partners(mail, there), 2))
    rivals = there.filter(locked=True).exists() if mail.locked else any(map(tells_password, there.filter(locked=False)))
    return found[0] if len(found) == 1 and not rivals else None
