"""Forms of 事業設定."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django import forms

from kyoten.organisations.models import Section
from kyoten.rules.reading import Invalid, decode


class DefinitionForm(forms.Form):
    """A definition as a file or as text, and the cases that go with it. Afterwards `cleaned_data` holds texts only."""

    file = forms.FileField(
        label="定義ファイル（.toml）", required=False, help_text="選ばないときは、下の欄の内容を使います"
    )
    cases_file = forms.FileField(label="計算例のファイル（.cases.toml）", required=False)
    text = forms.CharField(
        label="定義ファイルの内容",
        required=False,
        strip=False,
        widget=forms.Textarea(attrs={"rows": 16, "spellcheck": "false"}),
    )
    cases = forms.CharField(
        label="計算例の内容",
        required=False,
        strip=False,
        widget=forms.Textarea(attrs={"rows": 6, "spellcheck": "false"}),
    )

    def clean(self) -> dict[str, Any]:
        data = super().clean()
        for name, upload in (("text", "file"), ("cases", "cases_file")):
            data[name] = self._text(upload) or (data.get(name) or "").replace("\r\n", "\n")
        if not data["text"].strip() and not self.errors:
            self.add_error("file", "定義ファイルを選ぶか、内容を欄に貼り付けてください。")
        return data

    def _text(self, upload: str) -> str:
        file = self.cleaned_data.get(upload)
        if not file:
            return ""
        try:
            return decode(file.read(), file.name)
        except Invalid as error:
            self.add_error(upload, str(error))
            return ""


class InChargeForm(forms.Form):
    """Which section of one's own body is in charge of a programme."""

    programme = forms.SlugField(widget=forms.HiddenInput)
    section = forms.TypedChoiceField(label="所管課")

    def __init__(self, *args: Any, sections: Sequence[Section], **kwargs: Any) -> None:
        """`sections` are read once for the forms of all programmes, so no ModelChoiceField."""
        super().__init__(*args, **kwargs)
        known = {str(section.pk): section for section in sections}
        self.fields["section"].choices = [(pk, section.name) for pk, section in known.items()]
        self.fields["section"].coerce = known.__getitem__
