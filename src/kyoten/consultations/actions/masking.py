"""個人が分かる記載を伏せる: what points at a person is covered in the case; that it was done is all that is recorded."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from django.db import models, transaction
from django.db.models import F

from kyoten.consultations import searching
from kyoten.consultations.actions.attached import read_of
from kyoten.consultations.actions.handling import check_living, check_seat, locked
from kyoten.consultations.models import INBOUND, KIND, Callback, Consultation, Draft, Message, Referral
from kyoten.consultations.personal import places_of
from kyoten.organisations.models import Seat
from kyoten.post.models import InboundMail, OutboundMail
from kyoten.records.actions import erase_note, record
from kyoten.records.models import Event, Refused
from kyoten.rules.personal import Kind, find, mask
from kyoten.rules.text import clean

NOTHING = "伏せる記載が選ばれていません。印を付けるか、伏せる語を入力してください。"
UNDER_WAY = "送信の終わっていないメールがあります。送信が終わってから伏せてください。"


@transaction.atomic
def mask_message(message: Message, chosen: Sequence[str], more: str = "", *, by: Seat, at: datetime) -> int:
    """伏せる: the wordings `chosen` among a message's hits, and words somebody typed, one a line (`more`).

    They are covered wherever they stand in the case: its fields, messages, sent answers and the read texts of its
    mails. The mail as it came keeps them, for 管理 seats only, until the case is deleted. Returns how many places were
    covered, as a reader counts them: a text kept twice (the question and its first message) is one.
    """
    check_seat(message.consultation, by)
    case = locked(message.consultation)
    check_living(case)
    message = Message.objects.get(pk=message.pk, consultation=case)
    kinds = _kinds(message, chosen, more)
    if not kinds:
        raise Refused(NOTHING)
    if OutboundMail.objects.of(KIND, case.pk).filter(state__in=("queued", "sending")).exists():
        raise Refused(UNDER_WAY)
    read_of(case)  # what the worker has not read yet would come in uncovered later
    count = sum((_cover_case(case, kinds, at) | _cover_parts(case, kinds) | _cover_mails(case, kinds)).values())
    if not count:
        raise Refused("入力された語は、この相談のどこにも見つかりません。書かれているとおりに入力してください。")
    _erase_notes(case, kinds, by, at)
    searching.index(case.pk)
    record("mask", f"個人が分かる記載を伏せました（{count}か所）", kind=KIND, record_id=case.pk, by=by.actor(), at=at)
    return count


def _kinds(message: Message, chosen: Sequence[str], more: str) -> dict[str, Kind]:
    """The words to cover, and as what. Chosen is only what is a hit of this very message."""
    hits = {span.text: span.kind for span in find(f"{message.subject}\n{message.text}")}
    kinds: dict[str, Kind] = {word: hits[word] for word in chosen if word in hits}
    typed = [line.strip() for line in clean(more)[:2000].splitlines() if len(line.strip()) > 1]
    return kinds | {word: kinds.get(word, "word") for word in typed}


def _cover_case(case: Consultation, kinds: Mapping[str, Kind], at: datetime) -> dict[str, int]:
    places = _cover([case], ("subject", "text", "warning"), kinds)
    Consultation.objects.filter(pk=case.pk).update(personal=True, version=F("version") + 1)
    for message in case.messages.all():
        covered = _cover([message], ("subject", "text", "who", "attached_text"), kinds)
        if covered:
            Message.objects.filter(pk=message.pk).update(masked_at=at)
        places |= covered
    return places


def _cover_parts(case: Consultation, kinds: Mapping[str, Kind]) -> dict[str, int]:
    """What stands beside the messages. A draft still being written is its writer's to mend."""
    places = _cover(case.drafts.exclude(state__in=Draft.OPEN), ("subject", "text", "remark"), kinds)
    places |= _cover(Referral.objects.filter(consultation=case), ("text",), kinds)
    return places | _cover(Callback.objects.filter(consultation=case), ("note", "outcome"), kinds)


def _cover_mails(case: Consultation, kinds: Mapping[str, Kind]) -> dict[str, int]:
    came = case.messages.filter(kind__in=INBOUND, mail_id__isnull=False).values("mail_id")
    inbound = InboundMail.objects.filter(pk__in=came).order_by("pk")
    places = _cover(inbound, ("subject", "text", "reply_text", "attachment_names"), kinds)
    return places | _cover(OutboundMail.objects.of(KIND, case.pk), ("subject", "text"), kinds)


def _cover(rows: Iterable[models.Model], names: Sequence[str], kinds: Mapping[str, Kind]) -> dict[str, int]:
    """Cover the words in these columns. Returns how many places each text had that had any."""
    places: dict[str, int] = {}
    for row in rows:
        changed = {}
        for name in names:
            text = getattr(row, name) or ""
            if spans := places_of(text, kinds):
                limit = row._meta.get_field(name).max_length
                changed[name] = mask(text, spans)[:limit]
                places[text.strip()] = len(spans)
        if changed:
            type(row)._base_manager.filter(pk=row.pk).update(**changed)
    return places


def _erase_notes(case: Consultation, kinds: Mapping[str, Kind], by: Seat, at: datetime) -> None:
    """A note of the 経過 cannot be rewritten, only erased."""
    for event in Event.objects.of(KIND, case.pk):
        if event.note and places_of(event.note, kinds):
            erase_note(event, by=by.actor(), at=at)
