"""申込書: start, write (autosave, two people at once), submit, papers, files, Word form in."""

from __future__ import annotations

import json
from datetime import datetime

from django.contrib import messages
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_POST

from kyoten.calls import papers
from kyoten.calls.actions import applying, incoming, together
from kyoten.calls.forms import posted_answers, posted_base
from kyoten.calls.models import Application, Call, Check, Correction, EditConflict
from kyoten.calls.steps import steps_of_application
from kyoten.calls.views.access import application_for, call_for, case_of, decision_for, editable_application, may_edit
from kyoten.calls.views.calls import starting_form
from kyoten.inquiries.models import Addressee
from kyoten.records.history import COLUMNS, as_history
from kyoten.records.models import Attachment, Event, Refused
from kyoten.records.statements import statement
from kyoten.records.views import as_download, download
from kyoten.rules import answers as form_answers
from kyoten.rules.definition import STEPS, Field
from kyoten.rules.eligibility import Finding


@require_POST
def start(request: HttpRequest, slug: str) -> HttpResponse:
    """申込書の作成を開始する（応募地域を選んで）"""
    call = call_for(request, slug)
    form = starting_form(request, call, request.seat.organisation)
    if not form.is_valid():
        messages.error(request, "応募地域の選び方を確かめてください。")
        return redirect("calls:show", slug)
    area, municipalities = form.chosen()
    far = together.outside(municipalities, request.seat.organisation, area, request.at.date())
    if far and "sure" not in request.POST:
        named = {"area": area, "named": form.cleaned_data["municipalities"], "outside": far}
        return render(request, "calls/start_check.html", {"call": call, **named})
    try:
        application = applying.start(call, area=area, municipalities=municipalities, by=request.seat, at=request.at)
    except Refused as refusal:
        messages.error(request, str(refusal))
        return redirect("calls:show", slug)
    return redirect("calls:edit", application.pk)


@require_POST
def leave(request: HttpRequest, slug: str) -> HttpResponse:
    """共同ではない: a body that a neighbour named answers for itself."""
    call = call_for(request, slug)
    case = case_of(request, call)
    if case is None:
        raise Http404
    try:
        together.leave(case, by=request.seat, at=request.at)
        messages.success(request, "共同の応募から外れ、相手の団体へお知らせしました。あらためて回答してください。")
    except Refused as refusal:
        messages.error(request, str(refusal))
    return redirect("calls:show", slug)


def edit(request: HttpRequest, pk: int) -> HttpResponse:
    """The form to write in. Every save is one ordinary POST that says what its page had shown (`base`)."""
    application = editable_application(request, pk)
    if request.method == "POST":  # also where it may no longer be edited: the refusal shows what was typed
        return _save(request, application)
    if not may_edit(request, application):
        return redirect("calls:application", pk)
    return _editing(request, application)


def _save(request: HttpRequest, application: Application) -> HttpResponse:
    posted = form_answers.clean(application.form, posted_answers(application.form, request.POST))
    ticks = (
        {rule.id: f"tick-{rule.id}" in request.POST for rule in _manual(application)}
        if "ticks" in request.POST
        else None
    )
    try:
        saved = applying.save(
            application, posted, posted_base(request.POST), reason=request.POST.get("reason"), ticks=ticks,
            by=request.seat, at=request.at,
        )  # fmt: skip
    except Refused as refusal:
        messages.error(request, str(refusal))
        return render(request, "calls/not_saved.html", {"application": application, "answers": posted}, status=409)
    do = request.POST.get("do", "")
    if request.htmx:
        return render(request, "calls/_saved.html", _saved_context(request, saved, posted_base(request.POST)))
    incoming.propose_groups(saved.application, by=request.seat, at=request.at)
    if do == "submit":
        return redirect("calls:submit", application.pk)
    if do.startswith(("add-row:", "remove-row:", "paste:")):
        return _change_rows(request, saved.application, do)
    if saved.conflicts:
        messages.warning(
            request, "ほかの方も同じ箇所を書き換えていました。上の「記載の違い」で、どちらを使うか選んでください。"
        )
    else:
        messages.success(request, "保存しました。")
    return redirect("calls:edit", application.pk)


def _manual(application: Application):
    return [rule for rule in application.definition.call.rules if rule.kind == "manual"]


