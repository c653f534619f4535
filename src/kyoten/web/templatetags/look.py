"""Template tags of the house look, in every template without `load` (docs/look.md lists them).

Each tag renders one file of `templates/parts/`; what is said and shaped there is decided here, never in a page.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime, time, timedelta
from functools import cache, lru_cache
from math import ceil
from typing import Any

from django import forms, template
from django.core.paginator import Page
from django.core.validators import MaxLengthValidator
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from kyoten.rules import wareki as eras
from kyoten.rules.answers import Problem, show
from kyoten.rules.answers.showing import label as label_of
from kyoten.rules.clock import OFFICES, local
from kyoten.rules.definition import Column, Field, Form

register = template.Library()

KINDS = ("ok", "go", "warn", "stop", "none")  # done, under way, attention, refused or overdue, nothing
SOON = 3  # days: from here on the remaining days are set in bold
CHOICES_AS_RADIO = 7  # up to this many options are radio buttons, more are a select
MANY = 12  # from here on choices stand in columns
LINE = 40  # full-width characters on one line of a textarea
ANSWER_LINES = (5, 24)  # the least and the most lines of a textarea


# ---- dates and numbers ------------------------------------------------------------------------


def _local(value: date | datetime) -> date | datetime:
    return local(value) if isinstance(value, datetime) and value.tzinfo else value


def _day(value: date | datetime) -> date:
    value = _local(value)
    return value.date() if isinstance(value, datetime) else value


def _month_day(value: date) -> str:
    return f"{value.month}月{value.day}日（{eras.weekday(value)}）"


@register.filter
def wareki(value: date | datetime | None) -> str:
    """令和7年7月31日（木）; empty for None."""
    return eras.wareki(_day(value), with_weekday=True) if value else ""


@register.filter
def wareki_plain(value: date | datetime | None) -> str:
    """令和7年7月31日, as letters are dated; empty for None."""
    return eras.wareki(_day(value)) if value else ""


@register.filter
def fiscal_year(year: int | None) -> str:
    """令和7年度 for 2025; empty for None."""
    return eras.fiscal_year_name(year) if year else ""


@register.filter
def moment(value: datetime | None) -> str:
    """7月31日（木） 23:59 in Japanese time; empty for None."""
    if not value:
        return ""
    local = _local(value)
    return f"{_month_day(local)} {local.hour}:{local.minute:02}"


@register.filter
def until(value: date | datetime | None) -> str:
    """A deadline: 7月31日（木） where it is the end of that day, 7月31日（木） 17:00 where an hour was set."""
    if not value:
        return ""
    local = _local(value)
    ends_the_day = not isinstance(local, datetime) or local.time().replace(microsecond=0) == time(23, 59, 59)
    return _month_day(local) if ends_the_day else moment(value)


@register.filter
def yen(value: int | str | None) -> str:
    """1,200,000円; empty for None. What is no number stays as it was typed."""
    if value is None:
        return ""
    return f"{value:,}円" if isinstance(value, int) else value


def due_words(deadline: date | datetime, at: datetime) -> tuple[str, str]:
    """What to say about a deadline, and its class: あと 3日 · 本日 · 期限超過（1営業日）."""
    today, last = _day(at), _day(deadline)
    if last < today or (isinstance(deadline, datetime) and deadline < at):
        late = OFFICES.working_days_between(last + timedelta(days=1), today)
        return (f"期限超過（{late}営業日）" if late else "期限超過"), "late"
    left = (last - today).days
    if not left:
        return "本日", "today"
    return f"あと {left}日", "soon" if left <= SOON else ""


@register.simple_tag(takes_context=True)
def due(context: template.Context, deadline: date | datetime | None, at: datetime | None = None) -> SafeString | str:
    """How far a deadline is, in words; `at` is the moment of the request unless given."""
    if not deadline:
        return ""
    words, kind = due_words(deadline, at or context["request"].at)
    return _due(kind, words)


@lru_cache(typed=True)  # a SafeString equals the plain text it was made from
def _due(kind: str, words: str) -> SafeString:
    return format_html('<span class="due {}">{}</span>', kind, words)


# ---- status -----------------------------------------------------------------------------------


@register.simple_tag
@lru_cache(maxsize=256, typed=True)  # a board shows the same few hundreds of times; typed: safe text is not str
def tag(words: str, kind: str = "") -> SafeString:
    """A status by words and shape; kind is ok, go, warn, stop, none or empty."""
    return _tag(kind if kind in KINDS else "", words)


@lru_cache(typed=True)  # a SafeString equals the plain text it was made from
def _tag(kind: str, words: str) -> SafeString:
    return format_html('<span class="tag {}">{}</span>', kind, words)


@register.inclusion_tag("parts/bar.html")
def bar(parts: Sequence[Mapping[str, Any]], label: str = "", legend: bool = True) -> dict[str, Any]:
    """A stacked bar of counts: parts are mappings of label, count, kind. Zero counts are in the words, not the bar."""
    total = sum(part["count"] for part in parts)
    drawn, x = [], 0.0
    for part in parts:
        width = 100 * part["count"] / total if total else 0
        drawn.append({**part, "x": f"{x:.2f}%", "width": f"{width:.2f}%"})
        x += width
    words = "、".join(f"{part['label']} {part['count']}" for part in parts)
    return {"parts": drawn, "words": f"{label}　{words}" if label else words, "legend": legend}


@register.inclusion_tag("parts/steps.html")
def steps(steps: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Where a record stands: mappings of title, note, state (done, now, todo)."""
    return {"steps": steps}


