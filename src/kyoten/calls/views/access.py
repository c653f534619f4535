"""Fetching with permission: the query is the check, a stranger's answer is that of a thing that does not exist."""

from __future__ import annotations

from django.db.models import OuterRef, QuerySet, Subquery
from django.http import HttpRequest
from django.shortcuts import get_object_or_404

from kyoten.calls.models import Application, Bundle, Call, Decision
from kyoten.inquiries.models import Addressee
from kyoten.programmes.models import Programme

WITH = ("call__organiser", "programme", "applicant", "prefecture", "section")


def call_for(request: HttpRequest, slug: str) -> Call:
    rows = Call.objects.visible_to(request.seat).select_related("inquiry", "organiser__organisation")
    return get_object_or_404(rows, slug=slug)


def application_for(request: HttpRequest, pk: int) -> Application:
    return _whole(Application.objects.visible_to(request.seat).select_related("decision"), pk)


def editable_application(request: HttpRequest, pk: int) -> Application:
    """To edit: the owner, or who enters it by proxy; otherwise as visible (the act then says why it is refused)."""
    rows = Application.objects.editable_by(request.seat) | Application.objects.visible_to(request.seat)
    return _whole(rows, pk)


def _whole(rows: QuerySet[Application], pk: int) -> Application:
    """With all that its pages show. Mostly the newest revision is its own too, and need not be read again."""
    newest = Programme.objects.filter(slug=OuterRef("call__slug")).order_by("-revision").values("pk")[:1]
    application = get_object_or_404(rows.select_related(*WITH).annotate(newest=Subquery(newest)), pk=pk)
    if application.newest == application.programme_id:
        application.call.programme = application.programme
    return application


def may_edit(request: HttpRequest, application: Application) -> bool:
    if not request.seat.may_act or application.state not in Application.EDITABLE:
        return False
    return Application.objects.editable_by(request.seat).filter(pk=application.pk).exists()


def bundle_for(request: HttpRequest, pk: int) -> Bundle:
    rows = Bundle.objects.visible_to(request.seat).select_related("call__inquiry", "call__organiser", "prefecture")
    return get_object_or_404(rows, pk=pk)


def decision_for(request: HttpRequest, application: Application) -> Decision | None:
    """What was decided on an application that `application_for` let the seat see."""
    open_now = application.call.decisions_open_to(request.seat)
    return getattr(application, "decision", None) if open_now else None


def case_of(request: HttpRequest, call: Call) -> Addressee | None:
    """The seat's own body's case of this call."""
    rows = Addressee.objects.filter(root=call.inquiry_id, organisation=request.seat.organisation)
    return rows.select_related("inquiry__asker__organisation", "organisation", "section", "represented_by").first()
