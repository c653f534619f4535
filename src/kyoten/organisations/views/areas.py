"""圏域 and 拠点の指定: lists for everybody in the prefecture, entering for the prefecture."""

from __future__ import annotations

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from kyoten.records.models import Event, Refused

from .. import seats
from ..actions import areas as acts
from ..forms import AreaForm, CloseForm, DesignationForm, period
from ..models import Area, Designation, Organisation

PAGE = 100


def _may_enter(request: HttpRequest) -> bool:
    return request.seat.may_act and request.seat.organisation.kind == Organisation.Kind.PREFECTURE


def _municipalities(request: HttpRequest):
    return Organisation.objects.supervised_by(request.seat.organisation, seats.today(request)).filter(
        kind=Organisation.Kind.MUNICIPALITY
    )


@require_GET
def list_areas(request: HttpRequest) -> HttpResponse:
    today = seats.today(request)
    areas = Area.objects.visible_to(request.seat, today).select_related("prefecture").prefetch_related("municipalities")
    over = request.GET.get("over") == "1"
    page = Paginator(areas if over else areas.valid_on(today), PAGE).get_page(request.GET.get("page"))
    rows = [
        {"area": area, "period": period(area.valid_from, area.valid_to), "now": area.holds_on(today)} for area in page
    ]
    context = {"page": page, "rows": rows, "over": over, "may_enter": _may_enter(request)}
    return render(request, "organisations/areas.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
def add_area(request: HttpRequest) -> HttpResponse:
    form = AreaForm(request.POST or None, municipalities=_municipalities(request))
    if form.is_valid():
        data = {name: value for name, value in form.cleaned_data.items() if name != "version"}
        try:
            area = acts.add_area(**data, by=request.seat, at=request.at)
        except Refused as refusal:
            messages.error(request, str(refusal))
        else:
            messages.success(request, f"圏域「{area}」を登録しました。")
            return redirect("organisations:areas")
    return render(request, "organisations/area_edit.html", {"form": form})


@require_http_methods(["GET", "HEAD", "POST"])
def edit_area(request: HttpRequest, pk: int) -> HttpResponse:
    area = get_object_or_404(Area.objects.editable_by(request.seat), pk=pk)
    names = ("kind", "name", "valid_from", "valid_to", "source", "version")
    initial = {name: getattr(area, name) for name in names} | {"municipalities": area.municipalities.all()}
    form = AreaForm(request.POST or None, municipalities=_municipalities(request), initial=initial)
    if form.is_valid():
        try:
            acts.change_area(area, **form.cleaned_data, by=request.seat, at=request.at)
        except Refused as refusal:
            messages.error(request, str(refusal))
        else:
            messages.success(request, f"圏域「{area}」を保存しました。")
            return redirect("organisations:areas")
    history = Event.objects.of("area", area.pk)
    return render(request, "organisations/area_edit.html", {"form": form, "area": area, "history": history})


@require_GET
def list_designations(request: HttpRequest) -> HttpResponse:
    today = seats.today(request)
    found = Designation.objects.visible_to(request.seat, today).select_related("organisation", "prefecture", "area")
    over = request.GET.get("over") == "1"
    page = Paginator(found if over else found.valid_on(today), PAGE).get_page(request.GET.get("page"))
    rows = [{"row": row, "period": period(row.valid_from, row.valid_to), "now": row.holds_on(today)} for row in page]
    context = {"page": page, "rows": rows, "over": over, "may_enter": _may_enter(request), "close": CloseForm()}
    return render(request, "organisations/designations.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
def add_designation(request: HttpRequest) -> HttpResponse:
    today = seats.today(request)
    bodies, areas = acts.may_be_hub(request.seat, today), Area.objects.editable_by(request.seat).valid_on(today)
    form = DesignationForm(request.POST or None, bodies=bodies, areas=areas)
    if form.is_valid():
        data = dict(form.cleaned_data)
        body = data.pop("organisation")
        try:
            acts.designate(body, **data, by=request.seat, at=request.at)
        except Refused as refusal:
            messages.error(request, str(refusal))
        else:
            messages.success(request, f"「{body}」を拠点に指定しました。")
            return redirect("organisations:designations")
    return render(request, "organisations/designation_add.html", {"form": form})


@require_POST
def end_designation(request: HttpRequest, pk: int) -> HttpResponse:
    row = get_object_or_404(Designation.objects.editable_by(request.seat).select_related("organisation"), pk=pk)
    form = CloseForm(request.POST)
    if not form.is_valid():
        messages.error(request, "指定の最終日を、カレンダーから選ぶか「2026-03-31」の形で入力してください。")
        return redirect("organisations:designations")
    try:
        acts.end_designation(row, last_day=form.cleaned_data["last_day"], by=request.seat, at=request.at)
    except Refused as refusal:
        messages.error(request, str(refusal))
    else:
        messages.success(request, f"「{row.organisation}」の拠点の指定を終了しました。")
    return redirect("organisations:designations")
