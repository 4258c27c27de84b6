"""The pages in a real browser: by keyboard, live, in both languages, for everybody."""

import pytest
import sqlalchemy as sa
from playwright.sync_api import Route, expect

from store import tables
from tests.inbox.builders import a_case, a_person
from tests.inbox.desks import Desk, with_alerts
from tests.inbox.sites import Site

pytestmark = pytest.mark.browser


def test_an_alert_is_acknowledged_with_nothing_but_a_keyboard(desk: Desk, one_site: Site) -> None:
    first, second = with_alerts(one_site, 2)
    desk.goes("/")

    desk.presses("j", "j", "k", "j", "Enter")
    desk.page.wait_for_url(f"**/alerts/{second}")
    desk.tabs_to("Done")
    desk.presses("Enter")
    desk.tabs_to("the order was stopped or postponed")
    desk.presses("Space")
    desk.tabs_to("Note")
    desk.page.keyboard.type("Called the ward")
    desk.tabs_to("Done")
    desk.presses("Enter")

    expect(desk.page.get_by_role("status").filter(has_text="This alert is done.")).to_be_focused()
    expect(desk.page.get_by_text("Called the ward")).to_be_visible()
    desk.presses("u")
    desk.page.wait_for_url(f"{desk.address}/")
    expect(desk.page.locator(f"#alert-{first}")).to_be_visible()
    expect(desk.page.locator(f"#alert-{second}")).to_have_count(0)
    assert desk.complaints == []


def test_each_act_has_a_key_and_leads_to_the_next_alert(desk: Desk, one_site: Site) -> None:
    first, second, third = with_alerts(one_site, 3)
    desk.goes("/")

    desk.presses("j", "Enter")
    desk.page.wait_for_url(f"**/alerts/{first}")
    desk.presses("d", "8", "Enter")  # five keys from the list to done
    expect(desk.page.get_by_role("status").filter(has_text="This alert is done.")).to_be_visible()
    expect(desk.page.get_by_role("link", name="Next alert")).to_be_focused()
    desk.presses("Enter")
    desk.page.wait_for_url(f"**/alerts/{second}")
    expect(desk.page.get_by_text("2 of 3")).to_be_visible()
    desk.presses("o", "2")
    expect(desk.page.locator("[name=reason][value=adequately_anticoagulated]").first).to_be_checked()
    desk.presses("Escape")
    expect(desk.page.locator("#sheet-override > summary")).to_be_focused()
    desk.presses("c")
    expect(desk.page.get_by_role("textbox", name="Comment")).to_be_focused()
    desk.page.keyboard.type("adosm")  # letters in a text are letters
    desk.presses("Escape", "m")
    expect(desk.page.locator("[name=look_at]").last).to_be_focused()
    desk.presses("Escape", "a")
    expect(desk.page.get_by_role("link", name="Next alert")).to_be_focused()
    expect(desk.page.get_by_role("textbox", name="Comment")).to_have_value("adosm")
    desk.page.get_by_role("textbox", name="Comment").fill("")
    desk.presses("Escape")
    desk.presses("j")
    desk.page.wait_for_url(f"**/alerts/{third}")
    desk.presses("?")
    expect(desk.page.get_by_role("heading", name="Keyboard")).to_be_visible()
    desk.presses("Escape")
    expect(desk.page.get_by_role("heading", name="Keyboard")).to_be_hidden()
    desk.presses("g", "s")
    desk.page.wait_for_url(f"{desk.address}/search", wait_until="commit")
    assert desk.complaints == []


def test_a_new_alert_appears_without_a_reload_and_leaves_the_focus_where_it_was(desk: Desk, one_site: Site) -> None:
    (first,) = with_alerts(one_site)
    desk.goes("/")
    desk.page.evaluate("window.stayed = true")
    desk.presses("j")

    with one_site.engine.begin() as connection:
        second = a_case(connection, patient=a_person(connection, "new", "new"), number="new")

    expect(desk.page.locator(f"#alert-{second}")).to_be_visible()
    expect(desk.page.locator(f"#alert-{first}")).to_be_focused()
    expect(desk.page.get_by_text("2 alerts", exact=True)).to_be_visible()
    assert desk.page.evaluate("window.stayed") is True
    assert desk.complaints == []


def test_an_alert_that_is_raised_while_the_list_is_being_drawn_appears_as_well(desk: Desk, one_site: Site) -> None:
    with_alerts(one_site)
    desk.goes("/")
    raised: list[int] = []

    def raise_another() -> int:
        number = f"new {len(raised)}"
        with one_site.engine.begin() as connection:
            raised.append(a_case(connection, patient=a_person(connection, number, number), number=number))
        return raised[-1]

    def raise_meanwhile(route: Route) -> None:
        answer = route.fetch()
        if len(raised) < 2:
            raise_another()  # and the page hears of it before the list without it has arrived
            desk.page.wait_for_timeout(2_000)
        route.fulfill(response=answer)

    desk.page.route("**/alerts?*", raise_meanwhile)
    raise_another()

    within_ms = 20_000  # before the list is drawn again whether or not something was heard
    expect(desk.page.locator(f"#alert-{raised[0]}")).to_be_visible(timeout=within_ms)
    expect(desk.page.locator(f"#alert-{raised[1]}")).to_be_visible(timeout=within_ms)


def test_eight_open_pages_of_one_browser_are_all_live(desk: Desk, one_site: Site) -> None:
    with_alerts(one_site)
    desk.goes("/")
    pages = [desk.page, *(desk.page.context.new_page() for _ in range(7))]
    for page in pages:
        page.goto(f"{desk.address}/", timeout=20_000)

    with one_site.engine.begin() as connection:
        alert = a_case(connection, patient=a_person(connection, "new", "new"), number="new")

    for page in pages:
        expect(page.locator(f"#alert-{alert}")).to_be_visible(timeout=20_000)
    assert len(one_site.events._listeners) == 1
    pages[0].close()
    with one_site.engine.begin() as connection:
        other = a_case(connection, patient=a_person(connection, "newer", "newer"), number="newer")
    expect(pages[1].locator(f"#alert-{other}")).to_be_visible(timeout=20_000)


