"""Screens of asking and answering that hold for every programme."""

from __future__ import annotations

from datetime import datetime

from django.contrib import messages
from django.core.paginator import Paginator
from django.db.models import Count, Q
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_POST

from kyoten.inquiries import actions
from kyoten.inquiries.forms import Due, Heard, LinkReply, PassOn, Reply
from kyoten.inquiries.models import DEEMED, Addressee, Inquiry, MailAnswer, addressee_of
from kyoten.post.models import InboundMail, OutboundMail
from kyoten.post.serving import download_part
from kyoten.records.actions import log_access
from kyoten.records.models import Event, Refused
from kyoten.rules.clock import END_OF_DAY, JST

WITH = ("inquiry__asker__organisation", "organisation", "section__organisation", "represented_by")


def list_inquiries(request: HttpRequest) -> HttpResponse:
    """通知・照会: what this body received, and what it asked."""
    seat = request.seat
    received = Addressee.objects.received_by(seat).select_related(*WITH).order_by("-inquiry__sent_at", "-pk")
    asked = Inquiry.objects.asked_by(seat).select_related("asker__organisation").annotate(
        all=Count("addressees", filter=Q(addressees__purpose="answer")),
        missing=Count("addressees", filter=Q(addressees__purpose="answer", addressees__state__in=Addressee.MISSING,
                                             addressees__represented_by=None)),
    ).order_by("-sent_at", "-pk")  # fmt: skip
    rows = Paginator(received, 50).get_page(request.GET.get("page"))
    for row in rows:
        row.shown = row.shown_state(request.at)
    return render(request, "inquiries/list.html", {"received": rows, "asked": Paginator(asked, 50).get_page(1)})


def show_received(request: HttpRequest, pk: int) -> HttpResponse:
    """One received inquiry: its text, the answer, its 経過; the case of the section in charge."""
    row = get_object_or_404(Addressee.objects.received_by(request.seat).select_related(*WITH), pk=pk)
    context = {
        "row": row,
        "shown": row.shown_state(request.at),
        "form": Reply(initial={"state": row.state, "remark": row.remark}),
        "pass_on": PassOn(row=row, on=request.at.date()),
        "events": Event.objects.of(actions.KIND, row.pk),
    }
    return render(request, "inquiries/received.html", context)


def _received(request: HttpRequest, pk: int) -> Addressee:
    return get_object_or_404(Addressee.objects.received_by(request.seat).select_related(*WITH), pk=pk)


@require_POST
def read(request: HttpRequest, pk: int) -> HttpResponse:
    row = _received(request, pk)
    actions.mark_read(row, by=request.seat, at=request.at)
    messages.success(request, "内容を確認したことを記録しました。")
    return redirect("inquiries:received", pk)


@require_POST
def reply(request: HttpRequest, pk: int) -> HttpResponse:
    """回答 on screen."""
    row = _received(request, pk)
    form = Reply(request.POST)
    if not form.is_valid():
        messages.error(request, "「該当なし」か「検討中」を選んでください。")
        return redirect("inquiries:received", pk)
    try:
        actions.answer(
            row, form.cleaned_data["state"], by=request.seat, at=request.at, remark=form.cleaned_data["remark"]
        )
        messages.success(request, f"「{row.get_state_display()}」と回答しました。")
    except Refused as refusal:
        messages.error(request, str(refusal))
    return redirect("inquiries:received", pk)


@require_POST
def pass_on(request: HttpRequest, pk: int) -> HttpResponse:
    """所管課へ回送"""
    row = _received(request, pk)
    form = PassOn(request.POST, row=row, on=request.at.date())
    if not form.is_valid():
        messages.error(request, "回送先の課を選んでください。課がないときは、連絡先に登録してください。")
        return redirect("inquiries:received", pk)
    try:
        actions.pass_on(row, form.cleaned_data["section"], by=request.seat, at=request.at)
        messages.success(request, f"{form.cleaned_data['section'].name}へ回送しました。")
    except Refused as refusal:
        messages.error(request, str(refusal))
    return redirect("inquiries:received", pk)


