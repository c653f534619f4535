"""デモ環境の世界: who there is before anything has happened. Made once, quickly, and always the same."""

from __future__ import annotations

import tomllib
from datetime import datetime
from itertools import count
from pathlib import Path
from typing import Any

import jaconv
from django.contrib.auth.hashers import make_password
from django.db import connection, transaction

from kyoten.organisations.master import load_master
from kyoten.organisations.models import Area, Designation, Organisation, Seat, Section, Supervision, User
from kyoten.organisations.text import search_key
from kyoten.programmes.models import InCharge
from kyoten.web import shipped

PLAN: dict[str, Any] = tomllib.loads((Path(__file__).parent / "data" / "world.toml").read_text("utf-8"))
PASSWORD: str = PLAN["password"]
# In the order of the tour, as the login page and `setup` show them: username, name, organisation, section, role, what.
ACCOUNTS: list[dict[str, str]] = [
    row | {"role": Seat.Role(row["role"]).label, "order": str(order)} for order, row in enumerate(PLAN["accounts"], 1)
]
DOMAINS = {"市": "city", "町": "town", "村": "vill", "区": "city"}
ENDINGS = ("machi", "chou", "mura", "shi", "son", "ku")


def exists() -> bool:
    return User.objects.filter(username=ACCOUNTS[0]["username"]).exists()


@transaction.atomic
def build(at: datetime) -> None:
    """Everything and everybody of the demo, as it stands before the call is opened."""
    load_master()
    _bodies()
    _contacts()
    _areas()
    _hubs()
    _in_charge()
    _people()
    from kyoten.web import desk_world  # which plays with this world's people

    shipped.publish_all(by=None, at=at, examples=True)
    desk_world.play_past()
    tell_the_planner()


def tell_the_planner() -> None:
    """PostgreSQL takes tables that were filled a moment ago for empty: a join of three then takes minutes."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE")


def seat_of(username: str) -> Seat:
    """The seat of one of the accounts, with everything an act needs."""
    return Seat.objects.in_full().get(person__username=username, ended_at=None)


# ---- bodies and their sections ----------------------------------------------------------------


def _prefectures() -> dict[str, Organisation]:
    return {body.code: body for body in Organisation.objects.filter(kind="prefecture")}


def _bodies() -> None:
    """The secretariat, health centres and associations, each with its first section."""
    office = PLAN["secretariat"]
    _add("secretariat", office["name"], office["section"], office["email"], kana=office["kana"])
    prefectures = _prefectures()
    for group in PLAN["health_centres"]:
        above = prefectures[group["prefecture"]]
        for name, mail in group["names"]:
            centre = _add(
                "health_centre", name, "地域保健福祉課", f"chiiki@{mail}.hokenjo.example.jp", prefecture=above
            )
            Supervision.objects.create(superior=above, subordinate=centre)
    for group in PLAN["associations"]:
        above = prefectures.get(group.get("prefecture", ""))
        for name, mail in group["names"]:
            _add(
                "association", name, group["section"], f"jimu@{mail}.example.jp", prefecture=above, level=group["level"]
            )


def _add(kind: str, name: str, section: str, email: str, **more: Any) -> Organisation:
    body = Organisation.objects.create(kind=kind, name=name, **more)
    Section.objects.create(organisation=body, name=section, email=email, is_default=True)
    return body


def _contacts() -> None:
    """Section names, made-up addresses and telephone numbers for every body of the address list."""
    for row in PLAN["further_sections"]:
        body = Organisation.objects.get(code=row["code"])
        Section.objects.create(organisation=body, name=row["name"], email=f"{row['mail']}@{domain_of(body)}")
    names = PLAN["prefecture_sections"] | PLAN["municipality_sections"]
    sections = list(Section.objects.select_related("organisation__prefecture").order_by("organisation__code", "pk"))
    taken: set[str] = {section.email for section in sections}
    for number, section in zip(count(1), sections, strict=False):
        body = section.organisation
        section.name = names.get(body.code, section.name) if section.is_default else section.name
        section.email = section.email or _address(body, taken)
        section.phone, section.fax = f"000-0000-{number:04d}", f"000-0001-{number:04d}"
        section.search = search_key(section.name, section.email, section.phone)
    Section.objects.all().delete()  # and written again under the same ids: a bulk_update of so many takes seconds
    Section.objects.bulk_create(sections, batch_size=500)


def _address(body: Organisation, taken: set[str]) -> str:
    """zaitaku@city.matsudo.chiba.example.jp; two towns of one sound in one prefecture are told apart by their code."""
    if body.kind == "ministry":
        address = f"zaitaku@{romaji(body.kana)[-8:]}.example.jp"
    else:
        address = f"zaitaku@{domain_of(body)}"
    if address in taken:
        address = address.replace("@", f"-{body.code}@")
    taken.add(address)
    return address


def domain_of(body: Organisation) -> str:
    if body.kind == "prefecture":
        return f"pref.{short(body)}.example.jp"
    return f"{DOMAINS[body.name[-1]]}.{short(body)}.{short(body.prefecture)}.example.jp"


def short(body: Organisation) -> str:
    """千葉県 chiba, 松戸市 matsudo"""
    name = romaji(body.kana)
    endings = ("ken", "fu", "to") if body.kind == "prefecture" else ENDINGS
    return next((name.removesuffix(end) for end in endings if name.endswith(end)), name)


def romaji(kana: str) -> str:
    return jaconv.kana2alphabet(jaconv.kata2hira(kana))


# ---- areas, hubs, sections in charge -----------------------------------------------------------


def _municipalities(code: str) -> dict[str, Organisation]:
    return {body.name: body for body in Organisation.objects.filter(kind="municipality", prefecture__code=code)}


def _areas() -> None:
    for group in PLAN["areas"]:
        prefecture = Organisation.objects.get(code=group["prefecture"])
        towns = _municipalities(group["prefecture"])
        for name, members in group["sets"]:
            area = Area.objects.create(
                kind=group["kind"],
                name=name,
                prefecture=prefecture,
                source=group["source"],
                valid_from=group["valid_from"],
            )
            area.municipalities.set(towns[member] for member in members.split())


def _hubs() -> None:
    prefectures = _prefectures()
    Designation.objects.bulk_create(
        Designation(
            organisation=body,
            prefecture=prefectures[group["prefecture"]],
            source=group["source"],
            valid_from=group["valid_from"],
        )
        for group in PLAN["hubs"]
        for name, body in _municipalities(group["prefecture"]).items()
        if name in group.get("bodies", [name])
    )


def _in_charge() -> None:
    """所管: written down where a body has more than one section."""
    for row in PLAN["further_sections"]:
        section = Section.objects.get(organisation__code=row["code"], is_default=True)
        InCharge.objects.create(programme=PLAN["in_charge"], organisation=section.organisation, section=section)


# ---- people -----------------------------------------------------------------------------------


def _people() -> None:
    password = make_password(PASSWORD)  # slow on purpose, so once
    for row in PLAN["accounts"]:
        person = User.objects.create(username=row["username"], name=row["name"], password=password)
        section = Section.objects.get(organisation__name=row["organisation"], name=row["section"])
        Seat.objects.create(person=person, section=section, role=row["role"])
