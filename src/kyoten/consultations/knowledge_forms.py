"""What comes in from the pages of purpose, examples, the guidebook and personal data."""

from __future__ import annotations

from collections.abc import Sequence

from django import forms

from kyoten.consultations.desks import Desk
from kyoten.consultations.models import Consultation, Example, GuideSection
from kyoten.papers.tables_in import read_table
from kyoten.records.fields import DayField
from kyoten.rules.definition import Column
from kyoten.rules.text import clean

LONG = 20_000  # characters
GUIDE_COLUMNS = (
    Column(id="chapter", label="章"),
    Column(id="title", label="見出し"),
    Column(id="text", label="本文"),
)


def area(label: str, rows: int, **options) -> forms.CharField:
    return forms.CharField(label=label, max_length=LONG, widget=forms.Textarea(attrs={"rows": rows}), **options)


class Consent(forms.Form):
    """同意の記録"""

    consent = forms.ChoiceField(
        label="事例としての公開", choices=[("yes", "同意"), ("no", "不同意")], widget=forms.RadioSelect
    )
    how = area("どのように確かめたか", 2, help_text="日時・方法・相手。例　7月23日の電話で、相談者ご本人が同意。")


class Texts(forms.Form):
    """事例の文面"""

    title = forms.CharField(label="題", max_length=200)
    question = area("問い", 6)
    answer = area("答え", 8)
    version = forms.IntegerField(widget=forms.HiddenInput, required=False)

    @staticmethod
    def of_case(case: Consultation) -> dict[str, str]:
        """What a proposal starts from: the question, and the answers that were given."""
        sent = case.drafts.filter(state="sent").order_by("pk").values_list("text", flat=True)
        return {"title": case.subject[:200], "question": case.text, "answer": "\n\n".join(sent)}

    @staticmethod
    def of_example(example: Example) -> dict[str, str | int]:
        return {name: getattr(example, name) for name in ("title", "question", "answer", "version")}

    def texts(self) -> dict[str, str]:
        return {name: self.cleaned_data[name] for name in ("title", "question", "answer")}


class UseField(forms.ChoiceField):
    """Takes a use that is on no list too: the act refuses it, and records that somebody tried."""

    def valid_value(self, value: str) -> bool:
        return True


class Exporting(forms.Form):
    """書き出し: which desk's cases, for what use, as which file."""

    desk = forms.ChoiceField(label="窓口")
    use = UseField(label="何に使うか")
    kind = forms.ChoiceField(
        label="ファイル", choices=[("xlsx", "Excel"), ("docx", "Word")], widget=forms.RadioSelect, initial="xlsx"
    )

    def __init__(self, *args, desks: Sequence[Desk], **options) -> None:
        super().__init__(*args, **options)
        self.fields["desk"].choices = [
            (desk.slug, f"{desk.title}（{desk.definition.fiscal_year}年度）") for desk in desks
        ]
        uses = {use.id: use.label for desk in desks for use in desk.rules.purpose.uses}
        self.fields["use"].choices = [*uses.items(), ("other", "その他の目的")]


class Guide(forms.ModelForm):
    """ガイドブックの一節"""

    version = forms.IntegerField(widget=forms.HiddenInput, required=False)

    class Meta:
        model = GuideSection
        fields = ("chapter", "title", "text", "place", "version")
        widgets = {"text": forms.Textarea(attrs={"rows": 12})}

    def __init__(self, *args, **options) -> None:
        super().__init__(*args, **options)
        self.fields["place"].required = False

    def values(self) -> dict:
        found = {name: self.cleaned_data[name] for name in ("chapter", "title", "text")}
        return found | {"place": self.cleaned_data["place"] or 0}


class GuideFile(forms.Form):
    """一括登録: an Excel or CSV file, or rows of (章, 見出し, 本文) in one."""

    file = forms.FileField(label="Excel か CSV のファイル", help_text="1行目に「章」「見出し」「本文」と書いた表。")

    def clean_file(self) -> list[tuple[str, str, str]]:
        file = self.cleaned_data["file"]
        reading = read_table(file.read(), file.name, GUIDE_COLUMNS)
        if reading.refused:
            raise forms.ValidationError(reading.refused.text)
        rows = [(row["chapter"], row["title"], row["text"]) for row in reading.rows]
        return [row for row in rows if row[1].strip() and row[2].strip()]


class Readers(forms.Form):
    """だれが見たか: of a case, of a caller's cases, or by an officer."""

    who = forms.CharField(
        label="受付番号、相談者（メールアドレスか氏名）、職員（氏名か利用者ID）", max_length=320, required=False
    )
    since = DayField(label="この日から", required=False)
    until = DayField(label="この日まで", required=False)


class Person(forms.Form):
    """本人の求め: whose data."""

    who = forms.CharField(label="メールアドレスか氏名", max_length=320)

    def clean_who(self) -> str:
        return clean(self.cleaned_data["who"]).strip()


class Removing(forms.Form):
    who = forms.CharField(widget=forms.HiddenInput)
    document = forms.CharField(
        label="求めを受け付けた文書の番号", max_length=100, help_text="番号が無ければ受付日。消去の記録に残ります。"
    )
    sure = forms.BooleanField(label="消去すると元に戻せないことを確かめました")
