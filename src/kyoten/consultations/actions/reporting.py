"""完了報告: what an officer writes beside the figures of a desk's year is kept, and never overwritten unseen."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime

from django.db import IntegrityError, transaction
from django.db.models import F

from kyoten.consultations.actions.handling import NOT_OURS
from kyoten.consultations.desks import Desk
from kyoten.consultations.models import YearReport
from kyoten.organisations.models import Seat
from kyoten.records.actions import record
from kyoten.records.models import Refused
from kyoten.rules.text import clean
from kyoten.rules.wareki import fiscal_year_name

REPORT = "desk_report"  # the record kind
LONGEST = 4_000  # characters of one text
CHANGED = (
    "ほかの方が先に完了報告の文を保存しました。入力した文は下に残っています。別の画面で保存された文を確かめて、"
    "必要な所を書き足し、もう一度保存してください。"
)


def save_report(desk: Desk, year: int, texts: Mapping[str, str], version: int, *, by: Seat, at: datetime) -> YearReport:
    """完了報告の文の保存. `texts` by id of a subject, "" for the whole; `version` is what the page showed (0: none yet)."""
    if by.organisation != desk.operator or not by.may_act:
        raise Refused(NOT_OURS)
    written = {name: cleaned for name, text in texts.items() if (cleaned := clean(text).strip())}
    if any(len(text) > LONGEST for text in written.values()):
        raise Refused(f"一つの欄に入る文は{LONGEST:,}字までです。短くしてから保存してください。")
    try:
        return _save(desk, year, json.dumps(written, ensure_ascii=False), version, by, at)
    except IntegrityError:  # two first versions at the same moment
        raise Refused(CHANGED) from None


@transaction.atomic
def _save(desk: Desk, year: int, text: str, version: int, by: Seat, at: datetime) -> YearReport:
    values = {"texts_text": text, "written_by": by, "written_at": at}
    if version == 0:
        row = YearReport.objects.create(programme=desk.slug, operator=desk.operator, fiscal_year=year, **values)
    else:
        rows = YearReport.objects.filter(programme=desk.slug, fiscal_year=year, version=version)
        if not rows.update(**values, version=F("version") + 1):
            raise Refused(CHANGED)
        row = YearReport.objects.get(programme=desk.slug, fiscal_year=year)
    title = f"{fiscal_year_name(year)}の完了報告の文を保存"
    record("save_report", title, kind=REPORT, record_id=row.pk, by=by.actor(), at=at)
    return row
