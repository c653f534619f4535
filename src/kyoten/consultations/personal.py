"""個人が分かる記載 in the words of a case: whose they are, and what of them an officer is shown.

The caller's own name, number and address are known to the desk anyway and stand in fields of their own; the officers'
names are its own. Pointed out is everybody else: the patient a caller describes.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from django.db.models import QuerySet

from kyoten.consultations.desks import Desk
from kyoten.consultations.models import Consultation, Message
from kyoten.organisations.models import Organisation, OrganisationName, Seat
from kyoten.records.statements import statement
from kyoten.rules.personal import BodyNames, Kind, Span, find, find_words, same_person
from kyoten.rules.text import same_words

COMMON_ENDINGS = "都府県市区町村"


@dataclass(frozen=True)
class Own:
    """Whose names and addresses are not pointed out."""

    names: tuple[str, ...] = ()
    addresses: tuple[str, ...] = ()  # telephone numbers and mail addresses

    def has(self, span: Span) -> bool:
        if span.kind == "name":
            bare = same_words(span.text)
            return any(bare in same_words(name) for name in self.names)
        return span.kind in ("phone", "fax", "mail") and any(same_person(span.text, own) for own in self.addresses)


@statement
def _officers(body: int) -> QuerySet:
    return Seat.objects.filter(section__organisation=body).order_by("pk").values_list("person__name")


def own_of(case: Consultation, desk: Desk) -> Own:
    contact = desk.definition.contact
    officers = [name for (name,) in _officers(case.operator_id)]
    names = filter(None, [case.person_name, *officers])
    return Own(tuple(names), tuple(filter(None, [case.phone, case.email, contact.phone, contact.email])))


def others_in(text: str, own: Own) -> tuple[Span, ...]:
    """What in a text points at somebody who is neither the caller nor of the desk."""
    return tuple(span for span in find(text) if not own.has(span))


@dataclass(frozen=True)
class Found:
    """The hits of one message, each wording once."""

    message: Message
    spans: tuple[Span, ...]


def found_in(case: Consultation, desk: Desk, messages: Iterable[Message]) -> list[Found]:
    """By message, who is named in it; only at desks whose callers speak of people (`people` of the definition)."""
    if not desk.rules.people:
        return []
    own = own_of(case, desk)
    rows = [Found(message, once(others_in(f"{message.subject}\n{message.text}", own))) for message in messages]
    return [row for row in rows if row.spans]


def once(spans: Iterable[Span]) -> tuple[Span, ...]:
    """Each wording once, in the order of the text."""
    first: dict[str, Span] = {}
    for span in spans:
        first.setdefault(span.text, span)
    return tuple(first.values())


def speaks_of_people(case: Consultation, desk: Desk, text: str) -> bool:
    """On arrival: whether 個人情報を含む is to be marked, because the words point at somebody else than the caller."""
    return case.personal or (desk.rules.people and bool(others_in(text, own_of(case, desk))))


# ---- covering ---------------------------------------------------------------------------------


def places_of(text: str, kinds: Mapping[str, Kind]) -> list[Span]:
    """Every place of these words. One character alone (林) counts only where the finder itself sees it."""
    long = {word: kind for word, kind in kinds.items() if len(word.strip()) > 1}
    spans = [span for span in find(text) if span.text in kinds]
    for word, kind in long.items():
        spans += [replace(span, kind=kind) for span in find_words(text, [word])]
    return apart(spans)


def apart(spans: Iterable[Span]) -> list[Span]:
    """Without those that lie on another: what begins first stays, of two the longer."""
    kept: list[Span] = []
    for span in sorted(spans, key=lambda s: (s.start, -s.end)):
        if not kept or span.start >= kept[-1].end:
            kept.append(span)
    return kept


# ---- bodies -----------------------------------------------------------------------------------


def body_names() -> BodyNames:
    """団体名 known to the address list, past names too; not the ministry, secretariats and national associations."""
    known = Organisation.objects.exclude(kind__in=["ministry", "secretariat"]).exclude(level="national")
    past = OrganisationName.objects.filter(organisation__in=known).order_by("pk").values_list("name", flat=True)
    return BodyNames([*known.order_by("pk").values_list("name", flat=True), *past])


def stem(name: str) -> str:
    """松戸 of 松戸市; empty where little would be left."""
    bare = name.rstrip(COMMON_ENDINGS)
    return bare if len(bare) > 1 and bare != name else ""