def link(request: HttpRequest, token: str) -> HttpResponse:
    """The signed link of the mail: answer without login. A GET only shows; scanners open every link."""
    row = addressee_of(token)
    if row is None:
        raise Http404
    form = LinkReply(request.POST or None)
    if request.method == "POST" and form.is_valid():
        data = form.cleaned_data
        name = f"{row.section.name}　{data['name']}"
        try:
            actions.answer(row, data["state"], at=request.at, way="link", name=name, remark=data["remark"])
            messages.success(
                request,
                f"「{row.get_state_display()}」の回答を受け付けました。変更するときは、期限までにもう一度このリンクから回答してください。",
            )
            return redirect("inquiries:link", token)
        except Refused as refusal:
            form.add_error(None, str(refusal))
    context = {"row": row, "form": form, "shown": row.shown_state(request.at), "token": token}
    return render(request, "inquiries/link.html", context)


def show_asked(request: HttpRequest, pk: int) -> HttpResponse:
    """回答の状況: everyone asked, who has not answered, and what the next act is."""
    inquiry = get_object_or_404(Inquiry.objects.asked_by(request.seat).select_related("asker__organisation"), pk=pk)
    rows = in_order(inquiry)
    lost = undelivered(rows)
    for row in rows:
        row.inquiry = inquiry
        row.shown = row.shown_state(request.at)
        row.undelivered = lost.get(row.pk)
    context = {
        "inquiry": inquiry,
        "counts": progress(rows, request.at),
        "rows": filtered(rows, request.GET),
        "all": len(rows),
        "states": sorted({row.shown[0] for row in rows}),
        "mails": MailAnswer.objects.visible_to(request.seat).filter(addressee__inquiry=inquiry, settled_at=None).select_related("addressee__organisation"),
        "events": Event.objects.of("inquiry", inquiry.pk),
    }  # fmt: skip
    return render(request, "inquiries/asked.html", context)


def in_order(inquiry: Inquiry) -> list[Addressee]:
    """Everyone addressed: who owes an answer first, by code, then who got it for reference."""
    rows = inquiry.addressees.select_related("organisation", "section", "represented_by")
    return list(rows.order_by("purpose", "organisation__code", "organisation__name", "pk"))


def undelivered(rows: list[Addressee]) -> dict[int, OutboundMail]:
    """By case, the newest mail about it that failed for good and that nobody has dealt with yet, in one query."""
    about = OutboundMail.objects.filter(about_kind=actions.KIND, about_id__in=[row.pk for row in rows])
    failed = about.filter(state="failed", settled_at=None).order_by("failed_at", "pk").defer("text")
    return {mail.about_id: mail for mail in failed}


def progress(rows: list[Addressee], at) -> list[dict]:
    """The stacked bar: answered, being mended, considering, nothing yet, overdue."""
    asked = [row for row in rows if row.purpose == "answer"]
    groups = [
        ("回答済み", "ok"),
        ("補正依頼中", "warn"),
        ("検討中", "go"),
        ("期限超過", "stop"),
        ("未回答", "none"),
        (DEEMED, "none"),
    ]
    kinds = [_group(row, at) for row in asked]
    bar = [{"label": label, "count": kinds.count(label), "kind": kind} for label, kind in groups]
    return bar if bar[-1]["count"] else bar[:-1]


def _group(row: Addressee, at) -> str:
    if row.represented_by_id or row.state in ("answered", "not_applicable"):
        return "回答済み"
    if row.state == "returned":
        return "補正依頼中"
    if row.overdue_at(at):
        return row.shown[0]
    return "検討中" if row.state == "considering" else "未回答"


def filtered(rows: list[Addressee], query) -> list[Addressee]:
    """Lists of one prefecture (54) or of the country (47): filtered here, all in one page."""
    state, name = query.get("state", ""), query.get("name", "").strip()
    found = [row for row in rows if not state or row.shown[0] == state]
    return [row for row in found if not name or name.replace("ヶ", "ケ") in row.organisation.name.replace("ヶ", "ケ")]


