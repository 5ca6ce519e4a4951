"""A customer's phone: a real browser at phone width, with JavaScript switched off, because no page needs it."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from tests.fixtures.browsers import installed_browser

PHONE = {"width": 390, "height": 844}
EXPIRY, CVC = "12 / 34", "123"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One for each file: while Playwright's loop runs in this thread, no asynchronous test of another file can."""
    program = installed_browser()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def phone(browser: Browser) -> Iterator[Page]:
    context = browser.new_context(viewport=PHONE, java_script_enabled=False)
    context.set_default_timeout(10_000)
    yield context.new_page()
    context.close()


def type_card(page: Page, number: str, **other: str) -> None:
    """Fill the card's fields; ``expiry``, ``cvc``, ``name`` and ``postal_code`` may differ from good ones."""
    good = {"expiry": EXPIRY, "cvc": CVC, "name": "Jo Miller", "postal_code": "94103"}
    for field, value in {"number": number, **good, **other}.items():
        page.locator(f"#{field}").fill(value)


def fits(page: Page) -> bool:
    """Nothing is wider than the screen."""
    page.set_viewport_size(PHONE)
    return all(
        box is None or box["x"] + box["width"] <= PHONE["width"] + 1
        for box in (one.bounding_box() for one in page.locator("main *:visible").all())
    )
