"""What comes in from the screens of a desk. Whether an act is allowed is said by the act."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from django import forms

from kyoten.consultations.actions.handling import Facts, Promise
from kyoten.consultations.actions.intake import Caller, Incoming
from kyoten.consultations.models import Consultation
from kyoten.organisations.models import Seat
from kyoten.records.fields import DayField
from kyoten.rules.definition import Desk, Item

NONE = ("", "未選択")
HANDLINGS = [
    NONE, ("information", "情報提供"), ("advice", "助言"), ("referral", "関係機関へ照会"), ("connection", "つなぎ（紹介）"),
    ("meeting", "同行・会議"), ("listening", "傾聴のみ"), ("elsewhere", "他窓口案内"), ("unfinished", "未完"),
]  # fmt: skip


def choices(items: Iterable[Item]) -> list[tuple[str, str]]:
    return [(item.id, item.label) for item in items]


class MomentField(forms.DateTimeField):
    """A day and time in Japan, in the browser's own picker."""

    def __init__(self, **options: Any) -> None:
        widget = forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M")
        said = {"invalid": "日時は 2025-07-22T14:00 の形で入れてください。", "required": "日時を入れてください。"}
        options["error_messages"] = said | options.get("error_messages", {})
        super().__init__(widget=widget, input_formats=["%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S"], **options)


def line(label: str, limit: int, **options: Any) -> forms.CharField:
    return forms.CharField(label=label, max_length=limit, required=False, **options)


def area(label: str, rows: int, **options: Any) -> forms.CharField:
    return forms.CharField(label=label, widget=forms.Textarea(attrs={"rows": rows}), **options)


class Marked(forms.Form):
    """Who asks and what about: the lists are those of the desk's definition."""

    subject = line("件名", 500)
    body_name = line("自治体・機関名", 200)
    person_name = line("氏名", 100)
    phone = line("電話番号", 60)
    email = line("メールアドレス", 320)
    asker = forms.ChoiceField(label="相談者の区分", required=False)
    subjects = forms.MultipleChoiceField(label="分類", required=False, widget=forms.CheckboxSelectMultiple)
    functions = forms.MultipleChoiceField(
        label="関係する拠点の機能", required=False, widget=forms.CheckboxSelectMultiple
    )
    scenes = forms.MultipleChoiceField(label="場面", required=False, widget=forms.CheckboxSelectMultiple)
    urgent = forms.BooleanField(label="至急", required=False)

    def __init__(self, *args: Any, desk: Desk, **options: Any) -> None:
        super().__init__(*args, **options)
        self.fields["asker"].choices = [NONE, *choices(desk.askers)]
        for name, items in (("subjects", desk.subjects), ("functions", desk.functions), ("scenes", desk.scenes)):
            self.fields[name].choices = choices(items)
            if not items:
                del self.fields[name]

    def marks(self) -> dict[str, Sequence[str]]:
        data = self.cleaned_data
        return {kind: data.get(f"{kind}s", []) for kind in ("subject", "function", "scene")}


class Describe(Marked):
    """相談者・分類"""

    handling = forms.ChoiceField(label="対応区分", required=False, choices=HANDLINGS)
    minutes = forms.IntegerField(label="対応時間", required=False, min_value=0, max_value=100_000)
    personal = forms.BooleanField(label="個人情報を含む", required=False)
    version = forms.IntegerField(widget=forms.HiddenInput)

    def facts(self) -> Facts:
        data = self.cleaned_data
        named = {name: data[name] for name in ("subject", "body_name", "person_name", "phone", "email", "asker",
                                               "handling", "urgent", "personal")}  # fmt: skip
        return Facts(**named, minutes=data["minutes"] or 0, marks=self.marks())


