"""事業設定: definitions and their revisions, publishing a new one, next year's file; and the sections in charge."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from kyoten.organisations.models import Section
from kyoten.programmes import actions
from kyoten.programmes.forms import DefinitionForm, InChargeForm
from kyoten.programmes.models import KIND, InCharge, Programme
from kyoten.records.models import Event, Refused
from kyoten.records.views import as_download
from kyoten.rules import next_year as next_years
from kyoten.rules.clock import deadline_moment, result_due
from kyoten.rules.definition import FixedDeadline
from kyoten.rules.differences import differences
from kyoten.rules.reading import Invalid


@require_GET
def list_programmes(request: HttpRequest) -> HttpResponse:
    """Every definition with its newest revision."""
    newest = Programme.objects.visible_to(request.seat).newest().select_related("organiser").order_by("slug")
    return render(request, "programmes/list.html", {"programmes": newest})


@require_GET
def show(request: HttpRequest, slug: str, revision: int | None = None) -> HttpResponse:
    """One revision to read; without a number the newest."""
    revisions = list(_revisions(request, slug))
    programme = next((each for each in revisions if revision in (None, each.revision)), None)
    if programme is None:
        raise Http404
    definition = programme.definition
    context = {
        "programme": programme,
        "definition": definition,
        "revisions": revisions,
        "newest": revisions[0],
        "history": Event.objects.of(KIND, revisions[-1].pk),
        **_dates(definition.call),
    }
    return render(request, "programmes/show.html", context)


def _dates(call: Any) -> dict[str, Any]:
    """The deadline and the day of the result, where they do not depend on another day."""
    if not call or not isinstance(call.deadline, FixedDeadline):
        return {}
    return {"deadline": deadline_moment(call.deadline), "result_due": result_due(call)}


def _revisions(request: HttpRequest, slug: str) -> Any:
    """The revisions of a definition the seat may see, newest first; a stranger gets the 404 of what does not exist."""
    revisions = Programme.objects.visible_to(request.seat).filter(slug=slug).order_by("-revision")
    if not revisions.exists():
        raise Http404
    return revisions


@require_GET
def diff(request: HttpRequest, slug: str, old: int, new: int) -> HttpResponse:
    """What changed from one revision to another, in words."""
    revisions = _revisions(request, slug)
    before, after = (get_object_or_404(revisions, revision=number) for number in (old, new))
    found = differences(before.definition, after.definition)
    return render(request, "programmes/diff.html", {"before": before, "after": after, "differences": found})


@require_GET
def next_year(request: HttpRequest, slug: str) -> HttpResponse:
    """昨年度から作成: the file for next year, started from the newest revision, as a download."""
    programme = _revisions(request, slug)[0]
    made = next_years.next_year(programme.text, str(programme))
    response = HttpResponse(made.text, content_type="application/toml; charset=utf-8")
    return as_download(response, f"{made.slug}.toml")


@require_GET
def download(request: HttpRequest, slug: str, revision: int) -> HttpResponse:
    """定義ファイル of one revision, byte for byte as it was published."""
    programme = get_object_or_404(_revisions(request, slug), revision=revision)
    response = HttpResponse(programme.text, content_type="application/toml; charset=utf-8")
    return as_download(response, f"{programme.slug}_第{programme.revision}版.toml")


# ---- publishing -------------------------------------------------------------------------------


@require_http_methods(["GET", "HEAD", "POST"])
def upload(request: HttpRequest) -> HttpResponse:
    """A definition is checked and its difference shown; nothing is stored before 公開."""
    form = DefinitionForm(request.POST, request.FILES) if request.method == "POST" else DefinitionForm()
    if not form.is_valid():
        return render(request, "programmes/upload.html", {"form": form})
    return _checked(request, form.cleaned_data["text"], form.cleaned_data["cases"])


@require_POST
def publish(request: HttpRequest) -> HttpResponse:
    """公開, of the text that was shown on the page before."""
    form = DefinitionForm(request.POST)
    if not form.is_valid():
        return render(request, "programmes/upload.html", {"form": form})
    text, cases = form.cleaned_data["text"], form.cleaned_data["cases"]
    try:
        programme = actions.publish(text, by=request.seat, at=request.at, cases=cases)
    except Refused as refusal:
        messages.error(request, str(refusal))
        return _checked(request, text, cases)
    messages.success(request, f"第{programme.revision}版を公開しました。")
    return redirect("programmes:show", programme.slug, programme.revision)


def _checked(request: HttpRequest, text: str, cases: str) -> HttpResponse:
    """The page after checking: what is wrong, or what publishing would change. The text stays on the page."""
    context: dict[str, Any] = {"form": DefinitionForm(initial={"text": text, "cases": cases})}
    try:
        context["review"] = actions.review(text, cases)
    except Invalid as error:
        context["problems"] = error.problems
    return render(request, "programmes/upload.html", context | {"text": text, "cases": cases})


# ---- 所管 -------------------------------------------------------------------------------------


@require_http_methods(["GET", "HEAD", "POST"])
def in_charge(request: HttpRequest) -> HttpResponse:
    """所管課: which section of one's own body is in charge of each programme."""
    today = timezone.localdate(request.at)
    sections = list(Section.objects.valid_on(today).filter(organisation=request.seat.organisation))
    if request.method == "POST":
        form = InChargeForm(request.POST, sections=sections)
        if form.is_valid():
            return _put_in_charge(request, form)
        messages.error(request, "所管課を選び直してください。")
    chosen = dict(InCharge.objects.filter(section__in=sections).values_list("programme", "section"))
    programmes = Programme.objects.newest().order_by("slug")
    default = next((section.pk for section in sections if section.is_default), None)
    names = {section.pk: section.name for section in sections}
    rows = []
    for programme in programmes:
        section = chosen.get(programme.slug) or default
        rows.append((programme, _in_charge_form(programme, sections, section), names.get(section, "")))
    return render(request, "programmes/in_charge.html", {"rows": rows})


def _put_in_charge(request: HttpRequest, form: InChargeForm) -> HttpResponse:
    section = form.cleaned_data["section"]
    try:
        actions.put_in_charge(form.cleaned_data["programme"], section, by=request.seat, at=request.at)
        messages.success(request, f"所管課を「{section.name}」にしました。")
    except Refused as refusal:
        messages.error(request, str(refusal))
    return redirect("programmes:in_charge")


def _in_charge_form(programme: Programme, sections: list[Section], chosen: int | None) -> InChargeForm:
    initial = {"programme": programme.slug, "section": chosen}
    return InChargeForm(initial=initial, sections=sections, prefix=None, auto_id=f"{programme.slug}-%s")
