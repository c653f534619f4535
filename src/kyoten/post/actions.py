"""Queueing mail, sending again what failed, taking up what came in."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils import timezone

from kyoten.post.models import Barrier, Enclosure, InboundMail, Mention, OutboundMail
from kyoten.post.msg import is_msg
from kyoten.records.actions import record, store_file
from kyoten.records.models import Actor, Attachment, Refused
from kyoten.records.names import clean_text

# What goes on the wire unquoted: one local part, one domain, nothing that could end a header or an SMTP command.
LABEL = "[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
LOCAL = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
ADDRESS = re.compile(rf"(?=.{{1,64}}@.{{4,189}}\Z){LOCAL}(?:\.{LOCAL})*@{LABEL}(?:\.{LABEL})+")
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
    mentions: Sequence[tuple[str, int]] = (),
    attachments: Sequence[Attachment] = (),
    in_reply_to: str = "",
    from_name: str = "",
    automatic: bool = False,
    secret: bool = False,
) -> list[OutboundMail]:
    """Queue one mail per recipient, in the transaction of the act. The same `key` again queues nothing new.

    `section_id` is the section that sees it when delivery fails. `by` is who caused it (None: the system).
    `from_name` is shown as the sender (default: organisation and section of `by`).
    `mentions`: records the text tells of besides `about`; who is barred from one of them does not see the mail.
    `secret=True`: the text holds a key of its recipient's (an invitation); colleagues of the sender never see it.
    `automatic=True` marks what no person sent (Auto-Submitted), so that machines do not answer.
    A malformed address is no reason to refuse the act: its row fails at once and shows at the section's home.
    """
    addresses = list(dict.fromkeys(clean_text(address).strip()[:320] for address in to))
    by = by or Actor()
    shared = {
        "subject": one_line(subject)[:500],
        "text": clean_text(text).replace("\r\n", "\n"),
        "from_section_id": section_id,
        "from_name": (one_line(from_name) or one_line(f"{by.organisation} {by.section}"))[:200],
        "about_kind": about[0] if about else "",
        "about_id": about[1] if about else None,
        "in_reply_to": in_reply_to,
        "references": in_reply_to,
        "automatic": automatic,
        "secret": secret,
        **by.columns(),
    }
    with transaction.atomic(savepoint=False):
        known = set(OutboundMail.objects.filter(key=key).values_list("to", flat=True))
        rows = [_row(key, address, at, shared) for address in addresses if address not in known]
        OutboundMail.objects.bulk_create(rows, ignore_conflicts=True)
        mails = list(OutboundMail.objects.filter(key=key, to__in=addresses).order_by("id"))
        new = [mail for mail in mails if mail.to not in known]
        Enclosure.objects.bulk_create([Enclosure(mail=mail, attachment=file) for mail in new for file in attachments])
        Mention.objects.bulk_create(
            [Mention(mail=mail, kind=kind, record_id=pk) for mail in new for kind, pk in mentions]
        )
    return mails


def _row(key: str, address: str, at: datetime, shared: Mapping[str, Any]) -> OutboundMail:
    now, token = timezone.now(), token_of(key, address)
    times = {"queued_at": at, "recorded_at": now, "next_attempt_at": now}
    mail = OutboundMail(key=key, to=address, token=token, message_id=message_id_of(token), **times, **shared)
    if not is_address(address):
        mail.state, mail.failed_at, mail.last_reply = "failed", at, BAD_ADDRESS
    return mail


def is_address(address: str) -> bool:
    return ADDRESS.fullmatch(address) is not None


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
    """再送: send a failed mail again as a new one, to a mended address where `to` is given. Returns the new row."""
    address = clean_text(to or mail.to).strip()
    if not is_address(address):
        raise Refused(
            "宛先のメールアドレスの形が正しくありません。例のように入力してください（例: tantou@city.example.jp）。"
        )
    if mail.secret and address != mail.to:
        raise Refused(
            "このメールは本人だけが使うリンクを含むため、別の宛先へは再送できません。宛先を直すときは、招待を取り消し、連絡先を直してから招待し直してください。"
        )
    with transaction.atomic():
        _settle(mail, at)
        [new] = send(
            to=[address],
            subject=mail.subject,
            text=mail.text,
            at=at,
            key=f"resend:{mail.pk}",
            by=by,
            section_id=mail.from_section_id,
            about=mail.about,
            mentions=[(row.kind, row.record_id) for row in mail.mentions.all()],
            attachments=mail.files,
            in_reply_to=mail.in_reply_to,
            from_name=mail.from_name,
            automatic=mail.automatic,
            secret=mail.secret,
        )
        OutboundMail.objects.filter(pk=mail.pk).update(resent_as=new)
        _tell(
            mail,
            "resend_mail",
            "届かなかったメールを再送しました。",
            by,
            at,
            note=f"「{mail.subject}」　{mail.to} → {address}",
        )
    return new


def bar(person_id: int, kind: str, record_id: int) -> None:
    """Keep every mail about this record from this person's eyes, in the transaction of the act that says so."""
    Barrier.objects.get_or_create(person_id=person_id, kind=kind, record_id=record_id)


