"""個人が分かる記載・利用目的・同意・事例・ガイドブック: what a desk may keep, show and hand on."""

from __future__ import annotations

from django.contrib import messages
from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from kyoten.consultations import personal
from kyoten.consultations.actions import examples, knowledge, masking, withholding
from kyoten.consultations.desks import desk_of, desks_of
from kyoten.consultations.knowledge_forms import LONG, Consent, Exporting, Guide, GuideFile, Texts
from kyoten.consultations.knowledge_searching import example_text, examples_with
from kyoten.consultations.models import KIND, Example, GuideSection, Message
from kyoten.consultations.views.access import case_for, desk_for, own_desks
from kyoten.consultations.views.finding import before_of, next_page, words_of
from kyoten.records.actions import log_access
from kyoten.records.models import Event, Refused
from kyoten.records.names import content_type_of
from kyoten.records.views import as_download
from kyoten.rules.personal import NO_BODIES, find
from kyoten.rules.search_text import snippet

PAGE = 50
TYPED = ("subject", "text", "title", "question", "answer")  # the inputs whose words are looked through


# ---- 個人が分かる記載 -------------------------------------------------------------------------


@require_POST
def check_personal(request: HttpRequest) -> HttpResponse:
    """個人情報を確かめる: the hits in what is being typed. Nothing is stored; htmx gets the part, others a page."""
    own_desks(request)
    text = "\n".join(request.POST.get(name, "")[:LONG] for name in TYPED)
    bodies = personal.body_names() if "question" in request.POST else NO_BODIES  # an 事例 must name no body either
    part = "consultations/_hits.html" if request.headers.get("HX-Request") else "consultations/hits.html"
    return render(request, part, {"spans": personal.once(find(text, bodies)), "checked": bool(text.strip())})


@require_POST
def mask(request: HttpRequest, pk: int, message: int) -> HttpResponse:
    """伏せる: the hits that were ticked (`hit`), and words typed (`more`)."""
    case = case_for(request, pk)
    row = get_object_or_404(Message.objects.select_related("consultation"), pk=message, consultation=case)
    more = request.POST.get("more", "")
    try:
        count = masking.mask_message(row, request.POST.getlist("hit"), more, by=request.seat, at=request.at)
        messages.success(request, f"{count}か所を伏せました。")
    except Refused as refusal:
        messages.error(request, str(refusal))
    return redirect("consultations:case", pk)


@require_POST
def withhold(request: HttpRequest, pk: int, message: int) -> HttpResponse:
    """添付を伏せる; with `do=show` they are shown again."""
    case = case_for(request, pk)
    row = get_object_or_404(Message.objects.select_related("consultation"), pk=message, consultation=case)
    try:
        if request.POST.get("do") == "show":
            withholding.show_files(row, by=request.seat, at=request.at)
            messages.success(request, "添付ファイルを伏せるのをやめました。")
        else:
            count = withholding.withhold_files(row, by=request.seat, at=request.at)
            messages.success(request, f"添付ファイル{count}件を伏せました。検索にも出ません。")
    except Refused as refusal:
        messages.error(request, str(refusal))
    return redirect("consultations:case", pk)


# ---- 同意と事例 -------------------------------------------------------------------------------


@require_http_methods(["GET", "HEAD", "POST"])
def consent(request: HttpRequest, pk: int) -> HttpResponse:
    case = case_for(request, pk)
    form = Consent(request.POST or None, initial={"consent": case.consent, "how": case.consent_text})
    if form.is_valid():
        try:
            knowledge.record_consent(case, **form.cleaned_data, by=request.seat, at=request.at)
            messages.success(request, "同意の記録を保存しました。")
            return redirect("consultations:case", pk)
        except Refused as refusal:
            form.add_error(None, str(refusal))
    return render(request, "consultations/consent.html", {"case": case, "form": form})


