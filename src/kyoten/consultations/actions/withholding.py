"""添付を伏せる: files that show a person cannot be rewritten, so they are taken out of sight, and out of the search.

Their text stays as it was read, for the day they are shown again: what was masked meanwhile is masked in it. The files stay inside the mail as it came, which is the proof of what was received, and go with it when the case goes. 管理
seats can open them and show them again. What is exported and what becomes an 事例 never held a file at all.
"""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.db.models import F

from kyoten.consultations import searching
from kyoten.consultations.actions.attached import SPEAKS
from kyoten.consultations.actions.handling import check_living, check_seat, locked
from kyoten.consultations.models import INBOUND, KIND, Consultation, Message
from kyoten.organisations.models import Seat
from kyoten.post.models import InboundMail
from kyoten.records.actions import record
from kyoten.records.models import Refused


@transaction.atomic
def withhold_files(message: Message, *, by: Seat, at: datetime) -> int:
    """添付を伏せる: the files of one message, by any officer of the desk. Returns how many they are."""
    case = _locked(message, by)
    count = len(files_of(message))
    if not count:
        raise Refused("この1通に、伏せる添付ファイルはありません。")
    rows = Message.objects.filter(pk=message.pk, consultation=case, withheld_at=None)
    if not rows.update(withheld_at=at):
        raise Refused("この添付ファイルは、すでに伏せられています。")
    Message.objects.filter(pk=message.pk, warning=SPEAKS).update(warning="")
    Consultation.objects.filter(pk=case.pk).update(personal=True, version=F("version") + 1)
    searching.index(case.pk)
    record("withhold", f"添付ファイルを伏せました（{count}件）", kind=KIND, record_id=case.pk, by=by.actor(), at=at)
    return count


@transaction.atomic
def show_files(message: Message, *, by: Seat, at: datetime) -> None:
    """添付を伏せるのをやめる: by a 管理 seat. Their text is found again."""
    case = _locked(message, by)
    if not by.is_manager:
        raise Refused("伏せた添付ファイルを元に戻せるのは、窓口の「管理」の席だけです。")
    rows = Message.objects.filter(pk=message.pk, consultation=case).exclude(withheld_at=None)
    if not rows.update(withheld_at=None):
        raise Refused("この添付ファイルは伏せられていません。")
    Consultation.objects.filter(pk=case.pk).update(version=F("version") + 1)
    searching.index(case.pk)
    record("show_files", "添付ファイルを伏せるのをやめました", kind=KIND, record_id=case.pk, by=by.actor(), at=at)


def _locked(message: Message, by: Seat) -> Consultation:
    check_seat(message.consultation, by)
    case = locked(message.consultation)
    check_living(case)
    return case


def files_of(message: Message) -> list[str]:
    """The names of the files that came with a message."""
    if message.kind not in INBOUND or not message.mail_id:
        return []
    names = InboundMail.objects.filter(pk=message.mail_id).values_list("attachment_names", flat=True).first()
    return (names or "").splitlines()


# ---- who may still open what ------------------------------------------------------------------


def may_open(message: Message, number: int, seat: Seat) -> bool:
    """A file of a message (from 1), or the mail as it came (0), which holds its files and what was masked."""
    closed = message.withheld_at or (number == 0 and message.masked_at)
    return not closed or seat.is_manager


def may_open_part(mail: InboundMail, number: int, seat: Seat) -> bool:
    """The same of a mail, wherever it is shown; one that came twice holds the same files both times."""
    same = [mail.pk, mail.double_of_id] if mail.double_of_id else [mail.pk]
    message = Message.objects.filter(mail_id__in=same, kind__in=INBOUND).first()
    return message is None or may_open(message, number, seat)
