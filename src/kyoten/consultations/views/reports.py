"""実績: a desk's figures on screen and as Excel, and the 完了報告 of its year. Never a case, never a name."""

from __future__ import annotations

from datetime import date
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render

from kyoten.consultations import figures as counting
from kyoten.consultations import tables
from kyoten.consultations.actions.reporting import REPORT, save_report
from kyoten.consultations.desks import Desk, desk_of, desks
from kyoten.consultations.models import YearReport
from kyoten.consultations.views.access import own_desk
from kyoten.organisations.models import NATIONAL, Seat
from kyoten.papers.desk_report import DeskReport, ReportTable, write_desk_report
from kyoten.records.models import Event, Refused
from kyoten.records.views import as_download
from kyoten.rules.clock import local, open_days
from kyoten.rules.definition import Item
from kyoten.rules.wareki import fiscal_year_name, wareki

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
WAYS = "メール・電話（来所、FAX、会議の場で受けたものを含む）"
WAYS_WITH_FORM = "メール・電話・入力フォーム（来所、FAX、会議の場で受けたものを含む）"


def desks_seen(seat: Seat) -> list[Desk]:
    """The body that runs a desk sees its figures; the ministry those of every national desk."""
    if seat.organisation.kind == "ministry":
        return [desk for desk in desks() if desk.operator.kind in NATIONAL]
    return desks(seat.organisation)


def report(request: HttpRequest) -> HttpResponse:
    """実績: 窓口・年度・月 by GET; without a month the whole year."""
    seen, desk, years, year, month = _chosen(request)
    compared = _compared(desk, year, request)
    return render(request, "consultations/report.html", {
        "desks": seen, "desk": desk, "year": year, "years": years, "month": month,
        "when": tables.month_label(month) if month else "", "then": "前年同月" if month else "前年度",
        "months": [(value, tables.month_label(value)) for value in counting.months_of(year)],
        "compared": compared, "total": compared.now.total(month), "before": compared.earlier("all", month=month),
        "monthly": tables.monthly(compared), "bars": tables.chart(compared), "height": 12 * tables.BAR,
        "sections": _sections(compared, month), "notes": list(tables.notes(compared)),
        "own": desk.operator == request.seat.organisation,
    })  # fmt: skip


def report_table(request: HttpRequest) -> HttpResponseBase:
    """実績 as Excel: what the screen shows."""
    _, desk, _, year, month = _chosen(request)
    data = tables.workbook(_compared(desk, year, request), month)
    when = f"_{month}" if month else ""
    name = f"相談窓口の実績_{fiscal_year_name(year)}{when}_{desk.definition.contact.name}.xlsx"
    return as_download(HttpResponse(data, content_type=XLSX), name)


def report_words(request: HttpRequest, slug: str, year: int) -> HttpResponse:
    """完了報告: the officer's own words beside the figures; kept, then printed."""
    desk = _own_year(request, slug, year)
    row = YearReport.objects.filter(programme=desk.slug, fiscal_year=year).select_related("written_by__person").first()
    texts, version = (row.texts, row.version) if row else ({}, 0)
    compared = _compared(desk, year, request)
    items = _contents(compared)
    refused = ""
    if request.method == "POST":
        texts = {item.id: request.POST.get(f"text-{item.id}", "") for item in items} | {
            "": request.POST.get("summary", "")
        }
        version = _number(request.POST.get("version", "")) or 0
        try:
            save_report(desk, year, texts, version, by=request.seat, at=request.at)
            messages.success(request, "保存しました。「Wordに出力」で、この文と数の入った完了報告ができます。")
            return redirect("consultations:report_words", slug, year)
        except Refused as refusal:
            refused = str(refusal)
    return render(request, "consultations/report_words.html", {
        "desk": desk, "year": year, "saved": row, "version": row.version if refused and row else version,
        "summary": texts.get("", ""), "refused": refused,
        "items": [(item, compared.now.at("subject", item.id).cases, texts.get(item.id, "")) for item in items],
        "theirs": _theirs(row, items) if refused else [],
        "events": Event.objects.of(REPORT, row.pk) if row else [],
    })  # fmt: skip


def report_paper(request: HttpRequest, slug: str, year: int) -> HttpResponseBase:
    """完了報告 as Word, with the words as they are saved."""
    desk = _own_year(request, slug, year)
    row = YearReport.objects.filter(programme=desk.slug, fiscal_year=year).first()
    data = write_desk_report(completion(_compared(desk, year, request), row.texts if row else {}))
    return as_download(HttpResponse(data, content_type=DOCX), f"完了報告_{fiscal_year_name(year)}_{desk.title}.docx")


