"""Template tags of the house look, in every template without `load` (docs/look.md lists them).

Each tag renders one file of `templates/parts/`; what is said and shaped there is decided here, never in a page.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime, time, timedelta
from math import ceil
from typing import Any

import jpholiday
from django import forms, template
from django.core.paginator import Page
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

from kyoten.rules.definition import Column, Field, Form

register = template.Library()

KINDS = ("ok", "go", "warn", "stop", "none")  # done, under way, attention, refused or overdue, nothing
WEEKDAYS = "月火水木金土日"
SOON = 3  # days: from here on the remaining days are set in bold
CHOICES_AS_RADIO = 7  # up to this many options are radio buttons, more are a select
LINE = 40  # full-width characters on one line of a textarea
ANSWER_LINES = (5, 24)  # the least and the most lines of a textarea


# ---- dates and numbers ------------------------------------------------------------------------


def _local(value: date | datetime) -> date | datetime:
    return timezone.localtime(value) if isinstance(value, datetime) and timezone.is_aware(value) else value


def _day(value: date | datetime) -> date:
    value = _local(value)
    return value.date() if isinstance(value, datetime) else value


def _weekday(value: date) -> str:
    return f"（{WEEKDAYS[value.weekday()]}）"


@register.filter
def wareki(value: date | datetime | None) -> str:
    """令和7年7月31日（木）; empty for None."""
    if not value:
        return ""
    day = _day(value)
    year = day.year - 2018
    return f"令和{'元' if year == 1 else year}年{day.month}月{day.day}日{_weekday(day)}"


@register.filter
def moment(value: datetime | None) -> str:
    """7月31日（木） 23:59 in Japanese time; empty for None."""
    if not value:
        return ""
    local = _local(value)
    return f"{local.month}月{local.day}日{_weekday(local)} {local:%-H:%M}"


@register.filter
def until(value: date | datetime | None) -> str:
    """A deadline: 7月31日（木） where it is the end of that day, 7月31日（木） 17:00 where an hour was set."""
    if not value:
        return ""
    local = _local(value)
    ends_the_day = not isinstance(local, datetime) or local.time().replace(microsecond=0) == time(23, 59, 59)
    return f"{local.month}月{local.day}日{_weekday(local)}" if ends_the_day else moment(value)


@register.filter
def yen(value: int | None) -> str:
    """1,200,000円; empty for None."""
    return "" if value is None or value == "" else f"{int(value):,}円"


def _working_days_late(deadline: date, today: date) -> int:
    days = (deadline + timedelta(days=n) for n in range(1, (today - deadline).days + 1))
    return sum(1 for day in days if day.weekday() < 5 and not jpholiday.is_holiday(day))


def due_words(deadline: date | datetime, at: datetime) -> tuple[str, str]:
    """What to say about a deadline, and its class: あと 3日 · 本日 · 期限超過（1営業日）."""
    today, last = _day(at), _day(deadline)
    if (last < today) or (isinstance(deadline, datetime) and deadline < at):
        late = _working_days_late(last, today)
        return (f"期限超過（{late}営業日）" if late else "期限超過"), "late"
    left = (last - today).days
    if not left:
        return "本日", "today"
    return f"あと {left}日", "soon" if left <= SOON else ""


@register.simple_tag(takes_context=True)
def due(context: template.Context, deadline: date | datetime | None, at: datetime | None = None) -> SafeString | str:
    """How far a deadline is, in words; `at` is the moment of the request unless given."""
    at = at or context["request"].at
    if not deadline:
        return ""
    words, kind = due_words(deadline, at)
    return format_html('<span class="due {}">{}</span>', kind, words)


# ---- status -----------------------------------------------------------------------------------


@register.simple_tag
def tag(words: str, kind: str = "") -> SafeString:
    """A status by words and shape; kind is ok, go, warn, stop, none or empty."""
    return format_html('<span class="tag {}">{}</span>', kind if kind in KINDS else "", words)


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
    return {"bound": bound, "shape": _shape(bound), "unit": unit}


def _form_errors(form: forms.BaseForm) -> Iterator[dict[str, str]]:
    for words in form.non_field_errors():
        yield {"href": "", "label": "", "words": words}
    for bound in form:
        for words in bound.errors:
            yield {"href": _target(bound), "label": str(bound.label), "words": words}


def _target(bound: forms.BoundField) -> str:
    """The id a link can go to: of a group of choices, the first."""
    first = bound.auto_id if _shape(bound) != "choices" else f"{bound.auto_id}_0"
    return "" if bound.is_hidden else f"#{first}"


@register.inclusion_tag("parts/errors.html")
def errors(*forms: forms.BaseForm) -> dict[str, Any]:
    """Summary of what to correct, with links to the fields; nothing when there are no errors."""
    return {"items": [item for form in forms if form.is_bound for item in _form_errors(form)]}


# ---- the form of a definition -----------------------------------------------------------------


def _texts(problems: Any, field_id: str) -> list[str]:
    """The problems of one field, from whatever says them: texts, a mapping by field id, or objects with a field."""
    if isinstance(problems, Mapping):
        problems = problems.get(field_id, ())
    if isinstance(problems, str):
        return [problems] if problems else []
    return [p if isinstance(p, str) else p.text for p in problems or () if getattr(p, "field", field_id) == field_id]


def answer_lines(text: str) -> int:
    """Lines a textarea shows for this text."""
    lines = sum(max(1, ceil(len(line) / LINE)) for line in text.split("\n"))
    return min(max(lines + 1, ANSWER_LINES[0]), ANSWER_LINES[1])


def _is_day(value: str) -> bool:
    try:
        date.fromisoformat(value)
    except (TypeError, ValueError):
        return False
    return True


def _cells(field: Field, row: Mapping[str, str], n: int) -> list[dict[str, Any]]:
    def cell(column: Column) -> dict[str, Any]:
        return {"column": column, "name": f"f-{field.id}-{n}-{column.id}", "value": row.get(column.id, "")}

    return [cell(column) for column in field.columns]


def _rows(field: Field, value: Any) -> list[dict[str, Any]]:
    return [
        {"no": n, "id": row.get("row", ""), "cells": _cells(field, row, n)} for n, row in enumerate(value or (), start=1)
    ]


@register.inclusion_tag("parts/answers_field.html")
def answers_field(field: Field, value: Any = None, problems: Any = ()) -> dict[str, Any]:
    """The inputs of one field of a definition's form, named `f-<id>` (docs/look.md lists all the names)."""
    text = "" if value is None else str(value)
    value = value or ({} if field.kind == "address" else [] if field.kind in ("marks", "table") else text)
    return {
        "field": field,
        "name": f"f-{field.id}",
        "value": value,
        "errors": _texts(problems, field.id),
        "radio": len(field.options) <= CHOICES_AS_RADIO,
        "lines": answer_lines(text),
        "length": len(text.replace("\r\n", "\n")),
        "day": not text or _is_day(text),
        "rows": _rows(field, value) if field.kind == "table" else (),
    }


@register.inclusion_tag("parts/answers_show.html")
def answers_show(form: Form, answers: Mapping[str, Any]) -> dict[str, Any]:
    """The answers as on the paper, to read: sections, labels, ○ marks; line breaks are kept."""
    sections = [
        {"section": section, "fields": [(field, answers.get(field.id)) for field in section.fields]}
        for section in form.sections
    ]
    return {"form": form, "sections": sections}


@register.filter
def option_label(field: Field | Column, value: str) -> str:
    """The label of an option's value; the value itself where the option is gone."""
    return {option.value: option.label for option in field.options}.get(value, value)


@register.filter
def cell(column: Column, row: Mapping[str, str]) -> str:
    """What a row says in a column, in words."""
    return option_label(column, row.get(column.id, "")) if column.kind == "choice" else row.get(column.id, "")