class Log(Marked):
    """電話・来所・FAX・訪問の受付: made for typing while talking, what was said first."""

    text = area("照会内容", 6, required=False)
    way = forms.ChoiceField(label="経路", choices=[c for c in Consultation.Way.choices if c[0] not in ("mail", "web")])
    at = MomentField(label="受付日時")
    minutes = forms.IntegerField(label="対応時間", required=False, min_value=0, max_value=100_000)
    mine = forms.BooleanField(label="自分が担当する", required=False)
    callback_at = MomentField(label="折り返し予定", required=False)
    callback_note = line("折り返しの用件", 300)
    field_order = ["way", "at", "body_name", "person_name", "phone", "email", "subject", "text", "asker", "subjects"]

    def incoming(self, seat: Seat) -> Incoming:
        data = self.cleaned_data
        caller = Caller(data["body_name"], data["person_name"], data["phone"], data["email"], asker=data["asker"])
        return Incoming(
            way=data["way"],
            subject=data["subject"] or data["text"].strip().split("\n")[0][:100],
            text=data["text"],
            caller=caller,
            at=data["at"],
            marks=self.marks(),
            urgent=data["urgent"],
            owner=seat if data["mine"] else None,
            minutes=data["minutes"] or 0,
        )

    def promise(self, seat: Seat) -> Promise | None:
        data = self.cleaned_data
        owner = seat if data["mine"] else None
        return Promise(data["callback_at"], data["callback_note"], owner) if data["callback_at"] else None


class Answering(forms.Form):
    """回答案"""

    subject = line("件名", 500)
    text = area("回答", 10, error_messages={"required": "回答の内容を入力してください。"})
    version = forms.IntegerField(required=False, widget=forms.HiddenInput)

    def __init__(self, *args, **more):
        super().__init__(*args, auto_id="answer_%s", **more)  # it stands on one page with the form of another act


class Referring(forms.Form):
    """照会"""

    to_name = forms.CharField(label="照会先", max_length=200, error_messages={"required": "照会先を入力してください。"})
    to_email = forms.CharField(
        label="メールアドレス", max_length=320, error_messages={"required": "メールアドレスを入力してください。"}
    )
    text = area("照会内容", 5, error_messages={"required": "照会内容を入力してください。"})
    due = DayField(label="回答期限", required=False)


class CallingBack(forms.Form):
    """折り返し予定"""

    when = MomentField(label="予定日時")
    phone = line("電話番号", 60)
    note = line("用件", 300)
    owner = forms.ModelChoiceField(
        Seat.objects.none(), label="担当", required=False, empty_label="決めない（手の空いた人）"
    )

    def __init__(self, *args: Any, seats: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.fields["owner"].queryset = seats
        self.fields["owner"].label_from_instance = lambda seat: seat.person.name


class Assigning(forms.Form):
    owner = forms.ModelChoiceField(Seat.objects.none(), label="担当", required=False, empty_label="割り当てない")

    def __init__(self, *args: Any, seats: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.fields["owner"].queryset = seats
        self.fields["owner"].label_from_instance = lambda seat: seat.person.name


class Asked(forms.Form):
    """Webフォーム: what a caller types, without login."""

    body_name = forms.CharField(
        label="自治体・機関名", max_length=200, error_messages={"required": "自治体・機関名を入力してください。"}
    )
    person_name = forms.CharField(label="氏名", max_length=100, error_messages={"required": "氏名を入力してください。"})
    email = forms.EmailField(
        label="メールアドレス", max_length=320,
        error_messages={"required": "メールアドレスを入力してください。",
                        "invalid": "メールアドレスの形を確かめてください（例: tantou@city.example.jp）。"},
    )  # fmt: skip
    phone = line("電話番号", 60)
    subject = forms.CharField(label="件名", max_length=200, error_messages={"required": "件名を入力してください。"})
    text = area(
        "相談内容（具体的に）", 8, max_length=20_000, error_messages={"required": "相談内容を入力してください。"}
    )
    # People leave it empty; programs that fill in every field are told by it.
    url = forms.CharField(required=False, widget=forms.TextInput(attrs={"autocomplete": "off", "tabindex": "-1"}))

    def incoming(self, at: datetime) -> Incoming:
        data = self.cleaned_data
        caller = Caller(data["body_name"], data["person_name"], data["phone"], data["email"])
        return Incoming(way="web", subject=data["subject"], text=data["text"], caller=caller, at=at)
