"""受信箱: the cases of a desk by what is due, filtered, sorted, searched; and taking one in by telephone or web form."""

from __future__ import annotations

from dataclasses import dataclass

from django.contrib import messages
from django.core.paginator import Paginator
from django.db.models import Count, F, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.http import urlencode

from kyoten.consultations.actions import handling, intake
from kyoten.consultations.actions.reading import log_found
from kyoten.consultations.desks import Desk, desk_of, desks, desks_of
from kyoten.consultations.forms import Asked, Log
from kyoten.consultations.models import KIND, Callback, Consultation
from kyoten.consultations.personal import Own, once, others_in
from kyoten.consultations.searching import texts_of
from kyoten.consultations.views.access import own_desk
from kyoten.consultations.views.finding import before_of, beside
from kyoten.records.models import Refused
from kyoten.rules.personal import Span
from kyoten.rules.search_text import snippet
from kyoten.search.finding import Found, find

ROWS = 50
# What a list shows; the texts of 50 cases are not read for it.
SHOWN = ("number", "state", "way", "received_at", "due", "latest_at", "subject", "body_name", "person_name", "urgent",
         "warning", "programme", "owner__person__name", "operator_id")  # fmt: skip
VIEWS = {
    "open": "対応中",
    "mine": "自分の担当",
    "free": "担当なし",
    "approving": "承認待ち",
    "overdue": "期限超過",
    "all": "すべて",
}
ORDERS = {
    "due": (F("due").asc(nulls_last=True), "pk"),
    "-due": (F("due").desc(nulls_last=True), "-pk"),
    "received": ("received_at", "pk"),
    "-received": ("-received_at", "-pk"),
}


@dataclass(frozen=True)
class Hit:
    """A case found by words, with the place where they stand."""

    case: Consultation
    before: str
    hit: str
    after: str


def list_cases(request: HttpRequest) -> HttpResponse:
    own = desks_of(request.seat)
    if not own:
        raise Http404
    desk = desk_of(request.GET.get("desk", ""), own)
    words = request.GET.get("words", "").strip()[:200]
    if words:
        return _found(request, own, desk, words)
    view = request.GET.get("view", "open")
    view = view if view in VIEWS else "open"
    rows = _viewed(Consultation.objects.visible_to(request.seat), view, request)
    if desk:
        rows = rows.filter(programme=desk.slug)
    asker, subject = request.GET.get("asker", ""), request.GET.get("subject", "")
    if asker:
        rows = rows.filter(asker=asker)
    if subject:
        rows = rows.filter(marks__kind="subject", marks__value=subject)
    order = ORDERS.get(request.GET.get("sort", ""), ORDERS["-received" if view == "all" else "due"])
    page = Paginator(rows.order_by(*order).select_related("owner__person").only(*SHOWN), ROWS).get_page(
        request.GET.get("page")
    )
    for case in page.object_list:
        case.shown = case.shown_state(request.at)
    context = {
        "desks": own, "desk": desk, "page": page, "view": view, "views": VIEWS.items(), "words": "",
        "asker": asker, "subject": subject, "counts": _counts(request, desk), "rules": (desk or own[0]).rules,
        "callbacks": _callbacks(request),
    }  # fmt: skip
    return render(request, "consultations/list.html", context)


def _viewed(rows: QuerySet[Consultation], view: str, request: HttpRequest) -> QuerySet[Consultation]:
    if view == "mine":
        return rows.open().filter(owner=request.seat)
    if view == "free":
        return rows.open().filter(owner=None)
    if view == "approving":
        return rows.filter(state="approving")
    if view == "overdue":
        return rows.open().filter(due__lt=request.at)
    return rows.open() if view == "open" else rows.exclude(state="merged")


