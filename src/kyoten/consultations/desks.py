"""Which desks there are, and which of them a mail or an officer belongs to."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime

from django.db import connection
from django.db.models import QuerySet

from kyoten.organisations.models import Organisation, Seat, Section
from kyoten.programmes.models import Programme, section_in_charge
from kyoten.records.statements import statement
from kyoten.rules.clock import local
from kyoten.rules.definition import Definition
from kyoten.rules.definition import Desk as Rules


@dataclass(frozen=True)
class Desk:
    """One programme's 相談窓口, by its newest definition, and the body that runs it."""

    programme: Programme
    operator: Organisation

    @property
    def slug(self) -> str:
        return self.programme.slug

    @property
    def definition(self) -> Definition:
        return self.programme.definition

    @property
    def rules(self) -> Rules:
        assert self.definition.desk is not None
        return self.definition.desk

    @property
    def title(self) -> str:
        return self.rules.title

    def section(self, at: datetime) -> Section:
        """課 whose desk it is: the one in charge of the programme."""
        found = section_in_charge(self.slug, self.operator, local(at).date())
        if found is None:
            raise LookupError(f"{self.operator}に担当課がありません。連絡先に課を登録してください。")
        return found


def desks(operator: Organisation | None = None) -> list[Desk]:
    """All desks, or those of one body, the newest year first."""
    if operator:
        programmes = [Programme.from_db(connection.alias, COLUMNS, row) for row in _programmes_of(operator.pk)]
        found = [Desk(row, operator) for row in programmes if row.definition.desk]
    else:
        rows = Programme.objects.newest().select_related("organiser").exclude(organiser=None)
        found = [Desk(row, row.organiser) for row in rows if row.definition.desk]
    return sorted(found, key=lambda desk: (-desk.definition.fiscal_year, desk.slug))


COLUMNS = [field.attname for field in Programme._meta.concrete_fields]


@statement
def _programmes_of(organiser: int) -> QuerySet:
    return Programme.objects.newest().filter(organiser=organiser).values_list(*COLUMNS)


def desks_of(seat: Seat) -> list[Desk]:
    return desks(seat.organisation)


def desk_of(slug: str, among: Iterable[Desk]) -> Desk | None:
    return next((desk for desk in among if desk.slug == slug), None)


def addressed(among: list[Desk], recipients: Iterable[str], at: datetime) -> Desk | None:
    """The desk a mail was written to: by its address. What names none of them (forwarded, Bcc) came to the organiser's
    mailbox: of its desks the one whose period it is, else the one that begins next, else the last."""
    to, day = {address.casefold() for address in recipients}, local(at).date()
    named = [desk for desk in among if desk.definition.contact.email.casefold() in to]
    organisers = [desk for desk in among if desk.operator.kind == "secretariat"]
    return min(named or organisers or among, key=lambda desk: _distance(desk, day), default=None)


def _distance(desk: Desk, day: date) -> tuple[int, int]:
    """How far a day is from the desk's period: inside, before, behind; of two, the one that begins or ended nearer."""
    period = desk.rules.period
    if day < period.starts:
        return 1, (period.starts - day).days
    return (0, (day - period.starts).days) if day <= period.ends else (2, (day - period.ends).days)