def test_the_inbox_stays_live_after_the_list_was_filtered(desk: Desk, one_site: Site) -> None:
    with_alerts(one_site)
    desk.goes("/")

    desk.page.get_by_label("Tier").select_option("high")
    expect(desk.page.get_by_text("No alerts match these filters")).to_be_visible()
    with one_site.engine.begin() as connection:
        high = a_case(connection, patient=a_person(connection, "new", "new"), number="new", tier="high")

    expect(desk.page.locator(f"#alert-{high}")).to_be_visible()
    assert desk.page.url == f"{desk.address}/?tier=high"
    desk.page.reload()
    expect(desk.page.get_by_label("Tier")).to_have_value("high")


def test_of_two_pharmacists_one_is_first_and_the_other_sees_who(desk: Desk, second_desk: Desk, one_site: Site) -> None:
    (alert,) = with_alerts(one_site)
    desk.goes(f"/alerts/{alert}")
    second_desk.goes(f"/alerts/{alert}")

    desk.settles()
    expect(second_desk.page.get_by_text("This alert has changed.")).to_be_visible()
    second_desk.settles()

    conflict = second_desk.page.get_by_text("This alert is already done.")
    expect(conflict).to_be_visible()
    expect(second_desk.page.get_by_text("els got there first, on")).to_be_visible()


def test_an_override_is_explained_step_by_step(desk: Desk, one_site: Site) -> None:
    (alert,) = with_alerts(one_site)
    desk.goes(f"/alerts/{alert}")

    desk.unfolds("Goes ahead, with reason")
    form = desk.page.locator("form", has=desk.page.get_by_role("button", name="Goes ahead, with reason", exact=True))
    form.get_by_label("the patient will be monitored").check()
    form.get_by_role("textbox", name="Note").fill(" ")
    form.get_by_role("button").click()
    expect(desk.page.get_by_text("Write why; it is required here.")).to_be_focused()
    expect(form.get_by_label("the patient will be monitored")).to_be_checked()
    form.get_by_role("textbox", name="Note").fill("Doppler on day 3")
    form.get_by_role("button").click()

    expect(desk.page.get_by_role("status").filter(has_text="Goes ahead, with reason: recorded.")).to_be_focused()
    with one_site.engine.connect() as connection:
        assert connection.scalar(sa.select(tables.decision.c.reason)) == "will_monitor"


def test_a_fact_leads_to_its_field_in_the_message(desk: Desk, one_site: Site) -> None:
    (alert,) = with_alerts(one_site)
    desk.goes(f"/alerts/{alert}")

    desk.unfolds("Findings")
    desk.page.get_by_role("link", name="PRB[1]-3").first.click()

    expect(desk.page.locator("#marked")).to_be_in_viewport()
    expect(desk.page.locator("#marked")).to_contain_text("Diepe veneuze trombose")


def test_the_keys_can_be_switched_off(desk: Desk, one_site: Site) -> None:
    with_alerts(one_site)
    desk.goes("/")

    desk.presses("?")
    desk.page.get_by_label("Use these keys").uncheck()
    desk.page.reload()
    desk.presses("j")

    expect(desk.page.locator(".alert-link").first).not_to_be_focused()


def test_the_first_stop_of_the_keyboard_leads_past_the_bar(desk: Desk) -> None:
    desk.goes("/")

    desk.presses("Tab")
    expect(desk.page.get_by_text("Skip to content")).to_be_in_viewport()
    desk.presses("Enter")

    expect(desk.page.locator("main")).to_be_focused()


def test_the_page_speaks_dutch_to_who_reads_dutch(dutch_desk: Desk, one_site: Site) -> None:
    (alert,) = with_alerts(one_site)

    dutch_desk.goes("/")
    expect(dutch_desk.page.get_by_text("Contra-indicatie").last).to_be_visible()
    dutch_desk.goes(f"/alerts/{alert}")
    expect(dutch_desk.page.get_by_role("heading", name="Nu doen", exact=True)).to_be_visible()
    dutch_desk.page.get_by_role("button", name="English").click()

    expect(dutch_desk.page.get_by_role("heading", name="To do now", exact=True)).to_be_visible()


def test_back_from_an_alert_is_the_list_as_it_was_filtered(desk: Desk, one_site: Site) -> None:
    with_alerts(one_site)
    desk.goes("/")
    desk.page.get_by_label("Tier").select_option("contraindication")
    desk.page.wait_for_url("**/*tier=contraindication*")

    desk.page.locator(".alert-link").click()
    desk.page.get_by_role("link", name="Back to the inbox").click()

    desk.page.wait_for_url("**/*tier=contraindication*")
    expect(desk.page.get_by_label("Tier")).to_have_value("contraindication")


def test_back_from_what_was_found_is_the_search_and_no_question_to_send_again(desk: Desk, one_site: Site) -> None:
    (alert,) = with_alerts(one_site)
    desk.goes("/search")
    desk.page.get_by_label("Number").fill("0")
    desk.presses("Enter")
    expect(desk.page.get_by_role("heading", name="Patients: 1")).to_be_focused()
    assert desk.page.url == f"{desk.address}/search"

    desk.page.locator(".alert-link").first.click()
    desk.page.wait_for_url(f"**/alerts/{alert}")
    desk.page.go_back()

    expect(desk.page.get_by_label("Number")).to_be_visible()
    assert desk.complaints == []
