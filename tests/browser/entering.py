"""Working from a seat in a browser, without the login page."""

from __future__ import annotations

from playwright.sync_api import Page

from kyoten.organisations.models import Seat
from tests.world import login_cookie


def enter(page: Page, seat: Seat | None) -> None:
    """Work from this seat in this browser; None works without login."""
    page.context.clear_cookies()
    if seat:
        name, value = login_cookie(seat)
        origin = page.context.request.get("/healthz").url
        page.context.add_cookies([{"name": name, "value": value, "url": origin}])
