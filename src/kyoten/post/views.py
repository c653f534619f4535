"""The demo's mailbox, failed deliveries, and mails that belong to no case yet."""

from __future__ import annotations

from django.conf import settings
from django.contrib import messages
from django.core.paginator import Paginator
from django.db.models import Q, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_POST

from kyoten.post import mime
from kyoten.post.actions import receive, resend, set_aside, settle
from kyoten.post.forms import MailboxFilter, ReplyForm, ResendForm
from kyoten.post.links import without_keys
from kyoten.post.models import InboundMail, OutboundMail, OutboundQuerySet
from kyoten.records.actions import log_access
from kyoten.records.models import Refused
from kyoten.records.views import download

PAGE = 50


# ---- デモ: every mail, readable by everybody


def _demo_mail(pk: int) -> OutboundMail:
    if not settings.DEMO:
        raise Http404
    return get_object_or_404(OutboundMail, pk=pk)


def mailbox(request: HttpRequest) -> HttpResponse:
    if not settings.DEMO:
        raise Http404
    form = MailboxFilter(request.GET)
    mails = OutboundMail.objects.order_by("-id")
    if form.is_valid():
        mails = _matching(mails, form.cleaned_data["to"], form.cleaned_data["word"])
    page = Paginator(mails.defer("text"), PAGE).get_page(request.GET.get("page"))
    return render(request, "post/mailbox.html", {"form": form, "page": page, "filtered": any(request.GET.values())})


def _matching(mails: QuerySet, to: str, word: str) -> QuerySet:
    if to:
        mails = mails.filter(to__icontains=to)
    if word:
        mails = mails.filter(Q(subject__icontains=word) | Q(text__icontains=word) | Q(from_name__icontains=word))
    return mails


def mail(request: HttpRequest, pk: int) -> HttpResponse:
    return _show_mail(request, _demo_mail(pk), ReplyForm())


def _show_mail(request: HttpRequest, shown: OutboundMail, form: ReplyForm) -> HttpResponse:
    data = {
        "mail": shown,
        "body": mime.body(shown),
        "replies": shown.replies.order_by("id"),
        "form": form,
    }
    return render(request, "post/mail.html", data, status=422 if form.errors else 200)


@require_POST
def mail_reply(request: HttpRequest, pk: int) -> HttpResponse:
    """Answer as the recipient would from their own mail program: the raw mail goes the way IMAP brings it."""
    answered = _demo_mail(pk)
    if answered.state == "failed":  # nobody received it
        raise Http404
    form = ReplyForm(request.POST, request.FILES)
    if not form.is_valid():
        return _show_mail(request, answered, form)
    file = form.cleaned_data["file"]
    files = [(file.name, file.read())] if file else []
    try:
        receive(mime.answer(answered, form.cleaned_data["text"], files, at=request.at), source="demo", at=request.at)
    except Refused as refused:
        form.add_error(None, str(refused))
        return _show_mail(request, answered, form)
    messages.success(request, "返信を送りました。まもなく相手の画面に反映されます。")
    return redirect("post:mail", pk)


def mail_attachment(request: HttpRequest, pk: int, attachment: int) -> HttpResponse:
    return download(get_object_or_404(_demo_mail(pk).attachments, pk=attachment))


# ---- 送信できなかったメール: of the seat's own section


def _failed(request: HttpRequest, pk: int) -> OutboundMail:
    return get_object_or_404(_shown(request).failed_for([request.seat.section_id]), pk=pk)


def _shown(request: HttpRequest) -> OutboundQuerySet:
    return OutboundMail.objects.shown_to(request.seat.person_id)


def failures(request: HttpRequest) -> HttpResponse:
    sections = [request.seat.section_id]
    page = Paginator(_shown(request).failed_for(sections), PAGE).get_page(request.GET.get("page"))
    delayed = _shown(request).delayed_for(sections)[:PAGE]
    return render(request, "post/failures.html", {"page": page, "delayed": delayed})


def failure(request: HttpRequest, pk: int) -> HttpResponse:
    failed = _failed(request, pk)
    if failed.about:
        log_access(*failed.about, by=request.seat.actor(), at=request.at, what="送信できなかったメール")
    return _show_failure(request, failed, ResendForm(initial={"to": failed.to}))


def _show_failure(request: HttpRequest, failed: OutboundMail, form: ResendForm) -> HttpResponse:
    data = {"mail": failed, "form": form, "text": without_keys(failed.text)}
    return render(request, "post/failure.html", data, status=422 if form.errors else 200)


@require_POST
def failure_resend(request: HttpRequest, pk: int) -> HttpResponse:
    failed = _failed(request, pk)
    form = ResendForm(request.POST)
    if not form.is_valid():
        return _show_failure(request, failed, form)
    try:
        again = resend(failed, to=form.cleaned_data["to"], by=request.seat.actor(), at=request.at)
    except Refused as refused:
        messages.error(request, str(refused))
    else:
        messages.success(request, f"{again.to} へ再送しました。")
    return redirect("post:failures")


@require_POST
def failure_settle(request: HttpRequest, pk: int) -> HttpResponse:
    try:
        settle(_failed(request, pk), by=request.seat.actor(), at=request.at)
    except Refused as refused:
        messages.error(request, str(refused))
    else:
        messages.success(request, "連絡済みとして一覧から外しました。")
    return redirect("post:failures")


# ---- 要確認の受信メール: answers no case could take, and for the organiser those to mails of no section


def _attention(request: HttpRequest) -> QuerySet:
    nobodys = request.seat.organisation.kind == "secretariat"
    mails = InboundMail.objects.shown_to(request.seat.person_id)
    return mails.attention_of(request.seat.section_id, nobodys=nobodys)


def _unplaced(request: HttpRequest, pk: int) -> InboundMail:
    return get_object_or_404(_attention(request), pk=pk)


def attention(request: HttpRequest) -> HttpResponse:
    page = Paginator(_attention(request).defer("text"), PAGE).get_page(request.GET.get("page"))
    return render(request, "post/attention.html", {"page": page})


def attention_mail(request: HttpRequest, pk: int) -> HttpResponse:
    shown = _unplaced(request, pk)
    log_access("inbound_mail", shown.pk, by=request.seat.actor(), at=request.at, what="受信メールの本文")
    names = shown.attachment_names.splitlines()
    return render(
        request, "post/attention_mail.html", {"mail": shown, "names": names, "text": without_keys(shown.text)}
    )


def attention_file(request: HttpRequest, pk: int) -> HttpResponse:
    """The mail as it came. Not for 閲覧: it may quote a link with which one answers."""
    shown = _unplaced(request, pk)
    if not request.seat.may_act:
        raise Http404
    log_access("inbound_mail", shown.pk, by=request.seat.actor(), at=request.at, what="受信メールの原本")
    return download(shown.original)


@require_POST
def attention_settle(request: HttpRequest, pk: int) -> HttpResponse:
    try:
        set_aside(_unplaced(request, pk), by=request.seat.actor(), at=request.at)
    except Refused as refused:
        messages.error(request, str(refused))
    else:
        messages.success(request, "確認済みにしました。")
    return redirect("post:attention")