def _saved_context(request: HttpRequest, saved: applying.Saved, base: dict[str, str]) -> dict:
    """For the page that stays open: the new base, in which a place in conflict keeps its old digest."""
    application = saved.application
    new = form_answers.digests(application.form, application.answers)
    for conflict in saved.conflicts:
        key = f"{conflict.field}/{conflict.row}/{conflict.column}" if conflict.column else conflict.field
        if key in base:
            new[key] = base[key]
    return _context(request, application) | {"base": json.dumps(new), "conflicts_now": saved.conflicts}


def _change_rows(request: HttpRequest, application: Application, do: str) -> HttpResponse:
    """行を追加・削除・貼り付け without JavaScript: what was typed is saved first, then the rows change."""
    act, _, rest = do.partition(":")
    field_id, _, number = rest.partition(":")
    field = next((f for f in application.form.fields() if f.id == field_id and f.kind == "table"), None)
    if field is None:
        raise Http404
    if act == "add-row":
        return _editing(request, application, extra={field.id: 1})
    rows = list(application.answers.get(field.id) or [])
    try:
        if act == "remove-row":
            gone = request.POST.get(f"f-{field.id}-{number}-row", "")
            _replace_rows(request, application, field, [row for row in rows if row["row"] != gone])
        else:
            pasted, notes = incoming.pasted_rows(field, request.POST.get(f"paste-{field.id}", ""))
            _replace_rows(request, application, field, rows + pasted, notes)
            messages.success(request, f"{len(pasted)}行を取り込みました。")
    except Refused as refusal:
        messages.error(request, str(refusal))
    return redirect("calls:edit", application.pk)


def _replace_rows(request: HttpRequest, application: Application, field: Field, rows: list, notes=()) -> None:
    """Put rows in the place of a table's; what could not be placed is told."""
    base = form_answers.digests(application.form, application.answers)
    applying.save(application, {field.id: rows}, base, by=request.seat, at=request.at)
    for note in notes:
        messages.warning(request, note)


def _context(request: HttpRequest, application: Application) -> dict:
    answers = application.answers
    return {
        "application": application,
        "call": application.call,
        "definition": application.definition,
        "form": application.form,
        "answers": answers,
        "problems": form_answers.problems(application.form, answers),
        "findings": requirement_rows(application, request.at, "apply"),
        "manual": _manual(application),
        "ticks": application.ticks,
        "newer": application.call.programme.pk != application.programme_id,
    }


def requirement_rows(application: Application, at, step: str, checks: dict[str, bool] | None = None) -> list[dict]:
    """応募要件 beside the form: what holds, what stops and at which step, what only warns, with the official sentence.

    `checks`: what a person of the organiser has confirmed goes before what the rule finds.
    """
    return [_requirement(finding, step, (checks or {}).get(finding.rule.id)) for finding in application.findings(at)]


def _requirement(finding: Finding, step: str, checked: bool | None) -> dict:
    rule = finding.rule
    ok = finding.ok if checked is None else checked
    stops = not ok and rule.level == "stop"
    later = stops and STEPS.index(rule.step) > STEPS.index(step)
    words, kind = ("満たす", "ok") if ok else ("確認", "warn")
    if stops:
        words, kind = (LATER[rule.step], "warn") if later else ("要対応", "stop")
    return {
        "finding": finding,
        "rule": rule,
        "words": words,
        "kind": kind,
        "later": later,
        "checked": checked is not None,
    }


LATER = {"apply": "申込時に確認", "bundle": "とりまとめ時に確認", "screening": "選定時に確認"}


def _editing(request: HttpRequest, application: Application, extra: dict[str, int] | None = None) -> HttpResponse:
    context = _context(request, application)
    context["base"] = json.dumps(form_answers.digests(application.form, application.answers))
    context["answers"] = _with_blank_rows(application, extra or {})
    context |= {
        "steps": steps_of_application(application, announced=False),
        "conflicts": _conflicts(application),
        "events": Event.objects.of(applying.KIND, application.pk),
        "corrections": application.corrections.filter(mended_at=None),
        "attachments": Attachment.objects.of(applying.KIND, application.pk, "attachment"),
        "files": application.form_files.filter(settled_at=None),
        "fields": " ".join(f.id for f in application.form.fields()),
        "tables": [f for f in application.form.fields() if f.kind == "table"],
    }
    return render(request, "calls/edit.html", context)


