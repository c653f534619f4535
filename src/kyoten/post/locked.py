"""PPAP: a locked zip, and its password in a second mail. Shown together; nothing is unlocked here, because what is inside
was examined by no gateway on its way."""

from __future__ import annotations

import re
import struct
from collections.abc import Iterable
from datetime import timedelta

from kyoten.post.models import InboundMail
from kyoten.post.parse import Enclosed
from kyoten.rules.text import narrow

WITHIN = timedelta(hours=24)
NEAR = 5000  # mails before; what lies further back is no partner, and is not searched
ENTRIES = 1000  # of an archive, looked at
PASSWORD = re.compile(r"パスワード|password|解凍(用)?(キー|パス|鍵)|開封(用)?(キー|パス)|復号", re.I)
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


def partner(mail: InboundMail, **taken: object) -> InboundMail | None:
    """The other mail of the pair: of the same sender, within a day, the nearest; only among those `taken` so."""
    if not may_have_partner(mail):
        return None
    day = (mail.received_at - WITHIN, mail.received_at + WITHIN)
    near = InboundMail.objects.filter(
        sender__iexact=mail.sender, received_at__range=day, pk__gt=mail.pk - NEAR, **taken
    )
    near = near.exclude(pk=mail.pk).exclude(sender="").order_by("-pk")
    if not mail.locked:
        return near.filter(locked=True).first()
    return next((other for other in near.filter(locked=False, attachment_names="")[:50] if tells_password(other)), None)