# ---- lists ------------------------------------------------------------------------------------


@register.inclusion_tag("parts/pager.html", takes_context=True)
def pager(context: template.Context, page: Page, name: str = "page") -> dict[str, Any]:
    """Pages of a list; filters and order in the query string are kept."""
    numbers = page.paginator.get_elided_page_range(page.number, on_each_side=2, on_ends=1)
    query = context["request"].GET
    links = [{"number": n, "query": _query(query, name, n) if isinstance(n, int) else ""} for n in numbers]
    around = {
        "previous": _query(query, name, page.number - 1) if page.has_previous() else "",
        "next": _query(query, name, page.number + 1) if page.has_next() else "",
    }
    return {"page": page, "links": links, **around}


def _query(query: Any, name: str, value: Any) -> str:
    changed = query.copy()
    changed[name] = value
    return f"?{changed.urlencode()}"


@register.inclusion_tag("parts/sort_header.html", takes_context=True)
def sort_header(context: template.Context, words: str, key: str, name: str = "sort", css: str = "") -> dict[str, Any]:
    """A <th> that sorts the list by `?sort=key`, a second time by `?sort=-key`; back to the first page."""
    query = context["request"].GET.copy()
    now = query.get(name, "")
    query.pop("page", None)
    direction = {key: "ascending", f"-{key}": "descending"}.get(now, "")
    href = _query(query, name, f"-{key}" if direction == "ascending" else key)
    return {"words": words, "href": href, "direction": direction, "css": css}


@register.inclusion_tag("parts/crumbs.html")
def crumbs(*pairs: str) -> dict[str, Any]:
    """The way to this page: title, address, title, address, …; a last title alone is this page."""
    return {"items": [(pairs[n], pairs[n + 1] if n + 1 < len(pairs) else "") for n in range(0, len(pairs), 2)]}


# ---- Django forms -----------------------------------------------------------------------------


def _shape(bound: forms.BoundField) -> str:
    widget = bound.field.widget
    if widget.is_hidden:
        return "hidden"
    if isinstance(widget, forms.RadioSelect | forms.CheckboxSelectMultiple):
        return "choices"
    return "check" if isinstance(widget, forms.CheckboxInput) else "plain"


