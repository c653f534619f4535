"""What every page shows around its content: the menu, the seat, the demo's clock, the version."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from django.conf import settings
from django.db import connection
from django.db.models import Func, QuerySet, Subquery
from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse

from kyoten.consultations.models import Example
from kyoten.organisations.models import Seat
from kyoten.organisations.seats import seats_of
from kyoten.post.models import InboundMail, OutboundMail
from kyoten.programmes.models import Programme
from kyoten.rules.wareki import wareki
from kyoten.web import demo
from kyoten.web.middleware import allowed
from kyoten.web.routes import NATIONAL, ROUTES

PEOPLE = tuple(
    f"organisations:{name}" for name in ("people", "invite", "first_managers", "give_seat", "seat", "transfer")
)
PROGRAMMES = tuple(f"programmes:{name}" for name in ("list", "show", "diff", "next_year", "upload", "publish"))
# Title, the page it leads to, and the beginnings of the view names that belong to it.
MENU = [
    ("ホーム", "home", ("home", "rescue:")),
    ("公募・申込", "calls:list", ("calls:",)),
    ("通知・照会", "inquiries:list", ("inquiries:",)),
    ("相談窓口", "consultations:list", ("consultations:",)),
    ("相談窓口の実績", "consultations:report", ("consultations:report",)),
    ("相談の事例", "examples:list", ("examples:",)),
    (
        "連絡先",
        "organisations:addresses",
        ("organisations:address", "organisations:confirm", "organisations:organisation"),
    ),
    ("圏域・拠点", "organisations:areas", ("organisations:area", "organisations:designation")),
    ("職員（席）", "organisations:people", PEOPLE),
    ("所管課", "programmes:in_charge", ("programmes:in_charge",)),
    ("事業設定", "programmes:list", PROGRAMMES),
    ("送信できなかったメール", "post:failures", ("post:failure",)),
    ("要確認の受信メール", "post:attention", ("post:attention",)),
    ("受信箱の振り分け", "sorting:list", ("sorting:",)),
]


# Entries that not everybody has, in the order menu_facts counts them; the number of the first three stands beside them.
DEPENDING = (
    "post:failures", "post:attention", "sorting:list", "consultations:list", "consultations:report", "examples:list",
)  # fmt: skip
BADGES = DEPENDING[:3]


@dataclass(frozen=True)
class Item:
    title: str
    url: str
    current: bool
    badge: int = 0


def frame(request: HttpRequest) -> dict[str, Any]:
    seat = getattr(request, "seat", None)
    here = request.resolver_match.view_name if request.resolver_match else ""
    return {
        "menu": menu(seat, here) if seat else [],
        "seat": seat,
        "seats": seats_of(request) if seat else [],
        "demo": clock(request) if settings.DEMO else None,
        "version": version(),
        "here": here,
    }


def clock(request: HttpRequest) -> dict[str, Any]:
    """The bar of the demo, and the accounts its login page offers."""
    return {"now": f"{wareki(request.at.date(), with_weekday=True)}{request.at:%-H:%M}", "accounts": demo.accounts()}


def menu(seat, here: str) -> list[Item]:
    """What this seat may open. Mails that need somebody appear only while there are any."""
    facts = menu_facts(seat)
    items = []
    for title, name, beginnings in MENU:
        url = address(name)
        sorts = name == "sorting:list" and has_mailbox(seat, facts)  # also while nothing waits
        if url and allowed(ROUTES[name], seat) and (sorts or facts.get(name) != 0):
            items.append(Item(title, url, here.startswith(beginnings), facts.get(name, 0) if name in BADGES else 0))
    return items


def has_mailbox(seat: Seat, facts: dict[str, int]) -> bool:
    return seat.organisation.kind == "secretariat" or facts["consultations:list"] > 0


def menu_facts(seat: Seat) -> dict[str, int]:
    """What decides about entries that not everybody has: numbers of mails, and whether there is a desk. One query."""
    statement, params = _counting(connection.vendor, seat.organisation.kind == "secretariat")
    ids = {PERSON: seat.person_id, SECTION: seat.section_id, BODY: seat.organisation.pk}
    with connection.cursor() as cursor:
        cursor.execute(statement, [ids.get(value, value) for value in params])
        facts = dict(zip(DEPENDING, cursor.fetchone(), strict=True))
    facts["consultations:report"] *= seat.organisation.kind == "ministry"  # a desk's own body has it on its inbox
    return facts


PERSON, SECTION, BODY = -1, -2, -3  # stand in the statement for whom it is asked


@lru_cache
def _counting(vendor: str, organiser: bool) -> tuple[str, tuple[Any, ...]]:
    """The statement of menu_facts, put together once: it stands on every page, and that costs ten times its running."""
    sent, arrived = OutboundMail.objects.shown_to(PERSON), InboundMail.objects.shown_to(PERSON)
    counts = [
        sent.failed_for([SECTION]),
        arrived.attention_of(SECTION, nobodys=organiser),
        arrived.waiting([None, BODY] if organiser else [BODY]),
        Programme.objects.filter(organiser=BODY, has_desk=True),
        Programme.objects.filter(organiser__kind__in=NATIONAL, has_desk=True),
        Example.objects.shown_to_body(BODY),
    ]
    parts = [number_of(rows).query.sql_with_params() for rows in counts]
    return (
        "SELECT " + ", ".join(f"({sql})" for sql, _ in parts),
        tuple(value for _, values in parts for value in values),
    )


def number_of(rows: QuerySet) -> Subquery:
    """How many rows, to stand inside another query."""
    return Subquery(rows.order_by().annotate(n=Func("pk", function="COUNT")).values("n"))


@lru_cache
def address(name: str) -> str | None:
    try:
        return reverse(name)
    except NoReverseMatch:
        return None


@lru_cache
def version() -> str:
    """The version is written once: in the first heading of the changelog."""
    path = settings.ROOT / "CHANGELOG.md"
    found = re.search(r"^## (\S+)", path.read_text("utf-8"), re.MULTILINE) if path.exists() else None
    return found[1] if found else ""