# ---- what was chosen --------------------------------------------------------------------------


def _chosen(request: HttpRequest) -> tuple[list[Desk], Desk, list[int], int, str]:
    """Desks seen, desk, its fiscal years, year and month of the query; a desk one may not see is one there is not."""
    seen = desks_seen(request.seat)
    slug = request.GET.get("desk", "")
    desk = desk_of(slug, seen) if slug else next(iter(seen), None)
    if desk is None:
        raise Http404
    years = counting.years_of(desk)
    year = _number(request.GET.get("year", ""))
    if year not in years:
        year = desk.definition.fiscal_year
    months = {value[5:]: value for value in counting.months_of(year)}
    return seen, desk, years, year, months.get(request.GET.get("month", ""), tables.YEAR)


def _own_year(request: HttpRequest, slug: str, year: int) -> Desk:
    desk = own_desk(request, slug)
    if year not in counting.years_of(desk):
        raise Http404
    return desk


def _number(text: str) -> int | None:
    return int(text) if text.isdecimal() and len(text) < 10 else None


def _compared(desk: Desk, year: int, request: HttpRequest) -> tables.Year:
    """The year's figures and those of the year before."""
    before = counting.earlier(desk, year)
    return tables.Year(
        counting.figures(desk, year, request.at),
        counting.figures(*before, request.at) if before else None,
        f"{local(request.at):%Y-%m}",
    )


def _sections(compared: tables.Year, month: str) -> list[dict[str, Any]]:
    """The tables below the chart: of a year one for each measure, of a month all measures beside each other."""
    crossed = [tables.crossed(compared, measure, month) for measure in tables.MEASURES]
    named = (("asker", "相談者の区分"), ("subject", "分類"))
    sections = [{"title": f"{title}別", "grids": _grids(compared, table, title, month)} for table, title in named]
    return [*sections, {"title": "機能×場面", "grids": crossed}]


def _grids(compared: tables.Year, table: counting.Table, title: str, month: str) -> list[tables.Grid]:
    if month:
        return [tables.beside(compared, table, title, month)]
    return [tables.by_month(compared, table, title, measure) for measure in tables.MEASURES]


# ---- 完了報告 ---------------------------------------------------------------------------------


def completion(compared: tables.Year, texts: dict[str, str]) -> DeskReport:
    """The paper's content: the desk as its definition says, the figures, the officer's words."""
    desk, year = compared.now.desk, compared.now.year
    grids = [
        tables.monthly(compared),
        tables.beside(compared, "asker", "相談者の区分"),
        tables.beside(compared, "subject", "分類"),
        tables.crossed(compared, "cases"),
    ]
    contents = [
        (f"{item.label}\n（{compared.now.at('subject', item.id).cases:,}件）", texts.get(item.id, ""))
        for item in _contents(compared)
    ]
    return DeskReport(
        title=f"{fiscal_year_name(year)}　{desk.title}\n完了報告",
        sender=(desk.definition.organiser,),
        overview=_overview(desk),
        tables=[ReportTable(grid.title, grid.columns, grid.rows, grid.groups) for grid in grids],
        contents=contents,
        notes=list(tables.notes(compared)),
        summary=texts.get("", ""),
    )


def _overview(desk: Desk) -> list[tuple[str, str]]:
    rules, definition = desk.rules, desk.definition
    target = [("回答の目標", rules.answer_within.text)] if rules.answer_within else []
    return [
        ("事業名", definition.name),
        ("窓口の名称", rules.title),
        ("対象", rules.audience),
        ("実施期間", f"{_written(rules.period.starts)}から{_written(rules.period.ends)}まで（{open_days(rules)}営業日）"),
        ("受付時間", rules.text),
        ("受付の方法", WAYS_WITH_FORM if rules.web_form else WAYS),
        *target,
        ("利用目的", rules.purpose.text),
    ]  # fmt: skip


def _written(day: date) -> str:
    return wareki(day, with_weekday=True)


def _contents(compared: tables.Year) -> list[Item]:
    """The subjects there are words for: all but 未分類, which is about nothing in particular."""
    return [item for item in compared.items("subject", 1, compared.now.desk.rules.subjects) if item.id]


def _theirs(row: YearReport | None, items: list[Item]) -> list[tuple[str, str]]:
    """What somebody else saved meanwhile, to compare with what was typed."""
    if row is None:
        return []
    found = [("全体", row.texts.get("", "")), *((item.label, row.texts.get(item.id, "")) for item in items)]
    return [(name, text) for name, text in found if text]
