"""閲覧の記録: who read a case, and what a person read, between two moments."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, time

from django.db.models import F, Q, QuerySet, TextField, Value
from django.db.models.functions import Replace
from django.utils import timezone

from kyoten.consultations.models import KIND, Consultation, Deletion
from kyoten.organisations.models import Organisation, Seat, User
from kyoten.records.models import AccessLog
from kyoten.rules.clock import JST, local
from kyoten.rules.text import clean_line, narrow

CHUNK = 500  # ids in one statement
FOUND = "検索結果"  # what: words of the case stood on a page of the search


def log_found(cases: Iterable[int], *, by: Seat, at: datetime) -> None:
    """検索結果に表示: the words around a hit are read too. Once a seat, case and day, or the log would be mostly this."""
    shown, since = set(cases), datetime.combine(local(at).date(), time(), JST)
    rows = AccessLog.objects.filter(kind=KIND, record_id__in=shown, seat_id=by.pk, what=FOUND, at__gte=since)
    new, now = sorted(shown - set(rows.values_list("record_id", flat=True))), timezone.now()
    AccessLog.objects.bulk_create(
        AccessLog(kind=KIND, record_id=pk, what=FOUND, at=at, recorded_at=now, **by.actor().columns()) for pk in new
    )


@dataclass(frozen=True)
class Reading:
    """One time somebody opened a case."""

    at: datetime
    person: str
    section: str
    organisation: str
    what: str
    number: str


@dataclass(frozen=True)
class Asked:
    """What `asked` names: cases (by number, or by who asked in them), seats (by the officer), or both."""

    cases: tuple[int, ...] = ()
    seats: tuple[int, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.cases or self.seats)


def understood(asked: str, operator: Organisation | None = None) -> Asked:
    """A 受付番号, a mail address or name of a caller, a login or name of an officer. `operator`: of this body only."""
    asked = clean_line(asked)
    if not asked:
        return Asked()
    numbered = _numbered(asked, operator)
    if numbered:
        return Asked(cases=numbered)
    officers = User.objects.annotate(unspaced=unspaced("name")).filter(
        Q(username=asked) | Q(unspaced="".join(asked.split()))
    )
    seats = Seat.objects.filter(person__in=officers)
    if operator:
        seats = seats.filter(section__organisation=operator)
    return Asked(
        tuple(of_caller(asked, operator).order_by("pk").values_list("pk", flat=True)),
        tuple(seats.order_by("pk").values_list("pk", flat=True)),
    )


def _numbered(number: str, operator: Organisation | None) -> tuple[int, ...]:
    spelt = {number, narrow(number), narrow(number).upper()}
    cases = Consultation.objects.filter(number__in=spelt)
    if operator:
        cases = cases.filter(operator=operator)
    found = tuple(cases.values_list("pk", flat=True))
    if found:
        return found
    deleted = Deletion.objects.filter(number__in=spelt)
    if operator:
        deleted = deleted.filter(programme__in=operator.programmes.values("slug"))
    return tuple(deleted.values_list("record_id", flat=True))


def of_caller(who: str, operator: Organisation | None = None) -> QuerySet[Consultation]:
    """The cases of one caller, by the exact mail address or the name (blanks aside)."""
    rows = Consultation.objects.filter(operator=operator) if operator else Consultation.objects.all()
    if "@" in who:
        return rows.filter(email__iexact=who.strip())
    bare = "".join(who.split())
    return rows.annotate(unspaced=unspaced("person_name")).filter(unspaced=bare) if bare else rows.none()


def unspaced(column: str) -> Replace:
    """The column without blanks: 山下 結衣 is 山下結衣."""
    without = Replace(F(column), Value(" "), Value(""), output_field=TextField())
    return Replace(without, Value("　"), Value(""), output_field=TextField())


def readings(
    asked: Asked, since: datetime | None = None, until: datetime | None = None, limit: int = 0
) -> list[Reading]:
    """Oldest first; with `limit` the newest so many of them."""
    rows = [row for part in _parts(asked) for row in _between(part, since, until)[: limit or None]]
    rows = sorted({row.pk: row for row in rows}.values(), key=lambda row: (row.at, row.pk))[-limit:]
    numbers = _numbers({row.record_id for row in rows})
    return [
        Reading(row.at, row.person, row.section, row.organisation, row.what, numbers.get(row.record_id, ""))
        for row in rows
    ]


def _parts(asked: Asked) -> Iterator[QuerySet[AccessLog]]:
    """One statement for each index: reads of these cases, and reads from these seats."""
    rows = AccessLog.objects.filter(kind=KIND)
    for start in range(0, len(asked.cases), CHUNK):
        yield rows.filter(record_id__in=asked.cases[start : start + CHUNK])
    if asked.seats:
        yield rows.filter(seat_id__in=asked.seats)


def _between(rows: QuerySet[AccessLog], since: datetime | None, until: datetime | None) -> QuerySet[AccessLog]:
    if since:
        rows = rows.filter(at__gte=since)
    if until:
        rows = rows.filter(at__lt=until)
    return rows.order_by("-at", "-pk")


def _numbers(ids: Iterable[int]) -> dict[int, str]:
    """By record id the 受付番号, also of what was deleted."""
    found: dict[int, str] = {}
    wanted = sorted(ids)
    for start in range(0, len(wanted), CHUNK):
        part = wanted[start : start + CHUNK]
        gone = Deletion.objects.filter(record_id__in=part).values_list("record_id", "number")
        found |= {pk: f"{number}（消去済み）" for pk, number in gone}
        found |= dict(Consultation.objects.filter(pk__in=part).values_list("pk", "number"))
    return found
