"""From which seat a request works, and whether its session has shown a second factor."""

from __future__ import annotations

from datetime import date, datetime
from itertools import islice
from typing import Any

from django.conf import settings
from django.db import connection
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone

from kyoten.records.statements import statement

from .models import Organisation, Seat, Section, User

SEAT = "seat"  # session key: the seat the person chose
SECOND_FACTOR = "second_factor"  # session key: who showed a code from the section's address in this session
COMPULSORY = (Organisation.Kind.MINISTRY, Organisation.Kind.SECRETARIAT, Organisation.Kind.PREFECTURE)


def seats_of(request: HttpRequest) -> list[Seat]:
    """The person's seats at the request's moment, read once per request."""
    if not hasattr(request, "own_seats"):
        person = request.user  # read already, to log in
        rows = _seats(person.pk, request.at, timezone.localdate(request.at)) if person.is_authenticated else []
        request.own_seats = [_seat(row, person) for row in rows]
    return request.own_seats


PARTS = ((Seat, ""), (Section, "section__"), (Organisation, "section__organisation__"))
FIELDS = {model: [field.attname for field in model._meta.concrete_fields] for model, _ in PARTS}


@statement
def _seats(person: int, at: datetime, on: date) -> QuerySet:
    columns = [prefix + name for model, prefix in PARTS for name in FIELDS[model]]
    return Seat.objects.valid_at(at, on).filter(person=person).values_list(*columns)


def _seat(row: tuple[Any, ...], person: User) -> Seat:
    values = iter(row)
    seat, section, organisation = (
        model.from_db(connection.alias, FIELDS[model], list(islice(values, len(FIELDS[model])))) for model, _ in PARTS
    )
    seat.person, seat.section, section.organisation = person, section, organisation
    return seat


def current_seat(request: HttpRequest) -> Seat | None:
    """The chosen seat while it is valid, else the first valid one. An ended seat is gone with the next request."""
    if not request.user.is_authenticated:
        return None
    seats = seats_of(request)
    chosen = request.session.get(SEAT)
    return next((seat for seat in seats if seat.pk == chosen), seats[0] if seats else None)


def needs_second_factor(request: HttpRequest) -> bool:
    """Compulsory for 国・事務局・都道府県; the demo, whose accounts are public, asks for none."""
    if settings.DEMO or not request.user.is_authenticated:
        return False
    compulsory = any(seat.organisation.kind in COMPULSORY for seat in seats_of(request))
    return compulsory and not showed_second_factor(request)


def showed_second_factor(request: HttpRequest) -> bool:
    """Did this very session show one: a code from the section's address, or TOTP or passkey at login?"""
    if request.session.get(SECOND_FACTOR) == request.user.pk:
        return True
    methods = request.session.get("account_authentication_methods", [])
    return any(method.get("method") == "mfa" for method in methods)


def mark_second_factor(request: HttpRequest, person: User) -> None:
    """Remember in this session alone; login and logout start a new one."""
    request.session[SECOND_FACTOR] = person.pk


def today(request: HttpRequest):
    return timezone.localdate(request.at)