def _counts(request: HttpRequest, desk: Desk | None) -> dict[str, int]:
    """By state, what is open; finished cases are many and nobody asks how many here."""
    rows = Consultation.objects.visible_to(request.seat).open()
    if desk:
        rows = rows.filter(programme=desk.slug)
    found = dict(rows.order_by().values_list("state").annotate(n=Count("pk")))
    return {label: found.get(value, 0) for value, label in Consultation.State.choices if value in Consultation.OPEN}


def _callbacks(request: HttpRequest) -> list[Callback]:
    """折り返し予定, the next first."""
    rows = Callback.objects.filter(done_at=None, consultation__operator=request.seat.organisation)
    return list(rows.select_related("consultation", "owner__person").order_by("at", "pk")[:20])


def _found(request: HttpRequest, own: list[Desk], desk: Desk | None, words: str) -> HttpResponse:
    found = find(words, scope=request.seat.organisation.pk, kinds=(KIND,), before=before_of(request), limit=ROWS)
    context = {
        "desks": own, "desk": desk, "words": words, "hits": _hits(request, found, words), "found": found,
        "next": urlencode({"words": words, "before": found.before}) if found.before else "", "rules": (desk or own[0]).rules,
    } | ({} if before_of(request) else beside(request, words))  # fmt: skip
    return render(request, "consultations/found.html", context)


def _hits(request: HttpRequest, found: Found, words: str) -> list[Hit]:
    rows = Consultation.objects.visible_to(request.seat).select_related("owner__person")
    by_id = rows.in_bulk([record_id for _, record_id in found.ids])
    texts = texts_of(by_id)
    hits = []
    for _, record_id in found.ids:
        if case := by_id.get(record_id):
            case.shown = case.shown_state(request.at)
            hits.append(Hit(case, *(snippet(texts[record_id], words) or ("", "", ""))))
    log_found(by_id, by=request.seat, at=request.at)
    return hits


def log(request: HttpRequest, slug: str) -> HttpResponse:
    """電話・来所・FAX・訪問の受付."""
    desk = own_desk(request, slug)
    initial = {"way": "phone", "at": request.at, "mine": True}
    form = Log(request.POST or None, desk=desk.rules, initial=initial)
    if request.method == "POST" and form.is_valid():
        try:
            case = intake.take_call(desk, form.incoming(request.seat), by=request.seat, at=request.at)
            if when := form.cleaned_data["callback_at"]:
                owner = request.seat if form.cleaned_data["mine"] else None
                handling.promise_callback(
                    case, when=when, phone=case.phone, note=form.cleaned_data["callback_note"], owner=owner,
                    by=request.seat, at=request.at,
                )  # fmt: skip
            messages.success(request, f"{case.number}として受け付けました。")
            return redirect("consultations:case", case.pk)
        except Refused as refusal:
            form.add_error(None, str(refusal))
    return render(request, "consultations/log.html", {"desk": desk, "form": form})


def _people_in(desk: Desk, form: Asked) -> tuple[Span, ...]:
    """Whom the words point at besides the caller, before they are sent for the first time."""
    data = form.cleaned_data
    own = Own((data["person_name"],), (data["phone"], data["email"]))
    return once(others_in(f"{data['subject']}\n{data['text']}", own)) if desk.rules.people else ()


def ask(request: HttpRequest, slug: str) -> HttpResponse:
    """Webフォーム, without login; only where the desk's definition opens one."""
    desk = desk_of(slug, desks())
    if desk is None or not desk.rules.web_form:
        raise Http404
    form = Asked(request.POST or None)
    if request.method == "POST" and form.is_valid():
        if form.cleaned_data["url"]:
            return render(request, "consultations/asked.html", {"desk": desk})
        people = _people_in(desk, form)
        if people and "sure" not in request.POST:
            return render(request, "consultations/ask.html", {"desk": desk, "form": form, "spans": people})
        try:
            case = intake.take_web(desk, form.incoming(request.at), at=request.at)
            return render(request, "consultations/asked.html", {"desk": desk, "case": case})
        except Refused as refusal:
            form.add_error(None, str(refusal))
    return render(request, "consultations/ask.html", {"desk": desk, "form": form})
