"""An outbox row as the bytes of a mail. The same row always gives the same bytes: a second copy is recognisable."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from email.headerregistry import Address
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
    message = EmailMessage(policy=SMTP)
    _set_headers(message, mail)
    # base64: no line is too long, none starts with a dot or "From ", and no gateway has to convert 8 bit
    message.set_content(body(mail), charset="utf-8", cte="base64")
    files = mail.files
    for file in files:
        maintype, _, subtype = file.content_type.partition("/")
        message.add_attachment(file.read(), maintype=maintype, subtype=subtype, filename=file.name)
    if files:
        message.set_boundary(f"=_{mail.token}")
    return message.as_bytes()


def answer(mail: OutboundMail, text: str, files: Sequence[tuple[str, bytes]], *, at: datetime) -> bytes:
    """デモ: what the recipient's own mail program would send back, the original quoted below."""
    message = EmailMessage(policy=SMTP)
    message["From"] = Address(addr_spec=mail.to)
    message["To"] = Address(addr_spec=reply_address(mail))
    message["Subject"] = f"Re: {mail.subject}"
    message["Date"] = format_datetime(at)
    message["Message-ID"] = make_msgid(domain=mail.to.rpartition("@")[2])
    message["In-Reply-To"] = message["References"] = mail.message_id
    quoted = "\n".join(f"> {line}" for line in body(mail).splitlines())
    message.set_content(f"{text}\n\n{quoted}\n", charset="utf-8", cte="base64")
    for name, data in files:
        maintype, _, subtype = content_type_of(name).partition("/")
        message.add_attachment(data, maintype=maintype, subtype=subtype, filename=clean_file_name(name))
    return message.as_bytes()


def _set_headers(message: EmailMessage, mail: OutboundMail) -> None:
    name = f"{mail.from_name}（Kyoten経由）" if mail.from_name else "Kyoten"
    message["From"] = Address(name, addr_spec=settings.MAIL["sender"])
    message["To"] = Address(addr_spec=mail.to)
    message["Reply-To"] = Address(addr_spec=reply_address(mail))
    message["Subject"] = mail.subject
    message["Date"] = format_datetime(mail.recorded_at)  # real time: a demo's or a wrong clock's date looks like spam
    message["Message-ID"] = mail.message_id
    if mail.in_reply_to:
        message["In-Reply-To"] = mail.in_reply_to
        message["References"] = mail.references or mail.in_reply_to
    if mail.automatic:
        message["Auto-Submitted"] = "auto-generated"
