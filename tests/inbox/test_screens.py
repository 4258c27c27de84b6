"""The pages on screens of every width, enlarged, and on paper."""

from contextlib import contextmanager

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.inbox.builders import a_case, a_conclusion, a_person, an_event
from tests.inbox.desks import Desk, at_desk, with_alerts
from tests.inbox.serving import serving
from tests.inbox.sites import Site
from tests.store.builders import a_message

pytestmark = pytest.mark.browser

seated = contextmanager(at_desk)

EVERY_PAGE = (
    *(
        "/",
        "/search",
        "/notices",
        "/messages",
        "/codes",
        "/merges",
        "/rules",
        "/rules/IG-VTE-001",
        "/rules/trial",
        "/figures",
        "/leaflet",
    ),
    "/nothing",
)


def wider_than_the_screen(page: Page) -> int:
    """By how many pixels a reader would have to move the page sideways."""
    root = "document.documentElement"
    over: int = page.evaluate(f"{root}.scrollWidth - {root}.clientWidth")
    return over


def test_on_a_telephone_the_first_alert_stands_above_300_pixels_and_the_filters_unfold(
    dutch_desk: Desk, one_site: Site
) -> None:
    with_alerts(one_site)
    page = dutch_desk.page
    page.set_viewport_size({"width": 390, "height": 844})

    dutch_desk.goes("/")

    first = page.locator(".strip").first.bounding_box()
    assert first is not None
    assert first["y"] < 300
    expect(page.get_by_label("Ernst")).to_be_hidden()
    page.get_by_text("Filter en zoeken").click()
    expect(page.get_by_label("Ernst")).to_be_visible()
    expect(page.locator("#search")).to_be_visible()
    assert wider_than_the_screen(page) == 0


@pytest.mark.parametrize("width", [320, 390, 640, 1024])  # 640 is 1280 enlarged twice; 320 is 1280 at 400 %
def test_no_page_is_wider_than_its_screen(dutch_desk: Desk, one_site: Site, width: int) -> None:
    (alert,) = with_alerts(one_site)
    dutch_desk.page.set_viewport_size({"width": width, "height": 800})

    too_wide = {}
    for path in (*EVERY_PAGE, f"/alerts/{alert}", "/messages/1", "/patients/1", "/handover"):
        dutch_desk.goes(path)
        if over := wider_than_the_screen(dutch_desk.page):
            too_wide[path] = over

    assert too_wide == {}


WORDS_BESIDE_THE_PICTURE = """() => {
  document.querySelectorAll(".tl").forEach((each) => each.remove());
  return document.querySelector("main .page").innerText.split(/\\s+/).filter(Boolean).length;
}"""


def test_an_alert_is_one_screen_and_its_acts_stay_in_sight(dutch_desk: Desk, one_site: Site) -> None:
    (alert,) = with_alerts(one_site)
    page = dutch_desk.page
    page.set_viewport_size({"width": 1280, "height": 800})

    dutch_desk.goes(f"/alerts/{alert}")

    assert page.evaluate("document.documentElement.scrollHeight") == 800
    for seen in ("#who", ".until", ".say", ".versus", ".acts", ".picture", ".tl.wide", ".folds", ".act-bar"):
        expect(page.locator(seen).first).to_be_in_viewport(ratio=1)
    assert page.evaluate(WORDS_BESIDE_THE_PICTURE) <= 120
    page.set_viewport_size({"width": 390, "height": 844})
    for act in ("Ik pak dit op", "Afgehandeld", "Gaat door, met reden", "Snooze"):
        expect(page.locator(".act-bar .btn", has_text=act).first).to_be_in_viewport(ratio=1)
    expect(page.locator(".say")).to_be_in_viewport(ratio=1)
    tops = [page.locator(each).bounding_box() for each in (".say", "#order", "#advice", "#findings")]
    heights = [box["y"] for box in tops if box]
    assert heights == sorted(heights)


@pytest.mark.parametrize("before", [["raised"], ["raised", "acknowledged"]])
def test_what_got_worse_leaves_the_alert_on_one_screen_and_unfolds(
    dutch_desk: Desk, one_site: Site, before: list[str]
) -> None:
    (alert,) = with_alerts(one_site)
    codes = "new_rule:IG-VTE-001, new_rule:IG-VTE-015, dose_g_rose, starts_sooner"
    start = ["2026-11-30T02:36:00+01:00", "2026-11-28T22:36:00+01:00"]
    with one_site.engine.begin() as connection:
        for kind in before:
            an_event(connection, alert, kind=kind, actor="els")
        moved = {"dose_g": [[28.0, 28.0], [56.0, 56.0]], "start": start}
        an_event(connection, alert, kind="reopened", reason=codes, data=moved)
    page = dutch_desk.page
    page.set_viewport_size({"width": 1280, "height": 800})

    dutch_desk.goes(f"/alerts/{alert}")

    assert page.evaluate("document.documentElement.scrollHeight") == 800
    for seen in ("#worse", "#who", ".say", ".versus", ".acts", ".tl.wide", ".folds", ".act-bar"):
        expect(page.locator(seen).first).to_be_in_viewport(ratio=1)
    worse = page.locator("#worse")
    assert worse.evaluate("each => each.scrollWidth > each.clientWidth")
    worse.click()
    assert worse.evaluate("each => each.scrollWidth <= each.clientWidth && each.scrollHeight <= each.clientHeight")


def test_banners_leave_the_alert_on_one_screen(browser: Browser, one_site: Site) -> None:
    (alert,) = with_alerts(one_site)
    one_site.add_user("nel", language="nl")
    with one_site.engine.begin() as connection:
        a_message(connection, "M9", state="parked", reason="no_patient", body_hash=b"9" * 32)
        codes = "new_rule:IG-VTE-001, new_rule:IG-VTE-015, dose_g_rose, starts_sooner"
        an_event(connection, alert, kind="reopened", reason=codes)

    with serving(one_site, approval=None) as address, seated(browser, address, "nel") as desk:
        desk.page.set_viewport_size({"width": 1280, "height": 800})
        desk.goes(f"/alerts/{alert}")
        banners = desk.page.locator("#banners .banner")
        expect(banners).to_have_count(2)
        expect(banners.last).to_contain_text("niet vastgesteld")
        box = desk.page.locator("#banners").bounding_box()
        for seen in ("#worse", "#who", ".until", ".say", ".versus", ".acts", ".act-bar"):
            expect(desk.page.locator(seen).first).to_be_in_viewport(ratio=1)
        acts, bar = (desk.page.locator(each).first.bounding_box() for each in (".acts", ".act-bar"))
        banners.first.focus()
        assert banners.first.evaluate("each => each.scrollWidth <= each.clientWidth")

    assert box is not None
    assert box["height"] < 50
    assert acts is not None
    assert bar is not None
    assert acts["y"] + acts["height"] < bar["y"]


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
    dutch_desk.unfolds("Bevindingen")

    table = dutch_desk.page.locator(".finding .scroll").first
    assert table.evaluate("each => each.scrollWidth - each.clientWidth") == 0
