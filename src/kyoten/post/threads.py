"""Which mails belong together: by the Message-IDs they bear and name, looked up by digest."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Sequence
from typing import NamedTuple

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


class Links(NamedTuple):
    """How mails hang together: what each bears and names (digests), and which share what with any other mail."""

    own: dict[int, set[str]]
    named: dict[int, set[str]]
    related: set[int]  # those that some other mail names, or that name another, or share their Message-ID
    shared: set[int]  # those whose Message-ID another mail bears too


def links(mails: Iterable[InboundMail]) -> Links:
    """Two queries, however many mails."""
    rows = list(MailId.objects.filter(mail__in=[mail.pk for mail in mails]).values_list("mail", "digest", "own"))
    bearing, naming = dict[str, set[int]](), dict[str, set[int]]()
    known = MailId.objects.filter(digest__in={found for _, found, _ in rows})
    for pk, found, own in known.values_list("mail", "digest", "own"):
        (bearing if own else naming).setdefault(found, set()).add(pk)
    made = Links({}, {}, set(), set())
    for pk, found, own in rows:
        (made.own if own else made.named).setdefault(pk, set()).add(found)
        if own and len(bearing[found]) > 1:
            made.shared.add(pk)
        if (naming if own else bearing).get(found, set()) - {pk}:
            made.related.add(pk)
    made.related.update(made.shared)
    return made


def waves(mails: Sequence[InboundMail], links: Links) -> list[list[InboundMail]]:
    """Mails in groups that can be taken up together, one group after the other: whatever hangs on a mail that came
    before it is in a later group than that one."""
    borne, named, found = dict[str, int](), dict[str, int](), list[list[InboundMail]]()
    for mail in mails:
        own, names = links.own.get(mail.pk, set()), links.named.get(mail.pk, set())
        before = [borne.get(each, -1) for each in own | names] + [named.get(each, -1) for each in own]
        level = max(before, default=-1) + 1
        for places, digests in ((borne, own), (named, names)):
            places.update({each: max(level, places.get(each, -1)) for each in digests})
        if level == len(found):
            found.append([])
        found[level].append(mail)
    return found


def taken_with(mails: Sequence[InboundMail], links: Links, kind: str) -> dict[int, int]:
    """By mail, the record of this kind that took up a mail of the same sender it hangs on: the last of those it names,
    or else the first of those that name it."""
    digests = {each for mail in mails for each in links.own.get(mail.pk, set()) | links.named.get(mail.pk, set())}
    rows = MailId.objects.filter(digest__in=digests, mail__taken_kind=kind, mail__taken_id__isnull=False)
    by = dict[tuple[str, bool, str], list[tuple[int, int]]]()
    for found, own, sender, pk, record in rows.values_list("digest", "own", "mail__sender", "mail", "mail__taken_id"):
        by.setdefault((found, own, sender.casefold()), []).append((pk, record))
    taken = dict[int, int]()
    for mail in mails if by else ():
        sender = mail.sender.casefold()
        earlier = [row for each in links.named.get(mail.pk, ()) for row in by.get((each, True, sender), ())]
        later = [row for each in links.own.get(mail.pk, ()) for row in by.get((each, False, sender), ())]
        if sender and (earlier or later):
            taken[mail.pk] = (max(earlier) if earlier else min(later))[1]
    return taken


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
    if not short:
        return False
    before, found, after = long.partition(short)
    added = [part for part in (before, after) if part]
    return bool(found) and all(len(part) < NOTE and BY_GATEWAY.search(part) for part in added)


def _bare_subject(mail: InboundMail) -> str:
    return re.sub(r"^(\s*[\[【［(（<＜][^\]】］)）>＞]{1,20}[\]】］)）>＞])+|\s", "", mail.subject)


def _same_sender(mail: InboundMail, digests: list[str], *, own: bool) -> QuerySet[InboundMail]:
    found = MailId.objects.filter(digest__in=digests, own=own).values("mail")
    return InboundMail.objects.filter(pk__in=found, sender__iexact=mail.sender).exclude(pk=mail.pk)
