"""連絡先: the list, correcting it, Excel out and in, and the confirmation every April."""

from __future__ import annotations

from collections import Counter

from django.contrib import messages
from django.core.paginator import Paginator
from django.db.models import Exists, OuterRef
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from kyoten.papers.tables import write_table
from kyoten.records.models import Event, Refused
from kyoten.records.names import content_type_of
from kyoten.records.views import as_download
from kyoten.rules.wareki import fiscal_year, fiscal_year_name, wareki

from .. import seats
from ..actions import address_import as importing
from ..actions import addresses as acts
from ..forms import (
    MEND,
    UNCONFIRMED,
    AddressFilter,
    CloseForm,
    ConfirmationForm,
    ImportForm,
    OrganisationForm,
    OrganisationNameForm,
    SectionEditForm,
    SectionForm,
)
from ..models import AddressConfirmation, AddressImport, Organisation, Section
from ..sheets import read_sheet

PAGE = 50
NOTE = "直して「Excelから取り込む」で戻せます。番号は変えないでください。新しい課は番号を空欄にします。"


# ---- the list ---------------------------------------------------------------------------------


def _found(request: HttpRequest):
    """The sections the seat may see, by the filters of the page."""
    today = seats.today(request)
    form = AddressFilter(request.GET)
    sections = Section.objects.visible_to(request.seat, today).valid_on(today)
    wanted = form.cleaned_data if form.is_valid() else {}
    if wanted.get("q"):
        sections = sections.search(wanted["q"])
    if prefecture := wanted.get("prefecture"):
        sections = sections.filter(organisation__prefecture=prefecture) | sections.filter(organisation=prefecture)
    if wanted.get("kind"):
        sections = sections.filter(organisation__kind=wanted["kind"])
    if wanted.get("state") == MEND:
        sections = sections.to_mend()
    if wanted.get("state") == UNCONFIRMED:
        sections = sections.exclude(confirmed_fiscal_year=fiscal_year(today))
    return form, sections.select_related("organisation__prefecture")


@require_GET
def list_addresses(request: HttpRequest) -> HttpResponse:
    today = seats.today(request)
    form, sections = _found(request)
    mine = Section.objects.editable_by(request.seat, today).filter(pk=OuterRef("pk"))
    page = Paginator(sections.annotate(editable=Exists(mine)), PAGE).get_page(request.GET.get("page"))
    visible = Section.objects.visible_to(request.seat, today).valid_on(today)
    context = {
        "form": form,
        "page": page,
        "year": fiscal_year(today),
        "to_mend": visible.to_mend().count(),
        "may_act": request.seat.may_act,
        "query": request.GET.urlencode(),
        "may_add": bool(acts.kinds_to_add(request.seat)),
    }
    return render(request, "organisations/addresses.html", context)


@require_GET
def export_addresses(request: HttpRequest) -> HttpResponse:
    """The list as shown, in Excel, in the columns that come back in."""
    _, sections = _found(request)
    rows = (
        (
            str(section.pk),
            section.organisation.code,
            section.organisation.prefecture.name if section.organisation.prefecture else "",
            section.organisation.name,
            section.name,
            section.email,
            section.phone,
            section.fax,
            "○" if section.is_default else "",
        )
        for section in sections
    )
    data = write_table("連絡先", importing.COLUMNS, rows, note=NOTE)
    response = HttpResponse(data, content_type=content_type_of(".xlsx"))
    return as_download(response, f"連絡先_{seats.today(request):%Y%m%d}.xlsx")


# ---- one section ------------------------------------------------------------------------------


def editable_section(request: HttpRequest, pk: int) -> Section:
    rows = Section.objects.editable_by(request.seat, seats.today(request)).select_related("organisation")
    return get_object_or_404(rows, pk=pk)


def editable_body(request: HttpRequest, pk: int) -> Organisation:
    return get_object_or_404(Organisation.objects.editable_by(request.seat, seats.today(request)), pk=pk)


@require_http_methods(["GET", "HEAD", "POST"])
def edit_address(request: HttpRequest, pk: int) -> HttpResponse:
    section = editable_section(request, pk)
    now = {name: getattr(section, name) for name in acts.LABELS}
    form = SectionEditForm(request.POST or None, initial={**now, "version": section.version})
    conflicts: list[tuple[str, str, str]] = []
    if form.is_valid():
        values = {name: form.cleaned_data[name] for name in acts.LABELS}
        if form.cleaned_data["version"] != section.version:
            values, conflicts = _merge(request, now, values)
            form = SectionEditForm(initial={**values, "version": section.version}) if conflicts else form
        if not conflicts and _update(request, section, values, form):
            return redirect("organisations:addresses")
    context = {
        "form": form,
        "section": section,
        "base_fields": [(name, importing.shown(value)) for name, value in now.items()],
        "conflicts": conflicts,
        "close": CloseForm(),
        "history": Event.objects.of("section", section.pk),
    }
    return render(request, "organisations/address_edit.html", context)


