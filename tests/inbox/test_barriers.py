"""No page shuts anybody out: checked by axe, at twice the size, and without colour."""

from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest
import sqlalchemy as sa
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from clinical.versions import version_of
from inbox.http.settings import DestinationShown
from store import local_codes, tables, trial_verdicts
from store.local_codes import Sighting
from store.trial_verdicts import TrialVerdict
from tests.inbox.builders import NOW, an_event
from tests.inbox.desks import Desk, with_alerts
from tests.inbox.serving import serving
from tests.inbox.sites import Site
from tests.store.builders import a_message

pytestmark = pytest.mark.browser


MESSAGES = ("/messages", "/messages/1?path=PRB[1]-3", "/messages/3")
MERGES = ("/merges", "/merges/1-2")
PEOPLE = ("/search", "/patients/1", "/handover", "/password", "/preferences")
RULES = ("/rules", "/rules/IG-VTE-002", "/rules/trial")
PATHS = (
    "/",
    "/?tier=high",
    "/alerts/1",
    "/alerts/2",
    *MESSAGES,
    "/codes",
    "/codes/1",
    *MERGES,
    *PEOPLE,
    *RULES,
    "/notices",
    "/figures",
    "/figures?step=day",
    "/?status=acknowledged",
    "/leaflet",
    "/nix",
)
OTHER_ROLES = (("aude", "auditor", "/access"), ("ad", "administrator", "/accounts"))
ON_TRIAL = "IG-VTE-001"


@pytest.fixture
def one_site(one_site: Site) -> Site:
    """An inbox on SQLite with a rule on trial."""
    rules = tuple(
        replace(rule, form=rule.form.model_copy(update={"status": "trial"})) if rule.id == ON_TRIAL else rule
        for rule in one_site.knowledge.rules
    )
    one_site.knowledge = replace(one_site.knowledge, rules=rules)
    return one_site


@pytest.fixture
def address(one_site: Site) -> Iterator[str]:
    """The inbox of two readers, with destinations for its notices."""
    one_site.add_user("els", role="lead")
    one_site.add_user("nel", language="nl")
    destinations = (DestinationShown("pager", "webhook"), DestinationShown("post", "mail"))
    with serving(one_site, sign_ins_per_minute=100, destinations=destinations) as address:
        yield address


def all_kinds(site: Site) -> None:
    """An open and a settled alert, a parked message, a code nobody knows, merges in a circle, and a rule on trial."""
    first, _ = with_alerts(site, 2)
    with site.engine.begin() as connection:
        for reviewer in ("els", "nel"):
            trial_verdicts.keep(connection, TrialVerdict(1, ON_TRIAL, reviewer, "right", NOW))
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
def test_no_page_has_a_barrier(browser: Browser, address: str, one_site: Site, language: str) -> None:
    all_kinds(one_site)
    context = browser.new_context(viewport={"width": 1280, "height": 900}, locale=language)
    desk = Desk(context.new_page(), address)
    desk.goes("/sign-in")
    found: dict[str, object] = {"/sign-in": barriers(desk.page)}
    desk.signs_in("els" if language == "en" else "nel")

    found |= on_each_page(desk, PATHS, barriers)
    found["a patient who was searched for"] = barriers(search(desk, "1"))
    found |= of_other_roles(desk, one_site, language, barriers)
    context.close()

    assert {path: some for path, some in found.items() if some} == {}


def on_each_page(desk: Desk, paths: tuple[str, ...], look: Callable[[Page], object]) -> dict[str, object]:
    """Look at pages on which everything is unfolded."""
    found: dict[str, object] = {}
    for path in paths:
        desk.goes(path)
        desk.page.evaluate("document.querySelectorAll('details').forEach(each => { each.open = true })")
        found[path] = look(desk.page)
    return found


def of_other_roles(desk: Desk, site: Site, language: str, look: Callable[[Page], object]) -> dict[str, object]:
    """Look at the pages that a pharmacist does not see."""
    found: dict[str, object] = {}
    for name, role, path in OTHER_ROLES:
        site.add_user(name, role=role, language=language)
        desk.page.context.clear_cookies()
        desk.signs_in(name, home=path)
        found |= on_each_page(desk, (path,), look)
    return found


def search(desk: Desk, number: str) -> Page:
    """Search for a patient."""
    desk.goes("/search")
    desk.page.locator("[name=number]").fill(number)
    desk.presses("Enter")
    expect(desk.page.locator("#found")).to_be_visible()
    return desk.page


def barriers(page: Page) -> list[str]:
    """What axe finds, however slight."""
    violations = Axe().run(page).response["violations"]
    return [f"{each['id']} ({each['impact']}): {node['html'][:150]}" for each in violations for node in each["nodes"]]


def runs_off_the_side(page: Page) -> bool:
    wide: bool = page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth")
    return wide


def test_nothing_runs_off_the_side_of_a_page_at_twice_the_size(desk: Desk, one_site: Site) -> None:
    all_kinds(one_site)
    desk.page.set_viewport_size({"width": 512, "height": 384})  # 1024 pixels at 200 %

    wide = on_each_page(desk, PATHS, runs_off_the_side)
    wide["a patient who was searched for"] = runs_off_the_side(search(desk, "1"))
    wide |= of_other_roles(desk, one_site, "en", runs_off_the_side)

    assert [path for path, is_wide in wide.items() if is_wide] == []


def test_a_tier_is_told_without_colour(desk: Desk, one_site: Site) -> None:
    with_alerts(one_site)
    desk.goes("/")

    strip = desk.page.locator(".strip").first

    expect(strip.locator("small", has_text="Contraindication")).to_be_visible()
    expect(strip.locator("svg.shape")).to_be_visible()
