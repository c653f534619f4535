"""デモの相談: the cases of data/consultations.toml, taken in and answered by the real acts."""

from __future__ import annotations

import tomllib
from datetime import datetime, timedelta
from email.message import EmailMessage
from email.utils import format_datetime
from pathlib import Path
from typing import Any

from kyoten.consultations.actions import answering, handling, intake
from kyoten.consultations.actions.intake import Caller, Incoming
from kyoten.consultations.desks import Desk, desk_of, desks
from kyoten.consultations.models import Consultation
from kyoten.organisations.models import Organisation, Seat, Section
from kyoten.post.actions import receive
from kyoten.post.inbox import read_new
from kyoten.rules.clock import JST
from kyoten.web import world

CASES: dict[str, list[dict[str, Any]]] = tomllib.loads(
    (Path(__file__).parent / "data" / "consultations.toml").read_text("utf-8")
)


OFFICERS = ("jimukyoku", "jimukyoku-kanri")  # who writes an answer, and who approves it
FIRST, LAST = datetime(2000, 1, 1, tzinfo=JST), datetime(2099, 12, 31, tzinfo=JST)


def play(key: str, slug: str, officers: tuple[str, str], since: datetime = FIRST, until: datetime = LAST) -> None:
    """Take in the cases of one desk. `officers`: who writes an answer, and who approves it."""
    desk = desk_of(slug, desks())
    assert desk is not None
    writer, approver = map(world.seat_of, officers)
    for row in CASES[key]:
        at = row["at"].replace(tzinfo=JST)
        if since < at <= until:
            _answer(_taken(desk, row, at, writer), desk, row, writer, approver)


def play_past() -> None:
    """What the desks had before the demo's first day: last year's cases, and the hub's since April."""
    play("r6", "r6-soudan", OFFICERS)
    play("hub", "chiba-hub-soudan", ("chiba-shi", "chiba-shi-kanri"))


def _taken(desk: Desk, row: dict[str, Any], at: datetime, by: Seat) -> Consultation:
    caller = _caller(row)
    marks = {kind: row.get(f"{kind}s", []) for kind in ("subject", "function", "scene")}
    if row["way"] == "mail":
        case = intake.take_mail(_mail(desk, row, caller, at), desk, at=at)
    else:
        what = Incoming(row["way"], row["subject"], row["text"], caller, at, marks=marks, owner=by)
        if row["way"] == "web":
            return intake.take_web(desk, what, at=at)
        case = intake.take_call(desk, what, by=by, at=at)
    if "callback" in row:
        when = row["callback"].replace(tzinfo=JST)
        handling.promise_callback(case, when=when, phone=case.phone, note="", owner=by, by=by, at=at)
    if "answered" in row:
        _describe(case, row, marks, by, at)
    return case


def _describe(case: Consultation, row: dict[str, Any], marks: dict, by: Seat, at: datetime) -> None:
    case.refresh_from_db()
    facts = handling.Facts(
        subject=case.subject, body_name=case.body_name, person_name=case.person_name, phone=case.phone,
        email=case.email, asker=row.get("asker", ""), handling="advice", minutes=20, urgent=False, personal=False,
        marks=marks,
    )  # fmt: skip
    handling.describe(case, facts, case.version, by=by, at=at + timedelta(minutes=5))


def _caller(row: dict[str, Any]) -> Caller:
    body = Organisation.objects.filter(code=row["code"]).first() if "code" in row else None
    section = Section.objects.filter(organisation=body, is_default=True).first() if body else None
    return Caller(
        body=row.get("body") or str(body),
        person=row["person"],
        phone=row.get("phone") or (section.phone if section else ""),
        email=row.get("email") or (section.email if section else ""),
        organisation=body,
        asker=row.get("asker", ""),
    )


def _mail(desk: Desk, row: dict[str, Any], caller: Caller, at: datetime):
    """By the official template, as the notice asks for."""
    mail = EmailMessage()
    mail["From"], mail["To"] = caller.email, desk.definition.contact.email
    mail["Subject"], mail["Date"] = row["subject"], format_datetime(at)
    mail["Message-ID"] = f"<{at:%Y%m%d%H%M}.{desk.slug}@demo.example.jp>"
    values = (caller.body, caller.person, f"{caller.phone}／{caller.email}", row["text"])
    lines = [f"{line}{value}" for line, value in zip(desk.rules.mail.lines, values, strict=True)]
    mail.set_content("お世話になっております。\n\n" + "\n".join(lines) + "\n")
    kept = receive(mail.as_bytes(), source="demo", at=at)
    read_new(at)
    kept.refresh_from_db()
    return kept


def _answer(case: Consultation, desk: Desk, row: dict[str, Any], by: Seat, approver: Seat) -> None:
    if "answered" not in row:
        return
    at = row["answered"].replace(tzinfo=JST)
    draft = answering.save_draft(
        case, subject="", text=row["answer"], version=None, by=by, at=at - timedelta(minutes=5)
    )
    if desk.rules.approval:
        answering.ask_approval(draft, by=by, at=at - timedelta(minutes=4))
        draft.refresh_from_db()
    heard = case.person_name if row["way"] == "phone" else ""
    answering.answer(draft, desk, by_phone=heard, by=approver, at=at)
