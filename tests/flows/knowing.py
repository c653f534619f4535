"""The hub's own desk (千葉市 ③) beside the national ones, and cases brought to where a test begins."""

from __future__ import annotations

import hashlib
import os
from datetime import datetime
from pathlib import Path
from types import SimpleNamespace

from django.conf import settings

from kyoten.consultations.actions import answering, handling, intake
from kyoten.consultations.actions.intake import Caller, Incoming
from kyoten.consultations.desks import desk_of, desks
from kyoten.consultations.models import Consultation
from kyoten.organisations.models import Organisation, Section
from kyoten.post.models import OutboundMail
from kyoten.programmes.models import Programme
from kyoten.rules.clock import JST
from kyoten.web import shipped
from tests.flows import desking
from tests.world import AT, _seat

ASKED = datetime(2025, 7, 22, 10, 0, tzinfo=JST)
ANSWERED = datetime(2025, 7, 23, 11, 0, tzinfo=JST)
LATER = datetime(2031, 4, 1, 0, 0, tzinfo=JST)  # the first moment after five years beyond FY2025
PATIENT = "利用者の山田太郎様（80歳）の退院後に、訪問診療をお願いできる医療機関を教えてください。"


def published(slug: str, organiser: Organisation) -> Programme:
    """As the act leaves it, without judging the same text again for every test."""
    text = next(text for found, text, _ in shipped.shipped() if found == slug)
    return Programme.objects.create(
        slug=slug, revision=1, text=text, digest=hashlib.sha256(text.encode()).hexdigest(), organiser=organiser,
        published_at=AT, has_desk=True,
    )  # fmt: skip


def hub(world) -> SimpleNamespace:
    """千葉市 with its desk, an officer and a 管理 seat."""
    city = Organisation.objects.create(kind="municipality", name="千葉市", code="121002", prefecture=world.chiba)
    part = Section.objects.create(
        organisation=city, name="在宅医療・介護連携支援センター", email="renkei@chiba-city.example.jp", is_default=True
    )
    published("chiba-hub-soudan", city)
    found = desk_of("chiba-hub-soudan", desks(city))
    assert found is not None
    return SimpleNamespace(
        body=city, section=part, desk=found, officer=_seat(part, "chibashi", "伊藤 葵", "officer"),
        manager=_seat(part, "chibashi-kanri", "近藤 悟", "manager"),
    )  # fmt: skip


def asked(at: SimpleNamespace, text: str = PATIENT, **caller: str) -> Consultation:
    """A question on the telephone to the hub's desk."""
    who = {"body": "みどり訪問看護ステーション", "person": "西田 陽子", "phone": "000-0000-1111"} | caller
    what = Incoming("phone", "退院後の訪問診療", text, Caller(**who), ASKED, owner=at.officer)
    return intake.take_call(at.desk, what, by=at.officer, at=ASKED)


def said(at: SimpleNamespace, case: Consultation, text: str = "西区の診療所をご紹介しました。") -> Consultation:
    """Answered on the telephone, and closed."""
    draft = answering.save_draft(case, subject="", text=text, version=None, by=at.officer, at=ANSWERED)
    answering.answer(draft, at.desk, by_phone="西田 陽子", by=at.officer, at=ANSWERED)
    case.refresh_from_db()
    handling.close(case, "", by=at.officer, at=ANSWERED)
    case.refresh_from_db()
    return case


def mailed(world, *args, **more) -> Consultation:
    """A mail to the national desk, answered by mail that arrived, and closed."""
    return answered(world, desking.taken(world, *args, **more))


def answered(world, case: Consultation) -> Consultation:
    desk = desking.desk(world)
    text = "次の例があります。連携の会議に訪問看護の方を加える例が多くあります。"
    draft = answering.save_draft(
        case, subject="", text=text, version=None, by=world.seat_secretariat, at=desking.TUESDAY
    )
    answering.ask_approval(draft, by=world.seat_secretariat, at=desking.TUESDAY)
    draft.refresh_from_db()
    answering.answer(draft, desk, by=world.seat_secretariat2, at=desking.TUESDAY)
    arrived(case)
    case.refresh_from_db()
    handling.close(case, "", by=world.seat_secretariat, at=desking.TUESDAY)
    case.refresh_from_db()
    return case


def arrived(case: Consultation) -> None:
    """Every mail of the case was delivered."""
    OutboundMail.objects.of("consultation", case.pk).update(state="sent", sent_at=desking.TUESDAY)


def make_old() -> None:
    """The stored files as if they had lain there for long: no sweep takes a young one."""
    for path in stored():
        os.utime(path, (0, 0))


def stored() -> list[Path]:
    root = Path(settings.FILES)
    return sorted(path for path in root.glob("??/??/*") if path.is_file()) if root.exists() else []
