"""Official acts on the address list (連絡先): correcting, adding, closing, and the confirmation every April."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Any

from django.core import signing
from django.db import transaction
from django.db.models import F
from django.db.models.functions import Lower
from django.utils import timezone

from kyoten.post.actions import need_attention, send, take
from kyoten.post.models import InboundMail, OutboundMail
from kyoten.records.actions import record
from kyoten.records.models import Refused
from kyoten.rules.text import narrow
from kyoten.rules.wareki import fiscal_year, fiscal_year_name, wareki

from ..models import AddressConfirmation, Organisation, Seat, Section, Supervision
from ..text import search_key
from .links import link
from .people import ALREADY_CHANGED

LABELS = {
    "name": "課・係の名称",
    "email": "メールアドレス",
    "phone": "電話番号",
    "fax": "FAX番号",
    "is_default": "代表の課",
}
NOT_YOURS = "この連絡先を変更できるのは、その機関と、管内の機関をとりまとめる都道府県・事務局の方です。"
SALT = "kyoten.address"

CONFIRMATION_MAIL = """{organisation} {section} 御中

{year}の連絡先の確認をお願いします。いま登録されている内容は次のとおりです。

  課・係: {section}
  メールアドレス: {email}
  電話番号: {phone}
  FAX番号: {fax}

変更がない場合は、このメールに「変更なし」とだけ返信するか、次のリンクから回答してください。
{link}

