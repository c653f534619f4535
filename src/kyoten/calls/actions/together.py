"""共同: an application that speaks for other bodies of its area, and a body that says it is no part of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, datetime
from operator import attrgetter

from django.db import transaction

from kyoten.calls.models import Application
from kyoten.inquiries.actions import answer
from kyoten.inquiries.models import Addressee
from kyoten.organisations.actions.locks import hold
from kyoten.organisations.models import Area, Organisation, Seat
from kyoten.post.actions import send
from kyoten.records.actions import record
from kyoten.records.models import Refused

KIND = "application"


def outside(bodies: Iterable[Organisation], applicant: Organisation, area: Area | None, on: date) -> list[Organisation]:
    """Those that share no 圏域 with the applicant: not in the one chosen, or in none of those the applicant lies in."""
    areas = [area] if area else Area.objects.valid_on(on).containing(applicant)
    near = set(Organisation.objects.filter(areas__in=areas).values_list("pk", flat=True)) | {applicant.pk}
    return [body for body in bodies if body.pk not in near]


@transaction.atomic
def leave(row: Addressee, *, by: Seat, at: datetime) -> None:
    """共同ではない: the body answers for itself again, and who named it is told (so is the prefecture, once it has
    the application)."""
    if not by.may_act or row.organisation_id != by.section.organisation_id:
        raise Refused("共同の応募から外れられるのは、その団体の担当だけです。")
    hold(row.inquiry.asker.organisation_id)  # starting, submitting and withdrawing wait at the same door
    row = Addressee.objects.select_related("inquiry__asker", "organisation").get(pk=row.pk)
    if row.represented_by_id is None:
        raise Refused("共同の応募からは、すでに外れています。画面を開き直してください。")
    living = Application.objects.filter(call__inquiry=row.root_id, applicant=row.represented_by_id)
    application = living.exclude(state="withdrawn").select_related("call", "section", "prefecture").first()
    answer(row, "considering", by=by, at=at, remark="共同の応募から外れた")
    if application:
        _take_out(application, [row.organisation], by=by, at=at)
        _tell(application, row, by=by, at=at)


def cases_of(application: Application) -> dict[int, Addressee]:
    """By the id of the body, the cases of the call with the applicant, its prefecture and those of its area."""
    bodies = {application.applicant_id, application.prefecture_id, *application.area_ids}
    rows = Addressee.objects.filter(root=application.call.inquiry_id, organisation__in=bodies)
    return {row.organisation_id: row for row in rows.select_related("inquiry", "section", "organisation")}


def drop_who_left(application: Application, cases: Mapping[int, Addressee], *, by: Seat, at: datetime) -> None:
    """Before it is submitted: who answered for itself since it was named is no part of the area any more."""
    applicant = application.applicant_id
    others = [cases[body] for body in application.area_ids if body in cases and body != applicant]
    left = [row for row in others if row.represented_by_id != applicant and row.state not in ("unread", "read")]
    if left:
        _take_out(application, sorted((row.organisation for row in left), key=attrgetter("code")), by=by, at=at)


def _take_out(application: Application, bodies: list[Organisation], *, by: Seat, at: datetime) -> None:
    """What is with the prefecture already stays as it was submitted."""
    if application.state in Application.EDITABLE:
        application.municipalities.remove(*bodies)
        vars(application).pop("area_ids", None)
    names = "、".join(body.name for body in bodies)
    record("leave", f"{names}が共同の応募から外れた", kind=KIND, record_id=application.pk, by=by.actor(), at=at,
           facts={"bodies": [body.code or body.name for body in bodies]})  # fmt: skip


def _tell(application: Application, row: Addressee, *, by: Seat, at: datetime) -> None:
    with_prefecture = application.state not in Application.EDITABLE
    section = application.section_in_charge()
    to = [section.email, *([row.inquiry.asker.email] if with_prefecture else [])]
    send(
        to=to, subject=f"【共同の応募】{row.inquiry.title}　{row.organisation}が外れました",
        text=f"{application.applicant}　{section.name}　御中\n\n"
        f"{row.organisation}から、{application.applicant}の申込み（{application.area_name or '地域名 未記入'}）には共同で応募しないとの回答がありました。\n"
        "区域や構成員の記載を確かめてください。"
        + ("提出済みの申込書の扱いは、都道府県の担当課へ御相談ください。" if with_prefecture else "")
        + f"\n\n{by.section}",
        at=at, key=f"leave:{application.pk}:{row.pk}:{at.isoformat()}", by=by.actor(), section_id=by.section_id,
        about=(KIND, application.pk),
    )  # fmt: skip