@require_http_methods(["GET", "HEAD", "POST"])
def propose(request: HttpRequest, pk: int) -> HttpResponse:
    """事例の提案: from the case's own words, with what points at somebody shown beside them."""
    case = case_for(request, pk)
    desk = desk_for(request, case)
    log_access(
        KIND, case.pk, by=request.seat.actor(), at=request.at, what="事例の提案"
    )  # it shows the case's own words
    form = Texts(request.POST or None, initial=Texts.of_case(case))
    if form.is_valid():
        try:
            example = examples.propose(case, desk, **form.texts(), by=request.seat, at=request.at)
            messages.success(request, "事例として提案しました。公開は別の人が行います。")
            return redirect("examples:show", example.pk)
        except Refused as refusal:
            form.add_error(None, str(refusal))
    reason = examples.may_propose(case, desk)
    return render(request, "consultations/propose.html", {"case": case, "desk": desk, "form": form, "reason": reason})


@require_GET
def list_examples(request: HttpRequest) -> HttpResponse:
    """公開された事例, by words; for a desk of one's own also its proposals."""
    rows = Example.objects.readable_by(request.seat).select_related("operator").order_by("-released_at", "-pk")
    words = words_of(request)
    if words:
        return _examples_found(request, rows, words)
    page = Paginator(rows, PAGE).get_page(request.GET.get("page"))
    waiting = Example.objects.visible_to(request.seat).filter(state="proposed").select_related("proposed_by__person")
    return render(request, "consultations/examples.html", {"page": page, "words": "", "waiting": waiting})


def _examples_found(request: HttpRequest, rows: QuerySet[Example], words: str) -> HttpResponse:
    found = examples_with(words, before=before_of(request), limit=PAGE)
    by_id = rows.in_bulk([pk for _, pk in found.ids])
    shown = [by_id[pk] for _, pk in found.ids if pk in by_id]
    for example in shown:
        example.place = snippet(example_text(example), words)
    context = {"shown": shown, "words": words, "found": found, "next": next_page(words, found.before)}
    return render(request, "consultations/examples.html", context)


def _example(request: HttpRequest, pk: int) -> Example:
    both = Example.objects.visible_to(request.seat) | Example.objects.readable_by(request.seat)
    return get_object_or_404(
        both.select_related("operator", "consultation__organisation", "proposed_by__person"), pk=pk
    )


@require_GET
def show_example(request: HttpRequest, pk: int) -> HttpResponse:
    return _example_page(request, _example(request, pk))


def _example_page(request: HttpRequest, example: Example, form: Texts | None = None) -> HttpResponse:
    """To its desk with the hits, the texts to mend and the acts; to everybody else as it is read."""
    own = example.operator_id == request.seat.section.organisation_id
    context: dict = {"example": example, "own": own, "may_act": own and request.seat.may_act}
    if own and example.state == "proposed":
        known = set(example.confirmed)
        context["hits"] = [(span, span.text in known) for span in examples.hits(example)]
        context["form"] = form or Texts(initial=Texts.of_example(example))
        context["mine"] = example.proposed_by.person_id == request.seat.person_id
    if own:
        context["events"] = Event.objects.of(examples.EXAMPLE, example.pk)
    return render(request, "consultations/example.html", context)


@require_POST
def decide_example(request: HttpRequest, pk: int) -> HttpResponse:
    """`do`: save the texts, cover the ticked hits, confirm the ticked hits, release, withdraw."""
    example = get_object_or_404(
        Example.objects.visible_to(request.seat).select_related("consultation__organisation", "proposed_by"), pk=pk
    )
    do, form = request.POST.get("do", ""), Texts(request.POST)
    if do == "save" and not form.is_valid():
        return _example_page(request, example, form)
    try:
        said = _decide(request, example, do, form)
    except Refused as refusal:
        if do == "save":
            form.add_error(None, str(refusal))
            return _example_page(request, example, form)
        messages.error(request, str(refusal))
    else:
        messages.success(request, said)
    return redirect("examples:show", pk)