@require_POST
def remind(request: HttpRequest, pk: int) -> HttpResponse:
    """再依頼: to the rows ticked, or to all who have not answered."""
    inquiry = get_object_or_404(Inquiry.objects.asked_by(request.seat), pk=pk)
    rows = inquiry.addressees.missing().select_related(*WITH)
    if "all" not in request.POST:
        ticked = set(request.POST.getlist("row"))
        rows = [row for row in rows if str(row.pk) in ticked]
    try:
        count = actions.remind(inquiry, list(rows), by=request.seat, at=request.at)
        messages.success(request, f"{count}団体へ再依頼のメールを送りました。")
    except Refused as refusal:
        messages.error(request, str(refusal))
    return redirect(_back(request, inquiry))


def _back(request: HttpRequest, inquiry: Inquiry) -> str:
    """The page the form stood on: this app's, or a higher app's that names itself (a path of ours only)."""
    back = request.POST.get("back") or request.GET.get("back", "")
    ours = back.startswith("/") and url_has_allowed_host_and_scheme(back, allowed_hosts=None)
    return back if ours else inquiry_url(inquiry)


def inquiry_url(inquiry: Inquiry) -> str:
    return reverse("inquiries:asked", args=[inquiry.pk])


def telephone(request: HttpRequest, pk: int) -> HttpResponse:
    """電話確認: who is missing, with telephone numbers; one typed line becomes the answer."""
    inquiry = get_object_or_404(Inquiry.objects.asked_by(request.seat).select_related("asker__organisation"), pk=pk)
    missing = inquiry.addressees.missing().select_related(*WITH)
    form = Heard(request.POST or None, rows=missing)
    if request.method == "POST" and form.is_valid():
        row, data = form.cleaned_data["row"], form.cleaned_data
        try:
            who = f"{data['name']}（{request.seat.person.name}が電話で確認）"
            actions.answer(
                row, data["state"], by=request.seat, at=request.at, way="phone", name=who, remark=data["name"]
            )
            messages.success(request, f"{row.organisation}の回答「{row.get_state_display()}」を記録しました。")
            return redirect("inquiries:telephone", pk)
        except Refused as refusal:
            form.add_error(None, str(refusal))
    context = {"inquiry": inquiry, "rows": missing, "form": form}
    return render(request, "inquiries/telephone.html", context)


def change_due(request: HttpRequest, pk: int) -> HttpResponse:
    """回答期限の変更: a new date and its reason; everyone addressed is told by mail."""
    rows = Inquiry.objects.asked_by(request.seat).select_related("asker__organisation", "parent__inquiry")
    inquiry = get_object_or_404(rows, pk=pk)
    back = _back(request, inquiry)
    form = Due(request.POST or None, initial={"due": inquiry.due and inquiry.due.date()})
    if request.method == "POST" and form.is_valid():
        due = datetime.combine(form.cleaned_data["due"], END_OF_DAY, JST)
        try:
            actions.change_due(inquiry, due, form.cleaned_data["reason"], by=request.seat, at=request.at)
            messages.success(request, "回答期限を変更し、照会先へ知らせました。")
            return redirect(back)
        except Refused as refusal:
            form.add_error(None, str(refusal))
    return render(request, "inquiries/due.html", {"inquiry": inquiry, "form": form, "back": back})


def mail_file(request: HttpRequest, pk: int, number: int) -> HttpResponse:
    """One file out of a reply by mail, as a download; `number` counts from 1, as the mail has them."""
    note = get_object_or_404(MailAnswer.objects.visible_to(request.seat), pk=pk)
    if number == 0:  # the mail as it came is not for this page
        raise Http404
    response = download_part(InboundMail.objects.select_related("original").get(pk=note.mail_id), number)
    log_access("inbound_mail", note.mail_id, by=request.seat.actor(), at=request.at, what="返信メールの添付")
    return response


@require_POST
def settle_mail(request: HttpRequest, pk: int) -> HttpResponse:
    """要確認の返信を確認済みにする, with or without taking it as an answer."""
    note = get_object_or_404(
        MailAnswer.objects.visible_to(request.seat).select_related("addressee__inquiry__asker"), pk=pk
    )
    state = request.POST.get("state", "")
    try:
        taken = state if state in ("not_applicable", "considering") else ""
        actions.settle_mail(note, taken, by=request.seat, at=request.at)
        messages.success(request, "返信メールを確認済みにしました。")
    except Refused as refusal:
        messages.error(request, str(refusal))
    return redirect(_back(request, note.addressee.inquiry))
