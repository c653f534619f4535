"""The list of calls, the 公募要領 page, opening, and what each kind of body sees of one call."""

from __future__ import annotations

from datetime import date, datetime

from django.conf import settings
from django.contrib import messages
from django.db.models import Count, Q
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse

from kyoten.calls.actions.deadline import moved
from kyoten.calls.actions.opening import (
    add_municipalities,
    ask_municipalities,
    asked_below,
    covering_text_for,
    open_call,
    proposed_due,
)
from kyoten.calls.forms import Adding, Asking, Opening, Starting
from kyoten.calls.models import Application, Call
from kyoten.calls.steps import steps_of_call
from kyoten.calls.views.access import call_for, case_of
from kyoten.calls.views.pages import page_of
from kyoten.inquiries.models import Addressee, Inquiry, MailAnswer
from kyoten.inquiries.views import filtered, in_order, progress
from kyoten.organisations.models import Area, Organisation
from kyoten.programmes.models import Programme
from kyoten.records.models import Event, Refused
from kyoten.rules.clock import END_OF_DAY, JST, deadline_moment
from kyoten.rules.wareki import wareki


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


def open_(request: HttpRequest, slug: str) -> HttpResponse:
    """公募開始 by the organiser."""
    programme = get_object_or_404(Programme.objects.newest(), slug=slug)
    if programme.definition.call is None:
        raise Http404
    form = Opening(
        request.POST or None, initial={"covering_text": _opening_text(programme), "document_number": "事務連絡"}
    )
    if request.method == "POST" and form.is_valid():
        data = form.cleaned_data
        try:
            open_call(programme, data["covering_text"], by=request.seat, at=request.at,
                      document_number=data["document_number"], decided_on=data["decided_on"])  # fmt: skip
            messages.success(request, "公募を開始しました。都道府県の担当課へ通知を送りました。")
            return redirect("calls:show", slug)
        except Refused as refusal:
            form.add_error(None, str(refusal))
    prefectures = Organisation.objects.filter(kind__in=programme.definition.call.invites).count()
    context = {"programme": programme, "definition": programme.definition, "form": form, "prefectures": prefectures}
    return render(request, "calls/open.html", context)


def _opening_text(programme: Programme) -> str:
    definition = programme.definition
    return (
        "平素より大変お世話になっております。\n"
        f"{definition.call.title.removesuffix(' 公募')}の実施地域を募集します。\n"
        "管内の市町村等への周知と、応募を希望する地域の申込書のとりまとめをお願いします。\n"
        f"公募要領・申込書　{settings.BASE_URL}{reverse('calls:guide', args=[programme.slug])}\n申込締切　{wareki(deadline_moment(definition.call.deadline).date(), with_weekday=True)}"
    )


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
    asked = set(Addressee.objects.filter(root=call.inquiry_id, passed_down__isnull=False).values_list("pk", flat=True))
    for row in rows:
        row.inquiry = call.inquiry
        row.shown = row.shown_state(request.at)
        row.applications = counts.get(row.organisation_id, 0)
        row.asked = row.pk in asked
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


def ask(request: HttpRequest, slug: str) -> HttpResponse:
    """管内へ照会: the prefecture's own covering text and its own date."""
    call = call_for(request, slug)
    case = case_of(request, call)
    if case is None or request.seat.organisation.kind != "prefecture":
        raise Http404
    if inquiry := asked_below(case):
        return _add(request, call, case, inquiry)
    below = Organisation.objects.supervised_by(request.seat.organisation, request.at.date())
    inside = Q(prefecture=request.seat.organisation) & Q(kind="association")
    form = Asking(
        request.POST or None,
        to=below.filter(kind="municipality").order_by("code"),
        reference=Organisation.objects.filter(inside).order_by("level", "name"),
        initial=_asking_initial(call, request, below, inside),
    )
    if request.method == "POST" and form.is_valid():
        data = form.cleaned_data
        try:
            inquiry = ask_municipalities(
                case, call, covering_text=data["covering_text"], to=list(data["to"]), reference=list(data["reference"]),
                due=_end_of(data["due"]), document_number=data["document_number"], decided_on=data["decided_on"],
                by=request.seat, at=request.at,
            )  # fmt: skip
            messages.success(request, f"{inquiry.addressees.filter(purpose='answer').count()}市町村へ照会しました。")
            return redirect("calls:gather", slug)
        except Refused as refusal:
            form.add_error(None, str(refusal))
    return render(request, "calls/ask.html", {"call": call, "case": case, "form": form, "proposed": proposed_due(call)})


def _add(request: HttpRequest, call: Call, case: Addressee, inquiry: Inquiry) -> HttpResponse:
    """照会先の追加: the text and the date are those already sent."""
    form = _adding(request, call, inquiry)
    if request.method == "POST" and form.is_valid():
        data = form.cleaned_data
        try:
            added = add_municipalities(
                case, to=list(data["to"]), reference=list(data["reference"]), by=request.seat, at=request.at
            )
            messages.success(request, f"{len(added)}団体を照会先に加え、通知を送りました。")
            return redirect("calls:gather", call.slug)
        except Refused as refusal:
            form.add_error(None, str(refusal))
    context = {
        "call": call, "inquiry": inquiry, "form": form, "past": bool(inquiry.due and inquiry.due <= request.at),
        "there": inquiry.addressees.filter(purpose="answer").count(),
    }  # fmt: skip
    return render(request, "calls/add.html", context)


def _adding(request: HttpRequest, call: Call, inquiry: Inquiry) -> Adding:
    """On offer: municipalities not yet asked, associations that have it only for reference; and those told nothing."""
    prefecture = request.seat.organisation
    below = Organisation.objects.supervised_by(prefecture, request.at.date()).filter(kind="municipality")
    tree = Addressee.objects.filter(root=call.inquiry_id).order_by()
    informed = set(tree.filter(inquiry=inquiry, purpose="reference").values_list("organisation", flat=True))
    asked = tree.filter(purpose="answer").values("organisation")
    to = Organisation.objects.filter(Q(pk__in=below.values("pk")) | Q(pk__in=informed)).exclude(pk__in=asked)
    reference = Organisation.objects.filter(prefecture=prefecture, kind="association")
    return Adding(
        request.POST or None, to=to.order_by("-kind", "code", "name"), informed=informed,
        reference=reference.exclude(pk__in=tree.values("organisation")).order_by("level", "name"),
    )  # fmt: skip


def _end_of(day: date) -> datetime:
    return datetime.combine(day, END_OF_DAY, JST)


def _asking_initial(call: Call, request: HttpRequest, below, inside: Q) -> dict:
    return {
        "covering_text": covering_text_for(call, request.seat.organisation),
        "due": proposed_due(call).date(),
        "to": list(below.filter(kind="municipality").values_list("pk", flat=True)),
        "reference": list(Organisation.objects.filter(inside, level="prefectural").values_list("pk", flat=True)),
    }


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
    rows = rows.order_by(order.get(request.GET.get("sort", ""), "prefecture__code"), "pk")
    page = page_of(rows.defer("answers_text"), request.GET.get("page"))
    context = {"call": call, "page": page, "states": Application.State.choices, "state": state, "words": words}
    return render(request, "calls/applications.html", context)
