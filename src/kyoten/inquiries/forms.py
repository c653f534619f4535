"""Forms of asking and answering."""

from __future__ import annotations

from django import forms

from kyoten.inquiries.models import Addressee
from kyoten.organisations.models import Section
from kyoten.records.fields import DayField


class PassOn(forms.Form):
    section = forms.ModelChoiceField(Section.objects.none(), label="回送先の課", empty_label="選択してください")

    def __init__(self, *args, row: Addressee, on, **kwargs):
        super().__init__(*args, **kwargs)
        sections = Section.objects.valid_on(on).filter(organisation=row.organisation_id).exclude(pk=row.section_id)
        self.fields["section"].queryset = sections.select_related("organisation")


class Reply(forms.Form):
    """回答 by the addressee, on screen or by link."""

    state = forms.ChoiceField(
        label="回答",
        choices=[
            ("not_applicable", "該当なし（応募しない）"),
            ("considering", "検討中（応募するかどうか検討している）"),
        ],
        widget=forms.RadioSelect,
        error_messages={"required": "「該当なし」か「検討中」を選んでください。"},
    )
    remark = forms.CharField(label="連絡事項", max_length=500, required=False, widget=forms.Textarea(attrs={"rows": 3}))


class LinkReply(Reply):
    """By link nobody is logged in: who answers is written down as it was typed."""

    name = forms.CharField(
        label="回答者の氏名", max_length=100, error_messages={"required": "回答者の氏名を記入してください。"}
    )
    field_order = ["state", "name", "remark"]


class Heard(forms.Form):
    """電話確認: one typed line becomes the answer."""

    row = forms.ModelChoiceField(Addressee.objects.none(), widget=forms.HiddenInput)
    state = forms.ChoiceField(label="回答", choices=[("not_applicable", "該当なし"), ("considering", "検討中")])
    name = forms.CharField(
        label="電話の相手と聞いた内容",
        max_length=200,
        error_messages={"required": "電話の相手と聞いた内容を書いてください。"},
    )

    def __init__(self, *args, rows, **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["row"].queryset = rows


class Due(forms.Form):
    """回答期限の変更"""

    due = DayField(label="新しい回答期限", error_messages={"required": "新しい回答期限を入れてください。"})
    reason = forms.CharField(
        label="変更の理由（相手への通知に載ります）",
        max_length=500,
        widget=forms.Textarea(attrs={"rows": 3}),
        error_messages={"required": "変更の理由を書いてください（相手への通知に載ります）。"},
    )
