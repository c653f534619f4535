"""Ways in that go through the section's address: the six-digit code (second factor) and the recovery of a password."""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta

from axes.utils import reset
from django.db import transaction
from django.db.models import F
from django.utils import timezone
from django.utils.crypto import constant_time_compare, salted_hmac

from kyoten.post.actions import send
from kyoten.records.actions import record
from kyoten.records.models import Refused

from ..models import LoginCode, Seat, Section, User
from ..seats import COMPULSORY
from .links import link
from .people import check_password_rules, clean_username, digest

CODE_LIFE = timedelta(minutes=10)
CODE_TRIES = 5
CODES_AN_HOUR = 5
RECOVERY_LIFE = timedelta(hours=1)
RECOVERIES_AN_HOUR = 3

CODE_MAIL = """{section} {name} 様

Kyoten のログイン確認番号です。

  {code}

この番号は{expires}まで有効です。ログインの画面に入力してください。
心当たりがない場合は、パスワードが他人に知られているおそれがあります。パスワードを変更してください。
"""

RECOVERY_MAIL = """{section} {name} 様

Kyoten のパスワードの再設定が申し込まれました。次のリンクを開き、新しいパスワードを決めてください。
{link}

このリンクは{expires}まで、一度だけ使えます。
心当たりがない場合は、何もせずにこのメールを破棄してください。いまのパスワードはそのまま使えます。
"""

RECOVERED_MAIL = """{section} {name} 様

Kyoten のパスワードが再設定されました。
心当たりがない場合は、すぐに所属の「管理」の席の方に連絡してください。
"""


def section_for(person: User, at: datetime) -> Section | None:
    """The section whose address stands for the person: that of a seat which needs a second factor first."""
    seats = Seat.objects.in_full().valid_at(at).filter(person=person)
    reachable = [seat for seat in seats if not seat.section.needs_mending]
    reachable.sort(key=lambda seat: seat.organisation.kind not in COMPULSORY)
    return reachable[0].section if reachable else None


def hidden_address(email: str) -> str:
    """Enough of an address to recognise it: za…@example.jp"""
    local, _, domain = email.partition("@")
    return f"{local[:2]}…@{domain}"


# ---- the code ---------------------------------------------------------------------------------


@transaction.atomic
def send_code(person: User, *, at: datetime) -> LoginCode:
    """確認番号の送信: a fresh code to the section's address; the ones sent before are void."""
    section = section_for(person, at)
    if section is None:
        raise Refused(
            "所属の課のメールアドレスが登録されていないか、不達になっているため、確認番号を送れません。"
            "所属の「管理」の席の方か、システムの管理者に連絡してください。"
        )
    User.objects.select_for_update().get(pk=person.pk)
    mine = LoginCode.objects.filter(person=person, purpose=LoginCode.Purpose.SECOND_FACTOR)
    if mine.filter(created_at__gt=at - timedelta(hours=1)).count() >= CODES_AN_HOUR:
        raise Refused("確認番号を続けて送りすぎました。1時間ほど待ってから、もう一度お試しください。")
    mine.filter(used_at=None, expires_at__gt=at).update(expires_at=at)
    digits = f"{secrets.randbelow(10**6):06}"
    code = LoginCode.objects.create(
        person=person,
        section=section,
        purpose=LoginCode.Purpose.SECOND_FACTOR,
        digest="",
        created_at=at,
        expires_at=at + CODE_LIFE,
    )
    code.digest = code_digest(code, digits)
    code.save(update_fields=["digest"])
    _tell(code, "確認番号", CODE_MAIL, at, code=digits)
    return code


def code_digest(code: LoginCode, digits: str) -> str:
    """Keyed with the instance's secret: a million plain hashes of six digits are tried in no time."""
    return salted_hmac("kyoten.login_code", f"{code.pk}:{digits}", algorithm="sha256").hexdigest()


