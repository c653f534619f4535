"""受信箱: the cases of a desk by what is due, filtered, sorted, searched; and taking one in by telephone or web form."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from django.contrib import messages
from django.core.paginator import Page, Paginator
from django.db.models import Count, Exists, F, Func, IntegerField, OuterRef, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import urlencode

from kyoten.consultations.actions import handling, intake
from kyoten.consultations.actions.reading import log_found
from kyoten.consultations.desks import Desk, desk_of, desks, desks_of
from kyoten.consultations.forms import Asked, Log
from kyoten.consultations.models import KIND, STATES, WAYS, Callback, Consultation, Message, state_shown
from kyoten.consultations.personal import Own, once, others_in
from kyoten.consultations.searching import HEAD, with_messages
from kyoten.consultations.views.access import own_desk
from kyoten.consultations.views.finding import before_of, beside
from kyoten.records.models import Refused
from kyoten.records.statements import statement
from kyoten.rules.clock import local
from kyoten.rules.personal import Span
from kyoten.rules.search_text import snippet
from kyoten.rules.wareki import wareki
from kyoten.search.finding import Found, find

ROWS = 50
# What a list shows; the texts of 50 cases are not read for it.
SHOWN = ("pk", "number", "state", "way", "received_at", "due", "subject", "body_name", "person_name", "urgent",
         "warning", "owner__person__name")  # fmt: skip
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
Row = dict[str, Any]  # what the templates show of a case, ready made: fifty of them stand on a page


class Rows(Paginator):
    """Pages of cases; one of the later half is read from the end, because a database counts its way there."""

    def __init__(self, rows: QuerySet[Consultation], count: int) -> None:
        super().__init__(rows, ROWS)
        self.count = count

    def page(self, number: int | str) -> Page:
        number = self.validate_number(number)
        first = (number - 1) * ROWS
        last = min(first + ROWS, self.count)
        if first * 2 <= self.count:
            return self._get_page(list(self.object_list[first:last]), number, self)
        backwards = self.object_list.reverse()[self.count - last : self.count - first]
        return self._get_page(list(backwards)[::-1], number, self)


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
    counts = _counts(request, desk)
    count = None if asker or subject else _known_count(request, counts, view, desk)
    count = rows.count() if count is None else count
    page = Rows(rows.order_by(*order).values_list(*SHOWN), count).get_page(request.GET.get("page"))
    page.object_list = _rows(page.object_list, request.at)
    context = {
        "desks": own, "desk": desk, "page": page, "view": view, "views": VIEWS.items(), "words": "",
        "asker": asker, "subject": subject, "counts": counts, "rules": (desk or own[0]).rules,
        "callbacks": _callbacks(request) if view != "all" else [],
    }  # fmt: skip
    return render(request, "consultations/list.html", context)


def _rows(cases: Iterable[Sequence[Any]], at: datetime) -> list[Row]:
    before, _, after = reverse("consultations:case", args=(0,)).rpartition("0")  # once for all of them
    return [_row(values, at) | {"url": f"{before}{values[0]}{after}"} for values in cases]


def _row(values: Sequence[Any], at: datetime) -> Row:
    case = dict(zip(SHOWN, values, strict=False))
    received, (state, kind) = local(case["received_at"]), state_shown(case["state"], case["due"], at)
    return case | {
        "who": f"{WAYS[case['way']]}　{case['body_name'] or '機関名なし'}　{case['person_name']}",
        "shown": state, "kind": kind, "open": case["state"] in Consultation.OPEN,
        "owner": case["owner__person__name"] or "－",
        "day": wareki(received.date()), "time": f"{received.hour}:{received.minute:02}",
    }  # fmt: skip


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


def _known_count(request: HttpRequest, counts: dict[str, int], view: str, desk: Desk | None) -> int | None:
    """How many there are, where that need not be counted row by row: what is open has been; of all, an index of
    nothing but the body counts four times as fast as one of the states, and the merged are few."""
    if view == "open":
        return sum(counts.values())
    if view == "all" and desk is None:
        body = request.seat.organisation.pk
        [(everything,)], [(merged,)] = _number_of_all(body), _number_of_merged(body)
        return everything - merged
    return None


# Not Django's Count, which groups, and then the database looks at every row.
NUMBER = Func(function="COUNT", template="COUNT(*)", output_field=IntegerField())


@statement
def _number_of_all(body: int) -> QuerySet:
    return Consultation.objects.of_body(body).order_by().values_list(NUMBER)


@statement
def _number_of_merged(body: int) -> QuerySet:
    return Consultation.objects.of_body(body).filter(state="merged").order_by().values_list(NUMBER)


def _counts(request: HttpRequest, desk: Desk | None) -> dict[str, int]:
    """By state, what is open; finished cases are many and nobody asks how many here."""
    found = dict.fromkeys(Consultation.OPEN, 0)
    for programme, state, number in _open_by_state(request.seat.organisation.pk):
        if desk is None or programme == desk.slug:
            found[state] += number
    return {STATES[state]: number for state, number in found.items()}


@statement
def _open_by_state(body: int) -> QuerySet:
    rows = Consultation.objects.of_body(body).open().order_by()
    return rows.values("programme", "state").annotate(n=Count("pk")).values_list("programme", "state", "n")


def _callbacks(request: HttpRequest) -> list[Row]:
    """折り返し予定, the next first."""
    return [dict(zip(WAITING, values, strict=True)) for values in _waiting(request.seat.organisation.pk)]


WAITING = ("case", "number", "subject", "at", "phone", "note", "owner")


@statement
def _waiting(body: int) -> QuerySet:
    # The promises that are waiting are few, a body's cases are many: nothing leads from these to those.
    mine = Exists(Consultation.objects.of_body(body).filter(pk=OuterRef("consultation_id")))
    rows = Callback.objects.filter(mine, done_at=None).order_by("at", "pk")[:20]
    return rows.values_list("consultation_id", "consultation__number", "consultation__subject", "at", "phone", "note",
                            "owner__person__name")  # fmt: skip


def _found(request: HttpRequest, own: list[Desk], desk: Desk | None, words: str) -> HttpResponse:
    found = find(words, scope=request.seat.organisation.pk, kinds=(KIND,), before=before_of(request), limit=ROWS)
    context = {
        "desks": own, "desk": desk, "words": words, "hits": _hits(request, found, words), "found": found,
        "next": urlencode({"words": words, "before": found.before}) if found.before else "", "rules": (desk or own[0]).rules,
    } | ({} if before_of(request) else beside(request, words))  # fmt: skip
    return render(request, "consultations/found.html", context)


def _hits(request: HttpRequest, found: Found, words: str) -> list[Row]:
    """The cases found, each with the place where the words stand."""
    ids = [record_id for _, record_id in found.ids]
    cases = Consultation.objects.visible_to(request.seat).filter(pk__in=ids).order_by()
    rows = {values[0]: values for values in cases.values_list(*SHOWN, *HEAD)} if ids else {}
    heads = {pk: values[len(SHOWN) :] for pk, values in rows.items()}
    texts = with_messages(heads, Message.objects.filter(consultation__in=list(rows)))
    shown = _rows([rows[pk] for pk in ids if pk in rows], request.at)
    for row in shown:
        row["people"] = "　".join(filter(None, [row["body_name"], row["person_name"], f"担当 {row['owner']}"]))
        row["before"], row["hit"], row["after"] = snippet(texts[row["pk"]], words) or ("", "", "")
    log_found(rows, by=request.seat, at=request.at)
    return shown


def log(request: HttpRequest, slug: str) -> HttpResponse:
    """電話・来所・FAX・訪問の受付."""
    desk = own_desk(request, slug)
    initial = {"way": "phone", "at": request.at, "mine": True}
    form = Log(request.POST or None, desk=desk.rules, initial=initial)
    if request.method == "POST" and form.is_valid():
        try:
            case = handling.log_call(desk, form.incoming(request.seat), form.promise(request.seat), by=request.seat,
                                     at=request.at)  # fmt: skip
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
