"""What is searched in a case: its subject, who asked, every message, and the names and texts of the files that came with it.

Acts that change what a case says call `index` at their end, inside their transaction.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from django.db.models import Case, F, OuterRef, Q, QuerySet, Subquery, TextField, When

from kyoten.consultations.models import INBOUND, KIND, Consultation, Message
from kyoten.post.models import InboundMail
from kyoten.search.actions import Text, put_many, remove_many

CHUNK = 500


def index(*cases: int) -> None:
    """Make these cases findable as they stand now; what was merged into another is found there."""
    remove_many(KIND, cases)
    put_many(texts(cases))


def texts(cases: Iterable[int]) -> Iterator[Text]:
    """The search texts of living cases, in two queries."""
    ids = list(cases)
    return _texts(Consultation.objects.filter(pk__in=ids), Message.objects.filter(consultation__in=ids))


# The names and the texts of the files that came with a message, unless they were withheld.
SHOWN = Q(kind__in=INBOUND, withheld_at=None)
_NAMES = Subquery(InboundMail.objects.filter(pk=OuterRef("mail_id")).values("attachment_names"))
FILE_NAMES = Case(When(SHOWN, then=_NAMES), output_field=TextField())
FILE_TEXTS = Case(When(SHOWN, then=F("attached_text")), output_field=TextField())
HEAD = ("number", "subject", "body_name", "person_name", "phone", "email", "text")


def _texts(cases: QuerySet[Consultation], messages: QuerySet[Message]) -> Iterator[Text]:
    rows = cases.exclude(state="merged").order_by("pk").values_list("pk", "received_at", "operator", *HEAD)
    heads = {pk: (at, scope, head) for pk, at, scope, *head in rows}
    found = with_messages({pk: head for pk, (_, _, head) in heads.items()}, messages)
    for pk, (at, scope, _) in heads.items():
        yield Text(KIND, pk, found[pk], at, scope)


def with_messages(heads: Mapping[int, Sequence[str]], messages: QuerySet[Message]) -> dict[int, str]:
    """By case, the whole text a search looks through: its head (the columns HEAD) and what was said in it."""
    parts = {pk: list(head) for pk, head in heads.items()}
    rows = messages.annotate(names=FILE_NAMES, inside=FILE_TEXTS).order_by("at", "pk")
    said = rows.values_list("consultation", "subject", "text", "names", "inside")
    for pk, subject, text, names, inside in said:
        if pk in parts:
            parts[pk] += [subject, text, names or "", inside or ""]
    return {pk: _joined(each) for pk, each in parts.items()}


def put_new(cases: Sequence[Consultation], messages: Sequence[Message], files: Sequence[str]) -> None:
    """The same for cases just made, each with its first message and the names of its files, without reading anything
    back."""
    put_many(
        Text(KIND, case.pk, _joined([*(getattr(case, name) for name in HEAD), message.text, names]), case.received_at,
             case.operator_id)
        for case, message, names in zip(cases, messages, files, strict=True)
    )  # fmt: skip


def _joined(parts: Iterable[str]) -> str:
    return "\n".join(dict.fromkeys(part for part in parts if part))


def everything() -> Iterator[Text]:
    """The search texts of all cases, for a rebuild."""
    last, ids = 0, Consultation.objects.order_by("pk").values_list("pk", flat=True)
    while part := list(ids.filter(pk__gt=last)[:CHUNK]):
        cases = Consultation.objects.filter(pk__gt=last, pk__lte=part[-1])
        yield from _texts(cases, Message.objects.filter(consultation__gt=last, consultation__lte=part[-1]))
        last = part[-1]
