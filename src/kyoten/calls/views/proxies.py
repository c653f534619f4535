"""代行入力: a form that came by mail, FAX or post is typed in by who gathers; the original is always beside it."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from datetime import datetime

from django.contrib import messages
from django.db import transaction
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse

from kyoten.calls.actions import applying, incoming
from kyoten.calls.forms import Proxy, ProxyFromMail
from kyoten.calls.models import Application, Call, FormFile
from kyoten.calls.views.access import call_for
from kyoten.inquiries.actions import settle_mail
from kyoten.inquiries.models import MailAnswer
from kyoten.organisations.models import Organisation
from kyoten.post.actions import take
from kyoten.post.inbox import enclosed
from kyoten.post.models import InboundMail
from kyoten.post.parse import Enclosed
from kyoten.post.sorting import pile
from kyoten.records.actions import record
from kyoten.records.models import Attachment, Refused
from kyoten.rules.search_text import only_named

FORMS = (".docx", ".xlsx")


def proxy(request: HttpRequest, slug: str) -> HttpResponse:
    """代行入力 from a file at hand; a Word form is read into the fields."""
    call = call_for(request, slug)
    who = _gatherer(request, call)
    form = Proxy(request.POST or None, request.FILES or None, applicants=_applicants(request, who))
    chosen = request.GET.get("applicant", "")
    if not form.is_bound and chosen.isdecimal():
        form.initial["applicant"] = chosen
    if request.method == "POST" and form.is_valid():
        data = form.cleaned_data
        try:
            contents = incoming.read_upload(data["original"])
            entered = _enter(call, data["applicant"], contents, data["original"].name, data["source"], who, request)
            messages.success(request, "原本を保存しました。内容を入力して、受け付けてください。")
            return _on_to(*entered)
        except Refused as refusal:
            form.add_error(None, str(refusal))
    return render(request, "calls/proxy.html", {"call": call, "form": form, "who": who})


def proxy_from_mail(request: HttpRequest, slug: str, pk: int) -> HttpResponse:
    """返信に添付された申込書の代行入力: the attachment is the original, and counts from when its mail arrived.

    A prefecture may send several forms in one mail: it is settled when each of them was entered.
    """
    call = call_for(request, slug)
    who = _gatherer(request, call)
    notes = MailAnswer.objects.visible_to(request.seat).select_related("addressee__organisation", "addressee__inquiry")
    note = get_object_or_404(notes, pk=pk, addressee__root=call.inquiry_id)
    files = enclosed(InboundMail.objects.get(pk=note.mail_id))
    sender = note.addressee.organisation
    below = _applicants(request, who)
    if sender.kind == "prefecture":
        below = below.filter(prefecture=sender)
    form = ProxyFromMail(request.POST or None, applicants=below, files=files, initial={"applicant": sender.pk})
    entered = _entered(
        request, call, who, form, files, note.received_at, lambda _: _settle_when_done(note, files, request)
    )
    context = {
        "call": call, "form": form, "mail": note, "from": f"{sender}　{note.sender}",
        "files": _listed(files, "inquiries:mail_file", note.pk),
    }  # fmt: skip
    return entered or render(request, "calls/proxy_mail.html", context)


def proxy_from_unplaced(request: HttpRequest, slug: str, pk: int) -> HttpResponse:
    """申込とみられるメールの代行入力: a form that came to the organiser's mailbox of its sender's own accord.

    The mail leaves the pile when each of its forms was entered.
    """
    call = call_for(request, slug)
    who = _gatherer(request, call)
    if who != "secretariat":
        raise Http404
    waiting = InboundMail.objects.shown_to(request.seat.person_id) & pile("call", [None, request.seat.organisation.pk])
    mail = get_object_or_404(waiting, pk=pk)
    files = enclosed(mail)
    applicants = _applicants(request, who)
    form = ProxyFromMail(
        request.POST or None, applicants=applicants, files=files, initial={"applicant": _sender_of(mail, applicants)}
    )
    entered = _entered(
        request, call, who, form, files, mail.received_at, lambda row: _take_when_done(mail, files, row, request)
    )
    context = {
        "call": call, "form": form, "mail": mail, "from": f"{mail.sender_name} {mail.sender}",
        "files": _listed(files, "sorting:file", mail.pk),
    }  # fmt: skip
    return entered or render(request, "calls/proxy_mail.html", context)


def _sender_of(mail: InboundMail, applicants: QuerySet[Organisation]) -> int | None:
    """Whose form it seems to be, chosen beforehand: the body whose section has the address, or the one that is named in
    the subject, the sender's name and the names of the files, or else in the text."""
    known = applicants.filter(sections__email__iexact=mail.sender).values_list("pk", flat=True).distinct()[:2]
    if mail.sender and len(known) == 1:
        return known[0]
    names = dict(applicants.values_list("pk", "name"))
    heading = " ".join([mail.subject, mail.sender_name, *mail.attachment_names.splitlines()])
    return only_named(heading, names) or only_named(mail.text, names)


