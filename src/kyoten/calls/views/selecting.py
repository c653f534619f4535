"""選定 by the organiser: the board, checks, notes, conflicts of interest, decisions, the announcement."""

from __future__ import annotations

from datetime import date, datetime

from django.contrib import messages
from django.db import transaction
from django.db.models import Count, Prefetch, Q
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST

from kyoten.calls import papers
from kyoten.calls.actions import applying, gathering, selecting
from kyoten.calls.actions.deadline import moved, tell_deadline
from kyoten.calls.forms import CarryOut, Deciding, Late, posted_day, posted_moment
from kyoten.calls.models import Application, Call, Check, Decision, designated
from kyoten.calls.steps import result_due, steps_of_call
from kyoten.calls.views.access import application_for, call_for, decision_for
from kyoten.calls.views.applications import events_of, requirement_rows
from kyoten.calls.views.pages import page_of
from kyoten.inquiries.models import Addressee, Inquiry
from kyoten.organisations.models import Organisation, Seat
from kyoten.records.actions import store_file
from kyoten.records.models import Refused
from kyoten.records.views import as_download


def organisers_call(request: HttpRequest, slug: str) -> Call:
    call = call_for(request, slug)
    if call.organiser.organisation_id != request.seat.section.organisation_id:
        raise Http404
    return call


def organisers_application(request: HttpRequest, pk: int) -> Application:
    application = application_for(request, pk)
    if application.call.organiser.organisation_id != request.seat.section.organisation_id:
        raise Http404
    return application


def board(request: HttpRequest, slug: str) -> HttpResponse:
    """選定の一覧: applications side by side, formal requirements at a glance."""
    call = organisers_call(request, slug)
    rows = Application.objects.visible_to(request.seat).filter(call=call).exclude(state="withdrawn")
    selected = Q(decision__outcome="selected")
    counts = rows.aggregate(decided=Count("decision"), selected=Count("decision", selected))
    rows = rows.select_related("applicant", "prefecture", "decision").prefetch_related(
        "programme", "municipalities", Prefetch("checks", Check.objects.order_by("pk"))
    )
    page = page_of(rows.order_by("number", "pk"), request.GET.get("page"))
    add_findings(list(page), request.at)
    context = {
        "call": call, "definition": call.definition, "page": page, "rules": call.definition.call.rules,
        "result_due": result_due(call), "steps": steps_of_call(call, request.at),
        "total": page.paginator.count, **counts,
    }  # fmt: skip
    return render(request, "calls/board.html", context)


def add_findings(applications: list[Application], at: datetime) -> None:
    """Judge all of them with one query for the hubs (not one per row)."""
    hubs = designated(applications, at)
    for application in applications:
        ticked = {c.rule: c.ok for c in application.checks.all()}
        findings = application.findings(at, hub=application.pk in hubs)
        application.cells = [_cell(finding, ticked.get(finding.rule.id)) for finding in findings]


def _cell(finding, ticked: bool | None) -> dict:
    ok = finding.ok if ticked is None else ticked
    words, kind = ("満たす", "ok") if ok else ("不足", "stop") if finding.rule.level == "stop" else ("留意", "warn")
    if not ok and ticked is None and finding.rule.kind == "manual":
        words, kind = "未確認", "warn"  # nobody has looked yet, which is not the same as missing
    return {"words": words, "kind": kind, "checked": ticked is not None, "finding": finding}


def applications_table(request: HttpRequest, slug: str) -> HttpResponse:
    """申込一覧 as Excel, for whoever may see the applications."""
    call = call_for(request, slug)
    rows = Application.objects.visible_to(request.seat).filter(call=call).order_by("prefecture__code", "pk")
    decisions = Decision.objects.visible_to(request.seat).filter(application__call=call)
    outcomes = dict(decisions.values_list("application_id", "outcome"))
    opinions = request.seat.organisation.kind in ("prefecture", "secretariat")
    data = papers.applications_table(call, rows, outcomes, opinions=opinions)
    return as_download(HttpResponse(data, content_type=papers.XLSX), f"申込一覧_{call.slug}.xlsx")


