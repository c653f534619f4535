"""What comes in from the screens of a call."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.http import QueryDict
from django.utils.dateparse import parse_datetime

from kyoten.organisations.models import Area, Organisation
from kyoten.records.fields import FIRST_DAY, LAST_DAY, DayField
from kyoten.records.models import Refused
from kyoten.rules.clock import JST
from kyoten.rules.definition import Field, Form


def posted_answers(form: Form, post: QueryDict) -> dict[str, Any]:
    """The answers a page sent, by the names of docs/look.md. A field the page did not carry is left out."""
    return {field.id: _posted(field, post) for field in form.fields() if _carried(field, post)}


def _carried(field: Field, post: QueryDict) -> bool:
    """Unticked boxes and empty tables send nothing: the hidden list of shown fields says they were on the page."""
    return field.id in post.get("fields", "").split() or any(
        name == f"f-{field.id}" or name.startswith(f"f-{field.id}-") for name in post
    )


def _posted(field: Field, post: QueryDict) -> Any:
    name = f"f-{field.id}"
    if field.kind == "table":
        return _rows(field, post)
    if field.kind == "marks":
        return post.getlist(name)
    if field.kind == "address":
        return {"postal": post.get(f"{name}-postal", ""), "text": post.get(f"{name}-text", "")}
    return post.get(name, "")


def _rows(field: Field, post: QueryDict) -> list[dict[str, str]]:
    pattern = re.compile(rf"f-{re.escape(field.id)}-(\d{{1,5}})-row")
    numbers = sorted(int(found[1]) for name in post if (found := pattern.fullmatch(name)))
    return [_row(field, post, n) for n in numbers]


def _row(field: Field, post: QueryDict, n: int) -> dict[str, str]:
    name = f"f-{field.id}-{n}"
    cells = {column.id: post.get(f"{name}-{column.id}", "") for column in field.columns}
    return {"row": post.get(f"{name}-row", "")[:40], **cells}


def posted_base(post: QueryDict) -> dict[str, str]:
    """Digests of what the page showed; nothing believable there means: everything on the page is a change."""
    try:
        base = json.loads(post.get("base", "{}"))
    except (ValueError, RecursionError):
        return {}
    return {str(k): str(v) for k, v in base.items()} if isinstance(base, Mapping) else {}


def posted_day(text: str, what: str) -> date | None:
    """A day out of a page without a form class; None where it was left empty, Refused where it is no day."""
    try:
        return DayField(required=False).clean(text)
    except ValidationError:
        raise Refused(f"{what}は 2025-07-28 の形で入れてください。") from None


def posted_moment(text: str, what: str) -> datetime:
    """A day and time in Japan."""
    try:
        found = parse_datetime(text)
    except ValueError:
        found = None
    if found is None or not FIRST_DAY <= found.date() <= LAST_DAY:
        raise Refused(f"{what}を 2025-07-31T16:20 の形で入れてください。")
    return found if found.tzinfo else found.replace(tzinfo=JST)


class Opening(forms.Form):
    covering_text = forms.CharField(
        label="通知文",
        widget=forms.Textarea(attrs={"rows": 12}),
        error_messages={"required": "通知文を書いてください。"},
    )
    document_number = forms.CharField(label="文書番号", max_length=100, required=False, help_text="例：事務連絡")
    decided_on = DayField(label="決裁日", required=False)


class Asking(Opening):
    """管内へ照会"""

    due = DayField(
        label="県への提出期限",
        error_messages={
            "required": "県への提出期限を入れてください。",
            "invalid": "日付は 2025-07-24 の形で入れてください。",
        },
    )
    to = forms.ModelMultipleChoiceField(
        Organisation.objects.none(), label="照会先の市町村", widget=forms.CheckboxSelectMultiple,
        error_messages={"required": "照会先の市町村を選んでください。"},
    )  # fmt: skip
    reference = forms.ModelMultipleChoiceField(
        Organisation.objects.none(),
        label="参考送付する団体（回答は求めません）",
        required=False,
        widget=forms.CheckboxSelectMultiple,
    )
    field_order = ["covering_text", "due", "to", "reference", "document_number", "decided_on"]

    def __init__(self, *args, to, reference, **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["to"].queryset = to
        self.fields["reference"].queryset = reference


class Adding(forms.Form):
    """照会先の追加"""

    to = forms.ModelMultipleChoiceField(
        Organisation.objects.none(), label="追加する照会先（回答を求めます）", required=False,
        widget=forms.CheckboxSelectMultiple,
    )  # fmt: skip
    reference = forms.ModelMultipleChoiceField(
        Organisation.objects.none(), label="参考送付する団体（回答は求めません）", required=False,
        widget=forms.CheckboxSelectMultiple,
    )  # fmt: skip

    def __init__(self, *args, to, reference, informed, **kwargs):
        """`informed`: ids of the bodies that have it for reference."""
        super().__init__(*args, **kwargs)
        self.fields["to"].queryset = to
        self.fields["to"].label_from_instance = lambda o: f"{o}（参考送付済み）" if o.pk in informed else str(o)
        self.fields["reference"].queryset = reference


class Starting(forms.Form):
    """For which area the application is made: an area on record, or municipalities named."""

    area = forms.ModelChoiceField(
        Area.objects.none(),
        label="圏域",
        required=False,
        empty_label="圏域によらず、市町村を選ぶ",
        widget=forms.RadioSelect,
    )
    municipalities = forms.ModelMultipleChoiceField(
        Organisation.objects.none(), label="区域の市町村", required=False, widget=forms.CheckboxSelectMultiple
    )

    def __init__(self, *args, areas, municipalities, **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["area"].queryset = areas
        self.fields["municipalities"].queryset = municipalities

    def chosen(self) -> tuple[Area | None, list[Organisation]]:
        """The area, and the municipalities of the area and those ticked besides."""
        area, ticked = self.cleaned_data["area"], list(self.cleaned_data["municipalities"])
        return area, list(dict.fromkeys([*area.municipalities.all(), *ticked])) if area else ticked


class Proxy(forms.Form):
    """代行入力 of a form that came by mail, FAX or post."""

    SOURCES = [("mail", "メール"), ("fax", "FAX"), ("post", "郵送・持参"), ("phone", "電話")]
    applicant = forms.ModelChoiceField(
        Organisation.objects.none(), label="申込団体", empty_label="選択してください",
        error_messages={"required": "申込団体を選んでください。"},
    )  # fmt: skip
    source = forms.ChoiceField(label="受け取った方法", choices=SOURCES)
    original = forms.FileField(
        label="原本（受け取ったファイル、FAXの読み取り画像など）",
        error_messages={
            "required": "原本のファイルを選んでください。",
            "empty": "ファイルが空です。原本を確かめて選び直してください。",
        },
        help_text="Word の申込書なら、内容を読み取って入力欄に入れます。",
    )

    def __init__(self, *args, applicants, **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["applicant"].queryset = applicants.select_related("prefecture")
        self.fields["applicant"].label_from_instance = _with_prefecture


class ProxyFromMail(forms.Form):
    """代行入力 of a form enclosed in a mail: whose it is, and which of the files."""

    applicant = forms.ModelChoiceField(
        Organisation.objects.none(), label="申込団体", empty_label="選択してください",
        error_messages={"required": "申込団体を選んでください。"},
    )  # fmt: skip
    file = forms.TypedChoiceField(
        label="申込書のファイル", coerce=int, widget=forms.RadioSelect,
        error_messages={"required": "申込書のファイルを選んでください。"},
        help_text="Word の申込書なら、内容を読み取って入力欄に入れます。",
    )  # fmt: skip

    def __init__(self, *args, applicants, files, **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["applicant"].queryset = applicants.select_related("prefecture")
        self.fields["applicant"].label_from_instance = _with_prefecture
        self.fields["file"].choices = [(number, file.name) for number, file in enumerate(files)]
        word = [number for number, file in enumerate(files) if file.name.lower().endswith(".docx")]
        self.fields["file"].initial = word[0] if word else 0


class CarryOut(forms.Form):
    """施行: what the office's own 文書管理 system decided."""

    decided_on = DayField(
        label="決裁日",
        error_messages={"required": "決裁日を入れてください。", "invalid": "日付は 2025-07-30 の形で入れてください。"},
    )  # fmt: skip
    document_number = forms.CharField(
        label="文書番号", max_length=100, help_text="事務連絡のときは「事務連絡」と記入します。",
        error_messages={"required": "文書番号を入れてください（事務連絡のときは「事務連絡」）。"},
    )  # fmt: skip


