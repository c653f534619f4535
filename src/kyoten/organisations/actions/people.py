"""Official acts on people: invitation, acceptance, transfer, role. Each one: check, change, record, notify."""

from __future__ import annotations

import hashlib
import re
import secrets
import unicodedata
from datetime import date, datetime, timedelta

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.db.models import Q
from django.utils import timezone

from kyoten.post.actions import send
from kyoten.records.actions import record
from kyoten.records.models import Refused
from kyoten.rules.wareki import wareki, wareki_moment

from ..models import Invitation, Organisation, Seat, Section, User
from .links import link

INVITATION_DAYS = 14
USERNAME = re.compile(r"[a-z0-9][a-z0-9._-]{3,29}")
USERNAME_RULE = "利用者IDは、半角の英小文字・数字・「.」「_」「-」で4～30文字にしてください。"
ONLY_MANAGERS = "この操作ができるのは、所属の「管理」の席の方だけです。管理の席の方に依頼してください。"
ALREADY_CHANGED = "ほかの方が先に変更しました。画面を開き直して、いまの状態を確認してください。"

INVITATION_MAIL = """{organisation} {section} 御中

Kyoten（在宅医療の拠点の業務基盤）の利用者として、次の方が招待されました。

  氏名: {name}
  役割: {role}

ご本人が次のリンクを開き、利用者IDとパスワードを決めてください。
{link}

このリンクは{expires}まで、一度だけ使えます。
心当たりがない場合は、何もせずにこのメールを破棄してください。
"""


# ---- who may do it ----------------------------------------------------------------------------


def has_manager(body: Organisation, at: datetime, without: Seat | None = None) -> bool:
    """Is there a valid 管理 seat in the body, other than `without`?"""
    seats = Seat.objects.valid_at(at).filter(section__organisation=body, role=Seat.Role.MANAGER)
    return (seats.exclude(pk=without.pk) if without else seats).exists()


def may_make_first_manager(by: Seat, body: Organisation, at: datetime) -> bool:
    """The manager of the body above (for prefectures: of a secretariat), while there is no manager yet."""
    if has_manager(body, at):
        return False
    if by.organisation.kind == Organisation.Kind.SECRETARIAT and body.kind == Organisation.Kind.PREFECTURE:
        return True
    above = Organisation.objects.superiors_of(body, timezone.localdate(at))
    return above.filter(pk=by.organisation.pk).exists()


def _check_may_invite(by: Seat | None, section: Section, role: str, at: datetime) -> None:
    """`by=None` is the operator at the command line, who makes the first manager of a new instance."""
    if by is None:
        return
    if not by.is_manager:
        raise Refused(ONLY_MANAGERS)
    if section.organisation_id == by.organisation.pk:
        return
    if role != Seat.Role.MANAGER or not may_make_first_manager(by, section.organisation, at):
        raise Refused(
            "ほかの機関に招待できるのは、管内の機関に「管理」の席の方がまだいないときの、最初の管理の方だけです。"
        )


def _check_manages(by: Seat, seat: Seat) -> None:
    if not by.is_manager or by.organisation.pk != seat.organisation.pk:
        raise Refused(ONLY_MANAGERS)


def _check_stays_managed(seat: Seat, at: datetime) -> None:
    """A body must not lose its last manager unless a manager has been invited."""
    if not seat.is_manager:
        return
    Organisation.objects.select_for_update().get(pk=seat.organisation.pk)  # two managers must not end each other
    if has_manager(seat.organisation, at, without=seat):
        return
    invited = open_invitations(at).filter(section__organisation=seat.organisation, role=Seat.Role.MANAGER)
    if not invited.exists():
        raise Refused(
            "所属に「管理」の席の方がいなくなります。先に、後任の方を「管理」で招待するか、ほかの方を「管理」にしてください。"
        )


# ---- invitation -------------------------------------------------------------------------------


def digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def open_invitations(at: datetime):
    return Invitation.objects.filter(used_at=None, revoked_at=None, expires_at__gt=at)


def open_invitation(token: str, at: datetime) -> Invitation | None:
    """The invitation a link belongs to, while it can be used."""
    rows = open_invitations(at).select_related("section__organisation", "successor_of")
    return rows.filter(token_digest=digest(token)).first()