def _decide(request: HttpRequest, example: Example, do: str, form: Texts) -> str:
    who = {"by": request.seat, "at": request.at}
    hits = request.POST.getlist("hit")
    if do == "save":
        version = form.cleaned_data["version"] or 0
        examples.edit(example, **form.texts(), confirmed=example.confirmed, version=version, **who)
        return "事例の文面を保存しました。"
    if do == "cover":
        examples.cover(example, hits, version=_version(request), **who)
        return "伏せました。"
    if do == "confirm":
        texts = {name: getattr(example, name) for name in ("title", "question", "answer")}
        known = {span.text for span in examples.hits(example)}
        examples.edit(example, **texts, confirmed=known & set(hits), version=_version(request), **who)
        return "確認済みの印を保存しました。"
    if do == "withdraw":
        examples.withdraw(example, request.POST.get("reason", "")[:2000], **who)
        return "事例を取り下げました。"
    if do != "release":
        raise Refused("行う操作のボタンを押してください。")
    desk = desk_of(example.programme, desks_of(request.seat))
    if desk is None:
        raise Refused("この事例の窓口の定義がありません。")
    examples.release(example, desk, **who)
    return "事例を公開しました。"


def _version(request: HttpRequest) -> int:
    said = request.POST.get("version", "")
    return int(said) if said.isdecimal() and len(said) < 9 else 0


# ---- 利用目的 ---------------------------------------------------------------------------------


@require_http_methods(["GET", "HEAD", "POST"])
def export(request: HttpRequest) -> HttpResponse:
    """目的に沿った書き出し"""
    own = own_desks(request)
    form = Exporting(request.POST or None, desks=own)
    if form.is_valid():
        desk, use, kind = (form.cleaned_data[name] for name in ("desk", "use", "kind"))
        chosen = desk_of(desk, own)
        try:
            made = knowledge.export_for(use, chosen, kind=kind, by=request.seat, at=request.at)
            name = f"照会と回答_匿名化_{chosen.slug}.{kind}"
            return as_download(HttpResponse(made.data, content_type=content_type_of(name)), name)
        except Refused as refusal:
            form.add_error(None, str(refusal))
    return render(request, "consultations/export.html", {"desks": own, "form": form})


@require_GET
def suggest(request: HttpRequest, pk: int) -> HttpResponse:
    """参考になる資料 for the words being typed, as a part of the case's page."""
    case = case_for(request, pk)
    words = "\n".join(request.GET.get(name, "")[:LONG] for name in ("words", "text"))
    found = knowledge.suggestions_for(case, words)
    return render(request, "consultations/_suggestions.html", {"suggestions": found, "case": case})


# ---- ガイドブック -----------------------------------------------------------------------------


@require_http_methods(["GET", "HEAD", "POST"])
def guide(request: HttpRequest) -> HttpResponse:
    """The sections, and the file that brings many at once."""
    own_desks(request)
    form = GuideFile(request.POST or None, request.FILES or None)
    if form.is_valid():
        try:
            count = knowledge.put_guide_sections(form.cleaned_data["file"], by=request.seat, at=request.at)
            messages.success(request, f"{count}節を登録しました。")
            return redirect("consultations:guide")
        except Refused as refusal:
            form.add_error(None, str(refusal))
    page = Paginator(GuideSection.objects.select_related("operator"), PAGE).get_page(request.GET.get("page"))
    keeps = request.seat.may_act and request.seat.organisation.kind == "secretariat"
    return render(request, "consultations/guide.html", {"page": page, "form": form, "keeps": keeps})


@require_http_methods(["GET", "HEAD", "POST"])
def guide_edit(request: HttpRequest, pk: int = 0) -> HttpResponse:
    """One section: new (0), mended, or with `do=drop` removed."""
    own_desks(request)
    row = get_object_or_404(GuideSection, pk=pk, operator=request.seat.organisation) if pk else None
    form = Guide(request.POST or None, instance=row)
    if row and request.POST.get("do") == "drop":
        knowledge.drop_guide_section(row, by=request.seat, at=request.at)
        messages.success(request, "節を削除しました。")
        return redirect("consultations:guide")
    if form.is_valid():
        version = form.cleaned_data["version"]
        try:
            knowledge.put_guide_section(**form.values(), row=row, version=version, by=request.seat, at=request.at)
            messages.success(request, "節を保存しました。")
            return redirect("consultations:guide")
        except Refused as refusal:
            form.add_error(None, str(refusal))
    return render(request, "consultations/guide_edit.html", {"form": form, "row": row})