def decide(request: HttpRequest, pk: int) -> HttpResponse:
    """選定の決定, beside what was applied for."""
    application = organisers_application(request, pk)
    decision = decision_for(request, application)
    initial = {"outcome": decision.outcome, "reason": decision.reason} if decision else {}
    form = Deciding(request.POST or None, initial=initial)
    checks = list(application.checks.all())
    if request.method == "POST" and form.is_valid():
        try:
            data = form.cleaned_data
            selecting.decide(application, data["outcome"], data["reason"], by=request.seat, at=request.at)
            messages.success(request, "決定を記録しました。通知するまで事務局の外からは見えません。")
            return redirect("calls:board", application.call.slug)
        except Refused as refusal:
            form.add_error(None, str(refusal))
    events, inside = events_of(application, organiser=True)
    context = {
        "application": application, "call": application.call, "form": form, "decision": decision,
        "findings": requirement_rows(application, request.at, "screening", {c.rule: c.ok for c in checks}),
        "checks": {c.rule: c for c in checks}, "notes": application.review_notes.all(),
        "events": events, "inside": inside,
    }  # fmt: skip
    return render(request, "calls/decide.html", context)


@require_POST
def tick(request: HttpRequest, pk: int) -> HttpResponse:
    """形式要件の確認"""
    application = organisers_application(request, pk)
    ok = {"yes": True, "no": False}.get(request.POST.get("ok", ""))
    try:
        selecting.tick(application, request.POST.get("rule", ""), ok, by=request.seat, at=request.at)
        messages.success(request, "確認を記録しました。")
    except Refused as refusal:
        messages.error(request, str(refusal))
    return redirect("calls:decide", pk)


@require_POST
def note(request: HttpRequest, pk: int) -> HttpResponse:
    """審査メモ"""
    application = organisers_application(request, pk)
    try:
        selecting.write_note(application, request.POST.get("text", "")[:4000], by=request.seat, at=request.at)
        messages.success(request, "メモを保存しました。")
    except Refused as refusal:
        messages.error(request, str(refusal))
    return redirect("calls:decide", pk)


def conflict(request: HttpRequest, pk: int) -> HttpResponse:
    """利益相反の登録: afterwards this person sees nothing of the case."""
    application = _own_or_visible(request, pk)
    people = _people(request)
    if request.method == "POST":
        person = next((s.person for s in people if str(s.person_id) == request.POST.get("person")), None)
        try:
            if person is None:
                raise Refused("対象の方を選んでください。")
            selecting.declare_conflict(
                application, person, request.POST.get("reason", "")[:2000], by=request.seat, at=request.at
            )
            messages.success(
                request, f"{person.name}の利益相反を登録しました。この案件は本人の画面に表示されなくなります。"
            )
            return redirect("calls:board", application.call.slug)
        except Refused as refusal:
            messages.error(request, str(refusal))
    typed_in = application.state in Application.EDITABLE  # by proxy, not yet at the board
    back = reverse("calls:edit" if typed_in else "calls:decide", args=[application.pk])
    context = {"application": application, "call": application.call, "people": people, "back": back}
    return render(request, "calls/conflict.html", context)


def _people(request: HttpRequest) -> list[Seat]:
    """Whom one may enter: oneself; a 管理 seat everyone of the body."""
    if request.seat.role != "manager":
        return [request.seat]
    rows = Seat.objects.filter(section__organisation=request.seat.organisation).select_related("person", "section")
    return list({seat.person_id: seat for seat in rows}.values())


def take_in(request: HttpRequest, pk: int) -> HttpResponse:
    """収受 of a bundle's application, or 受付 of one typed in by proxy (with the moment its mail arrived)."""
    application = _own_or_visible(request, pk)
    proxy = application.by_proxy == "secretariat" and application.state in Application.EDITABLE
    if request.method == "POST":
        try:
            day = posted_day(request.POST.get("received_on", ""), "収受日")
            _take_in(request, application, day, proxy=proxy)
            messages.success(request, "受付を記録しました。" if proxy else "収受を記録しました。")
            return redirect("calls:application", pk)
        except Refused as refusal:
            messages.error(request, str(refusal))
    arrived = applying.arrived_at(application) if proxy else None
    context = {"application": application, "call": application.call, "proxy": proxy, "arrived": arrived}
    return render(request, "calls/take_in.html", context)


@transaction.atomic
def _take_in(request: HttpRequest, application: Application, day: date | None, *, proxy: bool) -> None:
    """Both or neither: a paper typed in is not taken as come where its 収受 is refused."""
    number = request.POST.get("receipt_number", "").strip()
    if proxy:
        arrived_at = posted_moment(request.POST.get("arrived_at", ""), "メールの受信日時")
        gathering.forward_proxy(application, arrived_at=arrived_at, reason=request.POST.get("reason", ""),
                                direct="direct" in request.POST, by=request.seat, at=request.at)  # fmt: skip
    if day or number or not proxy:  # what was typed in may get its 収受 later
        gathering.take_in(application, receipt_number=number, received_on=day, by=request.seat, at=request.at)