@transaction.atomic
def invite(
    section: Section,
    *,
    role: str,
    name: str,
    by: Seat | None,
    at: datetime,
    valid_from: date | None = None,
    successor_of: Seat | None = None,
) -> Invitation:
    """招待: send a one-time link for one seat to the section's own address."""
    name = " ".join(name.split())
    _check_may_invite(by, section, role, at)
    if not name:
        raise Refused("招待する方の氏名を入力してください。")
    if section.needs_mending:
        raise Refused(
            f"「{section.name}」のメールアドレスが登録されていないか、不達になっています。"
            "連絡先を直してから招待してください。"
        )
    token = secrets.token_urlsafe(32)
    invitation = Invitation.objects.create(
        section=section,
        role=role,
        name=name,
        token_digest=digest(token),
        invited_by=by,
        successor_of=successor_of,
        valid_from=valid_from,
        created_at=at,
        expires_at=at + timedelta(days=INVITATION_DAYS),
    )
    actor = by.actor() if by else None
    words = f"「{invitation.get_role_display()}」の席に招待"
    record("invite", words, kind="section", record_id=section.pk, by=actor, at=at, note=name)
    _send_invitation(invitation, token, by, at)
    return invitation


def _send_invitation(invitation: Invitation, token: str, by: Seat | None, at: datetime) -> None:
    section = invitation.section
    send(
        to=[section.email],
        subject=f"【Kyoten】利用者の招待（{invitation.name} 様）",
        text=INVITATION_MAIL.format(
            organisation=section.organisation.name,
            section=section.name,
            name=invitation.name,
            role=invitation.get_role_display(),
            link=link("organisations:accept", token),
            expires=wareki_moment(timezone.localtime(invitation.expires_at)),
        ),
        at=at,
        key=f"invitation:{invitation.pk}",
        by=by.actor() if by else None,
        section_id=by.section_id if by else None,
        about=("section", section.pk),
        secret=True,
    )


@transaction.atomic
def revoke_invitation(invitation: Invitation, *, by: Seat, at: datetime) -> None:
    """招待の取消"""
    if not by.is_manager or by.organisation.pk not in {
        invitation.section.organisation_id,
        invitation.invited_by.organisation.pk if invitation.invited_by else None,
    }:
        raise Refused(ONLY_MANAGERS)
    if not open_invitations(at).filter(pk=invitation.pk).update(revoked_at=at):
        raise Refused("この招待は、すでに使われたか、取り消されたか、期限が切れています。")
    record(
        "revoke_invitation",
        "招待の取消",
        kind="section",
        record_id=invitation.section_id,
        by=by.actor(),
        at=at,
        note=invitation.name,
    )


# ---- acceptance -------------------------------------------------------------------------------


def clean_username(text: str) -> str:
    return unicodedata.normalize("NFKC", text).strip().lower()


def accept(invitation: Invitation, *, username: str, password: str, at: datetime) -> Seat:
    """招待の受諾: make the account and the seat."""
    username = clean_username(username)
    if not USERNAME.fullmatch(username):
        raise Refused(USERNAME_RULE)
    person = User(username=username, name=invitation.name)
    check_password_rules(password, person)
    person.set_password(password)  # slow on purpose, so outside the transaction
    try:
        with transaction.atomic():
            _use(invitation, at)
            person.save(force_insert=True)
            return _take_seat(invitation, person, at)
    except IntegrityError as taken:
        raise Refused("この利用者IDはすでに使われています。別の利用者IDを入力してください。") from taken


@transaction.atomic
def accept_as(invitation: Invitation, *, person: User, at: datetime) -> Seat:
    """招待の受諾: give the seat to somebody who has an account already."""
    _use(invitation, at)
    return _take_seat(invitation, person, at)


def check_password_rules(password: str, person: User) -> None:
    try:
        validate_password(password, person)
    except ValidationError as problems:
        raise Refused("".join(problems.messages)) from problems


def _use(invitation: Invitation, at: datetime) -> None:
    """Once only, also for two clicks at the same moment."""
    if not open_invitations(at).filter(pk=invitation.pk).update(used_at=at):
        raise Refused(
            "この招待は、すでに使われたか、取り消されたか、期限が切れています。もう一度招待を依頼してください。"
        )


def _take_seat(invitation: Invitation, person: User, at: datetime) -> Seat:
    begins = invitation.valid_from or timezone.localdate(at)
    seat = _new_seat(person, invitation.section, invitation.role, begins)
    facts = {"role": seat.role, "invitation": invitation.pk}
    record("accept", "招待を受けて着任", kind="seat", record_id=seat.pk, by=seat.actor(), at=at, facts=facts)
    return seat


