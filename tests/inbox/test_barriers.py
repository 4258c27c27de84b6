"""No page shuts anybody out: checked by axe, at twice the size, and without colour."""

import pytest
import sqlalchemy as sa
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from clinical.versions import version_of
from store import local_codes, tables
from store.local_codes import Sighting
from tests.inbox.builders import NOW, an_event
from tests.inbox.desks import Desk, with_alerts
from tests.inbox.sites import Site
from tests.store.builders import a_message

pytestmark = pytest.mark.browser


MESSAGES = ("/messages", "/messages/1?path=PRB[1]-3", "/messages/3")
MERGES = ("/merges", "/merges/1-2")
PATHS = ("/", "/?tier=high", "/alerts/1", "/alerts/2", *MESSAGES, "/codes", "/codes/1", *MERGES, "/search", "/nix")


def all_kinds(site: Site) -> None:
    """An open and a settled alert, a parked message, a code nobody knows, and merges in a circle."""
    first, _ = with_alerts(site, 2)
    with site.engine.begin() as connection:
        an_event(connection, first, kind="changed", reason="tier_rose, new_rule:IG-VTE-001")
        an_event(connection, 2, kind="acknowledged", actor="rik", note="Called the ward")
        connection.execute(sa.update(tables.alert).where(tables.alert.c.id == 2).values(status="acknowledged"))
        a_message(connection, "M9", state="parked", reason="no_patient", flags=["charset"], body_hash=b"9" * 32)
        seen = Sighting("diagnosis", "ZKH", "T7", "Trombosebeen", "venous-thromboembolism", 1, "PRB[1]-3")
        local_codes.record(connection, [seen], NOW)
        told = {"version": version_of(NOW, NOW, "M9", b"9" * 32), "message_id": 1, "path": "MRG[1]-1"}
        pairs = [{"retired_id": one, "survivor_id": other, **told} for one, other in ((1, 2), (2, 1))]
        connection.execute(sa.insert(tables.merge_statement), pairs)
        for one, other in ((1, 2), (2, 1)):
            where = tables.patient.c.id == one
            connection.execute(sa.update(tables.patient).where(where).values(merged_into=other))


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

    strip = desk.page.locator(".strip").first

    expect(strip.locator("small", has_text="Contraindication")).to_be_visible()
    expect(strip.locator("svg.shape")).to_be_visible()
