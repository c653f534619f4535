"""公募開始 and 管内へ照会: at once, or printed first (起案用一式) and carried out after the 決裁; 照会先の追加."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.db.models import Q
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST

from kyoten.calls import papers
from kyoten.calls.actions import drafting
from kyoten.calls.actions.opening import (
    Plan,
    add_municipalities,
    ask_municipalities,
    asked_below,
    covering_text_for,
    open_call,
    plan_asking,
    plan_opening,
    proposed_due,
)
from kyoten.calls.forms import Adding, Asking, CarryOut, Opening
from kyoten.calls.models import Call
from kyoten.calls.views.access import call_for, case_of
from kyoten.inquiries.actions import ENCLOSED
from kyoten.inquiries.models import Addressee, Draft, Inquiry
from kyoten.organisations.models import Organisation
from kyoten.programmes.models import Programme
from kyoten.records.actions import store_file
from kyoten.records.models import Attachment, Event, Refused
from kyoten.records.views import download
from kyoten.rules.clock import END_OF_DAY, JST, deadline_moment, local
from kyoten.rules.wareki import wareki

PREPARED = "起案用一式を作成しました。決裁の後、決裁日と文書番号を入れて発出してください。"


# ---- 公募開始 -----------------------------------------------------------------------------------


def open_(request: HttpRequest, slug: str) -> HttpResponse:
    """公募開始 by the organiser."""
    programme = get_object_or_404(Programme.objects.visible_to(request.seat).newest(), slug=slug)
    if programme.definition.call is None:
        raise Http404
    last = _last_draft(request, Draft.Kind.OPEN, programme=slug)
    text = last.covering_text if last else _opening_text(programme)
    form = Opening(request.POST or None, initial={"covering_text": text, "document_number": "事務連絡"})
    if request.method == "POST" and form.is_valid():
        try:
            return _open(request, programme, form.cleaned_data)
        except Refused as refusal:
            form.add_error(None, str(refusal))
    prefectures = Organisation.objects.filter(kind__in=programme.definition.call.invites).count()
    context = {
        "programme": programme, "definition": programme.definition, "form": form, "prefectures": prefectures,
        "last": last,
    }  # fmt: skip
    return render(request, "calls/open.html", context)


def _open(request: HttpRequest, programme: Programme, data: dict[str, Any]) -> HttpResponse:
    if "prepare" in request.POST:
        return _prepare(request, plan_opening(programme, data["covering_text"], _form(request, programme)))
    open_call(programme, data["covering_text"], by=request.seat, at=request.at, enclosed=_form(request, programme),
              document_number=data["document_number"], decided_on=data["decided_on"])  # fmt: skip
    messages.success(request, "公募を開始しました。都道府県の担当課へ通知を送りました。")
    return redirect("calls:show", programme.slug)


def _form(request: HttpRequest, programme: Programme) -> list[Attachment]:
    """The blank form that goes with the notice: an office that cannot open our pages fills it in and sends it back."""
    return papers.form_to_enclose(programme.definition, by=request.seat.actor(), at=request.at)


def _opening_text(programme: Programme) -> str:
    """A first draft of the notice, with the facts of the definition; the officer rewrites it freely."""
    definition = programme.definition
    call = definition.call
    deadline = wareki(local(deadline_moment(call.deadline)).date(), with_weekday=True)
    result = f"選定結果の通知　{call.result.text}\n" if call.result else ""
    return (
        "平素より大変お世話になっております。\n"
        f"{call.title.removesuffix(' 公募')}の実施地域を募集します。\n"
        "管内の市町村等への周知と、応募を希望する地域の申込書のとりまとめをお願いします。\n"
        f"実施地域数　{call.places_text}\n"
        f"申込締切　{deadline}\n"
        f"{result}"
        f"公募要領・申込書　{settings.BASE_URL}{reverse('calls:guide', args=[programme.slug])}\n"
        f"問合せ先　{definition.contact.email}"
    )


# ---- 管内へ照会 ---------------------------------------------------------------------------------


def ask(request: HttpRequest, slug: str) -> HttpResponse:
    """管内へ照会: the prefecture's own covering text and its own date. Once asked, 照会先の追加."""
    call = call_for(request, slug)
    case = case_of(request, call)
    if case is None or request.seat.organisation.kind != "prefecture":
        raise Http404
    if inquiry := asked_below(case):
        return _add(request, call, case, inquiry)
    last = _last_draft(request, Draft.Kind.ASK, parent=case)
    form = _asking(request, call, last)
    if request.method == "POST" and form.is_valid():
        try:
            return _ask(request, call, case, form.cleaned_data)
        except Refused as refusal:
            form.add_error(None, str(refusal))
    context = {"call": call, "case": case, "form": form, "proposed": proposed_due(call), "last": last}
    return render(request, "calls/ask.html", context)