def _with_blank_rows(application: Application, extra: dict[str, int]) -> dict:
    """The answers with empty rows to write in: as many as the paper has (15), and one more when asked for."""
    answers = application.answers
    for field in application.form.fields():
        if field.kind == "table":
            rows = answers.get(field.id) or []
            blank = {column.id: "" for column in field.columns}
            padding = [{"row": form_answers.new_row_id(), **blank} for _ in range(field.rows - len(rows))]
            added = [{"row": form_answers.new_row_id()} for _ in range(extra.get(field.id, 0))]
            answers[field.id] = [*rows, *padding, *added]
    return answers


def _conflicts(application: Application) -> list[dict]:
    """Both texts of each difference, in words."""
    fields = {f.id: f for f in application.form.fields()}
    answers, rows = application.answers, []
    for conflict in application.edit_conflicts.all():
        field = fields.get(conflict.field)
        if field is None:
            continue
        theirs, place = _theirs(field, answers, conflict)
        yours = conflict.yours if conflict.row else form_answers.show(field, conflict.yours)
        rows.append({"conflict": conflict, "label": place, "theirs": theirs, "yours": yours})
    return rows


def _theirs(field, answers: dict, conflict: EditConflict) -> tuple[str, str]:
    if not conflict.row:
        return form_answers.show(field, answers.get(field.id)), field.label
    rows = answers.get(field.id) or []
    number, row = next(((n, r) for n, r in enumerate(rows, 1) if r["row"] == conflict.row), (0, {}))
    column = next((c.label for c in field.columns if c.id == conflict.column), "行全体")
    return row.get(conflict.column, ""), f"{field.label} {number}行目　{column}"


@require_POST
def settle_conflict(request: HttpRequest, pk: int, conflict: int) -> HttpResponse:
    application = editable_application(request, pk)
    row = get_object_or_404(EditConflict, pk=conflict, application=application)
    try:
        applying.settle_conflict(row, request.POST.get("take") == "yours", by=request.seat, at=request.at)
        messages.success(request, "記載の違いを解決しました。")
    except Refused as refusal:
        messages.error(request, str(refusal))
    return redirect("calls:edit", pk)


def show(request: HttpRequest, pk: int) -> HttpResponse:
    """One application to read: as on the paper, where it stands, whose turn it is, its papers, its 経過."""
    application = application_for(request, pk)
    decision = decision_for(request, application)
    seat = request.seat
    organiser = application.call.organiser.organisation_id == seat.section.organisation_id
    prefecture = application.prefecture_id == seat.section.organisation_id and seat.organisation.kind == "prefecture"
    step = "screening" if organiser else "bundle" if prefecture else "apply"
    checks = dict(_checks(application.pk)) if organiser else {}
    context = {
        "application": application, "call": application.call, "definition": application.definition,
        "form": application.form, "answers": application.answers, "shown": application.shown_state(),
        "findings": requirement_rows(application, request.at, step, checks), "decision": decision,
        "steps": steps_of_application(application, announced=bool(application.call.announced_at)),
        "corrections": [dict(zip(ASKED, row, strict=True)) for row in _asked(application.pk)],
        "attachments": [dict(zip(FILE, row, strict=True)) for row in _files(application.pk)],
        "organiser": organiser, "prefecture": prefecture, "mine": application.applicant_id == seat.section.organisation_id,
        "editable": may_edit(request, application),
    }  # fmt: skip
    context["events"], context["inside"] = events_of(application, organiser=organiser, prefecture=prefecture)
    return render(request, "calls/application.html", context)


ASKED, FILE = ("section_title", "text", "asked_at", "mended_at"), ("pk", "name", "label", "size")


@statement
def _checks(application: int) -> QuerySet:
    return Check.objects.filter(application=application).order_by("pk").values_list("rule", "ok")


@statement
def _asked(application: int) -> QuerySet:
    return Correction.objects.filter(application=application).order_by("asked_at", "pk").values_list(*ASKED)


@statement
def _files(application: int) -> QuerySet:
    return Attachment.objects.of(applying.KIND, application).exclude(label="form").values_list(*FILE)


