"""What is searched in a case: its subject, who asked, every message and the text of what came with it."""

from __future__ import annotations

from collections.abc import Iterable

from kyoten.consultations.models import Consultation, Message


def texts_of(ids: Iterable[int]) -> dict[int, str]:
    """By case, the whole text a search looks through, in two queries."""
    cases = Consultation.objects.filter(pk__in=list(ids))
    heads = cases.values_list("pk", "number", "subject", "body_name", "person_name", "text")
    found = {pk: ["　".join(head), text] for pk, *head, text in heads}
    said = Message.objects.filter(consultation__in=found).order_by("at", "pk")
    for pk, subject, text in said.values_list("consultation", "subject", "text"):
        if text != found[pk][1]:
            found[pk] += [subject, text]
    return {pk: "\n".join(parts) for pk, parts in found.items()}


from dataclasses import dataclass  # noqa: E402


@dataclass(frozen=True)
class Found:
    ids: list[tuple[str, int]]
    count: int
    capped: bool
    next: int | None


def find(words, *, scope, kinds, before, limit):
    rows = Consultation.objects.filter(operator=scope, text__contains=words)
    ids = [("consultation", pk) for pk in rows.values_list("pk", flat=True)[:limit]]
    return Found(ids, rows.count(), False, None)


def snippet(text, words, width=40):
    i = text.find(words)
    return text[max(0, i - width) : i], text[i : i + len(words)], text[i + len(words) : i + len(words) + width]
