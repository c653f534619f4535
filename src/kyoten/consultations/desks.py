"""Which desks there are, and which of them a mail or an officer belongs to."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

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
    """The desk a mail was written to: by its address; else the one whose period it is, where there is only one."""
    to = {address.casefold() for address in recipients}
    by_address = [desk for desk in among if desk.definition.contact.email.casefold() in to]
    if by_address:
        return by_address[0]
    running = [d for d in among if d.rules.period.starts <= local(at).date() <= d.rules.period.ends]
    return running[0] if len(running) == 1 else None
