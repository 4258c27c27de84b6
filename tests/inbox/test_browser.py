"""The pages in a real browser: by keyboard, live, in both languages, for everybody."""

from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest
import sqlalchemy as sa
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from store import tables
from tests.inbox.browser import browsing
from tests.inbox.builders import a_case, a_conclusion, a_person, an_event
from tests.inbox.conftest import PASSWORD, Site
from tests.inbox.serving import serving
from tests.store.builders import a_message

pytestmark = pytest.mark.browser


@dataclass
class Desk:
    """Somebody at a screen, and what the browser complained of."""

    page: Page
    address: str
    complaints: list[str] = field(default_factory=list)

    def goes(self, path: str) -> None:
        """Open a page of the inbox."""
        self.page.goto(self.address + path)

    def signs_in(self, name: str) -> None:
        """Sign in with the keyboard."""
        self.goes("/sign-in")
        expect(self.page.locator("[name=name]")).to_be_focused()
        self.page.keyboard.type(name)
        self.page.keyboard.press("Tab")
        self.page.keyboard.type(PASSWORD)
        self.page.keyboard.press("Enter")
        self.page.wait_for_url(f"{self.address}/")

    def presses(self, *keys: str) -> None:
        """Press keys."""
        for key in keys:
            self.page.keyboard.press(key)

    def tabs_to(self, label: str) -> None:
        """Press Tab until the focus is on what has this text or name."""
        for _ in range(60):
            self.page.keyboard.press("Tab")
            if label in self.page.evaluate("(document.activeElement.labels?.[0] ?? document.activeElement).innerText"):
                return
        raise AssertionError(f"the keyboard does not reach {label!r}")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    expect.set_options(timeout=15_000)  # the machine may be busy with other tests
    with browsing() as browser:
        yield browser


@pytest.fixture
def address(one_site: Site) -> Iterator[str]:
    for name, language in (("els", "en"), ("rik", "en"), ("nel", "nl")):
        one_site.add_user(name, language=language)
    with serving(one_site, sign_ins_per_minute=100) as address:
        yield address


@pytest.fixture
def desk(browser: Browser, address: str) -> Iterator[Desk]:
    """Els at her desk, on a screen of 1024 pixels."""
    yield from at_desk(browser, address, "els")


@pytest.fixture
def second_desk(browser: Browser, address: str) -> Iterator[Desk]:
    """Rik at his."""
    yield from at_desk(browser, address, "rik")


@pytest.fixture
def dutch_desk(browser: Browser, address: str) -> Iterator[Desk]:
    """Nel, who reads Dutch."""
    yield from at_desk(browser, address, "nel")


def at_desk(browser: Browser, address: str, name: str) -> Iterator[Desk]:
    """Seat somebody, and hear what the browser complains of."""
    context = browser.new_context(viewport={"width": 1024, "height": 768}, locale="en-GB")
    context.set_default_timeout(15_000)
    desk = Desk(context.new_page(), address)
    desk.page.on("pageerror", lambda error: desk.complaints.append(str(error)))
    desk.page.on("console", lambda said: desk.complaints.append(said.text) if said.type == "error" else None)
    desk.signs_in(name)
    yield desk
    context.close()


def with_alerts(site: Site, count: int = 1) -> list[int]:
    """Raise alerts for as many patients."""
    alerts = []
    with site.engine.begin() as connection:
        for number in range(count):
            told = a_conclusion()
            told["patient"] |= {"name": f"Patient {number}"}
            told["order"] |= {"start": f"2026-11-21T{15 + number}:00:00+00:00"}
            patient = a_person(connection, str(number), str(number))
            alerts.append(a_case(connection, patient=patient, number=str(number), told=told))
    return alerts