@register.inclusion_tag("parts/field.html")
def field(bound: forms.BoundField, unit: str = "") -> dict[str, Any]:
    """A Django form field in the house style: label, 必須/任意, help, error, input."""
    shape = _shape(bound)
    many = shape == "choices" and len(bound.subwidgets) >= MANY
    return {"bound": bound, "shape": shape, "unit": unit, "errors": _sentences(bound), "many": many}


def _sentence(bound: forms.BoundField, error: forms.ValidationError) -> str:
    """What to do about an error. Django's own 「このフィールドは必須です」 names neither the field nor the remedy."""
    if error.message is MaxLengthValidator.message:
        most, now = error.params["limit_value"], error.params["show_value"]
        return f"「{bound.label}」は{most}字以内にしてください（いまは{now}字です）。"
    kept = error.message == forms.Field.default_error_messages["required"]
    if error.code != "required" or not kept:
        return " ".join(error.messages)
    verb = {"choices": "選んで", "check": "確認して印を付けて"}.get(_shape(bound), "入力して")
    if isinstance(bound.field, forms.ChoiceField | forms.FileField):
        verb = "選んで"
    return f"「{bound.label}」を{verb}ください。"


def _sentences(bound: forms.BoundField) -> list[str]:
    if not bound.form.is_bound:
        return []
    return [_sentence(bound, error) for error in bound.form.errors.as_data().get(bound.name, ())]


def _target(bound: forms.BoundField) -> str:
    """Where a link to the field goes: of a group of choices, the first."""
    if bound.is_hidden:
        return ""
    return f"#{bound.auto_id}_0" if _shape(bound) == "choices" else f"#{bound.id_for_label}"


def _form_errors(form: forms.BaseForm) -> Iterator[dict[str, str]]:
    for words in form.non_field_errors():
        yield {"href": "", "words": words}
    for bound in form:
        for words in _sentences(bound):
            named = words if str(bound.label) in words else f"{bound.label}　{words}"
            yield {"href": _target(bound), "words": named}


@register.inclusion_tag("parts/errors.html")
def errors(*forms: forms.BaseForm) -> dict[str, Any]:
    """Summary of what to correct, with links to the fields; nothing when there are no errors."""
    return {"items": [item for form in forms if form.is_bound for item in _form_errors(form)]}


# ---- the form of a definition -----------------------------------------------------------------


def answer_lines(text: str) -> int:
    """Lines a textarea shows for this text."""
    lines = sum(max(1, ceil(len(line) / LINE)) for line in text.split("\n"))
    return min(max(lines + 1, ANSWER_LINES[0]), ANSWER_LINES[1])


def _in_group(field: Field) -> bool:
    """Fields of several inputs, which stand in a fieldset."""
    few = len(field.options) <= CHOICES_AS_RADIO
    return field.kind in ("table", "marks", "address") or (field.kind == "choice" and few)


def _anchor(field: Field, rows: Sequence[Mapping[str, str]] = (), problem: Problem | None = None) -> str:
    """The id of the input that a link to the field, or to the cell of the problem, goes to."""
    numbers = {row["row"]: n for n, row in enumerate(rows, start=1)}
    if problem and problem.row in numbers and problem.column:
        return f"f-{field.id}-{numbers[problem.row]}-{problem.column}"
    return f"f-{field.id}-group" if _in_group(field) else f"f-{field.id}"


def _is_day(value: str) -> bool:
    try:
        date.fromisoformat(value)
    except ValueError:
        return False
    return True


