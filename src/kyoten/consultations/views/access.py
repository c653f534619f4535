"""Fetching with permission: the query is the check, a stranger's answer is that of a thing that does not exist."""

from __future__ import annotations

from django.http import Http404, HttpRequest
from django.shortcuts import get_object_or_404

from kyoten.consultations.desks import Desk, desk_of, desks_of
from kyoten.consultations.models import Consultation

WITH = ("operator", "section__organisation", "organisation", "owner__person", "owner__section", "merged_into")


def case_for(request: HttpRequest, pk: int) -> Consultation:
    return get_object_or_404(Consultation.objects.visible_to(request.seat).select_related(*WITH), pk=pk)


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
