"""Pages of people, login, addresses, areas and hubs in a real browser: accessible, and whole at 375 px."""

import re
from datetime import date

import pytest
from django.conf import settings
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from kyoten.organisations.actions import address_import as importing
from kyoten.organisations.actions import addresses, areas
from kyoten.organisations.actions import people as acts
from kyoten.organisations.models import Organisation, Supervision
from kyoten.organisations.seats import SECOND_FACTOR
from kyoten.post.models import OutboundMail
from tests.people import PASSWORD, body, person, place, seat, section, world

LISTS = [
    *["people", "invite", "first_managers", "give_seat", "me", "addresses", "address_import", "confirmations"],
    *["organisation_add", "areas", "area_add", "designations", "designation_add"],
]
pytestmark = pytest.mark.django_db(transaction=True)


def full(w) -> dict[str, str]:
    """The world with 54 municipalities, areas, hubs, an invitation, a bounce and a table to import; its pages."""
    now = timezone.now()
    for number in range(52):
        city = body("municipality", f"千葉県第{number}市", f"129{number:03}", prefecture=w.chiba.body)
        section(city, "健康福祉部在宅医療・介護連携推進課", f"city{number}@example.jp", is_default=True)
        Supervision.objects.create(superior=w.chiba.body, subordinate=city)
    w.matsudo.section.bounced_at, w.matsudo.section.bounce_reason = now, "550 5.1.1 User unknown"
    w.matsudo.section.save()
    cities = list(Organisation.objects.supervised_by(w.chiba.body, now.date()))
    by = {"by": w.chiba.seat, "at": now}
    area = areas.add_area(kind="home_care", name="東葛北部", municipalities=cities[:20], **by)
    areas.designate(w.matsudo.body, valid_from=date(2024, 4, 1), area=area, **by)
    officer = seat(person("tanto", "担当 次郎"), w.chiba.section, "officer")
    acts.invite(w.chiba.section, role="viewer", name="新任 花子", **by)
    addresses.ask_confirmation(addresses.fiscal_year(timezone.localdate(now)), **by)
    rows = [
        (2, {"番号": str(w.kashiwa.section.pk), "課・係の名称": "新しい名称の課", "メールアドレス": "new@example.jp"}),
        (3, {"機関名": "ない市", "課・係の名称": "課"}),
    ]
    kept = importing.prepare_import(rows, file_name="連絡先.xlsx", **by)
    pages = {name: reverse(f"organisations:{name}") for name in LISTS}
    ids = {
        "seat": officer.pk,
        "transfer": officer.pk,
        "address_edit": w.matsudo.section.pk,
        "address_add": w.matsudo.body.pk,
        "organisation_name": w.matsudo.body.pk,
        "address_import_check": kept.pk,
        "area_edit": area.pk,
    }
    return pages | {name: reverse(f"organisations:{name}", args=[pk]) for name, pk in ids.items()}


def enter(page, who) -> None:
    """Log in by cookie, with the second factor shown."""
    client = Client()
    client.force_login(who.person)
    session = client.session
    session[SECOND_FACTOR] = who.person.pk
    session.save()
    page.context.add_cookies([{"name": "kyoten", "value": session.session_key, "url": settings.BASE_URL}])


@pytest.fixture
def walk(axe, stays_in_width):
    def check(page, addresses) -> None:
        for address in addresses:
            answer = page.goto(address)
            assert answer.status in (200, 410), address
            axe(page)
            stays_in_width(page)

    return check


def test_pages_of_a_prefecture_on_a_phone(phone, walk):
    w = world()
    pages = full(w)
    enter(phone, w.chiba)
    walk(phone, pages.values())


def test_the_widest_pages_of_a_prefecture(page, walk):
    w = world()
    pages = full(w)
    enter(page, w.chiba)
    walk(page, [pages[name] for name in ("addresses", "confirmations", "area_edit", "address_import_check")])


def test_pages_of_a_city_with_nothing_yet(phone, walk):
    alone = place("municipality", "松戸市", "122076", "matsudo", "viewer")
    enter(phone, alone)
    walk(phone, [reverse(f"organisations:{name}") for name in ("people", "addresses", "areas", "designations", "me")])


def test_pages_without_login(phone, walk):
    w = world()
    full(w)
    mails = "\n".join(OutboundMail.objects.values_list("text", flat=True))
    links = [re.search(rf"(/{name}/[^/\s]+/)", mails)[1] for name in ("invitation", "confirm")]
    open_pages = [reverse("account_login"), reverse("organisations:recover"), "/invitation/gone/", "/confirm/gone/"]
    walk(phone, [*links, *open_pages])


def to_the_app(window, look) -> None:
    """Wrong password, password, the section's code, an authenticator app; `look` sees every page on the way."""
    window.goto(reverse("account_login"))
    window.fill("input[name=login]", "chiba")
    window.fill("input[name=password]", "wrong")
    window.click("main button:has-text('ログイン')")
    look(window)
    window.fill("input[name=password]", PASSWORD)
    window.click("main button:has-text('ログイン')")
    window.goto(reverse("organisations:people"))
    look(window)
    window.click("text=確認番号を送る")
    window.fill("input[name=code]", re.search(r"^  (\d{6})$", OutboundMail.objects.get().text, re.MULTILINE)[1])
    look(window)
    window.click("main button:has-text('確認する')")
    window.goto(reverse("mfa_activate_totp"))
    window.fill("input[name=password]", PASSWORD)
    look(window)
    window.click("main button:has-text('確認する')")
    assert window.locator("main img").is_visible()
    look(window)
    for name in ("mfa_index", "mfa_list_webauthn", "mfa_add_webauthn", "account_change_password"):
        window.goto(reverse(name))
        look(window)


def test_from_the_password_to_the_app_without_javascript(plain):
    world()
    to_the_app(plain, lambda window: None)


def test_from_the_password_to_the_app_on_a_phone(phone, axe, stays_in_width):
    def look(window) -> None:
        axe(window)
        stays_in_width(window)

    world()
    to_the_app(phone, look)
