"""The texts of what came with a mail: read after the case is made, one mail at a time, and made findable."""

from __future__ import annotations

import logging

from django.db import transaction

from kyoten.consultations import searching
from kyoten.consultations.models import Message
from kyoten.papers.plain import text_of
from kyoten.post.inbox import enclosed
from kyoten.post.models import InboundMail

log = logging.getLogger(__name__)
LIMIT = 200_000  # characters kept of one mail's files


def read_attached(*, limit: int = 50) -> int:
    """Read the files of mails nobody has read yet. Returns how many mails. A file that breaks the reader has no text."""
    waiting = Message.objects.filter(attached_text=None, kind__in=("in", "heard"), mail_id__isnull=False).order_by("pk")
    rows = list(waiting[:limit])
    mails = InboundMail.objects.select_related("original").in_bulk([row.mail_id for row in rows])
    for row in rows:
        text = _text(mails[row.mail_id]) if row.mail_id in mails else ""
        with transaction.atomic():
            if Message.objects.filter(pk=row.pk, attached_text=None).update(attached_text=text) and text:
                searching.index(row.consultation_id)
    return len(rows)


def _text(mail: InboundMail) -> str:
    if not mail.attachment_names:
        return ""
    parts = []
    for file in enclosed(mail):
        try:
            parts.append(text_of(file.data, file.name))
        except Exception:
            log.exception("the text of %s in mail %s could not be read", file.name, mail.pk)
    return "\n".join(filter(None, parts))[:LIMIT]
