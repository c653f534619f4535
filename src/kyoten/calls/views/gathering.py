"""管内のとりまとめ: who answered what, mending, opinion, 起案用一式, sending to the organiser."""

from __future__ import annotations

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST

from kyoten.calls import papers
from kyoten.calls.actions import applying, gathering
from kyoten.calls.forms import CarryOut, Officer, posted_day
from kyoten.calls.models import Application, Bundle, Call
from kyoten.calls.views.access import application_for, bundle_for, call_for, case_of
from kyoten.inquiries.models import DEEMED, Addressee, Inquiry, MailAnswer
from kyoten.inquiries.views import filtered, in_order, progress, undelivered
from kyoten.records.actions import store_file
from kyoten.records.models import Attachment, Event, Refused
from kyoten.records.views import as_download, download


def gather(request: HttpRequest, slug: str) -> HttpResponse:
    """All municipalities of the prefecture (54) in one table, and the next act."""
    call = call_for(request, slug)
    inquiry = _passed_down(request, call)
    case = case_of(request, call)
    rows = status_rows(request, call, inquiry, case)
    bundles = list(Bundle.objects.visible_to(request.seat).filter(call=call))
    applications = gathering.ready_to_gather(call, request.seat.organisation)
    missing = [row for row in rows if row.is_missing]
    deemed = sum(row.shown[0] == DEEMED for row in missing)
    context = {
        "call": call, "definition": call.definition, "case": case, "inquiry": inquiry,
        "rows": filtered(rows, request.GET), "all": len(rows), "counts": progress(rows, request.at),
        "states": sorted({row.shown[0] for row in rows}),
        "applications": applications, "stops": gathering.gathering_stops(call, applications, request.at),
        "missing": missing, "open": len(missing) - deemed,
        "forwarded": sum(bool(row.application) and row.application.state == "forwarded" for row in rows),
        "not_applicable": deemed + sum(row.state == "not_applicable" for row in rows), "deemed": deemed,
        "bundles": bundles, "prepared": next((b for b in bundles if b.state == "prepared"), None),
        "mails": MailAnswer.objects.awaiting(request.seat).filter(addressee__inquiry=inquiry).select_related("addressee__organisation"),
        "events": Event.objects.of("inquiry", inquiry.pk),
    }  # fmt: skip
    return render(request, "calls/gather.html", context)


def _passed_down(request: HttpRequest, call: Call) -> Inquiry:
    case = case_of(request, call)
    inquiry = (
        case.passed_down.order_by("pk").first() if case and request.seat.organisation.kind == "prefecture" else None
    )
    if inquiry is None:
        raise Http404
    return inquiry


def status_rows(request: HttpRequest, call: Call, inquiry: Inquiry, case: Addressee) -> list[Addressee]:
    """Each municipality with its state in words, its application where the prefecture may see it, and remarks."""
    rows = in_order(inquiry)
    seen = (
        Application.objects.visible_to(request.seat)
        .filter(call=call)
        .exclude(state="withdrawn")
        .select_related("applicant")
    )
    by_applicant = {a.applicant_id: a for a in seen}
    closed = case.state == "answered" or request.at > call.deadline
    lost = undelivered(rows)
    for row in rows:
        row.inquiry = inquiry
        row.shown = row.shown_state(request.at, closed=closed)
        row.application = by_applicant.get(row.organisation_id)
        row.undelivered = lost.get(row.pk)
        if row.application and row.application.by_proxy and row.application.state != "draft":
            row.shown = (row.shown[0] + "（代行入力）", row.shown[1])
    return rows


def status_table(request: HttpRequest, slug: str) -> HttpResponse:
    """とりまとめ表 as Excel."""
    call = call_for(request, slug)
    inquiry = _passed_down(request, call)
    rows = status_rows(request, call, inquiry, case_of(request, call))
    data = papers.status_table(call, request.seat.organisation, rows, request.at)
    return as_download(HttpResponse(data, content_type=papers.XLSX), f"とりまとめ表_{request.seat.organisation}.xlsx")


def fax_sheet(request: HttpRequest, slug: str, pk: int) -> HttpResponse:
    """FAX回答票 for one municipality, with its number."""
    call = call_for(request, slug)
    inquiry = _passed_down(request, call)
    row = inquiry.addressees.select_related("organisation", "section").filter(pk=pk).first()
    if row is None:
        raise Http404
    row.inquiry = inquiry
    return as_download(
        HttpResponse(papers.fax_sheet(row, request.seat), content_type=papers.TYPES["pdf"]),
        f"FAX回答票_{row.organisation}.pdf",
    )


def send_back(request: HttpRequest, pk: int) -> HttpResponse:
    """補正依頼: reasons by section of the form."""
    application = application_for(request, pk)
    sections = [(s.id, s.title) for s in application.form.sections] + [("", "全体")]
    if request.method == "POST":
        reasons = {key: request.POST.get(f"reason-{key or 'all'}", "")[:2000] for key, _ in sections}
        try:
            applying.send_back(
                application,
                reasons,
                due=posted_day(request.POST.get("due", ""), "補正の期限"),
                by=request.seat,
                at=request.at,
            )
            messages.success(request, f"{application.applicant}へ補正を依頼しました。")
            return redirect("calls:application", pk)
        except Refused as refusal:
            messages.error(request, str(refusal))
            sections_typed = [(key, title, reasons[key]) for key, title in sections]
            return render(request, "calls/send_back.html", {"application": application, "sections": sections_typed})
    context = {"application": application, "call": application.call, "sections": [(k, t, "") for k, t in sections]}
    return render(request, "calls/send_back.html", context)