def _ask(request: HttpRequest, call: Call, case: Addressee, data: dict[str, Any]) -> HttpResponse:
    said = {
        "covering_text": data["covering_text"], "due": _end_of(data["due"]),
        "to": list(data["to"]), "reference": list(data["reference"]),
    }  # fmt: skip
    if "prepare" in request.POST:
        return _prepare(request, plan_asking(case, call, **said))
    inquiry = ask_municipalities(
        case, call, **said, document_number=data["document_number"], decided_on=data["decided_on"],
        by=request.seat, at=request.at,
    )  # fmt: skip
    messages.success(request, f"{inquiry.addressees.filter(purpose='answer').count()}市町村へ照会しました。")
    return redirect("calls:gather", call.slug)


def _asking(request: HttpRequest, call: Call, last: Draft | None) -> Asking:
    prefecture = request.seat.organisation
    below = Organisation.objects.supervised_by(prefecture, request.at.date()).filter(kind="municipality")
    inside = Organisation.objects.filter(prefecture=prefecture, kind="association")
    initial = _drafted(last) if last else {
        "covering_text": covering_text_for(call, prefecture),
        "due": proposed_due(call).date(),
        "to": list(below.values_list("pk", flat=True)),
        "reference": list(inside.filter(level="prefectural").values_list("pk", flat=True)),
    }  # fmt: skip
    return Asking(
        request.POST or None, to=below.order_by("code"), reference=inside.order_by("level", "name"), initial=initial
    )


def _drafted(draft: Draft) -> dict[str, Any]:
    bodies = {key: [pk for pk, *_ in draft.frozen[key]] for key in ("to", "reference")}
    return {"covering_text": draft.covering_text, "due": local(draft.due).date(), **bodies}


def _end_of(day: date) -> datetime:
    return datetime.combine(day, END_OF_DAY, JST)


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


# ---- 起案 ---------------------------------------------------------------------------------------


def _last_draft(request: HttpRequest, kind: str, **of: Any) -> Draft | None:
    """The newest draft of this thing that was not sent: its text is where the officer goes on."""
    return Draft.objects.visible_to(request.seat).filter(kind=kind, **of).exclude(state="sent").first()


def _prepare(request: HttpRequest, plan: Plan) -> HttpResponse:
    """Print first (outside the lock), then freeze exactly what was printed."""
    by, at = request.seat, request.at
    drafting.check_plan(plan, by, at)
    frozen = drafting.frozen_of(plan, by.section, at)
    data = papers.notice_set(plan, frozen, by, at)
    file = store_file(data, f"起案用一式_{Draft.Kind(plan.kind).label}.pdf", by=by.actor(), at=at)
    found = drafting.prepare(plan, file=file, expected=frozen, by=by, at=at)
    messages.success(request, PREPARED)
    return redirect("calls:draft", found.pk)


def draft(request: HttpRequest, pk: int) -> HttpResponse:
    """One 起案: what will go out, its 起案用一式, and carrying it out."""
    found = _draft_for(request, pk)
    form = CarryOut(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            drafting.carry_out(found, **form.cleaned_data, by=request.seat, at=request.at)
            messages.success(request, f"{len(found.frozen['to'])}団体へ通知を送りました。")
            return redirect("calls:show", found.programme)
        except Refused as refusal:
            form.add_error(None, str(refusal))
    files = list(Attachment.objects.of(drafting.KIND, found.pk))
    context = {
        "draft": found, "frozen": found.frozen, "form": form, "again": _again(found),
        "mine": found.section_id == request.seat.section_id and request.seat.may_act,
        "files": [file for file in files if file.label == "draft_set"],
        "enclosed": [file for file in files if file.label == ENCLOSED], "events": Event.objects.of(drafting.KIND, found.pk),
    }  # fmt: skip
    return render(request, "calls/draft.html", context)


def _draft_for(request: HttpRequest, pk: int) -> Draft:
    rows = Draft.objects.visible_to(request.seat).select_related("section__organisation", "inquiry")
    return get_object_or_404(rows, pk=pk)


def _again(found: Draft) -> str:
    """Where a new one is drawn up."""
    return reverse("calls:open" if found.kind == Draft.Kind.OPEN else "calls:ask", args=[found.programme])


@require_POST
def draft_void(request: HttpRequest, pk: int) -> HttpResponse:
    """起案の取りやめ"""
    found = _draft_for(request, pk)
    try:
        drafting.withdraw(found, by=request.seat, at=request.at)
        messages.success(request, "起案を取りやめました。この画面で内容を直して、作り直せます。")
        return redirect(_again(found))
    except Refused as refusal:
        messages.error(request, str(refusal))
    return redirect("calls:draft", pk)


def draft_file(request: HttpRequest, pk: int, attachment: int) -> HttpResponse:
    """起案用一式"""
    found = _draft_for(request, pk)
    file = Attachment.objects.of(drafting.KIND, found.pk).filter(pk=attachment).first()
    if file is None:
        raise Http404
    return download(file)