def events_of(application: Application, *, organiser: bool, prefecture: bool = False) -> tuple[list, list]:
    """経過 that everyone sees who sees the application, and beside it what the organiser or the prefecture did with
    it, which nobody else sees."""
    rows = list(_every_event(application.pk))
    own = [as_history(row[3:]) for row in sorted(row for row in rows if row[0] == applying.KIND)]
    opinions = [row for row in rows if prefecture and row[0] == "gathering" and row[2] == "opinion"]
    told = [row for row in rows if row[0] in INSIDE] if organiser else opinions
    return own, [as_history(row[3:]) for row in told]


@statement
def _every_event(application: int) -> QuerySet:
    rows = Event.objects.filter(head__kind__in=(applying.KIND, *INSIDE), head__record_id=application)
    return rows.order_by("at", "pk").values_list("head__kind", "seq", "act", *COLUMNS)


INSIDE = ("selection", "gathering")


def submit(request: HttpRequest, pk: int) -> HttpResponse:
    """提出の確認 (GET) and 提出 (POST)."""
    application = editable_application(request, pk)
    if request.method == "POST":
        try:
            if application.by_proxy == "secretariat":
                return redirect("calls:take_in", pk)
            applying.submit(application, by=request.seat, at=request.at)
            done = (
                "代行入力した申込書を受け付けました"
                if application.by_proxy
                else f"{application.prefecture}へ提出しました"
            )
            messages.success(request, f"{done}。受付番号は画面上部にあります。")
            return redirect("calls:application", pk)
        except Refused as refusal:
            messages.error(request, str(refusal))
            return redirect("calls:submit", pk)
    if not may_edit(request, application):
        return redirect("calls:application", pk)
    context = _context(request, application)
    context["stops"] = [row for row in context["findings"] if row["kind"] == "stop"]
    context["due"] = _prefecture_due(application)
    context["organisers"] = application.by_proxy == "secretariat"  # a paper that came is taken in as it is
    context["closed"] = _closed(application, request.at)
    context["differences"] = applying.open_differences(application)
    return render(request, "calls/submit.html", context)


def _closed(application: Application, at: datetime) -> bool:
    """Too late to submit. What the organiser types in counts from when its mail arrived, and is asked that next."""
    return application.by_proxy != "secretariat" and at > application.call.deadline and not application.late_accepted()


def _prefecture_due(application: Application) -> datetime | None:
    """The date the prefecture asked for; None where nobody but the organiser set one."""
    rows = Addressee.objects.filter(root=application.call.inquiry_id, organisation=application.applicant_id)
    row = rows.exclude(inquiry__parent=None).select_related("inquiry").first()
    return row.inquiry.due if row else None


def withdraw(request: HttpRequest, pk: int) -> HttpResponse:
    """取下げの確認 (GET) and 取下げ (POST)."""
    application = editable_application(request, pk)
    if request.method == "POST":
        try:
            applying.withdraw(application, request.POST.get("reason", "")[:2000], by=request.seat, at=request.at)
            messages.success(request, "申込みを取り下げました。")
            return redirect("calls:show", application.call.slug)
        except Refused as refusal:
            messages.error(request, str(refusal))
            return redirect("calls:application", pk)
    if not application.belongs_to(request.seat):
        return redirect("calls:application", pk)
    return render(request, "calls/withdraw.html", {"application": application, "call": application.call})


def paper(request: HttpRequest, pk: int, kind: str) -> HttpResponse:
    """様式を出力: the application as PDF or Word, at any time."""
    application = editable_application(request, pk)
    if kind not in papers.TYPES:
        raise Http404
    data = papers.form_of(application, kind)
    name = f"{application.form.file_name}_{application.applicant.name}.{kind}"
    return as_download(HttpResponse(data, content_type=papers.TYPES[kind]), name)


def blank_paper(request: HttpRequest, slug: str, kind: str) -> HttpResponse:
    """白紙の様式: the official blank form, for everyone who reads the 公募要領."""
    call = get_object_or_404(Call, slug=slug)
    definition = call.definition
    if kind not in papers.TYPES or definition.form is None:
        raise Http404
    data = papers.blank_form(definition, kind)
    return as_download(HttpResponse(data, content_type=papers.TYPES[kind]), f"{definition.form.file_name}.{kind}")


