"""A small made-up world of bodies, sections and seats for the tests of people, addresses and login."""

from dataclasses import dataclass
from datetime import date, datetime

from kyoten.organisations.models import Organisation, Seat, Section, Supervision, User
from kyoten.rules.clock import JST

AT = datetime(2025, 6, 27, 10, 0, tzinfo=JST)
PASSWORD = "matsubara-no-kaze-7"


@dataclass
class Place:
    """One body with one section and one seat in it."""

    body: Organisation
    section: Section
    seat: Seat

    @property
    def person(self) -> User:
        return self.seat.person


def body(kind: str, name: str, code: str = "", **more) -> Organisation:
    return Organisation.objects.create(kind=kind, name=name, code=code, **more)


def section(of: Organisation, name: str, email: str = "", **more) -> Section:
    return Section.objects.create(organisation=of, name=name, email=email, **more)


def person(username: str, name: str = "") -> User:
    return User.objects.create_user(username, password=PASSWORD, name=name or username)


def seat(who: User, where: Section, role: str = "officer", **more) -> Seat:
    return Seat.objects.create(person=who, section=where, role=role, valid_from=date(2025, 4, 1), **more)


def place(kind: str, name: str, code: str, username: str, role: str = "manager", **more) -> Place:
    of = body(kind, name, code, **more)
    where = section(of, f"{name}在宅医療課", f"{username}@example.jp", is_default=True)
    return Place(of, where, seat(person(username), where, role))


def below(superior: Organisation, subordinate: Organisation) -> Supervision:
    return Supervision.objects.create(superior=superior, subordinate=subordinate, valid_from=date(2005, 4, 1))


@dataclass
class World:
    secretariat: Place
    chiba: Place
    saitama: Place
    matsudo: Place
    kashiwa: Place


def world() -> World:
    """事務局, 千葉県 with 松戸市 and 柏市, 埼玉県; a manager in each."""
    made = World(
        place("secretariat", "事務局", "", "jimukyoku"),
        place("prefecture", "千葉県", "120006", "chiba"),
        place("prefecture", "埼玉県", "110001", "saitama"),
        place("municipality", "松戸市", "122076", "matsudo"),
        place("municipality", "柏市", "122173", "kashiwa"),
    )
    for city in (made.matsudo.body, made.kashiwa.body):
        Organisation.objects.filter(pk=city.pk).update(prefecture=made.chiba.body)
        city.refresh_from_db()
        below(made.chiba.body, city)
    return made
