"""Forms that come back: the original is kept first, then read, and only a person's confirmation changes the answers."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

from django.conf import settings
from django.core.files.uploadedfile import UploadedFile
from django.db import transaction

from kyoten.calls.actions import applying
from kyoten.calls.models import Application, FormFile
from kyoten.organisations.models import Seat
from kyoten.papers.reading import Reading, read_form
from kyoten.papers.tables_in import TableReading, parse_paste, read_table
from kyoten.records.actions import attach, record, store_file
from kyoten.records.models import Attachment, Refused
from kyoten.rules import answers as form_answers
from kyoten.rules.definition import Field


def read_upload(file: UploadedFile) -> bytes:
    """The bytes of an upload, refused above the limit."""
    if file.size > settings.UPLOAD_LIMIT:
        limit = settings.UPLOAD_LIMIT // (1024 * 1024)
        raise Refused(
            f"ファイルが大きすぎます（{file.size / 1024 / 1024:.1f}MB）。{limit}MB以下にして、もう一度選んでください。"
        )
    if file.size == 0:
        raise Refused("ファイルが空です。保存し直してから、もう一度選んでください。")
    return file.read()


def take_form(application: Application, data: bytes, name: str, *, by: Seat, at: datetime) -> FormFile:
    """Wordの申込書の読み込み: keep the original whatever it is, then read it.

    Storing and reading take their time (a fat file: seconds), so nothing is locked meanwhile.
    """
    if not Application.objects.editable_by(by).filter(pk=application.pk).exists() or not by.may_act:
        raise Refused("提出済みの申込書には読み込めません。")
    original = store_file(data, name, by=by.actor(), at=at)
    _keep_original(application, original, by=by, at=at)
    reading = read_form(application.form, data, name)
    return _keep_reading(application, original, reading, by=by, at=at)


@transaction.atomic
def _keep_original(application: Application, original: Attachment, *, by: Seat, at: datetime) -> None:
    attach(original, kind=applying.KIND, record_id=application.pk, label="form")
    record("take_form", f"「{original.name}」を受領", kind=applying.KIND, record_id=application.pk, by=by.actor(), at=at,
           facts={"sha256": original.sha256})  # fmt: skip


@transaction.atomic
def _keep_reading(
    application: Application, original: Attachment, reading: Reading, *, by: Seat, at: datetime
) -> FormFile:
    """What was read waits for confirmation, beside digests of the answers as they are at this moment.

    Where nothing could be read there is nothing to confirm: the original is kept, and no page asks for it again.
    """
    locked = applying.editable_row(application.pk, by)
    if locked is None or locked.programme_id != application.programme_id:
        raise Refused(
            "読み取っている間に、申込書が提出されたか、新しい版の様式へ移されました。"
            "ファイルは保存しています。画面を開き直して、もう一度読み込んでください。"
        )
    return FormFile.objects.create(
        application=locked, attachment_id=original.pk, name=original.name, taken_at=at,
        taken_by=f"{by.section}　{by.person.name}", settled_at=at if reading.refused else None,
        reading_text=json.dumps(_plain(reading), ensure_ascii=False),
        base_text=json.dumps(form_answers.digests(locked.form, locked.answers)),
    )  # fmt: skip


def _plain(reading: Reading) -> dict[str, Any]:
    """What the confirmation screen needs of a Reading, as JSON."""
    return {
        "refused": reading.refused.text if reading.refused else "",
        "answers": reading.answers,
        "notes": [{"field": n.field, "text": n.text, "level": n.level, "where": n.where} for n in reading.notes],
        "source": {key: {"where": s.where, "raw": s.raw} for key, s in reading.source.items()},
    }


def reading_rows(application: Application, taken: FormFile) -> list[dict[str, Any]]:
    """One row per field: what stands now, what was read, and from where."""
    read = json.loads(taken.reading_text)
    rows = []
    for field in application.form.fields():
        if field.id not in read["answers"]:
            continue
        now = application.answers.get(field.id, form_answers.blank(field))
        new = read["answers"][field.id]
        rows.append({
            "field": field, "now": form_answers.show(field, now), "read": form_answers.show(field, new),
            "same": _same(field, now, new), "source": read["source"].get(field.id, {}),
        })  # fmt: skip
    return rows


def _same(field: Field, now: Any, new: Any) -> bool:
    if field.kind != "table":
        return now == new
    return [_cells(row) for row in now or []] == [_cells(row) for row in new or []]


def _cells(row: dict[str, str]) -> dict[str, str]:
    return {key: value for key, value in row.items() if key != "row" and value}


def reading_notes(taken: FormFile) -> dict[str, Any]:
    read = json.loads(taken.reading_text)
    return {"refused": read["refused"], "notes": read["notes"]}


@transaction.atomic
def settle_form(
    application: Application, taken: FormFile, fields: set[str], *, by: Seat, at: datetime
) -> applying.Saved:
    """読み取り結果の反映: the fields the officer ticked go into the application, the rest stays as it is."""
    read = json.loads(taken.reading_text)
    chosen = {key: _with_groups(application, key, value) for key, value in read["answers"].items() if key in fields}
    if not chosen:
        raise Refused("申込書に入れる項目を選んでください。")
    saved = applying.save(application, chosen, json.loads(taken.base_text), by=by, at=at)
    FormFile.objects.filter(pk=taken.pk).update(settled_at=at)
    record("read_form", f"「{taken.name}」から{len(chosen)}項目を反映", kind=applying.KIND, record_id=application.pk,
           by=by.actor(), at=at, facts={"fields": sorted(chosen)})  # fmt: skip
    return saved


@transaction.atomic
def leave_form(application: Application, taken: FormFile, *, by: Seat, at: datetime) -> None:
    """読み取り結果を入れない: the file is kept, nothing of it goes into the application."""
    if not applying.hold_editable(application.pk, by) or not by.may_act:
        raise Refused("この申込書はいま編集できません。画面を開き直してください。")
    if not FormFile.objects.filter(pk=taken.pk, settled_at=None).update(settled_at=at):
        raise Refused("この読み取り結果は、すでに確認されています。画面を開き直してください。")
    record("leave_form", f"「{taken.name}」の読み取り結果を入れずに確認を終了", kind=applying.KIND,
           record_id=application.pk, by=by.actor(), at=at)  # fmt: skip


def _with_groups(application: Application, field_id: str, value: Any) -> Any:
    """The paper has no column for the group a member counts for: a first proposal, confirmed on the screen."""
    field = next((f for f in application.form.fields() if f.id == field_id), None)
    if field is None or field.kind != "table":
        return value
    return [propose_group(field, row) for row in value]


GROUPS = [
    ("prefecture", ("保健所", "健康福祉センター", "都道府県", "県庁")),
    ("hub", ("拠点", "在宅医療・介護連携支援センター", "在宅医療介護連携", "在宅医療連携")),
    (
        "care_association",
        ("介護支援専門員協議会", "ケアマネジャー協議会", "介護サービス事業者", "社会福祉協議会", "障害", "相談支援"),
    ),
    ("medical_association", ("医師会", "歯科医師会", "薬剤師会", "看護協会", "訪問看護ステーション連絡協議会")),
    ("care", ("ケアマネ", "介護支援専門員", "居宅介護支援", "地域包括", "ヘルパー", "介護福祉士", "介護")),
    (
        "homecare",
        (
            "医師",
            "看護",
            "薬剤",
            "理学",
            "作業",
            "言語",
            "栄養",
            "ソーシャルワーカー",
            "衛生士",
            "病院",
            "診療所",
            "クリニック",
        ),
    ),
    ("municipality", ("市", "町", "村", "区役所")),
]


def propose_group(field: Field, row: dict[str, str]) -> dict[str, str]:
    """The group a member probably counts for (ours, not on the paper); one already given is left alone."""
    known = {option.value for column in field.columns if column.id == "group" for option in column.options}
    if not known or row.get("group"):
        return row
    words = " ".join(row.get(column, "") for column in ("organisation", "section", "profession"))
    if row.get("organisation", "").endswith(("県", "都", "府", "道")):
        return row | {"group": "prefecture"}
    found = next((group for group, signs in GROUPS if group in known and any(sign in words for sign in signs)), "")
    if found in ("care", "care_association") and _of_a_town(row):
        found = "municipality"  # 「市町村担当者（介護担当を含む）」 (別紙2 6)
    return row | {"group": found}


def _of_a_town(row: dict[str, str]) -> bool:
    """An officer of a municipality (介護保険課, 障害福祉課), not of a service it runs."""
    office = row.get("section", "").endswith(("部", "課", "室", "係", "担当"))
    return row.get("organisation", "").endswith(("市", "区", "町", "村")) and (
        office or "行政" in row.get("profession", "")
    )


def propose_groups(application: Application, *, by: Seat, at: datetime) -> None:
    """Fill in the group of members that have none: a proposal, which the officer sees and confirms on the screen."""
    proposed = {
        field.id: [propose_group(field, row) for row in application.answers.get(field.id) or []]
        for field in application.form.fields()
        if field.kind == "table"
    }
    if any(rows != application.answers.get(field_id) for field_id, rows in proposed.items() if rows):
        base = form_answers.digests(application.form, application.answers)
        applying.save(application, proposed, base, by=by, at=at)
        application.refresh_from_db()


def pasted_rows(field: Field, text: str) -> tuple[list[dict[str, str]], list[str]]:
    """Excelからの貼り付け: rows for the table, and what could not be placed."""
    return _rows(field, parse_paste(text, field.columns))


def table_rows(field: Field, data: bytes, name: str) -> tuple[list[dict[str, str]], list[str]]:
    """Excelの取り込み: the same from a file. Refused with the reason where it cannot be read safely."""
    return _rows(field, read_table(data, name, field.columns))


def _rows(field: Field, read: TableReading) -> tuple[list[dict[str, str]], list[str]]:
    if read.refused:
        raise Refused(read.refused.text)
    if not read.rows:
        raise Refused("取り込める行がありませんでした。列の並びを確かめて、表の範囲を選び直してください。")
    return [propose_group(field, dict(row)) for row in read.rows], [note.text for note in read.notes]
