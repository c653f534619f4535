"""Real Chromium against a live server.

    page      1280 px wide        phone     375 px wide        plain     1280 px, JavaScript off
    axe(page)                     fails on any accessibility finding
    stays_in_width(page)          fails where a page scrolls sideways

Every page is watched: a console error (a CSP violation is one), an exception in a script, a style, script, image or font
that does not load, or one request to another host fails the test.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from urllib.parse import urlsplit

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Request, Response, sync_playwright

CHROMIUM = ("chromium", "chromium-browser", "google-chrome")
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
LOADED_BY_PAGES = ("stylesheet", "script", "image", "font")
WCAG_22_AA = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
TIMEOUT = 10_000  # milliseconds


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.parent.name == "browser":
            item.add_marker("browser")


def executable() -> str:
    """Where the system's Chromium is; a test is skipped without one, but never in continuous integration."""
    found = next(filter(None, map(shutil.which, CHROMIUM)), None)
    if found is None:
        (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)("Chromium is not installed")
    return str(found)


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    path = executable()
    # Playwright keeps an event loop running in this thread; the tests still use the database from it, in order.
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "1"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
        yield browser
        browser.close()
    del os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"]


class Watch:
    """What went wrong in one browser context."""

    def __init__(self, context: BrowserContext, origin: str) -> None:
        self.origin = origin
        self.problems: list[str] = []
        context.on("console", self.on_console)
        context.on("weberror", lambda error: self.problems.append(f"exception: {error.error}"))
        context.on("request", self.on_request)
        context.on("response", self.on_response)

    def on_console(self, message: ConsoleMessage) -> None:
        # The answer to a form may well be 404 or 422; what a page itself loads is watched in on_response.
        if message.type == "error" and not message.text.startswith("Failed to load resource"):
            self.problems.append(f"console: {message.text}")

    def on_request(self, request: Request) -> None:
        parts = urlsplit(request.url)
        if parts.scheme in ("http", "https", "ws", "wss") and parts.netloc != self.origin:
            self.problems.append(f"request to another host: {request.url}")

    def on_response(self, response: Response) -> None:
        if response.status >= 400 and response.request.resource_type in LOADED_BY_PAGES:
            self.problems.append(f"{response.status}: {response.url}")


@pytest.fixture
def open_context(chromium, live_server, settings) -> Iterator[Callable[..., BrowserContext]]:
    """Opens watched browser contexts (each a person of its own, with cookies of its own); closes them at the end."""
    settings.BASE_URL = live_server.url
    contexts, watches = [], []

    def open_one(width: int = 1280, **options: object) -> BrowserContext:
        context = chromium.new_context(
            base_url=live_server.url,
            viewport={"width": width, "height": 900},
            locale="ja-JP",
            timezone_id="Asia/Tokyo",
            **options,
        )
        context.set_default_timeout(TIMEOUT)
        contexts.append(context)
        watches.append(Watch(context, urlsplit(live_server.url).netloc))
        return context

    yield open_one
    for context in contexts:
        context.close()
    assert [problem for watch in watches for problem in watch.problems] == []


@pytest.fixture
def page(open_context) -> Page:
    return open_context().new_page()


@pytest.fixture
def phone(open_context) -> Page:
    return open_context(width=375, has_touch=True).new_page()


@pytest.fixture
def plain(open_context) -> Page:
    """A browser without JavaScript: every procedure must be complete in it."""
    return open_context(java_script_enabled=False).new_page()


@pytest.fixture(scope="session")
def axe() -> Callable[[Page], None]:
    """axe(page): no finding of WCAG 2.2 A and AA or of good practice."""

    def check(page: Page) -> None:
        results = Axe().run(page, options={"runOnly": WCAG_22_AA, "resultTypes": ["violations"]})
        assert results.violations_count == 0, results.generate_report()

    return check


@pytest.fixture(scope="session")
def stays_in_width() -> Callable[[Page], None]:
    """stays_in_width(page): nothing makes the page as a whole scroll sideways (a wide table scrolls in itself)."""

    def check(page: Page) -> None:
        document, window = page.evaluate("[document.documentElement.scrollWidth, window.innerWidth]")
        assert document <= window, f"{page.url}: {document} px wide in a window of {window} px"

    return check
