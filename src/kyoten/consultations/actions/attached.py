"""The texts of what came with a mail: read after the case is made, one mail at a time, and made findable."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from django.db import transaction
from django.db.models import QuerySet

from kyoten.consultations import searching
from kyoten.consultations.desks import desk_of, desks
from kyoten.consultations.models import Consultation, Message
from kyoten.consultations.personal import others_in, own_of
from kyoten.papers.plain import text_of
from kyoten.post.charsets import decode
from kyoten.post.inbox import enclosed
from kyoten.post.models import InboundMail

log = logging.getLogger(__name__)
LIMIT = 200_000  # characters kept of one mail's files
SPEAKS = "添付ファイルに個人が分かる記載があるようです。要らないものは「添付を伏せる」で伏せてください。"


def read_attached(*, limit: int = 50) -> int:
    """Read the files of mails nobody has read yet. Returns how many mails. A file that breaks the reader has no text."""
    rows = list(_unread().order_by("pk")[:limit])
    _read(rows)
    return len(rows)


def read_of(case: Consultation) -> None:
    """The same for one case, now."""
    _read(list(_unread().filter(consultation=case).order_by("pk")))


def _unread() -> QuerySet[Message]:
    return Message.objects.filter(attached_text=None, kind__in=("in", "heard"), mail_id__isnull=False)


def _read(rows: Sequence[Message]) -> None:
    mails = InboundMail.objects.select_related("original").in_bulk([row.mail_id for row in rows])
    for row in rows:
        text = _text(mails[row.mail_id]) if row.mail_id in mails else ""
        with transaction.atomic():
            if Message.objects.filter(pk=row.pk, attached_text=None).update(attached_text=text) and text:
                searching.index(row.consultation_id)
                _point_out(row, text)


def _point_out(row: Message, text: str) -> None:
    """A file that speaks of a person, at a desk whose callers do: the case is marked, and its message says so."""
    case = Consultation.objects.get(pk=row.consultation_id)
    desk = desk_of(case.programme, desks(case.operator))
    if desk and desk.rules.people and others_in(text, own_of(case, desk)):
        Consultation.objects.filter(pk=case.pk).update(personal=True)
        Message.objects.filter(pk=row.pk, warning="").update(warning=SPEAKS)


def _text(mail: InboundMail) -> str:
    if not mail.attachment_names:
        return ""
    parts = []
    for file in enclosed(mail):
        try:
            parts.append(text_of(file.data, file.name, decode))
        except Exception:
            log.exception("the text of %s in mail %s could not be read", file.name, mail.pk)
    return "\n".join(filter(None, parts))[:LIMIT]
