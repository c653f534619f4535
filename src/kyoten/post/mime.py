"""An outbox row as the bytes of a mail. The same row always gives the same bytes: a second copy is recognisable."""

from __future__ import annotations

import base64
import re
from collections.abc import Sequence
from datetime import datetime
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, make_msgid

from django.conf import settings

from kyoten.post.models import OutboundMail
from kyoten.records.names import clean_file_name, content_type_of

REFERENCE = "管理番号"  # the inbox looks for it in answers whose In-Reply-To a gateway has cut away


def reply_address(mail: OutboundMail) -> str:
    """Where an answer, and a bounce, goes: our mailbox, with the mail's token where the server knows plus addresses."""
    address = settings.MAILBOX.get("address") or settings.MAILBOX.get("user", "")
    if "@" not in address:
        address = settings.MAIL["sender"]
    local, _, domain = address.rpartition("@")
    return f"{local}+{mail.token}@{domain}" if settings.MAILBOX.get("plus") else address


def body(mail: OutboundMail) -> str:
    """The text as it is sent: with the number by which an answer finds its case."""
    return f"{mail.text.rstrip()}\n\n--\n{REFERENCE} {mail.token}（返信される場合は、この行を残してください）\n"


def build(mail: OutboundMail) -> bytes:
    """The whole mail, CRLF line ends. Raises OSError where an enclosed file is lost."""
    files = [(file.name, file.content_type, file.read()) for file in mail.files]
    name = f"{mail.from_name}（Kyoten経由）" if mail.from_name else "Kyoten"
    headers = [
        ("From", f"{words(name)}\r\n <{settings.MAIL['sender']}>"),
        ("To", mail.to),
        ("Reply-To", reply_address(mail)),
        ("Subject", words(mail.subject)),
        ("Date", format_datetime(mail.recorded_at)),  # real time: the date of a demo or a wrong clock looks like spam
        ("Message-ID", mail.message_id),
    ]
    if mail.in_reply_to:
        ids = re.findall(r"<[!-;=?-~]+>", f"{mail.references} {mail.in_reply_to}")
        headers += [("In-Reply-To", ids[-1]), ("References", "\r\n ".join(dict.fromkeys(ids)))] if ids else []
    if mail.automatic:
        headers.append(("Auto-Submitted", "auto-generated"))
    return _assemble(headers, body(mail), files, boundary=f"=_{mail.token}")


def answer(mail: OutboundMail, text: str, files: Sequence[tuple[str, bytes]], *, at: datetime) -> bytes:
    """デモ: what the recipient's own mail program would send back, the original quoted below."""
    own = make_msgid(domain=mail.to.rpartition("@")[2])
    headers = [
        ("From", mail.to),
        ("To", reply_address(mail)),
        ("Subject", words(f"Re: {mail.subject}")),
        ("Date", format_datetime(at)),
        ("Message-ID", own),
        ("In-Reply-To", mail.message_id),
        ("References", mail.message_id),
    ]
    quoted = "\n".join(f"> {line}" for line in body(mail).splitlines())
    names = [(clean_file_name(name), content_type_of(name), data) for name, data in files]
    return _assemble(headers, f"{text}\n\n{quoted}\n", names, boundary="=_reply")


def words(text: str) -> str:
    """A header's text as ASCII: as it is where that is harmless, else encoded words (RFC 2047) of whole characters.

    Not left to the standard library, which puts spaces into long Japanese names and believes "=?…?=" in a subject.
    """
    if re.fullmatch(r"[A-Za-z0-9 ]{1,60}", text):
        return text
    pieces, piece = [], ""
    for char in text:
        if len((piece + char).encode()) > 39:  # with its frame 64 characters: a line stays below 76
            pieces.append(piece)
            piece = ""
        piece += char
    encoded = (base64.b64encode(part.encode()).decode("ascii") for part in [*pieces, piece])
    return "\r\n ".join(f"=?utf-8?B?{part}?=" for part in encoded)


def _assemble(
    headers: Sequence[tuple[str, str]], text: str, files: Sequence[tuple[str, str, bytes]], *, boundary: str
) -> bytes:
    message = EmailMessage(policy=SMTP)
    # base64: no line is too long, none starts with a dot or "From ", and no gateway has to convert 8 bit
    message.set_content(text, charset="utf-8", cte="base64")
    for name, content_type, data in files:
        maintype, _, subtype = content_type.partition("/")
        message.add_attachment(data, maintype=maintype, subtype=subtype, filename=name)
    if files:
        message.set_boundary(boundary)
    head = "".join(f"{name}: {value}\r\n" for name, value in headers)
    return head.encode("ascii") + message.as_bytes()
