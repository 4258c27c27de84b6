"""Every page for people who listen to it, use only a keyboard or see little, and as it is printed."""

import re
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.inbox.builders import a_case, a_conclusion, a_fact, a_text
from tests.inbox.desks import Desk, with_alerts
from tests.inbox.sites import Site

pytestmark = pytest.mark.browser

STUMBLED_OVER = (Path(__file__).parent / "readable.js").read_text(encoding="utf-8").partition("\n")[2]
PAGES = (
    "/",
    "/search",
    "/notices",
    "/messages",
    "/messages/1",
    "/codes",
    "/merges",
    "/rules",
    "/rules/IG-VTE-001",
    "/rules/trial",
    "/leaflet",
    "/x",
)
FOCUS_IS_SEEN = """() => {
  const at = document.activeElement, shown = [at, at.closest(".strip, .chip, .seg label")].filter(Boolean);
  return shown.some((each) => getComputedStyle(each).outlineStyle !== "none");
}"""


def a_case_told() -> dict[str, Any]:
    """A thrombosis five days after a dose, with two of the ten questions answered by the record."""
    event = a_fact(hours_after=120)
    dose = {"at": "2026-11-10T08:00:00+00:00", "until": None, "grams": [40.0, 40.0], "given": True, "lots": ["L1"]}
    replies = [
        {"number": number, "reply": "yes" if number < 3 else "unknown", "because": a_text("Zo is het.", "It is so.")}
        for number in range(1, 11)
    ]
    naranjo = [reply | {"facts": [a_fact()]} for reply in replies]
    doses = [dose | {"grams_per_hour": None, "manufacturer": "CSL", "message_id": "", "message": "", "path": ""}]
    case = {"events": [event], "doses": doses, "lots": ["L1"], "next_dose": None, "medicines": [], "naranjo": naranjo}
    return a_conclusion(case=case)


def a_reaction(site: Site) -> int:
    """An alert about a possible adverse reaction."""
    with site.engine.begin() as connection:
        return a_case(connection, told=a_case_told(), stream="pharmacovigilance", tier="high", priority="prompt")


def opened(page: Page) -> list[str]:
    """What a reader would stumble over, with all that can be unfolded unfolded."""
    page.evaluate("document.querySelectorAll('details').forEach((each) => { each.open = true; })")
    faults: list[str] = page.evaluate(STUMBLED_OVER)
    return faults


def test_there_is_nothing_on_any_page_to_stumble_over(dutch_desk: Desk, one_site: Site) -> None:
    alert = a_reaction(one_site)

    faults = {}
    for path in (
        *PAGES,
        f"/alerts/{alert}",
        f"/alerts/{alert}/report",
        "/patients/1",
        "/handover",
        "/?status=resolved",
    ):
        dutch_desk.goes(path)
        expect(dutch_desk.page.get_by_text("Er ging hier iets mis")).to_have_count(0)
        if found := opened(dutch_desk.page):
            faults[path] = found

    assert faults == {}


def test_the_sign_in_page_has_nothing_to_stumble_over(desk: Desk) -> None:
    desk.page.context.clear_cookies()

    desk.goes("/sign-in")

    assert opened(desk.page) == []


def test_wherever_the_keyboard_goes_it_can_be_seen(desk: Desk, one_site: Site) -> None:
    alert = a_reaction(one_site)

    unseen = []
    for path in ("/", f"/alerts/{alert}", "/codes"):
        desk.goes(path)
        desk.page.locator("body").press("Tab")
        for _ in range(80):
            if desk.page.evaluate("document.activeElement === document.body"):
                break
            if not desk.page.evaluate(FOCUS_IS_SEEN):
                unseen.append(desk.page.evaluate("document.activeElement.outerHTML.slice(0, 100)"))
            desk.presses("Tab")

    assert unseen == []


def test_the_ten_questions_are_answered_with_nothing_but_a_keyboard(desk: Desk, one_site: Site) -> None:
    alert = a_reaction(one_site)
    desk.goes(f"/alerts/{alert}")
    desk.unfolds("Case and Naranjo")

    desk.page.locator("[name=answer-3][value=unknown]").focus()
    desk.presses("ArrowUp")  # from `not known` to `no`
    desk.presses("Tab", "ArrowUp", "ArrowUp")  # the fourth: to `yes`
    desk.tabs_to("Save my answers")
    desk.presses("Enter")

    expect(desk.page.get_by_role("status").filter(has_text="Your answers were saved")).to_be_focused()
    expect(desk.page.locator("[name=answer-3][value=no]")).to_be_checked()
    expect(desk.page.locator("[name=answer-4][value=yes]")).to_be_checked()
    expect(desk.page.get_by_text("confirmed by els")).to_be_visible()
    assert desk.complaints == []


def test_paper_carries_the_alert_and_nothing_to_press(desk: Desk, one_site: Site) -> None:
    (alert,) = with_alerts(one_site)
    desk.goes(f"/alerts/{alert}")

    desk.page.emulate_media(media="print")

    expect(desk.page.get_by_role("heading", name="To do now")).to_be_visible()
    for gone in ("nav", "#act-acknowledge", "#act-comment", "#act-assign", "form", "button", ".foot", ".skip"):
        assert desk.page.locator(gone).locator("visible=true").count() == 0, gone


def test_the_leaflet_is_a_page_of_its_own_in_each_language(desk: Desk) -> None:
    desk.goes("/leaflet")

    desk.page.emulate_media(media="print")

    leaflets = desk.page.locator(".leaflet")
    assert [leaflets.nth(each).get_attribute("lang") for each in range(leaflets.count())] == ["nl", "en"]
    assert leaflets.nth(1).evaluate("each => getComputedStyle(each).breakBefore") == "page"
    assert leaflets.first.locator("li").first.evaluate("each => getComputedStyle(each).listStyleType") == "disc"
    expect(desk.page.get_by_role("link", name="Back to the inbox")).to_be_hidden()


def test_who_moves_from_alert_to_alert_hears_how_grave_each_is_and_when_it_starts(desk: Desk, one_site: Site) -> None:
    (alert,) = with_alerts(one_site)
    desk.goes("/")

    desk.presses("j")

    link = desk.page.locator(f"#alert-{alert}")
    expect(link).to_be_focused()
    expect(link).to_have_accessible_name(re.compile("Contraindication: DVT been, Jun 2019"))
    expect(link).to_have_accessible_description(re.compile("today 16:00"))