def _rows(field: Field, rows: Sequence[Mapping[str, str]], wrong: set[tuple[str | None, str | None]]) -> list[dict]:
    """What the table template needs: per row its number, id and cells. A row without cells has just been added."""

    options = cache(_options)  # the same few over and over: 800 rows have 6,400 of them

    def cell(row: Mapping[str, str], n: int, column: Column) -> dict[str, Any]:
        bad, value = (row["row"], column.id) in wrong, row.get(column.id, "")
        choices = options(column, value) if column.kind == "choice" else ""
        return {
            "column": column,
            "name": f"f-{field.id}-{n}-{column.id}",
            "value": value,
            "bad": bad,
            "options": choices,
        }

    return [
        {
            "no": str(n),
            "id": row["row"],
            "cells": [cell(row, n, column) for column in field.columns],
            "fresh": set(row) == {"row"},
        }
        for n, row in enumerate(rows, start=1)
    ]


def _options(column: Column, value: str) -> SafeString:
    """The <option>s of a cell."""
    pairs = [(o.value, SafeString(" selected") if o.value == value else "", o.label) for o in column.options]
    return format_html_join("", '<option value="{}"{}>{}</option>', pairs)


@register.inclusion_tag("parts/answers_field.html")
def answers_field(field: Field, value: Any = None, problems: Sequence[Problem] = ()) -> dict[str, Any]:
    """The inputs of one field of a definition's form, named `f-<id>` (docs/look.md lists all the names)."""
    text = "" if value is None else str(value)
    own = [problem for problem in problems if problem.field == field.id]
    return {
        "field": field,
        "name": f"f-{field.id}",
        "value": text if field.kind not in ("marks", "address", "table") else value or {},
        "errors": [problem.text for problem in own],
        "grouped": _in_group(field),
        "lines": answer_lines(text),
        "length": len(text),
        "day": not text or _is_day(text),
        "words": show(field, value) if field.kind == "date" else "",
        "rows": _rows(field, value or (), {(p.row, p.column) for p in own}) if field.kind == "table" else (),
    }


@register.inclusion_tag("parts/answers_edit.html")
def answers_edit(form: Form, answers: Mapping[str, Any], problems: Sequence[Problem] = ()) -> dict[str, Any]:
    """The inputs of a whole form, section by section; goes inside the page's own <form>."""
    return {"form": form, "answers": answers, "problems": problems}


@register.inclusion_tag("parts/errors.html")
def answers_errors(
    form: Form, problems: Sequence[Problem], answers: Mapping[str, Any] | None = None, page: str = ""
) -> dict[str, Any]:
    """Summary of what is wrong in the answers, with links to the inputs; nothing when nothing is.

    With `answers` a link goes down to the cell of a table. `page` is the address of the inputs if not this page.
    """

    def item(problem: Problem) -> dict[str, str]:
        rows = answers[problem.field] if answers and problem.row else ()
        return {"href": f"{page}#{_anchor(form.field(problem.field), rows, problem)}", "words": problem.text}

    return {"items": [item(problem) for problem in problems]}


def _shown(field: Field, value: Any) -> dict[str, Any]:
    """One answer to read; marks and choices list every option, as on the paper."""
    chosen = value if field.kind == "marks" else [value]
    known = [option.value for option in field.options]
    return {
        "field": field,
        "value": value,
        "text": show(field, value),
        "options": [(option.label, option.value in (chosen or ())) for option in field.options],
        "others": [each for each in chosen or () if field.options and each and each not in known],
        "wide": field.kind in ("longtext", "table"),
    }


@register.inclusion_tag("parts/answers_show.html")
def answers_show(form: Form, answers: Mapping[str, Any]) -> dict[str, Any]:
    """The answers as on the paper, to read: sections, labels, ○ marks; line breaks are kept."""
    sections = [
        {"section": section, "items": [_shown(field, answers.get(field.id)) for field in section.fields]}
        for section in form.sections
    ]
    return {"form": form, "sections": sections}


@register.filter
def get(mapping: Mapping[str, Any], key: str) -> Any:
    """The value at a key that a template holds in a variable; None where there is none."""
    return mapping.get(key)


@register.filter
def cell(column: Column, row: Mapping[str, str]) -> str:
    """What a row says in a column, in words."""
    return label_of(column.options, row.get(column.id, ""))
