"""The list of calls, the 公募要領 page, opening, and what each kind of body sees of one call."""

from __future__ import annotations

from django.db.models import Count, Q
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from kyoten.calls.actions.deadline import moved
from kyoten.calls.actions.opening import (
    asked_below,
)
from kyoten.calls.forms import Starting
from kyoten.calls.models import Application, Call
from kyoten.calls.steps import steps_of_call
from kyoten.calls.views.access import call_for, case_of
from kyoten.calls.views.pages import page_of
from kyoten.inquiries.models import Addressee, MailAnswer
from kyoten.inquiries.views import filtered, in_order, progress, undelivered
from kyoten.organisations.models import Area, Organisation
from kyoten.programmes.models import Programme
from kyoten.records.models import Event
from kyoten.rules.clock import deadline_moment


def list_calls(request: HttpRequest) -> HttpResponse:
    """公募・申込: the calls this body has to do with, and for the organiser those it may still open."""
    calls = list(Call.objects.visible_to(request.seat).select_related("organiser__organisation", "inquiry"))
    programmes = {programme.slug: programme for programme in Programme.objects.newest()}
    for call in calls:
        call.programme = programmes[call.slug]  # not one query for each call
    ready = []
    if request.seat.organisation.kind == "secretariat":
        opened = set(Call.objects.values_list("slug", flat=True))
        ready = [p for slug, p in programmes.items() if slug not in opened and p.definition.call]
    return render(request, "calls/list.html", {"calls": calls, "ready": ready})


def guide(request: HttpRequest, slug: str) -> HttpResponse:
    """公募要領: readable by everyone, no login. Before the opening only the organiser's side sees it."""
    programme = Programme.objects.newest().filter(slug=slug).first()
    call = Call.objects.filter(slug=slug).first()
    inside = request.seat is not None and request.seat.organisation.kind in ("secretariat", "ministry")
    if programme is None or programme.definition.call is None or not (call or inside):
        raise Http404
    definition = programme.definition
    context = {
        "slug": slug, "programme": programme, "definition": definition, "call": call,
        "deadline": deadline_moment(definition.call.deadline),
    }  # fmt: skip
    return render(request, "calls/guide.html", context)


def show(request: HttpRequest, slug: str) -> HttpResponse:
    """One call, as the seat's kind of body works on it."""
    call = call_for(request, slug)
    kind = request.seat.organisation.kind
    if call.organiser.organisation_id == request.seat.section.organisation_id or kind == "ministry":
        return _organiser_page(request, call)
    if kind == "prefecture":
        return _prefecture_page(request, call)
    return _applicant_page(request, call)


def _organiser_page(request: HttpRequest, call: Call) -> HttpResponse:
    """47 prefectures at a glance: who has asked its municipalities, who has sent what."""
    rows = in_order(call.inquiry)
    hidden = set(Application.objects.kept_from(request.seat).filter(call=call).values_list("applicant", flat=True))
    applications = Application.objects.visible_to(request.seat).filter(call=call)
    counts = {r["prefecture"]: r["n"] for r in applications.values("prefecture").annotate(n=Count("pk")).order_by()}
    lost = undelivered(rows)
    asked = set(Addressee.objects.filter(root=call.inquiry_id, passed_down__isnull=False).values_list("pk", flat=True))
    for row in rows:
        row.inquiry = call.inquiry
        row.shown = row.shown_state(request.at)
        row.applications = counts.get(row.organisation_id, 0)
        row.asked = row.pk in asked
        row.undelivered = lost.get(row.pk)
    context = {
        "call": call, "definition": call.definition, "rows": filtered(rows, request.GET), "all": len(rows),
        "counts": progress(rows, request.at), "applications": sum(counts.values()),
        "states": sorted({row.shown[0] for row in rows}),
        "steps": steps_of_call(call, request.at), "events": _events(call, hidden), "moved": moved(call),
        "organiser": call.organiser.organisation_id == request.seat.section.organisation_id,
        "late": call.late_acceptances.select_related("organisation").exclude(organisation__in=hidden),
        "mails": MailAnswer.objects.visible_to(request.seat).filter(addressee__inquiry=call.inquiry, settled_at=None)
                 .select_related("addressee__organisation"),
    }  # fmt: skip
    return render(request, "calls/organiser.html", context)


def _events(call: Call, hidden: set[int]) -> list[Event]:
    """経過 of the call, without what tells of bodies kept from this person (a late acceptance names its body)."""
    return [e for e in Event.objects.of("call", call.pk) if e.facts.get("organisation") not in hidden]


def _prefecture_page(request: HttpRequest, call: Call) -> HttpResponse:
    case = case_of(request, call)
    if asked_below(case):
        return redirect("calls:gather", call.slug)
    context = {
        "call": call, "definition": call.definition, "case": case, "shown": case.shown_state(request.at),
        "steps": steps_of_call(call, request.at), "events": Event.objects.of("addressee", case.pk),
    }  # fmt: skip
    return render(request, "calls/prefecture.html", context)


def _applicant_page(request: HttpRequest, call: Call) -> HttpResponse:
    """A municipality: what is asked, by when, its answer, its application."""
    case = case_of(request, call)
    if case is None:
        raise Http404
    applications = Application.objects.owned_by(request.seat).filter(call=call).select_related("programme")
    context = {
        "call": call, "definition": call.definition, "case": case, "shown": case.shown_state(request.at),
        "applications": applications, "living": next((a for a in applications if a.state != "withdrawn"), None),
        "steps": steps_of_call(call, request.at), "events": Event.objects.of("addressee", case.pk),
        "start": starting_form(request, call, request.seat.organisation),
    }  # fmt: skip
    return render(request, "calls/applicant.html", context)


def starting_form(request: HttpRequest, call: Call, applicant: Organisation) -> Starting:
    """The areas the applicant lies in, and the municipalities of its prefecture to name."""
    today = request.at.date()
    prefecture = applicant.prefecture or applicant
    areas = Area.objects.valid_on(today).filter(prefecture=prefecture)
    if applicant.kind == "municipality":
        areas = areas.containing(applicant)
    towns = Organisation.objects.filter(kind="municipality", prefecture=prefecture).order_by("code")
    return Starting(request.POST or None, areas=areas, municipalities=towns, initial={"municipalities": [applicant.pk]})


SHOWN = ("number", "area_name", "state", "by_proxy", "submitted_at", "received_on", "prefecture__name", "applicant__name", "section__name")  # fmt: skip


def list_applications(request: HttpRequest, slug: str) -> HttpResponse:
    """申込一覧: 50 to a page; who may see an application sees it here, and only then."""
    call = call_for(request, slug)
    rows = (
        Application.objects.visible_to(request.seat)
        .filter(call=call)
        .select_related("applicant", "prefecture", "section")
    )
    state, words = request.GET.get("state", ""), request.GET.get("words", "").strip()
    if state in Application.State.values:
        rows = rows.filter(state=state)
    if words:
        rows = rows.filter(
            Q(area_name__contains=words) | Q(applicant__search__contains=words) | Q(number__contains=words)
        )
    order = {"number": "number", "-number": "-number", "submitted": "submitted_at", "-submitted": "-submitted_at"}
    rows = rows.order_by(order.get(request.GET.get("sort", ""), "number"), "pk")
    page = page_of(rows.only(*SHOWN), request.GET.get("page"))
    organiser = request.seat.organisation.pk == call.organiser.organisation_id
    context = {"call": call, "page": page, "states": Application.State.choices, "state": state, "words": words,
               "organiser": organiser}  # fmt: skip
    return render(request, "calls/applications.html", context)
