"""Signing in at the identity provider with a real browser, which has its own mind on forms, cookies and redirects."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from inbox.http.settings import SignInSettings
from inbox.people.provider import Provider
from tests.inbox.identity_provider import IdentityProvider, a_provider
from tests.inbox.serving import serving
from tests.inbox.sites import Site

pytestmark = pytest.mark.browser

ASKS_FOR_BANNERS = "void htmx.ajax('GET', '/banners', {source: '#banners', target: '#banners'})"


@pytest.fixture
def provider(one_site: Site) -> Iterator[IdentityProvider]:
    with a_provider(lambda: one_site.now) as provider:
        yield provider


@pytest.fixture
def inbox(one_site: Site, provider: IdentityProvider) -> Iterator[str]:
    """The address of an inbox that knows the provider, and that the provider knows."""
    how = SignInSettings(Provider(provider.settings()))
    with serving(one_site, sign_ins_per_minute=100, sign_in=how) as address:
        provider.redirects = {f"{address}/sign-in/back", f"{address}/sign-in"}
        yield address


@pytest.fixture
def screen(browser: Browser) -> Iterator[Page]:
    context = browser.new_context(locale="en-GB")
    context.set_default_timeout(60_000)
    page = context.new_page()
    complaints: list[str] = []
    page.on("console", lambda said: complaints.append(said.text) if said.type == "error" else None)
    yield page
    context.close()
    # A browser complains of each answer of 401, 403 and 404; what it refused to do itself is another matter.
    assert [text for text in complaints if not text.startswith("Failed to load resource")] == []


def signs_in(screen: Page, person: str) -> None:
    screen.get_by_role("link", name="Sign in with Hospital").click()
    screen.get_by_role("button", name=person, exact=True).click()


def test_in_and_out_and_in_again_with_another_key_until_the_provider_ends_it(
    screen: Page, inbox: str, provider: IdentityProvider
) -> None:
    screen.goto(f"{inbox}/search")
    signs_in(screen, "leo")
    screen.wait_for_url(f"{inbox}/search")
    expect(screen.locator(".viewer")).to_have_text(re.compile(r"Leo Bos\s+lead pharmacist"))

    screen.locator(".me").get_by_role("button", name="Sign out").click()
    screen.wait_for_url(f"{inbox}/sign-in")
    assert provider.sessions == {}

    provider.rotate()
    signs_in(screen, "eva")
    screen.wait_for_url(f"{inbox}/")
    expect(screen.locator(".viewer")).to_have_text(re.compile(r"Eva de Wit\s+pharmacist"))

    assert provider.signs_out("eva", inbox) == 200
    screen.goto(f"{inbox}/search")
    screen.wait_for_url(f"{inbox}/sign-in?next=/search")


def test_who_is_in_no_group_is_told_so(screen: Page, inbox: str) -> None:
    screen.goto(inbox)
    signs_in(screen, "guest")

    expect(screen.get_by_role("heading")).to_have_text("You do not have access")
    screen.get_by_role("link", name="To the sign-in page").click()
    screen.wait_for_url(f"{inbox}/sign-in")


def test_what_was_typed_stays_while_somebody_signs_in_again_in_another_window(
    screen: Page, inbox: str, one_site: Site, provider: IdentityProvider
) -> None:
    alert = one_site.with_case()
    screen.goto(f"{inbox}/alerts/{alert}")
    signs_in(screen, "eva")
    screen.wait_for_url(f"{inbox}/alerts/{alert}")
    screen.locator("textarea").last.evaluate(
        "field => { field.closest('details') && (field.closest('details').open = true) }"
    )
    screen.locator("textarea").last.fill("half a thought")

    provider.signs_out("eva", inbox)
    screen.evaluate(ASKS_FOR_BANNERS)
    expect(screen.locator("#again")).to_be_visible()
    with screen.context.expect_page() as opened:
        screen.locator("#again").get_by_role("link", name="Sign in", exact=True).click()
    opened.value.get_by_role("button", name="eva", exact=True).click()
    opened.value.wait_for_url(f"{inbox}/")
    screen.evaluate(ASKS_FOR_BANNERS)

    expect(screen.locator("#again")).to_be_hidden()
    expect(screen.locator("textarea").last).to_have_value("half a thought")
