"""パスキー: registered and used for a login, with the browser's own (virtual) authenticator."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from allauth.mfa.models import Authenticator

from tests.browser.entering import enter

pytestmark = pytest.mark.django_db(transaction=True)
PASSWORD = "hasu-no-hana-2025"


@pytest.fixture
def authenticator(page):
    """A device in the browser that holds passkeys and whose owner always agrees."""
    session = page.context.new_cdp_session(page)
    session.send("WebAuthn.enable")
    options = {
        "protocol": "ctap2",
        "transport": "internal",
        "hasResidentKey": True,
        "hasUserVerification": True,
        "isUserVerified": True,
        "automaticPresenceSimulation": True,
    }
    added = session.send("WebAuthn.addVirtualAuthenticator", {"options": options})
    return SimpleNamespace(cdp=session, device=added["authenticatorId"])


def open_registration(page, seat):
    """The page that registers a passkey, its scripts at work; returns the person."""
    seat.person.set_password(PASSWORD)
    seat.person.save()
    enter(page, seat)
    page.goto("/2fa/passkeys/add/")
    page.fill("[name=password]", PASSWORD)  # whoever sits down at an open screen cannot add a device of their own
    page.locator("main").get_by_role("button").first.click()
    page.locator("#mfa_webauthn_add").wait_for()
    page.wait_for_load_state()
    return seat.person


def test_a_passkey_is_registered_and_opens_the_next_login(page, authenticator, world):
    person = open_registration(page, world.seat_chiba)
    page.get_by_role("button", name="登録する").click()
    page.wait_for_url(lambda url: not url.endswith("/add/"))
    assert Authenticator.objects.filter(user=person, type="webauthn").count() == 1
    enter(page, None)
    page.goto("/login/")
    page.fill("[name=login]", person.username)
    page.fill("[name=password]", PASSWORD)
    page.get_by_role("button", name="ログイン").last.click()
    page.get_by_role("button", name="パスキーを使う").click()
    page.get_by_role("heading", name="対応が必要な案件").wait_for()


def test_what_the_browser_refuses_is_said_beside_the_button(page, axe, authenticator, world):
    person = open_registration(page, world.seat_chiba)
    problem = page.get_by_role("alert")
    assert problem.count() == 0
    cdp, device = authenticator.cdp, authenticator.device
    cdp.send("WebAuthn.setUserVerified", {"authenticatorId": device, "isUserVerified": False})
    page.get_by_role("button", name="登録する").click()
    problem.get_by_text("確認が取り消されたか").wait_for()
    axe(page)
    assert Authenticator.objects.filter(user=person, type="webauthn").count() == 0
    cdp.send("WebAuthn.setUserVerified", {"authenticatorId": device, "isUserVerified": True})
    page.get_by_role("button", name="登録する").click()
    page.wait_for_url(lambda url: not url.endswith("/add/"))
    assert Authenticator.objects.filter(user=person, type="webauthn").count() == 1
