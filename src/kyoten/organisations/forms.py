"""Forms of people, addresses, areas and hubs. They shape the input; whether an act is allowed is said by the act."""

from __future__ import annotations

from datetime import date
from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from kyoten.records import fields
from kyoten.records.models import Refused
from kyoten.rules.text import clean_line, narrow
from kyoten.rules.wareki import wareki

from .actions.people import USERNAME, USERNAME_RULE, check_password_rules, clean_username
from .models import Area, Organisation, Seat, Section, User


class LineField(forms.CharField):
    """One line of text, cleaned at the border."""

    def to_python(self, value: Any) -> str:
        return clean_line(super().to_python(value))


class NarrowField(LineField):
    """A number or an address: full-width letters and digits become half-width."""

    def to_python(self, value: Any) -> str:
        return narrow(super().to_python(value))


class AddressField(NarrowField, forms.EmailField):
    pass


class DayField(fields.DayField):
    """Most days here may stay empty: from today, or until further notice."""

    def __init__(self, **options: Any) -> None:
        super().__init__(required=options.pop("required", False), **options)


# ---- people -----------------------------------------------------------------------------------


class InviteForm(forms.Form):
    section = forms.ModelChoiceField(Section.objects.none(), label="課・係", empty_label=None)
    name = LineField(label="氏名", max_length=60)
    role = forms.ChoiceField(
        label="役割",
        choices=Seat.Role,
        initial=Seat.Role.OFFICER,
        widget=forms.RadioSelect,
        help_text="閲覧は見るだけ、担当は入力と提出、決裁は施行、管理は利用者と連絡先の管理ができます。",
    )
    valid_from = DayField(label="着任日", help_text="空欄のときは、招待を受けた日からです。")

    def __init__(self, *args: Any, sections: Any, roles: list[str] | None = None, **options: Any) -> None:
        super().__init__(*args, **options)
        self.fields["section"].queryset = sections
        self.fields["section"].label_from_instance = str
        if roles:
            self.fields["role"].choices = [choice for choice in Seat.Role.choices if choice[0] in roles]
            self.fields["role"].initial = roles[0]