def settle(mail: OutboundMail, *, by: Actor | None, at: datetime) -> None:
    """対応済みにする: the recipient was told another way (telephone, fax); the failure leaves the list."""
    with transaction.atomic():
        _settle(mail, at)
        title = "届かなかったメールについて、別の方法で連絡済みとしました。"
        _tell(mail, "settle_mail", title, by, at, note=f"「{mail.subject}」　{mail.to}")


def _settle(mail: OutboundMail, at: datetime) -> None:
    open_failure = OutboundMail.objects.filter(pk=mail.pk, state="failed", settled_at=None)
    if not open_failure.update(settled_at=at):
        raise Refused("このメールは、すでに再送されたか、対応済みになっています。一覧を開き直して確認してください。")


def _tell(mail: OutboundMail, act: str, title: str, by: Actor | None, at: datetime, *, note: str) -> None:
    """Write it into the 経過 of what the mail is about. Address and subject may be personal: the erasable note."""
    if mail.about:
        kind, record_id = mail.about
        record(act, title[:500], kind=kind, record_id=record_id, by=by, at=at, facts={"mail": mail.pk}, note=note)


def receive(raw: bytes, *, source: str, at: datetime) -> InboundMail:
    """Keep a mail as it came, durable on return; the same bytes again return the row that exists. Not yet parsed.

    Raises Refused where the disk is full: then nothing was kept, and the mailbox still has it.
    """
    digest = hashlib.sha256(raw).hexdigest()
    known = InboundMail.objects.filter(sha256=digest).first()
    if known:
        return known
    try:
        with transaction.atomic():
            original = store_file(
                raw, f"{digest[:12]}{'.msg' if is_msg(raw) else '.eml'}", by=None, at=at, label="original"
            )
            times = {"received_at": at, "recorded_at": timezone.now()}
            return InboundMail.objects.create(sha256=digest, original=original, source=source, **times)
    except IntegrityError:  # another worker was first
        return InboundMail.objects.get(sha256=digest)


def take(mail: InboundMail, *, kind: str, record_id: int | None, at: datetime) -> None:
    """Mark a mail as taken up by a record, in the transaction of the act that used it. Refused if it already was."""
    if not transaction.get_connection().in_atomic_block:
        raise RuntimeError("take() must run inside the transaction of the act that uses the mail")
    rows = InboundMail.objects.filter(pk=mail.pk).exclude(state="taken")
    if not rows.update(state="taken", taken_at=at, taken_kind=kind, taken_id=record_id):
        raise Refused("このメールは、すでにほかの方が処理しています。一覧を開き直して確認してください。")


def need_attention(mail: InboundMail, reason: str) -> None:
    """要確認にする: a person has to look; `reason` is a Japanese sentence saying why. A taken mail stays taken."""
    InboundMail.objects.filter(pk=mail.pk).exclude(state="taken").update(state="attention", problem=reason)


def set_aside(mail: InboundMail, *, by: Actor | None, at: datetime) -> None:
    """確認済みにする: a person looked at a mail that belongs to no case; who and when stands in its 経過."""
    with transaction.atomic():
        take(mail, kind="", record_id=None, at=at)
        title = "受信メールを確認済みにしました。"
        record("set_aside_mail", title, kind="inbound_mail", record_id=mail.pk, by=by, at=at)
