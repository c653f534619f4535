"""前回の入力: what was typed when the session ended, to be sent again or thrown away."""

from __future__ import annotations

from urllib.parse import urlsplit

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import Resolver404, resolve
from django.views.decorators.http import require_POST, require_safe

from kyoten.programmes.models import Programme
from kyoten.rules.answers.showing import label
from kyoten.rules.definition import Field
from kyoten.web.context import MENU
from kyoten.web.models import Rescued
from kyoten.web.rescue import SENT_AGAIN

# What the inputs of our forms are called on the screen; form fields of a definition have their own labels.
LABELS = {
    "covering_text": "依頼文・鑑文", "text": "内容", "reason": "理由", "remark": "連絡事項", "name": "氏名", "title": "件名",
    "due": "期限", "document_number": "文書番号", "decided_on": "決裁日", "opinion": "意見", "email": "メールアドレス",
    "phone": "電話番号", "fax": "FAX番号",
}  # fmt: skip


@require_safe
def list_kept(request: HttpRequest) -> HttpResponse:
    rows = Rescued.objects.filter(user=request.user)
    return render(request, "web/rescue_list.html", {"rows": [(row, screen(row.path)) for row in rows]})


@require_safe
def open_kept(request: HttpRequest, pk: int) -> HttpResponse:
    """What was typed, and a form with a fresh token that sends it to where it was going."""
    row = get_object_or_404(Rescued, pk=pk, user=request.user)
    context = {
        "row": row,
        "screen": screen(row.path),
        "pairs": [*row.pairs, (SENT_AGAIN, str(row.pk))],
        "shown": shown(row.pairs),
        "files": row.files.splitlines(),
    }
    return render(request, "web/rescue_open.html", context)


@require_POST
def delete_kept(request: HttpRequest, pk: int) -> HttpResponse:
    get_object_or_404(Rescued, pk=pk, user=request.user).delete()
    messages.success(request, "前回の入力を削除しました。")
    return redirect("rescue:list")


def screen(path: str) -> str:
    """The screen an address belongs to, by its entry in the menu; the address itself where it has none."""
    try:
        name = resolve(urlsplit(path).path).view_name
    except Resolver404:
        return path
    return next((title for title, _, beginnings in MENU if name.startswith(beginnings)), path)


def shown(pairs: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """The inputs a person typed or chose, as the screen calls them; what the page itself put in is left out."""
    fields = {
        f"f-{field.id}": field
        for programme in Programme.objects.newest()
        if programme.definition.form
        for field in programme.definition.form.fields()
    }
    rows = [in_words(name, value, fields) for name, value in pairs if value.strip()]
    return [row for row in rows if row[0]]


def in_words(name: str, value: str, fields: dict[str, Field]) -> tuple[str, str]:
    """Label and value of one input; ("", …) where it is none that a person fills in."""
    parts = name.split("-")
    field = fields.get("-".join(parts[:2]))
    if field is None:
        heads = ("-".join(parts[:n]) for n in range(len(parts), 0, -1))
        return next((LABELS[head] for head in heads if head in LABELS), ""), value
    if field.kind == "table" and len(parts) == 4:
        return in_cell(field, parts[2], parts[3], value)
    if field.kind == "address" and parts[2:] == ["postal"]:
        return f"{field.label}（郵便番号）", value
    return field.label, label(field.options, value)


def in_cell(field: Field, number: str, column_id: str, value: str) -> tuple[str, str]:
    """f-members-3-title: the third row's 役職. A row's own id is nothing anybody typed."""
    column = next((each for each in field.columns if each.id == column_id), None)
    if column is None:
        return "", value
    return f"{field.label} {number}行目　{column.label}", label(column.options, value)
