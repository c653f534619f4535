"""Fetching with permission: the query is the check, a stranger's answer is that of a thing that does not exist."""

from __future__ import annotations

from django.db import connection
from django.db.models import QuerySet
from django.http import Http404, HttpRequest

from kyoten.consultations.desks import Desk, desk_of, desks_of
from kyoten.consultations.models import Consultation
from kyoten.records.statements import statement

COLUMNS = [field.attname for field in Consultation._meta.concrete_fields]


def case_for(request: HttpRequest, pk: int) -> Consultation:
    rows = _case(request.seat.organisation.pk, pk)
    if not rows:
        raise Http404
    case = Consultation.from_db(connection.alias, COLUMNS, rows[0])
    case.operator = request.seat.organisation
    return case


@statement
def _case(body: int, pk: int) -> QuerySet:
    return Consultation.objects.of_body(body).filter(pk=pk).values_list(*COLUMNS)


def desk_for(request: HttpRequest, case: Consultation) -> Desk:
    return own_desk(request, case.programme)


def own_desk(request: HttpRequest, slug: str) -> Desk:
    """A desk of the seat's own body; 404 where it is somebody else's."""
    found = desk_of(slug, desks_of(request.seat))
    if found is None:
        raise Http404
    return found


def own_desks(request: HttpRequest) -> list[Desk]:
    """The desks of the seat's body; a body without one gets the 404 of what does not exist."""
    found = desks_of(request.seat)
    if not found:
        raise Http404
    return found