def table_paper(request: HttpRequest, pk: int, field: str) -> HttpResponse:
    """構成員の表 as Excel."""
    application = editable_application(request, pk)
    spec = next((f for f in application.form.fields() if f.id == field and f.kind == "table"), None)
    if spec is None:
        raise Http404
    data = papers.rows_table(spec, application.answers.get(field) or [])
    return as_download(HttpResponse(data, content_type=papers.XLSX), f"{spec.label}_{application.applicant.name}.xlsx")


@require_POST
def upload(request: HttpRequest, pk: int) -> HttpResponse:
    """添付 (attachment), Wordの申込書の読み込み (form) or 表の取り込み (table:<field>): one upload, told apart by a name."""
    application = editable_application(request, pk)
    file, purpose = request.FILES.get("file"), request.POST.get("purpose", "attachment")
    if file is None:
        messages.error(request, "ファイルを選んでください。")
        return redirect("calls:edit", pk)
    try:
        data = incoming.read_upload(file)
        if purpose == "form":
            taken = incoming.take_form(application, data, file.name, by=request.seat, at=request.at)
            return redirect("calls:reading", pk, taken.pk)
        if purpose.startswith("table:"):
            return _take_table(request, application, purpose.partition(":")[2], data, file.name)
        applying.attach_file(application, data, file.name, by=request.seat, at=request.at)
        messages.success(request, f"「{file.name}」を添付しました。")
    except Refused as refusal:
        messages.error(request, str(refusal))
    return redirect("calls:edit", pk)


def _take_table(request: HttpRequest, application: Application, field_id: str, data: bytes, name: str) -> HttpResponse:
    field = next((f for f in application.form.fields() if f.id == field_id and f.kind == "table"), None)
    if field is None:
        raise Http404
    rows, notes = incoming.table_rows(field, data, name)
    _replace_rows(request, application, field, rows, notes)
    messages.success(request, f"Excelの{len(rows)}行に置き換えました。")
    return redirect("calls:edit", application.pk)


def reading(request: HttpRequest, pk: int, file: int) -> HttpResponse:
    """読み取り結果の確認: what was read, what was not understood, where it came from; then taken over field by field."""
    application = editable_application(request, pk)
    taken = get_object_or_404(application.form_files, pk=file)
    if request.method == "POST":
        try:
            if request.POST.get("do") == "leave":
                incoming.leave_form(application, taken, by=request.seat, at=request.at)
                messages.success(
                    request, "読み取った内容は入れませんでした。届いたファイルは「添付・原本」に残っています。"
                )
                return redirect("calls:edit", pk)
            chosen = set(request.POST.getlist("take"))
            saved = incoming.settle_form(application, taken, chosen, by=request.seat, at=request.at)
            messages.success(request, "読み取った内容を申込書に入れました。内容を確かめて保存・提出してください。")
            if saved.conflicts:
                messages.warning(
                    request, "読み取った後に書き換えられた箇所があります。「記載の違い」を確かめてください。"
                )
            return redirect("calls:edit", pk)
        except Refused as refusal:
            messages.error(request, str(refusal))
    context = {"application": application, "call": application.call, "taken": taken,
               "rows": incoming.reading_rows(application, taken), "notes": incoming.reading_notes(taken)}  # fmt: skip
    return render(request, "calls/reading.html", context)


@require_POST
def carry(request: HttpRequest, pk: int) -> HttpResponse:
    """新しい版の様式へ移す"""
    application = editable_application(request, pk)
    try:
        homeless = applying.carry_forward(application, by=request.seat, at=request.at)
        messages.success(request, "新しい版の様式へ移しました。")
        for item in homeless:
            messages.warning(request, f"新しい様式に移せなかった記載：{item.label}「{item.shown}」")
    except Refused as refusal:
        messages.error(request, str(refusal))
    return redirect("calls:edit", pk)


def file(request: HttpRequest, pk: int, attachment: int) -> HttpResponse:
    """A file of the application; a result letter only once it is announced."""
    application = editable_application(request, pk)
    found = get_object_or_404(Attachment.objects.of(applying.KIND, application.pk), pk=attachment)
    if found.label == "result" and decision_for(request, application) is None:
        raise Http404
    return download(found)
