"""A desk with cases, by its real acts, for the flow tests."""

from __future__ import annotations

from datetime import datetime
from email.message import EmailMessage
from hashlib import sha256
from typing import Any

from kyoten.consultations.actions import intake
from kyoten.consultations.desks import Desk, desk_of, desks
from kyoten.consultations.models import Consultation
from kyoten.post.actions import receive
from kyoten.post.inbox import read_new
from kyoten.post.models import InboundMail
from kyoten.rules.clock import JST

SATURDAY = datetime(2025, 7, 19, 10, 0, tzinfo=JST)
TUESDAY = datetime(2025, 7, 22, 9, 31, tzinfo=JST)
ASKER = "chiiki@matsudo.example.jp"
TEMPLATE = """お世話になっております。
1) 自治体・機関名：松戸市
2) 氏名：山下 結衣
3) 連絡先（TEL／メールアドレス）：047-000-0000／chiiki@matsudo.example.jp
4) 照会内容（具体的に）：
平時にどのような連携を決めておくとよいか、例を教えてください。
人工呼吸器を使う方の受入れについてです。
"""


def desk(world) -> Desk:
    found = desk_of("r7-zaitaku", desks(world.secretariat))
    assert found is not None
    return found


def mail(text: str = TEMPLATE, *, at: datetime = SATURDAY, **more: Any) -> InboundMail:
    """A mail as it came, stored and read."""
    row = receive(raw(text, **more), source="test", at=at)
    read_new(at)
    row.refresh_from_db()
    return row


def raw(
    text: str = TEMPLATE,
    *,
    subject: str = "拠点整備・運用に関する照会",
    sender: str = ASKER,
    to: str = "zaitaku@example.jp",
    message_id: str = "",
    in_reply_to: str = "",
    files: dict[str, bytes] | None = None,
    **headers: str,
) -> bytes:
    """The bytes of a mail to the desk."""
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = sender, to, subject
    digest = sha256(f"{sender}{subject}{text}{in_reply_to}".encode()).hexdigest()[:20]
    message["Message-ID"] = message_id or f"<{digest}@example.jp>"
    if in_reply_to:
        message["In-Reply-To"] = in_reply_to
    for name, value in headers.items():
        message[name.replace("_", "-")] = value
    message.set_content(text)
    for name, data in (files or {}).items():
        message.add_attachment(data, maintype="application", subtype="octet-stream", filename=name)
    return message.as_bytes()


def taken(world, *args, at: datetime = SATURDAY, **more) -> Consultation:
    return intake.take_mail(mail(*args, at=at, **more), desk(world), at=at)
