"""受信箱の振り分け: what the one mailbox of desk and call brought, in piles; every proposal is changed with one click."""

from __future__ import annotations

from django.conf import settings
from django.contrib import messages
from django.core.files.uploadedfile import UploadedFile
from django.core.paginator import Paginator
from django.db import transaction
from django.db.models import Count, Q, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST

from kyoten.calls.models import Call
from kyoten.consultations.actions import returning
from kyoten.consultations.actions.intake import take_mail
from kyoten.consultations.actions.withholding import may_open_part
from kyoten.consultations.desks import Desk, addressed, desks_of
from kyoten.consultations.models import KIND, Consultation
from kyoten.post import sorting
from kyoten.post.actions import set_aside
from kyoten.post.inbox import enclosed
from kyoten.post.links import without_keys
from kyoten.post.mailbox import source_of_settings
from kyoten.post.models import InboundMail, MailboxState
from kyoten.post.serving import download_part
from kyoten.records.actions import log_access, record
from kyoten.records.models import Refused
from kyoten.web.sorting import operators_of
from kyoten.web.taking import take_handed_in

PAGE = 50
TABS = [
    ("call", "申込とみられるメール"),
    ("other", "その他"),
    ("desk", "相談として受け付けたメール"),
    ("unread", "読み取れないメール・不達通知"),
]


def _waiting(request: HttpRequest, tab: str) -> QuerySet[InboundMail]:
    """The mails of one tab this seat may see; 404 where it has no mailbox to sort."""
    operators = operators_of(request.seat)
    if not operators:
        raise Http404
    mails = InboundMail.objects.shown_to(request.seat.person_id)
    if tab in sorting.PILES:
        return mails & sorting.pile(tab, operators)
    if tab == "unread":
        return mails & sorting.pile("", operators)
    cases = Consultation.objects.visible_to(request.seat)
    own = mails.filter(sort="desk", state="taken", taken_kind=KIND, taken_id__in=cases.values("pk"), answers=None)
    return own.order_by("-id")


def _one(request: HttpRequest, pk: int) -> tuple[InboundMail, str]:
    """A mail and the tab it is in."""
    for tab, _ in TABS:
        if mail := _waiting(request, tab).select_related("original").filter(pk=pk).first():
            return mail, tab
    raise Http404


def list_mails(request: HttpRequest) -> HttpResponse:
    counts = {key: _waiting(request, key).count() for key, _ in TABS if key != "desk"}
    tab = request.GET.get("pile") or next(filter(counts.get, counts), "call")  # where something waits
    if tab not in dict(TABS):
        raise Http404
    page = Paginator(_waiting(request, tab).defer("text", "reply_text"), PAGE).get_page(request.GET.get("page"))
    for mail in page:
        mail.files = len(mail.attachment_names.splitlines())
    tabs = [{"id": key, "title": title, "count": counts.get(key)} for key, title in TABS]
    data = {"page": page, "tabs": tabs, "tab": tab, "title": dict(TABS)[tab], "mailboxes": _mailboxes(request)}
    return render(request, "sorting/list.html", data)


@require_POST
def hand_in(request: HttpRequest) -> HttpResponse:
    """メールのファイルの取込: what an officer saved from the office's own mail program, dropped here."""
    if not operators_of(request.seat):
        raise Http404
    try:
        files = request.FILES.getlist("files")
        _check_files(files)
        taken = take_handed_in([file.read() for file in files], by=request.seat, at=request.at)
        messages.success(request, f"メールのファイルを取り込みました。{taken.words()}")
    except Refused as refusal:
        messages.error(request, str(refusal))
    return redirect("sorting:list")


def _check_files(files: list[UploadedFile]) -> None:
    if not files:
        raise Refused("メールのファイル（.eml、.msg）を選んでください。")
    for file in files:
        if not (file.name or "").lower().endswith((".eml", ".msg")):
            raise Refused(
                f"「{file.name}」はメールのファイルではありません。メールソフトで「名前を付けて保存」した .eml か .msg を選んでください。"
            )
        if (file.size or 0) > settings.UPLOAD_LIMIT:
            limit = settings.UPLOAD_LIMIT // (1024 * 1024)
            raise Refused(f"「{file.name}」が大きすぎます（1通 {limit}MBまで）。何も取り込んでいません。")


def _mailboxes(request: HttpRequest) -> list[dict]:
    """Counts on the server, stored and waiting for a person, per mailbox; for the organiser of the instance.

    One that is no longer in the settings is shown for its mails; where it never brought any, it was a slip.
    """
    if None not in operators_of(request.seat):
        return []
    rows, used = [], source_of_settings()
    for state in MailboxState.objects.order_by("source"):
        mails = InboundMail.objects.filter(source=state.source)
        found = mails.aggregate(stored=Count("pk"), quarantined=Count("pk", filter=Q(state="attention")))
        if state.source == used or found["stored"]:
            rows.append({"state": state, "used": state.source == used, "more": 0, **found})
            if state.source == used and state.uidvalidity and not state.problem:
                more = (state.on_server or 0) - state.waiting - found["stored"]
                rows[-1] |= {"more": more, "fewer": -more}
    return rows