class Officer(forms.Form):
    """県（保健所を含む）の担当者 as a row of the members table."""

    organisation = forms.CharField(label="所属", max_length=200)
    section = forms.CharField(label="部署", max_length=200, required=False)
    title = forms.CharField(label="役職", max_length=200, required=False)
    profession = forms.CharField(label="職種", max_length=200, required=False)


class Deciding(forms.Form):
    outcome = forms.ChoiceField(
        label="結果", choices=[("selected", "選定"), ("declined", "不選定")], widget=forms.RadioSelect,
        error_messages={"required": "「選定」か「不選定」を選んでください。"},
    )  # fmt: skip
    reason = forms.CharField(
        label="理由", widget=forms.Textarea(attrs={"rows": 4}), help_text="事務局内の記録です。通知文には載りません。",
        error_messages={"required": "決定の理由を書いてください。"},
    )  # fmt: skip


class Late(forms.Form):
    """期限後の受付"""

    organisation = forms.ModelChoiceField(
        Organisation.objects.none(), label="受付を認める団体", empty_label="選択してください",
        help_text="都道府県を選ぶと、その都道府県のとりまとめ全体の受付を認めます。",
        error_messages={"required": "団体を選んでください。"},
    )  # fmt: skip
    reason = forms.CharField(
        label="理由", widget=forms.Textarea(attrs={"rows": 3}), error_messages={"required": "理由を書いてください。"}
    )

    def __init__(self, *args, organisations, **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["organisation"].queryset = organisations.select_related("prefecture")
        self.fields["organisation"].label_from_instance = _with_prefecture


def _with_prefecture(organisation: Organisation) -> str:
    """府中市 is in two prefectures."""
    return f"{organisation.prefecture or ''}　{organisation}".strip()
