"""Queueing mail, sending again what failed, taking up what came in."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from collections.abc import Sequence
from datetime import datetime

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from kyoten.post.models import Enclosure, InboundMail, OutboundMail
from kyoten.records.models import Actor, Attachment
from kyoten.records.names import clean_text

# What goes on the wire unquoted: one local part, one domain, nothing that could end a header or an SMTP command.
ADDRESS = re.compile(
    r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]{1,64}@[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?(?:\.[A-Za-z0-9-]+)+"
)
BAD_ADDRESS = "宛先のメールアドレスの形が正しくありません。宛先を直して再送してください。"


def send(
    *,
    to: Sequence[str],
    subject: str,
    text: str,
    at: datetime,
    key: str,
    by: Actor | None,
    section_id: int | None,
    about: tuple[str, int] | None = None,
    attachments: Sequence[Attachment] = (),
    in_reply_to: str = "",
    from_name: str = "",
    automatic: bool = False,
) -> list[OutboundMail]:
    """Queue one mail per recipient, in the transaction of the act. The same `key` again queues nothing new.

    `section_id` is the section that sees it when delivery fails. `by` is who caused it (None: the system).
    `from_name` is shown as the sender (default: organisation and section of `by`).
    `automatic=True` marks what no person sent (Auto-Submitted), so that machines do not answer.
    A malformed address is no reason to refuse the act: its row fails at once and shows at the section's home.
    """
    addresses = list(dict.fromkeys(clean_text(address).strip()[:320] for address in to))
    by = by or Actor()
    about_kind, about_id = about or ("", None)
    now = timezone.now()
    rows = []
    for address in addresses:
        token = token_of(key, address)
        bad = not is_address(address)
        rows.append(
            OutboundMail(
                key=key,
                to=address,
                token=token,
                message_id=message_id_of(token),
                subject=one_line(subject)[:500],
                text=clean_text(text).replace("\r\n", "\n"),
                from_section_id=section_id,
                from_name=one_line(from_name or f"{by.organisation} {by.section}".strip())[:200],
                about_kind=about_kind,
                about_id=about_id,
                in_reply_to=in_reply_to,
                references=in_reply_to,
                automatic=automatic,
                queued_at=at,
                recorded_at=now,
                next_attempt_at=now,
                state="failed" if bad else "queued",
                failed_at=now if bad else None,
                last_reply=BAD_ADDRESS if bad else "",
                **by.columns(),
            )
        )
    with transaction.atomic():
        known = set(OutboundMail.objects.filter(key=key).values_list("to", flat=True))
        new = [row for row in rows if row.to not in known]
        OutboundMail.objects.bulk_create(new, ignore_conflicts=True)
        mails = list(OutboundMail.objects.filter(key=key, to__in=addresses).order_by("id"))
        fresh = [mail for mail in mails if mail.to not in known]
        Enclosure.objects.bulk_create([Enclosure(mail=mail, attachment=file) for mail in fresh for file in attachments])
    return mails


def is_address(address: str) -> bool:
    return bool(ADDRESS.fullmatch(address)) and ".." not in address


def one_line(text: str) -> str:
    """A header's text: control characters and line ends (header injection) become spaces."""
    return re.sub(r"[\x00-\x1f\x7f\u0085\u2028\u2029]+", " ", clean_text(text)).strip()


def token_of(key: str, address: str) -> str:
    """Deterministic, and known only to who read the mail: an answer carrying it did not come from a guesser."""
    digest = hmac.new(settings.SECRET_KEY.encode(), f"{key}\n{address}".encode(), hashlib.sha256).digest()
    return base64.b32encode(digest[:15]).decode().lower()


def message_id_of(token: str) -> str:
    return f"<kyoten.{token}@{settings.MAIL['sender'].rpartition('@')[2]}>"


def resend(mail: OutboundMail, *, by: Actor | None, at: datetime, to: str = "") -> OutboundMail:
    """再送: send a failed mail again, to a mended address where `to` is given. Returns the new row."""
    raise NotImplementedError


def settle(mail: OutboundMail, *, by: Actor | None, at: datetime) -> None:
    """対応済みにする: the recipient was told another way (telephone, fax); the failure leaves the list."""
    raise NotImplementedError


def receive(raw: bytes, *, source: str, at: datetime) -> InboundMail:
    """Keep a mail as it came; the same bytes again return the row that exists. Durable on return, not yet parsed."""
    raise NotImplementedError


def take(mail: InboundMail, *, kind: str, record_id: int, at: datetime) -> None:
    """Mark a mail as taken up by a record, in the transaction of the act that used it. Refused if it already was."""
    raise NotImplementedError


def need_attention(mail: InboundMail, reason: str) -> None:
    """要確認にする: a person has to look; `reason` is a Japanese sentence saying why."""
    raise NotImplementedError