def test_an_alert_is_acknowledged_with_nothing_but_a_keyboard(desk: Desk, one_site: Site) -> None:
    first, second = with_alerts(one_site, 2)
    desk.goes("/")

    desk.presses("j", "j", "k", "j", "Enter")
    desk.page.wait_for_url(f"**/alerts/{second}")
    desk.tabs_to("Note")
    desk.page.keyboard.type("Called the ward")
    desk.tabs_to("Seen, and taken on")
    desk.presses("Enter")

    expect(desk.page.get_by_role("status").filter(has_text="You have acknowledged this alert.")).to_be_focused()
    expect(desk.page.get_by_text("Called the ward")).to_be_visible()
    desk.presses("u")
    desk.page.wait_for_url(f"{desk.address}/")
    expect(desk.page.locator(f"#alert-{first}")).to_be_visible()
    expect(desk.page.locator(f"#alert-{second}")).to_have_count(0)
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
    expect(desk.page.get_by_text("2 patients, 2 alerts")).to_be_visible()
    assert desk.page.evaluate("window.stayed") is True
    assert desk.complaints == []


def test_the_inbox_stays_live_after_the_list_was_filtered(desk: Desk, one_site: Site) -> None:
    with_alerts(one_site)
    desk.goes("/")

    desk.page.get_by_label("High risk").check()
    expect(desk.page.get_by_text("No alerts match these filters")).to_be_visible()
    with one_site.engine.begin() as connection:
        high = a_case(connection, patient=a_person(connection, "new", "new"), number="new", tier="high")

    expect(desk.page.locator(f"#alert-{high}")).to_be_visible()
    assert desk.page.url == f"{desk.address}/?status=open&tier=high&ward="
    desk.page.reload()
    expect(desk.page.get_by_label("High risk")).to_be_checked()


def test_of_two_pharmacists_one_is_first_and_the_other_sees_who(desk: Desk, second_desk: Desk, one_site: Site) -> None:
    (alert,) = with_alerts(one_site)
    desk.goes(f"/alerts/{alert}")
    second_desk.goes(f"/alerts/{alert}")

    desk.page.get_by_role("button", name="Seen, and taken on").click()
    expect(second_desk.page.get_by_text("This alert has changed.")).to_be_visible()
    second_desk.page.get_by_role("button", name="Seen, and taken on").click()

    conflict = second_desk.page.get_by_text("This alert is acknowledged already.")
    expect(conflict).to_be_visible()
    expect(second_desk.page.get_by_text("els was first, on")).to_be_visible()


def test_an_override_is_explained_step_by_step(desk: Desk, one_site: Site) -> None:
    (alert,) = with_alerts(one_site)
    desk.goes(f"/alerts/{alert}")

    desk.page.get_by_text("Override with a reason").click()
    form = desk.page.locator("form", has=desk.page.get_by_role("button", name="Override", exact=True))
    form.get_by_label("the patient will be monitored").check()
    form.get_by_role("textbox", name="Note").fill(" ")
    form.get_by_role("button").click()
    expect(desk.page.get_by_text("Write why; it is required here.")).to_be_focused()
    expect(form.get_by_label("the patient will be monitored")).to_be_checked()
    form.get_by_role("textbox", name="Note").fill("Doppler on day 3")
    form.get_by_role("button").click()

    expect(desk.page.get_by_role("status").filter(has_text="You have overridden this alert.")).to_be_focused()
    with one_site.engine.connect() as connection:
        assert connection.scalar(sa.select(tables.decision.c.reason)) == "will_monitor"


def test_a_fact_leads_to_its_field_in_the_message(desk: Desk, one_site: Site) -> None:
    (alert,) = with_alerts(one_site)
    desk.goes(f"/alerts/{alert}")

    desk.page.get_by_role("link", name="PRB[1]-3").first.click()

    expect(desk.page.locator("#marked")).to_be_in_viewport()
    expect(desk.page.locator("#marked")).to_contain_text("Diepe veneuze trombose")


