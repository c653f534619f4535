"""The small world most tests live in: the bodies of one call, their people, and the programme published.

`world.chiba` is a body, `world.section_chiba` its section in charge, `world.seat_chiba` the seat of its officer.
"""

from __future__ import annotations

import hashlib
from datetime import date, datetime
from functools import lru_cache
from types import SimpleNamespace

import pytest
from django.conf import settings
from django.contrib.auth.hashers import make_password
from django.test import Client

from kyoten.organisations import seats
from kyoten.organisations.models import Designation, Organisation, Seat, Section, Supervision, User
from kyoten.programmes.models import Programme
from kyoten.rules.clock import JST
from kyoten.web import demo, shipped

AT = datetime(2025, 6, 25, 9, 0, tzinfo=JST)
PASSWORD = "matsubara-no-kaze-7"
BACKEND = "allauth.account.auth_backends.AuthenticationBackend"

# name in the world, kind, code, name, section, mail, people: (name in the world, login, name, role)
BODIES = [
    (
        "secretariat",
        {"kind": "secretariat", "name": "伴走支援 事務局"},
        ("事務局", "zaitaku@example.jp"),
        [
            ("seat_secretariat", "jimukyoku", "中村 彩", "officer"),
            ("seat_secretariat2", "kanri", "大野 直樹", "manager"),
        ],
    ),
    (
        "ministry",
        {"kind": "ministry", "name": "厚生労働省医政局"},
        ("地域医療計画課", "iseikyoku@example.jp"),
        [("seat_ministry", "mhlw", "高橋 恵", "officer")],
    ),
    (
        "chiba",
        {"kind": "prefecture", "name": "千葉県", "code": "120006", "kana": "チバケン"},
        ("健康福祉部 医療整備課", "iryo@chiba.example.jp"),
        [("seat_chiba", "chiba", "佐々木 亮", "officer"), ("seat_viewer", "etsuran", "野村 さくら", "viewer")],
    ),
    (
        "saitama",
        {"kind": "prefecture", "name": "埼玉県", "code": "110001", "kana": "サイタマケン"},
        ("保健医療部 医療整備課", "iryo@saitama.example.jp"),
        [("seat_saitama", "saitama", "上田 真由", "officer")],
    ),
    (
        "matsudo",
        {"kind": "municipality", "name": "松戸市", "code": "122076", "kana": "マツドシ", "above": "chiba"},
        ("地域医療課", "chiiki@matsudo.example.jp"),
        [("seat_matsudo", "matsudo", "山下 結衣", "officer"), ("seat_matsudo2", "matsudo2", "岡田 拓海", "manager")],
    ),
    (
        "kashiwa",
        {"kind": "municipality", "name": "柏市", "code": "122173", "kana": "カシワシ", "above": "chiba"},
        ("地域医療推進課", "chiiki@kashiwa.example.jp"),
        [("seat_kashiwa", "kashiwa", "森川 千尋", "officer")],
    ),
    (
        "kamagaya",
        {"kind": "municipality", "name": "鎌ケ谷市", "code": "122246", "kana": "カマガヤシ", "above": "chiba"},
        ("高齢者支援課", "korei@kamagaya.example.jp"),
        [("seat_kamagaya", "kamagaya", "小林 美咲", "officer")],
    ),
    (
        "chiba_association",
        {"kind": "association", "name": "千葉県医師会", "level": "prefectural", "prefecture": "chiba"},
        ("事務局", "ishikai@example.jp"),
        [("seat_association", "ishikai", "長谷川 誠", "officer")],
    ),
    (
        "national_association",
        {"kind": "association", "name": "日本医師会", "level": "national"},
        ("地域医療課", "nichii@example.jp"),
        [("seat_national_association", "nichii", "今井 浩二", "officer")],
    ),
]


def build() -> SimpleNamespace:
    made = SimpleNamespace(at=AT)
    for name, fields, section, people in BODIES:
        _body(made, name, dict(fields), section, people)
    made.seat_approver = _seat(made.section_chiba, "kessai", "本田 修", "approver")
    made.programme = _published(made.secretariat)
    return made


@lru_cache
def _definition() -> tuple[str, str, str]:
    return next(found for found in shipped.shipped() if found[0] == "r7-zaitaku")


def _published(organiser: Organisation) -> Programme:
    """As `publish` leaves it, without checking and judging the same text again for every test."""
    slug, text, cases = _definition()
    digest = hashlib.sha256(text.encode()).hexdigest()
    return Programme.objects.create(
        slug=slug, revision=1, text=text, digest=digest, cases=cases, organiser=organiser, published_at=AT
    )


def _body(made: SimpleNamespace, name: str, fields: dict, section: tuple[str, str], people: list) -> None:
    above = getattr(made, fields.pop("above", ""), None)
    fields["prefecture"] = above or getattr(made, fields.pop("prefecture", ""), None)
    body = Organisation.objects.create(**fields)
    part = Section.objects.create(
        organisation=body, name=section[0], email=section[1], phone="000-0000-0000", is_default=True
    )
    setattr(made, name, body)
    setattr(made, f"section_{name}", part)
    for seat_name, username, person, role in people:
        setattr(made, seat_name, _seat(part, username, person, role))
    if above:
        Supervision.objects.create(superior=above, subordinate=body)
        Designation.objects.create(
            organisation=body, prefecture=above, valid_from=date(2024, 4, 1), source="千葉県保健医療計画"
        )


@lru_cache
def _password() -> str:
    return make_password(PASSWORD)


def _seat(section: Section, username: str, name: str, role: str) -> Seat:
    person = User.objects.create(username=username, name=name, password=_password())
    return Seat.objects.create(person=person, section=section, role=role)


@pytest.fixture
def world(db) -> SimpleNamespace:
    return build()


@pytest.fixture
def clock(db, settings):
    """Set the moment of every following request: `clock(datetime(2025, 7, 22, 10, tzinfo=JST))`. Runs as the demo."""
    settings.DEMO = True
    return demo.set_clock


def login(client: Client, seat: Seat | None) -> Client:
    """Work from this seat, with the second factor shown; None logs out."""
    client.logout()
    if seat:
        client.force_login(seat.person, backend=BACKEND)
        session = client.session
        session[seats.SEAT], session[seats.SECOND_FACTOR] = seat.pk, seat.person_id
        session.save()
    return client


def login_cookie(seat: Seat) -> tuple[str, str]:
    """Name and value of a session cookie for this seat, for a browser."""
    client = login(Client(), seat)
    return settings.SESSION_COOKIE_NAME, client.cookies[settings.SESSION_COOKIE_NAME].value