変更がある場合は、変わったところをこのメールへの返信に書いてください。
"""


# ---- correcting -------------------------------------------------------------------------------


def _check_editable(body: Organisation, by: Seat, at: datetime) -> None:
    if not Organisation.objects.editable_by(by, timezone.localdate(at)).filter(pk=body.pk).exists():
        raise Refused(NOT_YOURS)


@transaction.atomic
def update_section(
    section: Section,
    values: Mapping[str, Any],
    *,
    version: int,
    by: Seat,
    at: datetime,
    renamed_on: date | None = None,
) -> None:
    """連絡先の変更. With `renamed_on` the section got a new name that day; without it the name was only misspelt."""
    _check_editable(section.organisation, by, at)
    before = {name: getattr(section, name) for name in LABELS}
    change = {name: value for name, value in values.items() if before[name] != value}
    if renamed_on and renamed_on > timezone.localdate(at):
        raise Refused(
            "名称が変わった日には、今日までの日付を入力してください。これからの改称は、その日以降に登録してください。"
        )
    if "name" in change:
        _rename(section, change["name"], renamed_on)
    write_section(section.pk, version, {**before, **change}, change, section.organisation_id)
    _confirmed_by_its_own(section, by, at)
    changed = "・".join(LABELS[name] for name in change) or "変更なし"
    record("update_section", f"連絡先を変更（{changed}）", kind="section", record_id=section.pk, by=by.actor(), at=at)
    section.refresh_from_db()


def write_section(
    section_id: int, version: int, values: Mapping[str, Any], change: Mapping[str, Any], body_id: int
) -> None:
    """The guarded UPDATE. A new address is tried afresh: the note that mail came back goes with the old one."""
    if change.get("is_default"):
        others = Section.objects.filter(organisation=body_id, is_default=True).exclude(pk=section_id)
        others.update(is_default=False, version=F("version") + 1)
    mended = {"bounced_at": None, "bounce_reason": "", "mended_at": timezone.now()} if "email" in change else {}
    key = search_key(values["name"], values["email"], values["phone"])
    row = Section.objects.filter(pk=section_id, version=version)
    if not row.update(**change, **mended, search=key, version=F("version") + 1):
        raise Refused(ALREADY_CHANGED)


def _rename(named: Section | Organisation, name: str, on: date | None) -> None:
    """Keep the old name as the name of its days, so that an old letter shows it."""
    latest = named.names.filter(valid_to=None).first()
    if on is None or (latest and latest.valid_from and latest.valid_from >= on):
        named.names.filter(valid_to=None).update(name=name)
        return
    last_day = on - timedelta(days=1)
    if latest:
        named.names.filter(pk=latest.pk).update(valid_to=last_day)
    else:
        named.names.create(name=named.name, valid_to=last_day)
    named.names.create(name=name, valid_from=on)


@transaction.atomic
def rename_organisation(
    body: Organisation, *, name: str, kana: str, by: Seat, at: datetime, renamed_on: date | None = None
) -> None:
    """機関の名称の変更"""
    _check_editable(body, by, at)
    if not name:
        raise Refused("機関の名称を入力してください。")
    if renamed_on and renamed_on > timezone.localdate(at):
        raise Refused("名称が変わった日には、今日までの日付を入力してください。")
    if name != body.name:
        _rename(body, name, renamed_on)
    body.name, body.kana = name, kana
    body.save()
    record("rename_organisation", "名称を変更", kind="organisation", record_id=body.pk, by=by.actor(), at=at)


@transaction.atomic
def add_section(body: Organisation, values: Mapping[str, Any], *, by: Seat, at: datetime) -> Section:
    """課の追加"""
    _check_editable(body, by, at)
    today = timezone.localdate(at)
    if Section.objects.valid_on(today).filter(organisation=body, name=values["name"]).exists():
        raise Refused(f"{body.name}には「{values['name']}」がすでにあります。その行を変更してください。")
    if values.get("is_default"):
        body.sections.filter(is_default=True).update(is_default=False, version=F("version") + 1)
    section = Section.objects.create(organisation=body, valid_from=today, **values)
    record("add_section", "課を追加", kind="section", record_id=section.pk, by=by.actor(), at=at)
    return section


@transaction.atomic
def close_section(section: Section, *, last_day: date, by: Seat, at: datetime) -> None:
    """課の廃止: nothing is sent to it any more after its last day; its work stays with the body."""
    _check_editable(section.organisation, by, at)
    running = Seat.objects.valid_at(at).filter(section=section)
    if any(seat.valid_to is None or seat.valid_to > last_day for seat in running):
        raise Refused("この課には、最終日のあとも有効な席があります。先に、席を異動させるか終了してください。")
    change = {"valid_to": last_day, "is_default": False, "version": F("version") + 1}
    if not Section.objects.filter(pk=section.pk, version=section.version).update(**change):
        raise Refused(ALREADY_CHANGED)
    title = f"{wareki(last_day)}で課を廃止"
    record("close_section", title, kind="section", record_id=section.pk, by=by.actor(), at=at)


def kinds_to_add(by: Seat) -> list[str]:
    """Which kinds of body a seat may add: the others come from the official list."""
    kinds = Organisation.Kind
    if not by.may_act:
        return []
    return {
        kinds.PREFECTURE: [kinds.HUB, kinds.HEALTH_CENTRE, kinds.ASSOCIATION, kinds.OTHER],
        kinds.SECRETARIAT: [kinds.ASSOCIATION],
    }.get(by.organisation.kind, [])


@transaction.atomic
def add_organisation(values: Mapping[str, Any], section: Mapping[str, Any], *, by: Seat, at: datetime) -> Organisation:
    """機関の追加: a hub, health centre, association or other body of the prefecture; a national association."""
    if values["kind"] not in kinds_to_add(by):
        raise Refused("この種類の機関を追加できるのは、都道府県（全国の団体は事務局）の方です。")
    own = by.organisation
    prefecture = own if own.kind == Organisation.Kind.PREFECTURE else None
    if Organisation.objects.filter(name=values["name"], kind=values["kind"], prefecture=prefecture).exists():
        raise Refused(f"「{values['name']}」はすでに登録されています。")
    body = Organisation.objects.create(**values, prefecture=prefecture)
    if body.kind in (Organisation.Kind.HUB, Organisation.Kind.HEALTH_CENTRE):
        Supervision.objects.create(superior=own, subordinate=body, valid_from=timezone.localdate(at))
    record("add_organisation", "機関を追加", kind="organisation", record_id=body.pk, by=by.actor(), at=at)
    if section.get("name"):
        add_section(body, {**section, "is_default": True}, by=by, at=at)
    return body


# ---- confirmation in April --------------------------------------------------------------------


def asked_by(by: Seat, at: datetime):
    """The sections a seat asks: those whose contacts it looks after and that can be reached."""
    today = timezone.localdate(at)
    return Section.objects.editable_by(by, today).valid_on(today).select_related("organisation")


@transaction.atomic
def ask_confirmation(year: int, *, by: Seat, at: datetime) -> int:
    """連絡先の確認: ask every section not asked this fiscal year; ask again who has not answered. Returns the mails."""
    if not by.may_act:
        raise Refused("「閲覧」の席では、この操作はできません。")
    sections = [
        section for section in asked_by(by, at).exclude(confirmed_fiscal_year=year) if not section.needs_mending
    ]
    known = {row.section_id: row for row in AddressConfirmation.objects.filter(section__in=sections, fiscal_year=year)}
    new = [
        AddressConfirmation(section=section, fiscal_year=year, asked_at=at)
        for section in sections
        if section.pk not in known
    ]
    AddressConfirmation.objects.bulk_create(new, ignore_conflicts=True)
    rows = AddressConfirmation.objects.filter(section__in=sections, fiscal_year=year, answered_at=None)
    by_id = {section.pk: section for section in sections}
    for row in rows:
        _ask(row, by_id[row.section_id], again=row.section_id in known, by=by, at=at)
    if not len(rows):
        raise Refused("確認をお願いする課がありません。すべて確認済みか、メールアドレスが登録されていません。")
    title = f"{fiscal_year_name(year)}の連絡先の確認を依頼（{len(rows)}件）"
    record("ask_confirmation", title, kind="organisation", record_id=by.organisation.pk, by=by.actor(), at=at)
    return len(rows)


def _ask(row: AddressConfirmation, section: Section, *, again: bool, by: Seat, at: datetime) -> None:
    year = fiscal_year_name(row.fiscal_year)
    send(
        to=[section.email],
        subject=f"【Kyoten】{year} 連絡先の確認{'（再依頼）' if again else ''}",
        text=CONFIRMATION_MAIL.format(
            organisation=section.organisation.name,
            section=section.name,
            year=year,
            email=section.email,
            phone=section.phone or "（登録なし）",
            fax=section.fax or "（登録なし）",
            link=link("organisations:confirm", confirmation_token(row)),
        ),
        at=at,
        key=f"address:{row.pk}:{timezone.localdate(at)}",
        by=by.actor(),
        section_id=by.section_id,
        about=("address", row.pk),
    )


def confirmation_token(row: AddressConfirmation) -> str:
    return signing.dumps(row.pk, salt=SALT)


def asked(token: str) -> AddressConfirmation | None:
    """The question a signed link belongs to."""
    try:
        key = signing.loads(token, salt=SALT)
    except signing.BadSignature:
        return None
    return AddressConfirmation.objects.select_related("section__organisation").filter(pk=key).first()


@transaction.atomic
def answer_confirmation(
    row: AddressConfirmation, *, way: str, at: datetime, by: Seat | None = None, change_wanted: str = ""
) -> None:
    """連絡先の確認の回答: 「変更なし」, or in words what has changed, for an officer to enter."""
    rows = AddressConfirmation.objects.filter(pk=row.pk, answered_at=None)
    if not rows.update(answered_at=at, way=way, change_wanted=change_wanted):
        raise Refused("この確認には、すでに回答をいただいています。変更があるときは、担当の方に連絡してください。")
    if not change_wanted:
        _mark_confirmed(row.section_id, row.fiscal_year)
    words = "変更あり" if change_wanted else "変更なし"
    record(
        "confirm_address",
        f"{fiscal_year_name(row.fiscal_year)}の連絡先を確認（{words}・{AddressConfirmation.Way(way).label}）",
        kind="section",
        record_id=row.section_id,
        by=by.actor() if by else None,
        at=at,
        note=change_wanted,
    )


@transaction.atomic
def confirm_on_screen(section: Section, *, by: Seat, at: datetime) -> None:
    """変更なし, on screen. An address that mail came back from counts as right again."""
    _check_editable(section.organisation, by, at)
    Section.objects.filter(pk=section.pk).exclude(bounced_at=None).update(
        bounced_at=None, bounce_reason="", mended_at=timezone.now(), version=F("version") + 1
    )
    year = fiscal_year(timezone.localdate(at))
    row, _ = AddressConfirmation.objects.get_or_create(section=section, fiscal_year=year, defaults={"asked_at": at})
    answer_confirmation(row, way=AddressConfirmation.Way.SCREEN, at=at, by=by)


def _mark_confirmed(section_id: int, year: int) -> None:
    Section.objects.filter(pk=section_id).update(confirmed_fiscal_year=year)


def _confirmed_by_its_own(section: Section, by: Seat, at: datetime) -> None:
    """Who corrects the contacts of its own body has confirmed them."""
    if section.organisation_id != by.organisation.pk:
        return
    year = fiscal_year(timezone.localdate(at))
    rows = AddressConfirmation.objects.filter(section=section, fiscal_year=year, answered_at=None)
    rows.update(answered_at=at, way=AddressConfirmation.Way.SCREEN)
    _mark_confirmed(section.pk, year)


# ---- what the post brings ---------------------------------------------------------------------


def take_bounces() -> int:
    """要修正: mark the sections whose address a mail failed for since the address was last mended. Returns how many."""
    failed = {}
    for mail in OutboundMail.objects.bounced_since(timezone.now() - timedelta(days=30)):
        failed[mail.to.lower()] = mail
    sections = Section.objects.annotate(address=Lower("email")).filter(bounced_at=None, address__in=failed)
    marked = 0
    for section in sections:
        mail = failed[section.address]
        if section.mended_at and section.mended_at >= mail.failed_at:
            continue
        reason = (mail.last_reply or "配達できませんでした。")[:500]
        row = Section.objects.filter(pk=section.pk, email=section.email, bounced_at=None)
        marked += row.update(bounced_at=mail.failed_at, bounce_reason=reason, version=F("version") + 1)
    return marked


def take_replies(at: datetime) -> int:
    """Answers by mail to the confirmation: 「変更なし」 counts, anything else is shown to an officer."""
    mails = list(InboundMail.objects.replies().filter(answers__about_kind="address"))
    for mail in mails:
        _take_reply(mail, at)
    return len(mails)


@transaction.atomic
def _take_reply(mail: InboundMail, at: datetime) -> None:
    row = AddressConfirmation.objects.select_related("section").filter(pk=mail.answers.about_id).first()
    if row is None or not mail.from_our_recipient:
        need_attention(mail, "連絡先の確認への返信ですが、登録されたアドレスからのものではありません。")
        return
    wanted = "" if says_no_change(mail.reply_text) else mail.reply_text.strip() or "（本文なし）"
    try:
        answer_confirmation(row, way=AddressConfirmation.Way.MAIL, at=at, change_wanted=wanted)
    except Refused as refusal:
        need_attention(mail, str(refusal))
        return
    take(mail, kind="section", record_id=row.section_id, at=at)


NO_CHANGE = re.compile("変更(点)?は?(なし|無し|ない|無い|ありません|有りません|ございません)")
CHANGED = re.compile("変更|変わ|新し|異動|廃止|改称|誤り")


def says_no_change(text: str) -> bool:
    """「変更なし」「変更はございません。」, and nothing else about a change: in doubt an officer reads it."""
    rest, found = NO_CHANGE.subn("", "".join(narrow(text).split()))
    return bool(found) and not CHANGED.search(rest)
