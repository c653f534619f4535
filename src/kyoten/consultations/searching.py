"""What is searched in a case: its subject, who asked, every message and the text of what came with it.

Acts that change what a case says call `index` at their end, inside their transaction.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from kyoten.consultations.models import KIND, Consultation, Message
from kyoten.search.actions import Text, put_many, remove_many

CHUNK = 500


def index(*cases: int) -> None:
    """Make these cases findable as they stand now; what was merged into another is found there."""
    remove_many(KIND, cases)
    put_many(texts(cases))


def texts(cases: Iterable[int]) -> Iterator[Text]:
    """The search texts of living cases, in two queries."""
    found = texts_of(cases)
    rows = Consultation.objects.filter(pk__in=found).exclude(state="merged").order_by("pk")
    for pk, at, scope in rows.values_list("pk", "received_at", "operator"):
        yield Text(KIND, pk, found[pk], at, scope)


HEAD = ("number", "subject", "body_name", "person_name", "phone", "email", "text")


def texts_of(cases: Iterable[int]) -> dict[int, str]:
    """By case, the whole text a search looks through."""
    rows = Consultation.objects.filter(pk__in=list(cases))
    parts = {pk: list(head) for pk, *head in rows.values_list("pk", *HEAD)}
    said = Message.objects.filter(consultation__in=parts).order_by("at", "pk")
    for pk, subject, text, attached in said.values_list("consultation", "subject", "text", "attached_text"):
        parts[pk] += [subject, text, attached or ""]
    return {pk: _joined(each) for pk, each in parts.items()}


def put_new(cases: Sequence[Consultation], messages: Sequence[Message]) -> None:
    """The same for cases just made, each with its first message, without reading anything back."""
    put_many(
        Text(KIND, case.pk, _joined([*(getattr(case, name) for name in HEAD), message.text]), case.received_at,
             case.operator_id)
        for case, message in zip(cases, messages, strict=True)
    )  # fmt: skip


def _joined(parts: Iterable[str]) -> str:
    return "\n".join(dict.fromkeys(part for part in parts if part))


def everything() -> Iterator[Text]:
    """The search texts of all cases, for a rebuild."""
    last = 0
    while ids := list(Consultation.objects.filter(pk__gt=last).order_by("pk").values_list("pk", flat=True)[:CHUNK]):
        yield from texts(ids)
        last = ids[-1]
