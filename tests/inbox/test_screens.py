"""The pages on screens of every width, enlarged, and on paper."""

from contextlib import contextmanager

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.inbox.builders import a_case, a_conclusion, a_person
from tests.inbox.desks import Desk, at_desk, with_alerts
from tests.inbox.serving import serving
from tests.inbox.sites import Site

pytestmark = pytest.mark.browser

seated = contextmanager(at_desk)

EVERY_PAGE = ("/", "/search", "/messages", "/codes", "/merges", "/rules", "/rules/IG-VTE-001", "/leaflet", "/nothing")


def wider_than_the_screen(page: Page) -> int:
    """By how many pixels a reader would have to move the page sideways."""
    root = "document.documentElement"
    over: int = page.evaluate(f"{root}.scrollWidth - {root}.clientWidth")
    return over


@pytest.mark.parametrize("width", [320, 390, 640, 1024])  # 640 is 1280 enlarged twice; 320 is 1280 at 400 %
def test_no_page_is_wider_than_its_screen(dutch_desk: Desk, one_site: Site, width: int) -> None:
    (alert,) = with_alerts(one_site)
    dutch_desk.page.set_viewport_size({"width": width, "height": 800})

    too_wide = {}
    for path in (*EVERY_PAGE, f"/alerts/{alert}", "/messages/1"):
        dutch_desk.goes(path)
        if over := wider_than_the_screen(dutch_desk.page):
            too_wide[path] = over

    assert too_wide == {}


def test_what_to_do_stands_above_the_fold(dutch_desk: Desk, one_site: Site) -> None:
    (alert,) = with_alerts(one_site)
    dutch_desk.page.set_viewport_size({"width": 1280, "height": 800})

    dutch_desk.goes(f"/alerts/{alert}")

    expect(dutch_desk.page.locator("#advice ~ ul li").last).to_be_in_viewport(ratio=1)


def test_on_a_narrow_screen_the_acts_come_before_the_findings(desk: Desk, one_site: Site) -> None:
    (alert,) = with_alerts(one_site)
    desk.page.set_viewport_size({"width": 390, "height": 844})

    desk.goes(f"/alerts/{alert}")

    tops = [
        desk.page.locator(each).bounding_box() for each in ("#in-short", "#advice", "#act-acknowledge", "#findings")
    ]
    heights = [box["y"] for box in tops if box]
    assert heights == sorted(heights)


def test_that_nobody_approved_the_rules_takes_one_line(browser: Browser, one_site: Site) -> None:
    one_site.add_user("nel", language="nl")

    with serving(one_site, approval=None) as address, seated(browser, address, "nel") as desk:
        desk.page.set_viewport_size({"width": 1280, "height": 800})
        banner = desk.page.locator("#banners .banner")
        expect(banner).to_contain_text("niet vastgesteld")
        box = banner.bounding_box()

    assert box is not None
    assert box["height"] < 50


def test_names_of_any_length_and_script_stay_within_the_screen_and_apart_from_figures(
    desk: Desk, one_site: Site
) -> None:
    long, arabic = "Wolfeschlegelsteinhausenbergerdorff" * 5, "محمد عبد الله"
    alerts = [_named(one_site, each) for each in (long, arabic)]

    too_wide = {}
    for width in (390, 1280):
        desk.page.set_viewport_size({"width": width, "height": 800})
        for path in ("/", *(f"/alerts/{alert}" for alert in alerts)):
            desk.goes(path)
            if over := wider_than_the_screen(desk.page):
                too_wide[width, path] = over
    desk.goes("/")
    why = desk.page.locator(".why", has=desk.page.locator(f"#alert-{alerts[0]}")).bounding_box()

    assert too_wide == {}
    assert why is not None
    assert why["width"] > 200  # a long product leaves the finding its place
    expect(desk.page.locator("bdi", has_text=arabic)).to_have_count(2)  # else 80 g may be read as "80 … g"


def _named(site: Site, name: str) -> int:
    told = a_conclusion()
    told["patient"] |= {"name": name, "ward": name}
    told["order"] |= {"product": name}
    with site.engine.begin() as connection:
        return a_case(connection, patient=a_person(connection, name, name), number=name[:9], told=told)


def test_on_a_telephone_a_fact_shows_its_source_without_moving_sideways(dutch_desk: Desk, one_site: Site) -> None:
    (alert,) = with_alerts(one_site)
    dutch_desk.page.set_viewport_size({"width": 390, "height": 844})

    dutch_desk.goes(f"/alerts/{alert}")

    table = dutch_desk.page.locator(".finding .scroll").first
    assert table.evaluate("each => each.scrollWidth - each.clientWidth") == 0
