"""From which seat a request works, and whether its session has shown a second factor."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpRequest
from django.utils import timezone

from .models import Organisation, Seat, User

SEAT = "seat"  # session key: the seat the person chose
SECOND_FACTOR = "second_factor"  # session key: who showed a code from the section's address in this session
COMPULSORY = (Organisation.Kind.MINISTRY, Organisation.Kind.SECRETARIAT, Organisation.Kind.PREFECTURE)


def seats_of(request: HttpRequest) -> list[Seat]:
    """The person's seats at the request's moment, read once per request."""
    if not hasattr(request, "own_seats"):
        mine = Seat.objects.select_related("section__organisation").valid_at(request.at).filter(person=request.user.pk)
        request.own_seats = list(mine) if request.user.is_authenticated else []
        for seat in request.own_seats:
            seat.person = request.user  # read already, to log in
    return request.own_seats


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