def check_code(code_id: int | None, person: User, digits: str, *, at: datetime) -> None:
    """確認番号の照合: each look costs a try, before the comparison, so that parallel guesses gain nothing."""
    rows = LoginCode.objects.filter(
        pk=code_id, person=person, purpose=LoginCode.Purpose.SECOND_FACTOR, used_at=None, expires_at__gt=at
    )
    if not rows.filter(tries__lt=CODE_TRIES).update(tries=F("tries") + 1):
        raise Refused("確認番号の期限が切れたか、入力の回数が上限を超えました。新しい番号を送ってください。")
    code = rows.get()
    if not constant_time_compare(code.digest, code_digest(code, clean_username(digits))):
        left = CODE_TRIES - code.tries
        raise Refused(
            f"確認番号が違います。あと{left}回入力できます。"
            if left
            else "確認番号が違います。入力の回数が上限になりました。新しい番号を送ってください。"
        )
    if not rows.update(used_at=at):
        raise Refused("この確認番号はすでに使われています。新しい番号を送ってください。")


# ---- recovery ---------------------------------------------------------------------------------


@transaction.atomic
def start_recovery(username: str, *, at: datetime) -> None:
    """パスワードの再設定の申込: a link to the section's address. The caller learns nothing, whatever was typed."""
    person = User.objects.select_for_update().filter(username=clean_username(username), is_active=True).first()
    section = section_for(person, at) if person else None
    if section is None:
        return
    mine = LoginCode.objects.filter(person=person, purpose=LoginCode.Purpose.RECOVERY)
    if mine.filter(created_at__gt=at - timedelta(hours=1)).count() >= RECOVERIES_AN_HOUR:
        return
    token = secrets.token_urlsafe(32)
    code = LoginCode.objects.create(
        person=person,
        section=section,
        purpose=LoginCode.Purpose.RECOVERY,
        digest=digest(token),
        created_at=at,
        expires_at=at + RECOVERY_LIFE,
    )
    _tell(code, "パスワードの再設定", RECOVERY_MAIL, at, link=link("organisations:recover_password", token))


def open_recovery(token: str, at: datetime) -> LoginCode | None:
    rows = LoginCode.objects.filter(purpose=LoginCode.Purpose.RECOVERY, used_at=None, expires_at__gt=at)
    return rows.select_related("person", "section").filter(digest=digest(token), person__is_active=True).first()


def recover(code: LoginCode, *, password: str, at: datetime) -> User:
    """パスワードの再設定: sets the password, ends every session of the person, lifts the lock, tells the section."""
    person = code.person
    check_password_rules(password, person)
    person.set_password(password)  # slow on purpose, so outside the transaction
    with transaction.atomic():
        rows = LoginCode.objects.filter(pk=code.pk, used_at=None, expires_at__gt=at)
        if not rows.update(used_at=at):
            raise Refused("このリンクは、すでに使われたか、期限が切れています。もう一度申し込んでください。")
        LoginCode.objects.filter(person=person, used_at=None, expires_at__gt=at).update(expires_at=at)
        person.save(update_fields=["password"])
        record("recover", "パスワードの再設定", kind="person", record_id=person.pk, by=None, at=at)
        _tell(code, "パスワードを再設定しました", RECOVERED_MAIL, at, key=f"recovered:{code.pk}")
        reset(username=person.username)
    return person


def _tell(row: LoginCode, subject: str, text: str, at: datetime, key: str = "", **words: str) -> None:
    section = row.section
    expires = timezone.localtime(row.expires_at)
    send(
        to=[section.email],
        subject=f"【Kyoten】{subject}（{row.person.name} 様）",
        text=text.format(section=section.name, name=row.person.name, expires=f"{expires:%-m月%-d日 %H:%M}", **words),
        at=at,
        key=key or f"login_code:{row.pk}",
        by=None,
        section_id=None,
        from_name="Kyoten",
        automatic=True,
    )