def test_the_keys_can_be_switched_off(desk: Desk, one_site: Site) -> None:
    with_alerts(one_site)
    desk.goes("/")

    desk.page.get_by_text("Keyboard").click()
    desk.page.get_by_label("Use these keys").uncheck()
    desk.page.reload()
    desk.presses("j")

    expect(desk.page.locator(".alert-link").first).not_to_be_focused()


def test_the_first_stop_of_the_keyboard_leads_past_the_bar(desk: Desk) -> None:
    desk.goes("/")

    desk.presses("Tab")
    expect(desk.page.get_by_text("To the content")).to_be_in_viewport()
    desk.presses("Enter")

    expect(desk.page.locator("main")).to_be_focused()


def test_the_page_speaks_dutch_to_who_reads_dutch(dutch_desk: Desk, one_site: Site) -> None:
    (alert,) = with_alerts(one_site)

    dutch_desk.goes("/")
    expect(dutch_desk.page.get_by_text("Contra-indicatie").last).to_be_visible()
    dutch_desk.goes(f"/alerts/{alert}")
    expect(dutch_desk.page.get_by_role("heading", name="Gezien en akkoord")).to_be_visible()
    dutch_desk.page.get_by_role("button", name="English").click()

    expect(dutch_desk.page.get_by_role("heading", name="Acknowledge")).to_be_visible()


PATHS = ("/", "/?tier=high", "/alerts/1", "/alerts/2", "/messages", "/messages/1?path=PRB[1]-3", "/messages/3", "/nix")


def all_kinds(site: Site) -> None:
    """An open and a settled alert, and a parked message."""
    first, _ = with_alerts(site, 2)
    with site.engine.begin() as connection:
        an_event(connection, first, kind="changed", reason="tier_rose, new_rule:IG-VTE-001")
        an_event(connection, 2, kind="acknowledged", actor="rik", note="Called the ward")
        connection.execute(sa.update(tables.alert).where(tables.alert.c.id == 2).values(status="acknowledged"))
        a_message(connection, "M9", state="parked", reason="no_patient", flags=["charset"], body_hash=b"9" * 32)


@pytest.mark.parametrize("language", ["nl", "en"])
def test_no_page_has_a_serious_barrier(browser: Browser, address: str, one_site: Site, language: str) -> None:
    all_kinds(one_site)
    rule = one_site.knowledge.rules[0].id
    found = {}
    context = browser.new_context(viewport={"width": 1280, "height": 900}, locale=language)
    desk = Desk(context.new_page(), address)
    desk.goes("/sign-in")
    found["/sign-in"] = barriers(desk.page)
    desk.signs_in("els" if language == "en" else "nel")

    for path in (*PATHS, f"/rules/{rule}"):
        desk.goes(path)
        desk.page.evaluate("document.querySelectorAll('details').forEach(each => { each.open = true })")
        found[path] = barriers(desk.page)
    context.close()

    assert {path: some for path, some in found.items() if some} == {}


def barriers(page: Page) -> list[str]:
    """What axe finds that is serious or worse."""
    violations = Axe().run(page).response["violations"]
    return [
        f"{each['id']}: {node['html'][:150]}"
        for each in violations
        if each["impact"] in {"serious", "critical"}
        for node in each["nodes"]
    ]


def test_nothing_runs_off_the_side_of_a_page_at_twice_the_size(desk: Desk, one_site: Site) -> None:
    all_kinds(one_site)
    desk.page.set_viewport_size({"width": 512, "height": 384})  # 1024 pixels at 200 %

    wide = []
    for path in PATHS:
        desk.goes(path)
        if desk.page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth"):
            wide.append(path)

    assert wide == []


def test_a_tier_is_told_without_colour(desk: Desk, one_site: Site) -> None:
    with_alerts(one_site)
    desk.goes("/")

    card = desk.page.locator(".card").first

    expect(card.get_by_text("Contraindication")).to_be_visible()
    expect(card.locator(".tier svg path").first).to_be_visible()