@require_POST
def opinion(request: HttpRequest, pk: int) -> HttpResponse:
    """県の意見"""
    application = application_for(request, pk)
    try:
        gathering.write_opinion(application, request.POST.get("opinion", "")[:4000], by=request.seat, at=request.at)
        messages.success(request, "県の意見を保存しました。")
    except Refused as refusal:
        messages.error(request, str(refusal))
    return redirect("calls:application", pk)


def officer(request: HttpRequest, pk: int) -> HttpResponse:
    """県（保健所を含む）の担当者を構成員に加える"""
    application = application_for(request, pk)
    if request.seat.organisation.pk != application.prefecture_id:
        raise Http404
    initial = {
        "organisation": request.seat.organisation.name,
        "section": request.seat.section.name,
        "profession": "行政職員",
    }
    form = Officer(request.POST or None, initial=initial)
    if request.method == "POST" and form.is_valid():
        try:
            gathering.add_officer(application, form.cleaned_data, by=request.seat, at=request.at)
            messages.success(request, "県の担当者を構成員に加えました。")
            return redirect("calls:application", pk)
        except Refused as refusal:
            form.add_error(None, str(refusal))
    return render(request, "calls/officer.html", {"application": application, "call": application.call, "form": form})


def prepare(request: HttpRequest, slug: str) -> HttpResponse:
    """起案用一式の作成: check what will go out, write the 鑑文, freeze."""
    call = call_for(request, slug)
    prefecture = request.seat.organisation
    inquiry = _passed_down(request, call)
    unsettled = MailAnswer.objects.awaiting(request.seat).filter(addressee__inquiry=inquiry).count()
    applications = gathering.ready_to_gather(call, prefecture)
    text = request.POST.get("covering_text") or papers.covering_text(call, prefecture)
    if request.method == "POST":
        try:
            bundle = _prepare(request, call, applications, text)
            messages.success(request, "起案用一式を作成しました。決裁の後、決裁日と文書番号を入れて提出してください。")
            return redirect("calls:bundle", bundle.pk)
        except Refused as refusal:
            messages.error(request, str(refusal))
    context = {
        "call": call, "applications": applications, "text": text,
        "stops": gathering.gathering_stops(call, applications, request.at),
        "missing": gathering.unanswered(call, prefecture), "unsettled": unsettled, "late": gathering.too_late(call, applications, request.at),
    }  # fmt: skip
    return render(request, "calls/prepare.html", context)


def _prepare(request: HttpRequest, call: Call, applications: list[Application], text: str) -> Bundle:
    """Print first (outside the lock), then freeze exactly what was printed."""
    if not applications:
        raise Refused("提出済の申込書がありません。申込みがないときは「該当なし」で回答してください。")
    data = papers.draft_set(call, request.seat, applications, text, request.at)
    file = store_file(data, f"起案用一式_{request.seat.organisation}.pdf", by=request.seat.actor(), at=request.at)
    return gathering.prepare(
        call, request.seat.organisation, covering_text=text, file=file,
        expected={a.pk: a.version for a in applications}, by=request.seat, at=request.at,
    )  # fmt: skip


def bundle(request: HttpRequest, pk: int) -> HttpResponse:
    """One とりまとめ: its contents, the 起案用一式, and carrying it out."""
    found = bundle_for(request, pk)
    own = found.prefecture_id == request.seat.section.organisation_id
    form = CarryOut(request.POST or None, initial={"document_number": "事務連絡"})
    if request.method == "POST" and own and form.is_valid():
        try:
            gathering.carry_out(found, **form.cleaned_data, by=request.seat, at=request.at)
            messages.success(request, "事務局へ提出しました。")
            return redirect("calls:bundle", pk)
        except Refused as refusal:
            form.add_error(None, str(refusal))
    visible = Application.objects.visible_to(request.seat).filter(bundle=found).select_related("applicant")
    waiting = visible if own and found.state == "prepared" else []
    context = {
        "late": gathering.too_late(found.call, waiting, request.at),
        "bundle": found, "call": found.call, "form": form, "own": own, "applications": visible,
        "files": Attachment.objects.of("bundle", found.pk) if own else [], "events": Event.objects.of("bundle", found.pk) if own else [],
    }  # fmt: skip
    return render(request, "calls/bundle.html", context)


def bundle_file(request: HttpRequest, pk: int, attachment: int) -> HttpResponse:
    """起案用一式, for the prefecture itself (it holds every application of the bundle)."""
    found = bundle_for(request, pk)
    file = Attachment.objects.of("bundle", found.pk).filter(pk=attachment).first()
    if file is None or found.prefecture_id != request.seat.section.organisation_id:
        raise Http404
    return download(file)
