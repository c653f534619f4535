"""Official acts on areas (圏域) and on the designation of hubs (拠点の指定)."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date, datetime

from django.db import transaction
from django.db.models import F
from django.utils import timezone

from kyoten.records.actions import record
from kyoten.records.models import Refused
from kyoten.rules.wareki import wareki

from ..models import Area, Designation, Organisation, Seat
from .people import ALREADY_CHANGED

ONLY_PREFECTURES = "圏域と拠点の指定を登録できるのは、都道府県の方です（「閲覧」の席を除きます）。"


def _check_prefecture(by: Seat) -> None:
    if not by.may_act or by.organisation.kind != Organisation.Kind.PREFECTURE:
        raise Refused(ONLY_PREFECTURES)


def _check_period(valid_from: date | None, valid_to: date | None) -> None:
    if valid_from and valid_to and valid_to < valid_from:
        raise Refused("終了日が開始日より前になっています。日付を確かめてください。")


def _check_municipalities(municipalities: Collection[Organisation], by: Seat, on: date) -> None:
    if not municipalities:
        raise Refused("構成する市町村を一つ以上選んでください。")
    below = set(Organisation.objects.supervised_by(by.organisation, on).values_list("pk", flat=True))
    if strangers := [body.name for body in municipalities if body.pk not in below]:
        raise Refused(f"管内にない市町村が選ばれています（{'、'.join(strangers)}）。")


@transaction.atomic
def add_area(
    *,
    kind: str,
    name: str,
    municipalities: Collection[Organisation],
    by: Seat,
    at: datetime,
    valid_from: date | None = None,
    valid_to: date | None = None,
    source: str = "",
) -> Area:
    """圏域の登録"""
    _check_prefecture(by)
    _check_period(valid_from, valid_to)
    _check_municipalities(municipalities, by, valid_from or timezone.localdate(at))
    area = Area.objects.create(
        kind=kind, name=name, prefecture=by.organisation, valid_from=valid_from, valid_to=valid_to, source=source
    )
    area.municipalities.set(municipalities)
    facts = {"municipalities": sorted(body.code for body in municipalities)}
    record("add_area", f"圏域を登録（{name}）", kind="area", record_id=area.pk, by=by.actor(), at=at, facts=facts)
    return area


@transaction.atomic
def change_area(
    area: Area,
    *,
    kind: str,
    name: str,
    municipalities: Collection[Organisation],
    valid_from: date | None,
    valid_to: date | None,
    source: str,
    version: int,
    by: Seat,
    at: datetime,
) -> None:
    """圏域の変更. A revision of the plan ends an area and adds a new one; this corrects or closes it."""
    _check_prefecture(by)
    _check_period(valid_from, valid_to)
    _check_municipalities(municipalities, by, valid_from or timezone.localdate(at))
    mine = Area.objects.editable_by(by).filter(pk=area.pk, version=version)
    change = {"kind": kind, "name": name, "valid_from": valid_from, "valid_to": valid_to, "source": source}
    if not mine.update(**change, version=F("version") + 1):
        raise Refused(ALREADY_CHANGED)
    area.municipalities.set(municipalities)
    facts = {"municipalities": sorted(body.code for body in municipalities)}
    record("change_area", f"圏域を変更（{name}）", kind="area", record_id=area.pk, by=by.actor(), at=at, facts=facts)
    area.refresh_from_db()


@transaction.atomic
def designate(
    body: Organisation,
    *,
    by: Seat,
    at: datetime,
    valid_from: date,
    valid_to: date | None = None,
    area: Area | None = None,
    source: str = "",
) -> Designation:
    """拠点の指定: the prefecture's plan places a hub at this body."""
    _check_prefecture(by)
    _check_period(valid_from, valid_to)
    own = by.organisation
    Organisation.objects.select_for_update().get(pk=body.pk)  # two officers must not enter the same hub
    if body.pk != own.pk and not may_be_hub(by, timezone.localdate(at)).filter(pk=body.pk).exists():
        raise Refused("管内にない機関は指定できません。")
    if area and area.prefecture_id != own.pk:
        raise Refused("ほかの都道府県の圏域は選べません。")
    running = Designation.objects.filter(organisation=body, prefecture=own, area=area)
    if any(row.valid_to is None or row.valid_to >= valid_from for row in running):
        raise Refused(f"{body.name}は、この期間にすでに拠点に指定されています。")
    row = Designation.objects.create(
        organisation=body, prefecture=own, area=area, valid_from=valid_from, valid_to=valid_to, source=source
    )
    record("designate", f"拠点に指定（{body.name}）", kind="designation", record_id=row.pk, by=by.actor(), at=at)
    return row


def may_be_hub(by: Seat, on: date):
    """The bodies a prefecture may designate: those under it and the associations and firms in it."""
    return Organisation.objects.editable_by(by, on).exclude(kind=Organisation.Kind.PREFECTURE)


@transaction.atomic
def end_designation(row: Designation, *, last_day: date, by: Seat, at: datetime) -> None:
    """拠点の指定の終了"""
    _check_prefecture(by)
    if row.prefecture_id != by.organisation.pk:
        raise Refused(ONLY_PREFECTURES)
    _check_period(row.valid_from, last_day)
    if not Designation.objects.filter(pk=row.pk, valid_to=row.valid_to).update(valid_to=last_day):
        raise Refused(ALREADY_CHANGED)
    title = f"拠点の指定を{wareki(last_day)}で終了（{row.organisation.name}）"
    record("end_designation", title, kind="designation", record_id=row.pk, by=by.actor(), at=at)