def _own_or_visible(request: HttpRequest, pk: int) -> Application:
    rows = Application.objects.visible_to(request.seat) | Application.objects.editable_by(request.seat)
    organiser = rows.filter(call__organiser__organisation=request.seat.organisation)
    return get_object_or_404(
        organiser.distinct().select_related("call__organiser", "applicant", "prefecture", "programme"), pk=pk
    )


def late(request: HttpRequest, slug: str) -> HttpResponse:
    """期限後の受付"""
    call = organisers_call(request, slug)
    cases = Addressee.objects.filter(root=call.inquiry_id, purpose=Addressee.Purpose.ANSWER)
    asked = Organisation.objects.filter(pk__in=cases.values("organisation")).order_by("code")
    form = Late(request.POST or None, organisations=asked)
    if request.method == "POST" and form.is_valid():
        try:
            gathering.allow_late(
                call, form.cleaned_data["organisation"], form.cleaned_data["reason"], by=request.seat, at=request.at
            )
            messages.success(request, "期限後の受付を記録しました。")
            return redirect("calls:show", slug)
        except Refused as refusal:
            form.add_error(None, str(refusal))
    return render(request, "calls/late.html", {"call": call, "form": form})


def deadline(request: HttpRequest, slug: str) -> HttpResponse:
    """締切の変更の通知: what a new revision of the definition changed is told to everyone the call went to."""
    call = organisers_call(request, slug)
    if request.method == "POST":
        try:
            tell_deadline(call, request.POST.get("reason", "")[:500], by=request.seat, at=request.at)
            messages.success(request, "締切の変更を通知しました。")
            return redirect("calls:show", slug)
        except Refused as refusal:
            messages.error(request, str(refusal))
    below = Inquiry.objects.filter(root=call.inquiry_id, due__gt=call.deadline).select_related("asker__organisation")
    context = {"call": call, "moved": moved(call), "below": below, "reason": request.POST.get("reason", "")}
    return render(request, "calls/deadline.html", context)


def announce(request: HttpRequest, slug: str) -> HttpResponse:
    """選定結果の通知: look at every letter's words first, then one act for all."""
    call = organisers_call(request, slug)
    form = CarryOut(request.POST or None, initial={"document_number": "事務連絡"})
    if request.method == "POST" and form.is_valid():
        data = form.cleaned_data
        try:
            selecting.announce(call, _letters(request, call, data), by=request.seat, at=request.at, **data)
            messages.success(request, "選定結果を通知しました。")
            return redirect("calls:show", slug)
        except Refused as refusal:
            form.add_error(None, str(refusal))
    decisions = Decision.objects.visible_to(request.seat).filter(application__call=call, application__state="forwarded")
    decisions = list(
        decisions.select_related("application__applicant", "application__prefecture", "application__programme")
    )
    context = {
        "call": call, "form": form, "decisions": decisions, "undecided": Application.objects.visible_to(request.seat).filter(call=call, state="forwarded", decision=None),
        "preview": selecting.result_text(decisions[0], call) if decisions else "", "result_due": result_due(call),
        "awaited": selecting.awaited(call),
    }  # fmt: skip
    return render(request, "calls/announce.html", context)


def _letters(request: HttpRequest, call: Call, data: dict):
    """How each result letter is printed and kept, before the announcement locks anything."""

    def letter(decision: Decision):
        pdf = papers.result_letter(
            decision, call, number=data["document_number"], day=request.at.date(), by=request.seat
        )
        name = f"選定結果通知_{decision.application.applicant.name}.pdf"
        return store_file(pdf, name, by=request.seat.actor(), at=request.at)

    return letter


def letter(request: HttpRequest, pk: int) -> HttpResponse:
    """通知文の確認 before the announcement: the letter as it would go out, unnumbered."""
    application = organisers_application(request, pk)
    decision = get_object_or_404(Decision.objects.visible_to(request.seat), application=application)
    pdf = papers.result_letter(decision, application.call, number="（案）", day=request.at.date(), by=request.seat)
    return as_download(
        HttpResponse(pdf, content_type=papers.TYPES["pdf"]), f"選定結果通知（案）_{application.applicant}.pdf"
    )
