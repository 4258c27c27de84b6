"""People at a screen, with a real browser."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from playwright.sync_api import Browser, Page, expect

from tests.inbox.builders import a_case, a_conclusion, a_person
from tests.inbox.sites import PASSWORD, Site


@dataclass
class Desk:
    """Somebody at a screen, and what the browser complained of."""

    page: Page
    address: str
    complaints: list[str] = field(default_factory=list)

    def goes(self, path: str) -> None:
        """Open a page of the inbox."""
        self.page.goto(self.address + path)

    def signs_in(self, name: str, home: str = "/") -> None:
        """Sign in with the keyboard, and wait for the page that this role begins with."""
        self.goes("/sign-in")
        expect(self.page.locator("[name=name]")).to_be_focused()
        self.page.keyboard.type(name)
        self.page.keyboard.press("Tab")
        self.page.keyboard.type(PASSWORD)
        self.page.keyboard.press("Enter")
        self.page.wait_for_url(f"{self.address}{home}")

    def presses(self, *keys: str) -> None:
        """Press keys."""
        for key in keys:
            self.page.keyboard.press(key)

    def unfolds(self, title: str) -> None:
        """Open the sheet of an act, or a part of the page, by its title; one that is open stays open."""
        folded = self.page.locator("details:not([open]) > summary", has_text=title)
        if folded.count():
            folded.first.click()

    def settles(self) -> None:
        """Say that nothing needs to change, and that it is done."""
        self.unfolds("Done")
        self.page.get_by_label("nothing needs to change").check()
        self.page.get_by_role("button", name="Done", exact=True).click()

    def tabs_to(self, label: str) -> None:
        """Press Tab until the focus is on what has this text or name."""
        for _ in range(60):
            self.page.keyboard.press("Tab")
            if label in self.page.evaluate(
                "(document.activeElement.labels?.[0] ?? document.activeElement).innerText ?? ''"
            ):
                return
        raise AssertionError(f"the keyboard does not reach {label!r}")


def at_desk(browser: Browser, address: str, name: str) -> Iterator[Desk]:
    """Seat somebody, and hear what the browser complains of."""
    context = browser.new_context(viewport={"width": 1024, "height": 768}, locale="en-GB")
    context.set_default_timeout(60_000)
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
