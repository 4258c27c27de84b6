"""What somebody typed stays: through an act, a refusal, a lost server and a session that ends."""

import re
from datetime import timedelta

import pytest
import sqlalchemy as sa
from playwright.sync_api import Error, Page, expect

from store import tables
from tests.inbox.builders import NOW, an_event
from tests.inbox.codes.test_codes import a_code
from tests.inbox.desks import Desk, with_alerts
from tests.inbox.sites import PASSWORD, Site
from tests.store.builders import a_feed

pytestmark = pytest.mark.browser


def ask_for_banners(page: Page) -> None:
    """Let the page do at once what it does every quarter of a minute."""
    try:
        page.evaluate("void htmx.ajax('GET', '/banners', {source: '#banners', target: '#banners'})")
    except Error as error:
        if "context was destroyed" not in error.message:  # the page has asked, and left for the sign-in page already
            raise


def the_session_ends(desk: Desk, site: Site) -> None:
    """Half an hour passes, and the page hears that its reader is not known any more."""
    site.now = NOW + timedelta(minutes=31)
    ask_for_banners(desk.page)


def test_a_session_that_ends_takes_nothing_that_was_typed(desk: Desk, one_site: Site) -> None:
    (alert,) = with_alerts(one_site)
    desk.goes(f"/alerts/{alert}")
    desk.unfolds("Done")
    desk.page.get_by_role("textbox", name="Note").first.fill("Called the ward, they wait")

    the_session_ends(desk, one_site)
    expect(desk.page.get_by_role("heading", name="Your session has ended")).to_be_visible()
    expect(desk.page.get_by_text("Patient 0")).to_be_hidden()
    desk.presses("Escape")
    desk.page.get_by_label("Password").fill("not this one")
    desk.presses("Enter")
    expect(desk.page.get_by_text("Is the password right?")).to_be_visible()
    desk.page.get_by_label("Password").fill(PASSWORD)
    desk.presses("Enter")
    expect(desk.page.get_by_text("Patient 0")).to_be_visible()
    desk.settles()

    expect(desk.page.get_by_text("This alert is done.")).to_be_visible()
    expect(desk.page.get_by_text("Called the ward, they wait")).to_be_visible()


def test_a_session_that_ends_with_nothing_typed_leads_to_the_sign_in_page_and_back(desk: Desk, one_site: Site) -> None:
    (alert,) = with_alerts(one_site)
    desk.goes(f"/alerts/{alert}")

    the_session_ends(desk, one_site)
    desk.page.wait_for_url(re.compile(r"/sign-in\?next=/alerts/"))
    desk.page.get_by_label("Name").fill("els")
    desk.page.get_by_label("Password").fill(PASSWORD)
    desk.presses("Enter")

    desk.page.wait_for_url(f"**/alerts/{alert}")


def test_who_signs_in_after_another_does_not_get_the_page_of_the_first(desk: Desk, one_site: Site) -> None:
    (alert,) = with_alerts(one_site)
    desk.goes(f"/alerts/{alert}")
    desk.unfolds("Done")
    desk.page.get_by_role("textbox", name="Note").first.fill("Only Els may see this")
    the_session_ends(desk, one_site)
    expect(desk.page.get_by_role("heading", name="Your session has ended")).to_be_visible()

    other = desk.page.context.new_page()
    other.goto(f"{desk.address}/sign-in")
    other.get_by_label("Name").fill("rik")
    other.get_by_label("Password").fill(PASSWORD)
    other.keyboard.press("Enter")
    other.wait_for_url(f"{desk.address}/")

    # The open page asks for news every five seconds, and leaves when it hears of another viewer.
    desk.page.wait_for_url(f"{desk.address}/")
    expect(desk.page.locator(".viewer")).to_contain_text("rik")


def test_an_act_that_the_server_did_not_take_is_said_and_what_was_typed_stays(desk: Desk, one_site: Site) -> None:
    (alert,) = with_alerts(one_site)
    desk.goes(f"/alerts/{alert}")
    desk.unfolds("Done")
    note = desk.page.get_by_role("textbox", name="Note").first
    note.fill("Called the ward")

    desk.page.route("**/acknowledge", lambda route: route.abort())
    desk.settles()

    expect(desk.page.locator("#not-done")).to_be_focused()
    expect(note).to_have_value("Called the ward")
    desk.page.unroute("**/acknowledge")
    desk.settles()
    expect(desk.page.get_by_text("This alert is done.")).to_be_visible()
    expect(desk.page.get_by_text("Your action was not confirmed.")).to_be_hidden()


def test_a_fault_of_the_server_is_said_after_an_act(desk: Desk, one_site: Site) -> None:
    (alert,) = with_alerts(one_site)
    desk.goes(f"/alerts/{alert}")

    desk.page.route("**/acknowledge", lambda route: route.fulfill(status=503, body=""))
    desk.settles()

    expect(desk.page.locator("#not-done")).to_be_focused()