def _merge(request: HttpRequest, now: dict, posted: dict) -> tuple[dict, list[tuple[str, str, str]]]:
    """Somebody else saved meanwhile: take both, field by field; where both changed one field, show both texts."""
    merged, conflicts = dict(now), []
    for name, value in posted.items():
        base = request.POST.get(f"base-{name}", "")
        mine = importing.shown(value) != base
        if mine and importing.shown(now[name]) not in (base, importing.shown(value)):
            conflicts.append((acts.LABELS[name], importing.shown(now[name]), importing.shown(value)))
        if mine:
            merged[name] = value
    return merged, conflicts


def _update(request: HttpRequest, section: Section, values: dict, form: SectionEditForm) -> bool:
    try:
        acts.update_section(
            section,
            values,
            version=section.version,
            renamed_on=form.cleaned_data["renamed_on"],
            by=request.seat,
            at=request.at,
        )
    except Refused as refusal:
        messages.error(request, str(refusal))
        return False
    messages.success(request, f"「{section}」の連絡先を保存しました。")
    return True


@require_http_methods(["GET", "HEAD", "POST"])
def add_address(request: HttpRequest, pk: int) -> HttpResponse:
    """A further section of a body."""
    body = editable_body(request, pk)
    form = SectionForm(request.POST or None)
    if form.is_valid():
        try:
            section = acts.add_section(body, form.cleaned_data, by=request.seat, at=request.at)
        except Refused as refusal:
            messages.error(request, str(refusal))
        else:
            messages.success(request, f"「{section}」を追加しました。")
            return redirect("organisations:addresses")
    return render(request, "organisations/address_add.html", {"form": form, "body": body})


@require_POST
def close_address(request: HttpRequest, pk: int) -> HttpResponse:
    section = editable_section(request, pk)
    form = CloseForm(request.POST)
    if not form.is_valid():
        messages.error(request, "課の最終日を、カレンダーから選ぶか「2026-03-31」の形で入力してください。")
        return redirect("organisations:address_edit", pk)
    try:
        acts.close_section(section, last_day=form.cleaned_data["last_day"], by=request.seat, at=request.at)
    except Refused as refusal:
        messages.error(request, str(refusal))
        return redirect("organisations:address_edit", pk)
    messages.success(request, f"「{section}」は{wareki(form.cleaned_data['last_day'])}までの課になりました。")
    return redirect("organisations:addresses")


@require_http_methods(["GET", "HEAD", "POST"])
def add_organisation(request: HttpRequest) -> HttpResponse:
    """A hub, health centre, association or other body that is in no official list, with its first section."""
    form = OrganisationForm(request.POST or None, kinds=acts.kinds_to_add(request.seat))
    first = SectionForm(request.POST or None, prefix="section")
    if form.is_valid() and first.is_valid():
        try:
            body = acts.add_organisation(form.cleaned_data, first.cleaned_data, by=request.seat, at=request.at)
        except Refused as refusal:
            messages.error(request, str(refusal))
        else:
            messages.success(request, f"「{body}」を追加しました。")
            return redirect("organisations:addresses")
    return render(request, "organisations/organisation_add.html", {"form": form, "first": first})


@require_http_methods(["GET", "HEAD", "POST"])
def rename_organisation(request: HttpRequest, pk: int) -> HttpResponse:
    body = editable_body(request, pk)
    form = OrganisationNameForm(request.POST or None, initial={"name": body.name, "kana": body.kana})
    if form.is_valid():
        try:
            acts.rename_organisation(body, **form.cleaned_data, by=request.seat, at=request.at)
        except Refused as refusal:
            messages.error(request, str(refusal))
        else:
            messages.success(request, f"機関の名称を「{body.name}」にしました。")
            return redirect("organisations:addresses")
    return render(request, "organisations/organisation_name.html", {"form": form, "body": body})


# ---- Excel in ---------------------------------------------------------------------------------


@require_http_methods(["GET", "HEAD", "POST"])
def import_addresses(request: HttpRequest) -> HttpResponse:
    form = ImportForm(request.POST or None, request.FILES or None)
    if form.is_valid():
        file = form.cleaned_data["file"]
        try:
            rows = read_sheet(file.read(), file.name, importing.COLUMNS)
            kept = importing.prepare_import(rows, file_name=file.name, by=request.seat, at=request.at)
        except Refused as refusal:
            messages.error(request, str(refusal))
        else:
            return redirect("organisations:address_import_check", kept.pk)
    return render(request, "organisations/address_import.html", {"form": form, "columns": importing.COLUMNS})


