"""閲覧の記録と本人の求め: who saw a case, and what is kept of one person. For 管理 seats of a desk."""

from __future__ import annotations

from datetime import datetime, time, timedelta

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import urlencode
from django.views.decorators.http import require_GET, require_POST

from kyoten.consultations.actions import reading, retention
from kyoten.consultations.knowledge_forms import Person, Readers, Removing
from kyoten.consultations.views.access import own_desks
from kyoten.records.models import Refused
from kyoten.records.names import content_type_of
from kyoten.records.views import as_download
from kyoten.rules.clock import JST

NEWEST = 500  # readings shown on the page; the command shows all


@require_GET
def readers(request: HttpRequest) -> HttpResponse:
    """だれが見たか: reads of this body's cases only."""
    own_desks(request)
    form = Readers(request.GET)
    context: dict = {"form": form, "asked": ""}
    if form.is_valid() and (who := form.cleaned_data["who"].strip()):
        found = reading.understood(who, request.seat.organisation)
        since, until = form.cleaned_data["since"], form.cleaned_data["until"]
        rows = reading.readings(found, _begin(since), _begin(until, days=1), limit=NEWEST)
        context |= {"asked": who, "known": bool(found), "readings": rows[::-1], "newest": NEWEST}
    return render(request, "consultations/readers.html", context)


def _begin(day, days: int = 0) -> datetime | None:
    """The first moment of a day (or of so many days after it)."""
    return datetime.combine(day + timedelta(days=days), time(), JST) if day else None


@require_GET
def person(request: HttpRequest) -> HttpResponse:
    """One person's data: their cases, and other cases that name them."""
    own_desks(request)
    form = Person(request.GET or None)
    context: dict = {"form": form}
    if form.is_valid():
        who, operator = form.cleaned_data["who"], request.seat.organisation
        context |= {
            "who": who,
            "cases": retention.cases_of(who, operator),
            "naming": retention.naming(who, operator),
            "removing": Removing(initial={"who": who}),
        }
    return render(request, "consultations/person.html", context)


@require_POST
def person_paper(request: HttpRequest) -> HttpResponse:
    """写し: `kind` is pdf or xlsx."""
    own_desks(request)
    who, kind = request.POST.get("who", "")[:320], "xlsx" if request.POST.get("kind") == "xlsx" else "pdf"
    try:
        data = retention.disclose(who, kind, by=request.seat, at=request.at)
    except Refused as refusal:
        messages.error(request, str(refusal))
        return redirect("consultations:person")
    name = f"相談の記録の写し.{kind}"
    return as_download(HttpResponse(data, content_type=content_type_of(name)), name)


@require_POST
def person_delete(request: HttpRequest) -> HttpResponse:
    """本人の求めによる消去: what is alive is kept, and said so."""
    own_desks(request)
    form = Removing(request.POST)
    who = request.POST.get("who", "")[:320]
    back = f"{reverse('consultations:person')}?{urlencode({'who': who})}"
    if not form.is_valid():
        messages.error(request, "文書の番号を入力し、元に戻せないことを確かめた印を付けてください。")
        return redirect(back)
    try:
        outcomes = retention.delete_on_request(who, form.cleaned_data["document"], by=request.seat, at=request.at)
    except Refused as refusal:
        messages.error(request, str(refusal))
        return redirect(back)
    for outcome in outcomes:
        say = messages.warning if outcome.kept else messages.success
        say(request, f"{outcome.number}　{outcome.kept or '消去しました。'}")
    return redirect("consultations:person")