def test_a_list_says_that_it_may_be_out_of_date_while_the_server_is_away(desk: Desk, one_site: Site) -> None:
    with_alerts(one_site)
    desk.page.route("**/banners", lambda route: route.abort())

    desk.goes("/")
    expect(desk.page.get_by_text("The server is not answering.")).to_be_visible()
    desk.page.unroute("**/banners")
    ask_for_banners(desk.page)

    expect(desk.page.get_by_text("The server is not answering.")).to_be_hidden()


def test_a_server_that_takes_the_question_and_never_answers_is_away_too(desk: Desk, one_site: Site) -> None:
    with_alerts(one_site)
    desk.page.route("**/banners", lambda route: None)

    desk.goes("/")

    expect(desk.page.get_by_text("The server is not answering.")).to_be_visible()


def test_a_remark_half_typed_survives_another_act_on_the_page(desk: Desk, one_site: Site) -> None:
    (alert,) = with_alerts(one_site)
    desk.goes(f"/alerts/{alert}")
    desk.unfolds("More …")
    desk.page.get_by_role("textbox", name="Comment").fill("Ask about the line")

    desk.settles()

    expect(desk.page.get_by_text("This alert is done.")).to_be_visible()
    expect(desk.page.get_by_role("textbox", name="Comment")).to_have_value("Ask about the line")


def test_a_note_for_an_alert_that_was_settled_meanwhile_becomes_a_remark(desk: Desk, one_site: Site) -> None:
    (alert,) = with_alerts(one_site)
    desk.goes(f"/alerts/{alert}")
    desk.unfolds("Done")
    desk.page.get_by_role("textbox", name="Note").first.fill("Spoke with dr. Bos")
    with one_site.engine.begin() as connection:
        connection.execute(sa.update(tables.alert).values(status="resolved"))
        an_event(connection, alert, kind="resolved", reason="order_cancelled")

    desk.settles()

    expect(desk.page.get_by_text("the system got there first, on")).to_be_visible()
    expect(desk.page.get_by_role("textbox", name="Comment")).to_have_value("Spoke with dr. Bos")


def test_news_of_an_alert_is_shown_without_losing_what_was_typed(desk: Desk, one_site: Site) -> None:
    (alert,) = with_alerts(one_site)
    desk.goes(f"/alerts/{alert}")
    desk.unfolds("Done")
    desk.page.get_by_role("textbox", name="Note").first.fill("Called")
    with one_site.engine.begin() as connection:
        an_event(connection, alert, kind="changed", reason="dose_g_rose")

    desk.page.get_by_role("link", name="Show it again").click()

    expect(desk.page.get_by_text("the dose rose")).to_be_visible()
    expect(desk.page.get_by_role("textbox", name="Note").first).to_have_value("Called")


def test_a_page_with_something_typed_is_not_left_unasked(desk: Desk, one_site: Site) -> None:
    (alert,) = with_alerts(one_site)
    desk.goes(f"/alerts/{alert}")
    desk.unfolds("Done")
    note = desk.page.get_by_role("textbox", name="Note").first
    note.fill("Called the ward")
    desk.page.on("dialog", lambda dialog: dialog.dismiss())

    with desk.page.expect_event("dialog") as asked:
        desk.page.get_by_role("link", name="Back to the inbox").click()

    expect(note).to_have_value("Called the ward")
    assert asked.value.type == "beforeunload"


def test_a_warning_that_stands_is_not_said_again_nor_taken_from_under_the_focus(desk: Desk, one_site: Site) -> None:
    with one_site.engine.begin() as connection:
        a_feed(connection, "LIS")
        connection.execute(sa.update(tables.feed).values(silence_after_s=1))
    desk.goes("/")
    warning = desk.page.locator("#banners .banner").first
    expect(warning).to_be_visible()
    desk.page.evaluate("window.warning = document.querySelector('#banners .banner')")

    with desk.page.expect_response("**/banners"):
        ask_for_banners(desk.page)
    desk.page.wait_for_function(
        "performance.getEntriesByType('resource').filter(e => e.name.endsWith('/banners')).length > 1"
    )

    assert desk.page.evaluate("window.warning.isConnected") is True


def test_choosing_another_language_does_not_throw_away_what_was_typed_unasked(desk: Desk, one_site: Site) -> None:
    (alert,) = with_alerts(one_site)
    desk.goes(f"/alerts/{alert}")
    desk.unfolds("Done")
    note = desk.page.get_by_role("textbox", name="Note").first
    note.fill("Called the ward")
    desk.page.on("dialog", lambda dialog: dialog.dismiss())

    with desk.page.expect_event("dialog"):
        desk.page.get_by_role("button", name="Nederlands").click()

    expect(note).to_have_value("Called the ward")


def test_a_form_without_a_script_behind_it_is_sent_without_a_question(desk: Desk, one_site: Site) -> None:
    code = a_code(one_site)
    desk.goes(f"/codes/{code}")
    desk.page.get_by_label("Why").fill("Not ours to judge")

    desk.page.get_by_role("button", name="Dismiss").click()

    expect(desk.page.get_by_text("is dismissed")).to_be_visible()