@require_http_methods(["GET", "HEAD", "POST"])
def check_import(request: HttpRequest, pk: int) -> HttpResponse:
    """What the file would change; nothing is changed until it is confirmed here."""
    kept = get_object_or_404(AddressImport, pk=pk, seat=request.seat, applied_at=None)
    if request.method == "POST":
        try:
            done = importing.apply_import(kept, by=request.seat, at=request.at)
        except Refused as refusal:
            messages.error(request, str(refusal))
        else:
            messages.success(request, f"連絡先を取り込みました（追加 {done['add']}件、変更 {done['change']}件）。")
            return redirect("organisations:addresses")
    lines = importing.preview(kept, by=request.seat, at=request.at)
    counts = Counter(line.verdict for line in lines)
    context = {
        "kept": kept,
        "counts": [(word, counts[verdict]) for verdict, word in VERDICTS.items()],
        "groups": [
            (word, kind, [line for line in lines if line.verdict == verdict])
            for verdict, (word, kind) in SHOWN.items()
            if counts[verdict]
        ],
        "applies": counts["add"] + counts["change"],
    }
    return render(request, "organisations/address_import_check.html", context)


VERDICTS = {"add": "追加", "change": "変更", "same": "変更なし", "error": "エラー"}
SHOWN = {"error": ("取り込めない行", "stop"), "change": ("変更", "go"), "add": ("追加", "go")}


# ---- confirmation -----------------------------------------------------------------------------


@require_http_methods(["GET", "HEAD", "POST"])
def confirmations(request: HttpRequest) -> HttpResponse:
    """Who has confirmed its contacts this fiscal year, who has not; ask, and ask again."""
    today = seats.today(request)
    year = fiscal_year(today)
    if request.method == "POST":
        try:
            count = acts.ask_confirmation(year, by=request.seat, at=request.at)
        except Refused as refusal:
            messages.error(request, str(refusal))
        else:
            messages.success(request, f"{count}件の課に連絡先の確認をお願いするメールを送りました。")
        return redirect("organisations:confirmations")
    sections = list(acts.asked_by(request.seat, request.at))
    rows = AddressConfirmation.objects.filter(fiscal_year=year, section__in=sections)
    asked = {row.section_id: row for row in rows}
    lines = [{"section": section, **_standing(section, asked.get(section.pk), year)} for section in sections]
    counts = Counter(line["state"] for line in lines)
    context = {"lines": lines, "year": fiscal_year_name(year), "counts": counts, "open": counts["ask"] + counts["wait"]}
    return render(request, "organisations/confirmations.html", context)


def _standing(section: Section, row: AddressConfirmation | None, year: int) -> dict:
    """Where one section stands: done, wanted (says something has changed), wait, mend, ask."""
    if section.confirmed_fiscal_year == year:
        return {"state": "done", "words": "確認済", "kind": "ok", "row": row}
    if row and row.change_wanted:
        return {"state": "wanted", "words": "変更の申し出", "kind": "warn", "row": row}
    if section.needs_mending:
        return {"state": "mend", "words": "要修正", "kind": "stop", "row": row}
    if row:
        return {"state": "wait", "words": "未回答", "kind": "", "row": row}
    return {"state": "ask", "words": "未依頼", "kind": "none", "row": None}


@require_POST
def confirm_on_screen(request: HttpRequest, pk: int) -> HttpResponse:
    section = editable_section(request, pk)
    try:
        acts.confirm_on_screen(section, by=request.seat, at=request.at)
    except Refused as refusal:
        messages.error(request, str(refusal))
    else:
        messages.success(request, f"「{section}」の連絡先を「変更なし」としました。")
    return redirect("organisations:addresses")


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def confirm(request: HttpRequest, token: str) -> HttpResponse:
    """The signed link of the confirmation mail, without login. Opening it changes nothing."""
    row = acts.asked(token)
    if row is None or fiscal_year(seats.today(request)) != row.fiscal_year:
        return render(request, "organisations/confirm_over.html", status=410)
    form = ConfirmationForm(request.POST or None)
    if row.answered_at is None and form.is_valid():
        wanted = form.cleaned_data["change_wanted"].strip()
        try:
            acts.answer_confirmation(row, way=AddressConfirmation.Way.LINK, at=request.at, change_wanted=wanted)
        except Refused as refusal:
            messages.error(request, str(refusal))
        return redirect("organisations:confirm", token)
    context = {"row": row, "section": row.section, "form": form, "year": fiscal_year_name(row.fiscal_year)}
    return render(request, "organisations/confirm.html", context)