def _new_seat(person: User, section: Section, role: str, begins: date) -> Seat:
    """One running seat per person and section: a second one would only hide the role of the first."""
    User.objects.select_for_update().get(pk=person.pk)
    running = Seat.objects.filter(person=person, section=section, ended_at=None)
    if any(seat.valid_to is None or seat.valid_to >= begins for seat in running):
        raise Refused(
            f"{person.name}さんは、「{section.name}」の席をすでに持っています。役割を変えるときは「役割と経過」から変えてください。前の方の席を終えるときは、後任を選ばずに終了してください。"
        )
    return Seat.objects.create(person=person, section=section, role=role, valid_from=begins)


# ---- transfer and role ------------------------------------------------------------------------


@transaction.atomic
def give_seat(
    person: User, section: Section, *, role: str, by: Seat, at: datetime, valid_from: date | None = None
) -> Seat:
    """席の追加: a colleague of the same body takes a (further) seat, without an invitation."""
    if not by.is_manager or section.organisation_id != by.organisation.pk:
        raise Refused(ONLY_MANAGERS)
    if not Seat.objects.filter(person=person, section__organisation=by.organisation).exists():
        raise Refused("この方は所属の利用者ではありません。招待を使ってください。")
    seat = _new_seat(person, section, role, valid_from or timezone.localdate(at))
    title = f"「{section.name}」の「{seat.get_role_display()}」の席を追加"
    record("give_seat", title, kind="seat", record_id=seat.pk, by=by.actor(), at=at, note=person.name)
    return seat


@transaction.atomic
def end_seat(seat: Seat, *, by: Seat, at: datetime, last_day: date | None = None) -> None:
    """席の終了: access ends at once, or after its last day. What the section was working on stays with it."""
    _check_manages(by, seat)
    _check_stays_managed(seat, at)
    if last_day and last_day < timezone.localdate(at):
        raise Refused(
            "最終日には、今日以降の日付を入力してください。すぐに終了するときは、最終日を空欄にしてください。"
        )
    not_over = Q(valid_to__isnull=True) | Q(valid_to__gte=timezone.localdate(at))
    change = {"valid_to": last_day} if last_day else {"ended_at": at}
    if not Seat.objects.filter(not_over, pk=seat.pk, ended_at=None).update(**change):
        raise Refused("この席はすでに終了しています。")
    title = f"{wareki(last_day)}で席を終了" if last_day else "席を終了"
    record("end_seat", title, kind="seat", record_id=seat.pk, by=by.actor(), at=at, note=seat.person.name)
    seat.refresh_from_db()


@transaction.atomic
def transfer(
    seat: Seat,
    *,
    by: Seat,
    at: datetime,
    last_day: date | None = None,
    successor_name: str = "",
    successor: User | None = None,
    successor_from: date | None = None,
) -> None:
    """異動: the seat ends, and somebody else, invited or already here, takes its section and role. Days may overlap."""
    _check_manages(by, seat)
    if successor:
        give_seat(successor, seat.section, role=seat.role, by=by, at=at, valid_from=successor_from)
    elif successor_name.strip():
        invite(
            seat.section,
            role=seat.role,
            name=successor_name,
            by=by,
            at=at,
            valid_from=successor_from,
            successor_of=seat,
        )
    end_seat(seat, by=by, at=at, last_day=last_day)


@transaction.atomic
def change_role(seat: Seat, *, role: str, by: Seat, at: datetime) -> None:
    """役割の変更"""
    _check_manages(by, seat)
    if role not in Seat.Role.values:
        raise Refused("役割を選んでください。")
    if role == seat.role:
        raise Refused("役割は変わっていません。別の役割を選んでください。")
    if role != Seat.Role.MANAGER:
        _check_stays_managed(seat, at)
    before, was = seat.role, seat.get_role_display()
    if not Seat.objects.filter(pk=seat.pk, role=before, ended_at=None).update(role=role):
        raise Refused(ALREADY_CHANGED)
    seat.role = role
    title = f"役割を「{was}」から「{seat.get_role_display()}」に変更"
    facts = {"from": before, "to": role}
    record("change_role", title, kind="seat", record_id=seat.pk, by=by.actor(), at=at, facts=facts)


@transaction.atomic
def rename_person(person: User, *, name: str, by: Seat | None, at: datetime) -> None:
    """氏名の変更, by the person. Old records keep the name of their day."""
    name = " ".join(name.split())
    if not name:
        raise Refused("氏名を入力してください。")
    User.objects.filter(pk=person.pk).update(name=name)
    person.name = name
    record("rename", "氏名を変更", kind="person", record_id=person.pk, by=by.actor() if by else None, at=at)
