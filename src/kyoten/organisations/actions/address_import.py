"""The address list back from Excel: compare, show, and apply on confirmation. Rows missing in the file stay as they are."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import transaction
from django.utils import timezone

from kyoten.records.actions import Entry, record_many
from kyoten.records.models import Refused
from kyoten.rules.text import clean_line, narrow, same_words

from ..models import AddressImport, Organisation, Seat, Section
from .addresses import LABELS, write_section

NUMBER, CODE, BODY, DEFAULT = "番号", "団体コード", "機関名", "代表の課"
COLUMNS = (NUMBER, CODE, "都道府県", BODY, *LABELS.values())
LENGTHS = {"name": 100, "email": 254, "phone": 50, "fax": 50}
MARKS = {"○", "〇", "◯", "はい", "1"}


@dataclass
class Line:
    """One row of the file and what it would do. verdict: add, change, same, error."""

    number: int  # the row in the sheet, as Excel counts
    body: str
    values: dict[str, Any]
    verdict: str = ""
    reason: str = ""
    section_id: int | None = None
    body_id: int | None = None
    version: int | None = None
    changes: dict[str, tuple[Any, Any]] = field(default_factory=dict)

    def refuse(self, reason: str) -> Line:
        self.verdict, self.reason = "error", reason
        return self

    @property
    def changed(self) -> list[tuple[str, Any, Any]]:
        """What would change, to show: label, now, then."""
        return [(LABELS[name], shown(old), shown(new)) for name, (old, new) in self.changes.items()]


def shown(value: Any) -> str:
    return {True: "○", False: ""}.get(value, value) if isinstance(value, bool) else value


class Known:
    """What the file is compared with: the bodies and sections the seat may correct, and those it only sees."""

    def __init__(self, by: Seat, at: datetime) -> None:
        today = timezone.localdate(at)
        bodies = list(Organisation.objects.editable_by(by, today))
        self.bodies = {body.pk: body for body in bodies}
        self.by_code = {body.code: body for body in bodies if body.code}
        self.by_name = {same_words(body.name): body for body in bodies}
        sections = Section.objects.valid_on(today).filter(organisation__in=self.bodies)
        self.sections = {section.pk: section for section in sections}
        seen = Section.objects.visible_to(by, today).valid_on(today).exclude(organisation__in=self.bodies)
        self.only_seen = {section.pk: section for section in seen.select_related("organisation")}
        self.by_words = {(row.organisation_id, same_words(row.name)): row for row in self.sections.values()}


def compare(rows: Sequence[tuple[int, Mapping[str, str]]], *, by: Seat, at: datetime) -> list[Line]:
    """What each row of the sheet would do. `rows` are row numbers and texts by column title.

    A column that is missing changes nothing; an empty cell empties the field.
    """
    known = Known(by, at)
    lines = [_line(number, row, known) for number, row in rows]
    _refuse_repeats(lines)
    return lines


def _line(number: int, row: Mapping[str, str], known: Known) -> Line:
    values = {name: _value(name, row[label]) for name, label in LABELS.items() if label in row}
    line = Line(number, row.get(BODY, ""), values)
    section = None
    if wanted := narrow(row.get(NUMBER, "")):
        number_wanted = int(wanted) if wanted.isdecimal() and len(wanted) < 18 else 0
        section = known.sections.get(number_wanted)
        if section is None and _untouched(line, known.only_seen.get(number_wanted)):
            return line
        if section is None:
            return line.refuse(
                "番号の課が見つからないか、変更できる範囲にありません。新しい課は、番号を空欄にしてください。"
            )
    body = known.bodies[section.organisation_id] if section else _body(row, known)
    if body is None:
        return line.refuse("機関が見つからないか、変更できる範囲にありません。団体コードか機関名を確かめてください。")
    line.body, line.body_id = body.name, body.pk
    if section is None:
        section = known.by_words.get((body.pk, same_words(values.get("name", ""))))
    return _judge(line, section)


def _untouched(line: Line, section: Section | None) -> bool:
    """A row the export gave for information and nobody wrote in: no change, and no mistake either."""
    if section is None or any(getattr(section, name) != value for name, value in line.values.items()):
        return False
    line.body, line.verdict = section.organisation.name, "same"
    return True


def _value(name: str, text: str) -> Any:
    if name == "is_default":
        return narrow(text) in MARKS or clean_line(text) in MARKS
    return clean_line(text) if name == "name" else narrow(clean_line(text))


def _body(row: Mapping[str, str], known: Known) -> Organisation | None:
    code = narrow(row.get(CODE, "")).rjust(6, "0") if row.get(CODE) else ""  # Excel drops the 0 of 012025
    return known.by_code.get(code) if code else known.by_name.get(same_words(row.get(BODY, "")))


def _judge(line: Line, section: Section | None) -> Line:
    for problem in _problems(line.values, new=section is None):
        return line.refuse(problem)
    if section is None:
        line.verdict = "add"
        line.changes = {name: ("", value) for name, value in line.values.items() if value}
        return line
    line.section_id, line.version = section.pk, section.version
    now = {name: getattr(section, name) for name in line.values}
    line.changes = {name: (now[name], value) for name, value in line.values.items() if now[name] != value}
    line.verdict = "change" if line.changes else "same"
    return line


def _problems(values: Mapping[str, Any], *, new: bool):
    if not values.get("name", "" if new else "-"):
        yield "課・係の名称が空欄です。"
    for name, most in LENGTHS.items():
        if len(values.get(name, "")) > most:
            yield f"{LABELS[name]}が長すぎます（{most}文字まで）。"
    try:
        if values.get("email"):
            validate_email(values["email"])
    except ValidationError:
        yield f"メールアドレスの形が正しくありません（{values['email']}）。"


def _refuse_repeats(lines: list[Line]) -> None:
    """The same section twice, or two default sections of one body: which row is meant is not ours to guess."""
    good = [line for line in lines if line.verdict != "error" and line.body_id]
    seen = Counter(_place(line) for line in good)
    defaults = Counter(line.body_id for line in good if line.values.get("is_default"))
    for line in good:
        if seen[_place(line)] > 1:
            line.refuse("同じ課の行が二つ以上あります。一つにしてください。")
        elif line.values.get("is_default") and defaults[line.body_id] > 1:
            line.refuse("同じ機関に「代表の課」が二つ以上あります。一つにしてください。")


def _place(line: Line) -> tuple[Any, ...]:
    return (line.section_id,) if line.section_id else (line.body_id, same_words(line.values.get("name", "")))


# ---- keeping and applying ---------------------------------------------------------------------


@transaction.atomic
def prepare_import(
    rows: Sequence[tuple[int, Mapping[str, str]]], *, file_name: str, by: Seat, at: datetime
) -> AddressImport:
    """Keep what was read, with the versions it was compared with, for the preview and the confirmation."""
    if not rows:
        raise Refused("表に行がありません。列の名前の下に連絡先が入った表を選んでください。")
    versions = {line.section_id: line.version for line in compare(rows, by=by, at=at) if line.section_id}
    text = json.dumps({"rows": list(rows), "versions": versions}, ensure_ascii=False)
    return AddressImport.objects.create(seat=by, file_name=file_name[:255], rows=text, created_at=at)


def preview(kept: AddressImport, *, by: Seat, at: datetime) -> list[Line]:
    return compare(json.loads(kept.rows)["rows"], by=by, at=at)


@transaction.atomic
def apply_import(kept: AddressImport, *, by: Seat, at: datetime) -> Counter[str]:
    """連絡先の取込: everything that is no error, in one go; refused as a whole where a section changed meanwhile."""
    if not AddressImport.objects.filter(pk=kept.pk, seat=by, applied_at=None).update(applied_at=at, rows=""):
        raise Refused("この表はすでに取り込みました。")
    lines = preview(kept, by=by, at=at)
    versions = json.loads(kept.rows)["versions"]
    if any(line.section_id and versions.get(str(line.section_id)) != line.version for line in lines):
        raise Refused(
            "確認の画面を開いたあとに、ほかの方が連絡先を変更しました。もう一度ファイルを選んで、違いを確認してください。"
        )
    entries = [_apply(line, at) for line in lines if line.verdict in ("add", "change")]
    if not entries:
        raise Refused("取り込む変更がありません。")
    record_many(entries, by=by.actor(), at=at)
    return Counter(line.verdict for line in lines)


def _apply(line: Line, at: datetime) -> Entry:
    if line.verdict == "add":
        if line.values.get("is_default"):
            Section.objects.filter(organisation=line.body_id, is_default=True).update(is_default=False)
        section = Section.objects.create(organisation_id=line.body_id, valid_from=timezone.localdate(at), **line.values)
        return Entry("import_section", "課を追加（表の取込）", "section", section.pk)
    section = Section.objects.get(pk=line.section_id)
    change = {name: new for name, (_, new) in line.changes.items()}
    values = {name: getattr(section, name) for name in LABELS} | change
    write_section(section.pk, section.version, values, change, section.organisation_id)
    labels = "・".join(LABELS[name] for name in change)
    return Entry("import_section", f"連絡先を変更（{labels}・表の取込）", "section", section.pk)