def _entered(
    request: HttpRequest,
    call: Call,
    who: str,
    form: ProxyFromMail,
    files: Sequence[Enclosed],
    arrived_at: datetime,
    done: Callable[[Application], None],
) -> HttpResponse | None:
    """Enter the file that was chosen, then `done`; None where the page is to be shown (again)."""
    if request.method != "POST" or not form.is_valid():
        return None
    file = files[form.cleaned_data["file"]]
    try:
        application, taken = _enter(call, form.cleaned_data["applicant"], file.data, file.name, "mail", who, request,
                                    arrived_at=arrived_at)  # fmt: skip
        done(application)
    except Refused as refusal:
        form.add_error(None, str(refusal))
        return None
    messages.success(request, "添付を原本として保存しました。内容を確かめて、受け付けてください。")
    return _on_to(application, taken)


def _listed(files: Sequence[Enclosed], route: str, pk: int) -> list[tuple[str, str]]:
    """Name and address of each file of a mail."""
    return [(file.name, reverse(route, args=[pk, number])) for number, file in enumerate(files, 1)]


def _gatherer(request: HttpRequest, call: Call) -> str:
    """In whose name the entry is made: the organiser's, or the prefecture's."""
    if call.organiser.organisation_id == request.seat.section.organisation_id:
        return "secretariat"
    if request.seat.organisation.kind != "prefecture":
        raise Http404
    return "prefecture"


def _applicants(request: HttpRequest, who: str) -> QuerySet[Organisation]:
    bodies = Organisation.objects.filter(kind__in=("municipality", "hub", "association", "health_centre"))
    if who == "prefecture":
        return bodies.filter(prefecture=request.seat.organisation).order_by("kind", "code", "name")
    return bodies.filter(kind="municipality").order_by("code")


def _enter(
    call: Call,
    applicant: Organisation,
    contents: bytes,
    name: str,
    source: str,
    who: str,
    request: HttpRequest,
    arrived_at: datetime | None = None,
) -> tuple[Application, FormFile | None]:
    """The living application of this body that is in proxy hands, or a new one; the original beside it, read if Word."""
    at, by = request.at, request.seat
    mine = Application.objects.editable_by(by).filter(call=call, applicant=applicant, by_proxy=who)
    application = mine.first() or applying.start(
        call, municipalities=[applicant], applicant=applicant, proxy=who, by=by, at=at
    )
    applying.keep_original(application, contents, name, source, by=by, at=at, arrived_at=arrived_at)
    if not name.lower().endswith(FORMS):
        return application, None
    return application, incoming.take_form(application, contents, name, by=by, at=at)


def _on_to(application: Application, taken: FormFile | None) -> HttpResponse:
    return redirect("calls:reading", application.pk, taken.pk) if taken else redirect("calls:edit", application.pk)


def _settle_when_done(note: MailAnswer, files: tuple[Enclosed, ...], request: HttpRequest) -> None:
    if note.settled_at is None and _all_entered(files):
        settle_mail(note, by=request.seat, at=request.at)


def _take_when_done(
    mail: InboundMail, files: tuple[Enclosed, ...], application: Application, request: HttpRequest
) -> None:
    if not _all_entered(files):
        return
    with transaction.atomic():
        take(mail, kind=applying.KIND, record_id=application.pk, at=request.at)
        record("enter_mail", "メールの申込書を代行入力", kind="inbound_mail", record_id=mail.pk, by=request.seat.actor(),
               at=request.at, facts={"application": application.pk})  # fmt: skip


def _all_entered(files: tuple[Enclosed, ...]) -> bool:
    forms = [file for file in files if file.name.lower().endswith(FORMS)] or files
    kept = Attachment.objects.filter(kind=applying.KIND, label="original", sha256__in=map(_digest, forms))
    entered = set(kept.values_list("sha256", flat=True))
    return all(_digest(file) in entered for file in forms)


def _digest(file: Enclosed) -> str:
    return hashlib.sha256(file.data).hexdigest()
