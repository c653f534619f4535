"""The forms of the post office."""

from __future__ import annotations

from django import forms

from kyoten.post.actions import is_address

BAD_ADDRESS = "メールアドレスの形が正しくありません（例: tantou@city.example.jp）。"


class AddressField(forms.CharField):
    """One mail address, checked by the rule the outbox itself uses."""

    def __init__(self, **options) -> None:
        widget = forms.TextInput(
            attrs={"inputmode": "email", "autocapitalize": "none", "spellcheck": "false", "size": 40}
        )
        super().__init__(max_length=320, widget=widget, **options)

    def validate(self, value: str) -> None:
        super().validate(value)
        if value and not is_address(value):
            raise forms.ValidationError(BAD_ADDRESS)


class ResendForm(forms.Form):
    to = AddressField(label="宛先", help_text="アドレスが違っていた場合は、直してから再送してください。")


class ReplyForm(forms.Form):
    """デモ: what somebody writes in their own mail program."""

    text = forms.CharField(label="返信の本文", max_length=20_000, widget=forms.Textarea(attrs={"rows": 8}))
    file = forms.FileField(label="添付ファイル", required=False)


class MailboxFilter(forms.Form):
    to = forms.CharField(label="宛先", required=False, widget=forms.TextInput(attrs={"size": 24}))
    word = forms.CharField(label="件名・本文", required=False, widget=forms.TextInput(attrs={"size": 24}))
