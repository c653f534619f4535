"""パスキー: registered and used for a login, with the browser's own (virtual) authenticator."""

from __future__ import annotations

import pytest
from allauth.mfa.models import Authenticator

from tests.browser.test_call_tour import enter

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
    session.send("WebAuthn.addVirtualAuthenticator", {"options": options})
    return session


def test_a_passkey_is_registered_and_opens_the_next_login(page, authenticator, world):
    person = world.seat_chiba.person
    person.set_password(PASSWORD)
    person.save()
    enter(page, world.seat_chiba)
    page.goto("/2fa/passkeys/add/")
    page.fill("[name=password]", PASSWORD)  # whoever sits down at an open screen cannot add a device of their own
    page.locator("main").get_by_role("button").first.click()
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