class TransferForm(forms.Form):
    last_day = DayField(label="最終日", help_text="この日まで使えます。空欄のときは、すぐに使えなくなります。")
    successor = forms.ModelChoiceField(
        User.objects.none(), label="後任（所属の利用者から）", required=False, empty_label="選ばない"
    )
    successor_name = LineField(
        label="後任（新しく招待する方の氏名）",
        max_length=60,
        required=False,
        help_text="課のメールアドレスに招待のリンクを送ります。",
    )
    successor_from = DayField(label="後任の着任日", help_text="最終日より前にすると、引継ぎの期間が重なります。")

    def __init__(self, *args: Any, colleagues: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.fields["successor"].queryset = colleagues
        self.fields["successor"].label_from_instance = lambda person: person.name

    def clean(self) -> dict[str, Any]:
        data = super().clean()
        if data.get("successor") and data.get("successor_name"):
            raise ValidationError(
                "後任は、所属の利用者から選ぶか、氏名を入力して招待するか、どちらか一つにしてください。"
            )
        return data


class GiveSeatForm(forms.Form):
    person = forms.ModelChoiceField(User.objects.none(), label="利用者", empty_label=None)
    section = forms.ModelChoiceField(Section.objects.none(), label="課・係", empty_label=None)
    role = forms.ChoiceField(label="役割", choices=Seat.Role, initial=Seat.Role.OFFICER, widget=forms.RadioSelect)
    valid_from = DayField(label="着任日", help_text="空欄のときは今日からです。")

    def __init__(self, *args: Any, colleagues: Any, sections: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.fields["person"].queryset = colleagues
        self.fields["person"].label_from_instance = lambda person: person.name
        self.fields["section"].queryset = sections
        self.fields["section"].label_from_instance = lambda section: section.name


class RoleForm(forms.Form):
    role = forms.ChoiceField(label="役割", choices=Seat.Role)


class NameForm(forms.Form):
    name = LineField(label="氏名", max_length=60)


# ---- login ------------------------------------------------------------------------------------


class PasswordForm(forms.Form):
    """A new password, typed twice."""

    password1 = forms.CharField(
        label="パスワード",
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
        help_text="12文字以上。よく使われる言葉や、利用者IDに似たものは使えません。",
    )
    password2 = forms.CharField(
        label="パスワード（確認のためもう一度）",
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )

    def clean(self) -> dict[str, Any]:
        data = super().clean()
        first, second = data.get("password1"), data.get("password2")
        if first and second and first != second:
            self.add_error("password2", "二つのパスワードが一致しません。")
        if first:
            self._check_rules(first)
        return data

    def person(self) -> User:
        """Whose password it is, for the rule against passwords that look like the account."""
        return User()

    def _check_rules(self, password: str) -> None:
        try:
            check_password_rules(password, self.person())
        except Refused as refusal:
            self.add_error("password1", str(refusal))


class AcceptForm(PasswordForm):
    username = forms.CharField(
        label="利用者ID",
        max_length=60,
        help_text="半角の英小文字・数字・「.」「_」「-」で4～30文字。ログインに使います。",
        widget=forms.TextInput(attrs={"autocomplete": "username", "autocapitalize": "none", "spellcheck": "false"}),
    )
    field_order = ["username", "password1", "password2"]

    def __init__(self, *args: Any, name: str, **options: Any) -> None:
        super().__init__(*args, **options)
        self.name = name

    def person(self) -> User:
        return User(username=self.cleaned_data.get("username", ""), name=self.name)

    def clean_username(self) -> str:
        username = clean_username(self.cleaned_data["username"])
        if not USERNAME.fullmatch(username):
            raise ValidationError(USERNAME_RULE)
        return username


class NewPasswordForm(PasswordForm):
    def __init__(self, *args: Any, person: User, **options: Any) -> None:
        super().__init__(*args, **options)
        self.owner = person

    def person(self) -> User:
        return self.owner


class CodeForm(forms.Form):
    code = NarrowField(
        label="確認番号",
        max_length=12,
        help_text="メールに書かれた6桁の数字",
        widget=forms.TextInput(attrs={"autocomplete": "one-time-code", "inputmode": "numeric", "size": "10"}),
    )


class RecoverForm(forms.Form):
    username = forms.CharField(
        label="利用者ID",
        max_length=150,
        widget=forms.TextInput(attrs={"autocomplete": "username", "autocapitalize": "none", "spellcheck": "false"}),
    )


# ---- addresses --------------------------------------------------------------------------------

MEND, UNCONFIRMED = "mend", "unconfirmed"
STATES = [("", "すべて"), (MEND, "要修正"), (UNCONFIRMED, "今年度の確認がまだ")]


class AddressFilter(forms.Form):
    q = LineField(label="言葉で探す", required=False, max_length=100)
    prefecture = forms.ModelChoiceField(
        Organisation.objects.none(), label="都道府県", required=False, empty_label="すべて"
    )
    kind = forms.ChoiceField(label="機関の区分", required=False, choices=[("", "すべて"), *Organisation.Kind.choices])
    state = forms.ChoiceField(label="状態", required=False, choices=STATES)

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.fields["prefecture"].queryset = Organisation.objects.filter(kind=Organisation.Kind.PREFECTURE)


class SectionForm(forms.Form):
    name = LineField(label="課・係の名称", max_length=100)
    email = AddressField(
        label="メールアドレス", required=False, help_text="課のアドレス。個人のアドレスは避けてください。"
    )
    phone = NarrowField(label="電話番号", max_length=50, required=False)
    fax = NarrowField(label="FAX番号", max_length=50, required=False)
    is_default = forms.BooleanField(label="代表の課（宛先の課が決まっていない文書を受け取る）", required=False)


class SectionEditForm(SectionForm):
    renamed_on = DayField(
        label="名称が変わった日", help_text="改称のときだけ入力します。書き間違いを直すときは空欄のままにしてください。"
    )
    version = forms.IntegerField(widget=forms.HiddenInput)


class CloseForm(forms.Form):
    last_day = DayField(label="最終日", required=True)


class OrganisationForm(forms.Form):
    kind = forms.ChoiceField(label="機関の区分")
    level = forms.ChoiceField(
        label="団体の範囲",
        required=False,
        choices=[("", "（関係団体のときに選ぶ）"), *Organisation.Level.choices],
    )
    name = LineField(label="機関の名称", max_length=100)
    kana = LineField(label="よみ", max_length=200, required=False)

    def __init__(self, *args: Any, kinds: list[str], **options: Any) -> None:
        super().__init__(*args, **options)
        self.fields["kind"].choices = [choice for choice in Organisation.Kind.choices if choice[0] in kinds]

    def clean(self) -> dict[str, Any]:
        data = super().clean()
        if data.get("kind") == Organisation.Kind.ASSOCIATION and not data.get("level"):
            self.add_error("level", "関係団体のときは、団体の範囲を選んでください。")
        return data


class OrganisationNameForm(forms.Form):
    name = LineField(label="機関の名称", max_length=100)
    kana = LineField(label="よみ", max_length=200, required=False)
    renamed_on = DayField(label="名称が変わった日", help_text="書き間違いを直すときは空欄のままにしてください。")


class ImportForm(forms.Form):
    file = forms.FileField(
        label="連絡先の表（Excel）", help_text="「Excelに出す」で出した表と同じ列の .xlsx ファイル（20MBまで）"
    )


class ConfirmationForm(forms.Form):
    """Two buttons: 「変更なし」, or what has changed in words."""

    answer = forms.ChoiceField(choices=[("same", "変更なし"), ("changed", "変更あり")], widget=forms.HiddenInput)
    change_wanted = forms.CharField(
        label="変わったところ",
        required=False,
        max_length=2000,
        widget=forms.Textarea,
        help_text="例: 課の名称が「○○課」に変わりました。電話番号は00-0000-0000です。",
    )

    def clean(self) -> dict[str, Any]:
        data = super().clean()
        if data.get("answer") == "same":
            data["change_wanted"] = ""
        elif not data.get("change_wanted", "").strip():
            self.add_error(
                "change_wanted", "変わったところを書いてください。変更がないときは「変更なし」を押してください。"
            )
        return data


# ---- areas and hubs ---------------------------------------------------------------------------


class AreaForm(forms.Form):
    kind = forms.ChoiceField(label="圏域の種類", choices=Area.Kind)
    name = LineField(label="圏域名", max_length=100)
    municipalities = forms.ModelMultipleChoiceField(
        Organisation.objects.none(), label="構成する市町村", widget=forms.CheckboxSelectMultiple
    )
    valid_from = DayField(label="開始日")
    valid_to = DayField(label="終了日", help_text="終わりが決まっていないときは空欄にします。")
    source = LineField(label="根拠", max_length=300, required=False, help_text="例: 千葉県保健医療計画（令和6年度～）")
    version = forms.IntegerField(widget=forms.HiddenInput, initial=1)

    def __init__(self, *args: Any, municipalities: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.fields["municipalities"].queryset = municipalities


class DesignationForm(forms.Form):
    organisation = forms.ModelChoiceField(
        Organisation.objects.none(), label="拠点となる機関", empty_label="選んでください"
    )
    area = forms.ModelChoiceField(
        Area.objects.none(),
        label="担当する圏域",
        required=False,
        empty_label="定めない",
        help_text="定めると、圏域の市町村すべてに拠点があるものとして扱います。",
    )
    valid_from = DayField(label="指定の開始日", required=True)
    valid_to = DayField(label="指定の終了日")
    source = LineField(label="根拠", max_length=300, required=False)

    def __init__(self, *args: Any, bodies: Any, areas: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.fields["organisation"].queryset = bodies
        self.fields["area"].queryset = areas


def period(start: date | None, end: date | None) -> str:
    """「令和7年4月1日～」 for a period with open ends."""
    first = wareki(start) if start else ""
    last = wareki(end) if end else ""
    return f"{first}～{last}" if first or last else "期間の定めなし"