def show_mail(request: HttpRequest, pk: int) -> HttpResponse:
    mail, tab = _one(request, pk)
    _log_read(request, mail, tab, "受信メールの本文")
    shown = {n: may_open_part(mail, n, request.seat) for n in (0, 1)}
    calls = Call.objects.filter(organiser__organisation=request.seat.organisation, announced_at=None)
    data = {
        "mail": mail, "tab": tab, "title": dict(TABS)[tab], "text": without_keys(mail.text), "files": enclosed(mail) if shown[1] else (), "original": shown[0],
        "calls": calls.order_by("-opened_at") if tab != "desk" else [], "desk": _desk(request, mail),
        "moves": [(key, words) for key, words in (("desk", "相談"), ("call", "申込"), ("other", "その他")) if key != tab],
    }  # fmt: skip
    return render(request, "sorting/mail.html", data)


def mail_file(request: HttpRequest, pk: int, number: int) -> HttpResponse:
    """A file that came with the mail (`number` from 1), or the mail as it came (0, not for 閲覧: it may quote a key)."""
    mail, tab = _one(request, pk)
    if number == 0 and not request.seat.may_act or not may_open_part(mail, number, request.seat):
        raise Http404
    response = download_part(mail, number)
    _log_read(request, mail, tab, "受信メールの添付")
    return response


def _log_read(request: HttpRequest, mail: InboundMail, tab: str, what: str) -> None:
    """Whoever reads the mail of a case has read the case."""
    kind, record_id = (KIND, mail.taken_id) if tab == "desk" else ("inbound_mail", mail.pk)
    log_access(kind, record_id, by=request.seat.actor(), at=request.at, what=what)


@require_POST
def change(request: HttpRequest, pk: int) -> HttpResponse:
    """振り分けの変更: to 相談 (a case is made), to 申込 or to その他 (a case not yet begun is closed as 取下げ)."""
    mail, tab = _one(request, pk)
    to = request.POST.get("to", "")
    try:
        if to == "desk" and tab != "desk":
            case = _to_desk(request, mail)
            messages.success(request, f"相談として受け付けました（{case.number}）。")
            return redirect("consultations:case", case.pk)
        if to not in sorting.PILES or to == tab:
            raise Refused("移す先を選んでください。")
        _to_pile(request, mail, tab, to)
        messages.success(request, f"「{dict(TABS)[to]}」へ移しました。")
    except Refused as refusal:
        messages.error(request, str(refusal))
        return redirect("sorting:list")
    return redirect("sorting:mail", mail.pk)


def _to_desk(request: HttpRequest, mail: InboundMail) -> Consultation:
    desk = _desk(request, mail)
    if desk is None:
        raise Refused("この席の団体には、相談窓口がありません。")
    with transaction.atomic():
        case = take_mail(mail, desk, at=request.at)
        if mail.problem and not mail.sort:  # it could not be read in whole, and the case says why
            case.messages.filter(mail_id=mail.pk).update(warning=mail.problem[:300])
        InboundMail.objects.filter(pk=mail.pk).update(sort="desk")
        _tell(request, mail, "相談として受付")
    return case


def _to_pile(request: HttpRequest, mail: InboundMail, tab: str, to: str) -> None:
    with transaction.atomic():
        if tab == "desk":
            returning.move_away(mail, to, by=request.seat, at=request.at)
        else:
            sorting.move(mail, to)
        _tell(request, mail, f"振り分けを「{dict(TABS)[to]}」へ変更")


def _tell(request: HttpRequest, mail: InboundMail, title: str) -> None:
    record("sort_mail", title, kind="inbound_mail", record_id=mail.pk, by=request.seat.actor(), at=request.at)


def _desk(request: HttpRequest, mail: InboundMail) -> Desk | None:
    """The desk of this seat's body a mail was written to, or that is nearest in time."""
    own = desks_of(request.seat)
    return addressed(own, mail.recipients.splitlines(), mail.received_at)


@require_POST
def settle(request: HttpRequest, pk: int) -> HttpResponse:
    """確認済みにする: nothing more is to be done about it."""
    mail, tab = _one(request, pk)
    try:
        if tab == "desk":
            raise Refused("このメールは相談として受け付けています。相談の画面で処理してください。")
        set_aside(mail, by=request.seat.actor(), at=request.at)
        messages.success(request, "確認済みにしました。")
    except Refused as refusal:
        messages.error(request, str(refusal))
    return redirect(f"{reverse('sorting:list')}?pile={tab}")
