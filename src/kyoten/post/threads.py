"""Which mails belong together: by the Message-IDs they bear and name, looked up by digest."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable

from django.db.models import QuerySet

from kyoten.post.models import InboundMail, MailId
from kyoten.post.parse import Parsed

NOTE = 400  # characters a gateway may add
BY_GATEWAY = re.compile(
    "外部|組織外|社外|庁外|ウイルス|ウィルス|検査(済|しま|され|を実施)|スキャン|なりすまし|external|virus|scan|caution",
    re.I,
)


def digest(message_id: str) -> str:
    return hashlib.sha1(message_id.encode("utf-8", "replace"), usedforsecurity=False).hexdigest()


def body_digest(parsed: Parsed) -> str:
    """Of what was said and enclosed: the same for a mail that came twice by different ways."""
    found = hashlib.sha256(f"{parsed.subject}\n{parsed.text}".encode("utf-8", "replace"))
    for file in parsed.enclosed:
        found.update(f"\n{file.name}\n{hashlib.sha256(file.data).hexdigest()}".encode("utf-8", "replace"))
    return found.hexdigest()


def ids_of(mail_id: int, parsed: Parsed) -> list[MailId]:
    """The rows by which a mail is found: its own id, and those it names (the nearest hundred)."""
    named = dict.fromkeys([*parsed.in_reply_to.split(), *reversed(parsed.references.split())])
    named.pop(parsed.message_id, None)
    own = [MailId(mail_id=mail_id, digest=digest(parsed.message_id), own=True)] if parsed.message_id else []
    return own + [MailId(mail_id=mail_id, digest=digest(name), own=False) for name in list(named)[:100]]


def earlier(mail: InboundMail) -> QuerySet[InboundMail]:
    """Mails of the same sender that this one answers or refers to."""
    if not mail.sender:
        return InboundMail.objects.none()
    return _same_sender(mail, list(mail.ids.filter(own=False).values_list("digest", flat=True)), own=True)


def later(mail: InboundMail) -> QuerySet[InboundMail]:
    """Mails of the same sender that name this one: answers that came before it."""
    if not mail.sender or not mail.message_id:
        return InboundMail.objects.none()
    return _same_sender(mail, [digest(mail.message_id)], own=False)


def related(mails: Iterable[InboundMail]) -> set[int]:
    """Of these mails, those that some other mail names or that name another: they go one by one, in their order."""
    rows = list(MailId.objects.filter(mail__in=[mail.pk for mail in mails]).values_list("mail", "digest", "own"))
    digests = {found for _, found, _ in rows}
    others: dict[tuple[str, bool], set[int]] = {}
    for pk, found, own in MailId.objects.filter(digest__in=digests).values_list("mail", "digest", "own"):
        others.setdefault((found, own), set()).add(pk)
    return {pk for pk, found, own in rows if others.get((found, not own), set()) - {pk} or own and (
        len(others.get((found, True), set())) > 1
    )}  # fmt: skip


def first_of(mail: InboundMail) -> InboundMail | None:
    """The mail this one is a double of: the same Message-ID, sender, words and files, come before. A mail that bears
    a known Message-ID and says something else is no double."""
    if not mail.message_id or not mail.body_digest:
        return None
    same = _same_sender(mail, [digest(mail.message_id)], own=True).filter(pk__lt=mail.pk, double_of=None)
    alike = same.filter(body_digest=mail.body_digest).order_by("pk").first()
    return alike or next((other for other in same.order_by("pk")[:20] if _by_another_way(mail, other)), None)


def _by_another_way(mail: InboundMail, other: InboundMail) -> bool:
    """The same words but for what a gateway writes above, below or before the subject; and no files, whose bytes
    would have to be the same too."""
    if mail.attachment_names or other.attachment_names or _bare_subject(mail) != _bare_subject(other):
        return False
    short, long = sorted((re.sub(r"\s+", "", each.text) for each in (mail, other)), key=len)
    before, found, after = long.partition(short)
    added = [part for part in (before, after) if part]
    return bool(short and found) and all(len(part) < NOTE and BY_GATEWAY.search(part) for part in added)


def _bare_subject(mail: InboundMail) -> str:
    return re.sub(r"^(\s*[\[【［(（<＜][^\]】］)）>＞]{1,20}[\]】］)）>＞])+|\s", "", mail.subject)


def _same_sender(mail: InboundMail, digests: list[str], *, own: bool) -> QuerySet[InboundMail]:
    found = MailId.objects.filter(digest__in=digests, own=own).values("mail")
    return InboundMail.objects.filter(pk__in=found, sender__iexact=mail.sender).exclude(pk=mail.pk)
