"""A second factor with a real browser: the code to scan is drawn, the pages that follow keep to the rules for forms."""

from datetime import timedelta

import pytest
from playwright.sync_api import expect

from tests.inbox.authenticator import code_at
from tests.inbox.desks import Desk
from tests.inbox.sites import PASSWORD, Site

pytestmark = pytest.mark.browser


def test_els_sets_one_up_signs_out_and_signs_in_with_a_code(desk: Desk, one_site: Site) -> None:
    page = desk.page
    desk.goes("/second-factor")
    drawn = page.get_by_role("img", name="QR code for an authenticator app").locator("svg").bounding_box()
    secret = page.locator("code").inner_text().replace(" ", "")

    page.get_by_label("Your password").fill(PASSWORD)
    page.get_by_label("Code from the app").fill(code_at(secret, one_site))
    page.get_by_role("button", name="Set up").click()
    expect(page.locator(".recovery li")).to_have_count(10)
    page.locator(".me").get_by_role("button", name="Sign out").click()
    page.wait_for_url(f"{desk.address}/sign-in")

    one_site.now += timedelta(seconds=30)
    page.get_by_label("Name").fill("els")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    code = page.get_by_label("Code from the app, or a recovery code")
    expect(code).to_be_focused()
    code.fill(code_at(secret, one_site))
    page.get_by_role("button", name="Sign in").click()

    page.wait_for_url(f"{desk.address}/")
    expect(page.locator(".viewer")).to_contain_text("els")
    assert drawn is not None
    assert drawn["width"] > 100
    assert desk.complaints == []
