"""What the first page promises to who has it open all night, in a real browser, on messages and a clock that moves.

Keys, collisions, widths, barriers and the alert on one screen are tried in test_browser.py, test_screens.py and
test_barriers.py beside this.
"""

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import timedelta

import pytest
import sqlalchemy as sa
from playwright.sync_api import Browser, Locator, Page, expect

from history.choices import Site as HospitalSite
from inbox.alerts.act import AlertAct, OnAlert
from inbox.alerts.settling import Acknowledgement, Override, TakenOn
from inbox.live.presence import Presence, SharedPresence
from store import tables
from synthetic.stream import hospital_messages
from tests.inbox.builders import NOW, a_case, a_conclusion, a_person
from tests.inbox.desks import Desk, at_desk, with_alerts
from tests.inbox.serving import serving
from tests.inbox.sites import Site
from tests.journeys.hospital import Clock, Hospital
from tests.journeys.stories import Happening, Measured, Ordered, Problem, messages
from tests.journeys.ward import NOON
from worker.due import carry_out_due

pytestmark = pytest.mark.browser

WARDS = 7
ALERTS = 555
PER_PAGE = 100
TIERS = ("contraindication", "high", "moderate")


@dataclass
class Night:
    """A hospital whose messages come in while somebody has the page open, on one clock."""

    desk: Desk
    site: Site
    hospital: Hospital

    @property
    def page(self) -> Page:
        return self.desk.page

    def sends(self, *story: Happening) -> None:
        """Send what happens next; messages are numbered on."""
        sent = len(self.hospital.states())
        self.hospital.sends(*[each.replace(b"|M0", f"|N{sent}".encode()) for each in messages(story)])

    def does(self, alert: int, act: AlertAct) -> None:
        """Let a colleague act."""
        self.hospital.does(OnAlert(alert, act))

    def passes(self, **time: float) -> None:
        """Let time pass, and carry out what is due."""
        self.hospital.clock.passes(**time)
        self.site.now = self.hospital.clock.now
        carry_out_due(self.hospital.worker)

    def alert(self, order: str = "100") -> int:
        """The number of the alert about an order."""
        found = self.hospital.rows(
            f"SELECT a.id FROM alert a JOIN medication_order o ON o.id = a.order_id WHERE o.placer_number = '{order}'"
        )
        return int(found[0][0])

    def row(self, alert: int) -> Locator:
        return self.page.locator(".strip", has=self.page.locator(f"#alert-{alert}"))


@pytest.fixture
def night(browser: Browser, one_site: Site) -> Iterator[Night]:
    """Els has the list open at noon of a day on which messages come in."""
    one_site.now = NOON
    one_site.add_user("els", role="lead")
    zone = HospitalSite().zone
    hospital = Hospital(one_site.engine, one_site.knowledge, clock=Clock(NOON))
    longer = timedelta(days=30)
    with serving(one_site, zone=zone, session_idle=longer, session_lifetime=longer) as address:
        for desk in at_desk(browser, address, "els"):
            yield Night(desk, one_site, hospital)


def first_alert(page: Page) -> Locator:
    return page.locator(".strip .alert-link").first


def test_the_first_card_of_the_demonstration_is_the_contraindication_that_starts_soonest(
    browser: Browser, one_site: Site
) -> None:
    one_site.add_user("els", role="lead")
    hospital = Hospital(one_site.engine, one_site.knowledge, clock=Clock(NOW))
    hospital.sends(*hospital_messages(7, now=NOW))
    soonest = _soonest_contraindication(one_site)

    with serving(one_site) as address:
        for desk in at_desk(browser, address, "els"):
            first = desk.page.locator(".strip").first
            expect(first.locator(".alert-link")).to_have_id(f"alert-{soonest}")
            expect(first.locator("small", has_text="Contraindication")).to_be_visible()
            expect(first.locator("time[data-until]")).to_be_visible()  # it is still to start
            expect(desk.page.locator(".group").first).to_contain_text("Starts within 24 hours")
            assert desk.page.title().startswith("(")
            for alert in _one_of_each_kind(one_site):
                fits_the_screen(desk, alert)


MOST_WORDS = 120  # above the fold of an alert; numbers, units, keys and the picture with its labels apart
WORDS_IN_SIGHT = r"""() => {
  const fold = document.querySelector(".act-bar").getBoundingClientRect().top;
  const texts = document.createTreeWalker(document.querySelector("main .page"), NodeFilter.SHOW_TEXT);
  let words = 0;
  while (texts.nextNode()) {
    const node = texts.currentNode, within = node.parentElement, range = document.createRange();
    range.selectNodeContents(node);
    const box = range.getBoundingClientRect();
    const hidden = within.closest(".picture, .keys, .away, #worse, details:not([open]) > :not(summary)");
    if (hidden || !box.height || box.top > fold) { continue; }
    words += node.data.split(/\s+/).filter((each) => /\p{L}{2}/u.test(each)).length;
  }
  return words;
}"""


def _one_of_each_kind(site: Site) -> list[int]:
    """Return an alert of each stream, tier and deciding rule of the demonstration."""
    with site.engine.connect() as connection:
        alert, answer = tables.alert.c, tables.assessment.c
        query = sa.select(alert.id, alert.stream, alert.tier, alert.status, tables.CONCLUSION)
        rows = connection.execute(query.join(tables.assessment, answer.id == alert.assessment_id)).all()
    kinds = {(row.stream, row.tier, row.status, row.conclusion.findings[0].rule): row.id for row in rows}
    return sorted(kinds.values())


def fits_the_screen(desk: Desk, alert: int) -> None:
    """Check that an alert is one screen of few words, and on a telephone no wider than that."""
    desk.page.set_viewport_size({"width": 1280, "height": 800})
    desk.goes(f"/alerts/{alert}")
    assert desk.page.evaluate("document.documentElement.scrollHeight") == 800, alert
    assert desk.page.evaluate(WORDS_IN_SIGHT) <= MOST_WORDS, alert
    desk.page.set_viewport_size({"width": 390, "height": 844})
    assert desk.page.evaluate("document.documentElement.scrollWidth") == 390, alert


def _soonest_contraindication(site: Site) -> int:
    alert, answer = tables.alert.c, tables.assessment.c
    query = sa.select(alert.id, tables.CONCLUSION).join(tables.assessment, answer.id == alert.assessment_id)
    grave = alert.tier == "contraindication"
    with site.engine.connect() as connection:
        rows = connection.execute(query.where(grave, alert.status == "open", alert.stream == "order")).all()
    starts = {row.id: row.conclusion.order.start for row in rows}
    coming = {each: start for each, start in starts.items() if start and start > NOW.isoformat()}
    return int(min(coming, key=lambda each: coming[each]))


def test_of_555_alerts_over_seven_wards_each_filter_shows_what_the_database_holds(desk: Desk, one_site: Site) -> None:
    with one_site.engine.begin() as connection:
        for number in range(ALERTS):
            told = a_conclusion()
            told["patient"] |= {"ward": f"W{number % WARDS}", "name": f"Patient {number}"}
            patient = a_person(connection, str(number), str(number))
            a_case(connection, patient=patient, number=str(number), told=told, tier=TIERS[number % 3])

    shown, held = {}, {}
    for ward, tier in (
        *((f"W{each}", "") for each in range(WARDS)),
        ("", "high"),
        ("W3", "contraindication"),
        ("", ""),
    ):
        desk.goes(f"/?ward={ward}&tier={tier}")
        counted = int(desk.page.locator("#count-all").inner_text())
        shown[ward, tier] = (counted, desk.page.locator(".strip").count())
        number = sum(1 for each in range(ALERTS) if ward in ("", f"W{each % WARDS}") and tier in ("", TIERS[each % 3]))
        held[ward, tier] = (number, min(number, PER_PAGE))

    assert shown == held
    expect(desk.page.get_by_text("100 of 555 rows shown")).to_be_visible()


@pytest.mark.parametrize("name", ["els", "nel"])
def test_a_fresh_install_shows_no_tick_anywhere(browser: Browser, address: str, one_site: Site, name: str) -> None:
    with one_site.engine.begin() as connection:
        connection.execute(sa.delete(tables.feed))
        connection.execute(sa.delete(tables.heartbeat))

    for desk in at_desk(browser, address, name):
        for path in ("/", "/handover", "/notices", "/messages"):
            desk.goes(path)
            expect(desk.page.locator("main h1").first).to_be_visible()
            assert desk.page.locator('main use[href="#i-ok"], footer use[href="#i-ok"]').count() == 0, path


def test_forty_orders_of_one_patient_are_one_row(desk: Desk, one_site: Site) -> None:
    with one_site.engine.begin() as connection:
        patient = a_person(connection)
        for number in range(40):
            told = a_conclusion()
            told["order"] |= {"start": (NOW + timedelta(days=2 + number / 20)).isoformat()}
            a_case(connection, patient=patient, number=str(number), told=told)

    desk.goes("/")

    expect(desk.page.locator(".strip")).to_have_count(1)
    expect(desk.page.get_by_text("40 orders, same finding")).to_be_visible()


def test_from_sign_in_to_done_takes_six_keys(desk: Desk, one_site: Site) -> None:
    (alert,) = with_alerts(one_site)
    desk.goes("/")

    keys = ("j", "Enter", "d", "8", "Enter")
    for key in keys:
        desk.presses(key)
        if key == "Enter" and "/alerts/" not in desk.page.url:
            desk.page.wait_for_url(f"**/alerts/{alert}")

    expect(desk.page.get_by_role("status").filter(has_text="This alert is done.")).to_be_visible()
    assert len(keys) <= 6


def test_a_start_that_moves_from_tomorrow_to_two_hours_comes_back_on_top_and_says_so(night: Night) -> None:
    night.sends(
        Problem(),
        Ordered(at=3, starts=34, number="100"),
        Problem(who="2"),
        Ordered(at=3, starts=9, number="200", who="2"),
    )
    moved, other = night.alert("100"), night.alert("200")
    night.does(moved, Acknowledgement(done_as="no_action_needed"))
    night.desk.goes("/")
    expect(first_alert(night.page)).to_have_id(f"alert-{other}")

    night.sends(Ordered(at=4, starts=6, number="100", control="XO"))

    expect(first_alert(night.page)).to_have_id(f"alert-{moved}")
    expect(night.row(moved).locator(".flag.worse")).to_contain_text("Reopened: Tue 3 Nov 18:00 → today 14:00")
    first_alert(night.page).click()
    expect(night.page.locator("#worse")).to_contain_text("was 3 Nov 2026 18:00, now 2 Nov 2026 14:00")


def test_monitoring_that_is_due_comes_back_and_the_result_closes_it(night: Night) -> None:
    night.sends(Problem(), Ordered(at=3, starts=34))
    alert = night.alert()
    again = NOON + timedelta(days=1)
    night.does(alert, Override("will_monitor", "INR", look_again_at=again, look_at="inr"))
    night.desk.goes("/")
    expect(night.row(alert)).to_have_count(0)

    night.passes(days=1)
    expect(night.row(alert)).to_be_visible()
    expect(night.row(alert)).to_contain_text("INR")
    night.sends(Measured(at=29, taken=29, value="2.4"))

    expect(night.row(alert)).to_have_count(0)


def test_what_nobody_takes_on_in_time_comes_to_the_top_and_so_does_what_was_taken_on(night: Night) -> None:
    night.sends(Problem(), Ordered(at=3, starts=34))
    alert = night.alert()
    night.does(alert, TakenOn())
    night.desk.goes("/")
    expect(night.row(alert)).to_contain_text("Me")

    night.passes(minutes=42)

    expect(night.row(alert).locator(".over")).to_contain_text("12 min late")
    expect(first_alert(night.page)).to_have_id(f"alert-{alert}")


def test_undo_puts_back_what_was_done(night: Night) -> None:
    night.sends(Problem(), Ordered(at=3, starts=34))
    alert = night.alert()
    night.desk.goes(f"/alerts/{alert}")
    night.desk.settles()

    night.page.get_by_role("button", name="Undo").click()

    expect(night.page.get_by_role("status").filter(has_text="It is as it was before.")).to_be_visible()
    night.desk.goes("/")
    expect(night.row(alert)).to_contain_text("Nobody yet")


def test_a_colleague_who_is_served_by_another_process_is_seen_to_have_it_open(
    browser: Browser, one_site: Site, redis_url: str
) -> None:
    (alert,) = with_alerts(one_site)
    for name in ("els", "rik"):
        one_site.add_user(name)
    with ExitStack() as processes:
        desks = []
        for name in ("els", "rik"):
            one_site.presence = Presence(SharedPresence(redis_url))
            address = processes.enter_context(serving(one_site))
            desks.append((address, name))
        for els, rik in _two_at(browser, desks):
            els.goes(f"/alerts/{alert}")
            rik.goes(f"/alerts/{alert}")

            expect(els.page.get_by_text("rik has this open since 14:05")).to_be_visible()
            expect(rik.page.get_by_text("els has this open since 14:05")).to_be_visible()


def _two_at(browser: Browser, places: list[tuple[str, str]]) -> Iterator[tuple[Desk, Desk]]:
    (first, one), (second, other) = places
    for desk in at_desk(browser, first, one):
        for colleague in at_desk(browser, second, other):
            yield desk, colleague


def test_one_key_takes_over_what_a_colleague_holds(second_desk: Desk, one_site: Site) -> None:
    alert = with_alerts(one_site)[0]
    with one_site.engine.begin() as connection:
        row = sa.update(tables.alert).where(tables.alert.c.id == alert)
        connection.execute(row.values(status="taken_on", assigned_to="els"))
    second_desk.goes("/handover")
    expect(second_desk.page.get_by_role("button", name="Take over")).to_be_visible()

    second_desk.presses("t")

    expect(second_desk.page.locator("section", has=second_desk.page.locator("#mine"))).to_contain_text("Patient 0")
    with one_site.engine.connect() as connection:
        assert connection.scalar(sa.select(tables.alert.c.assigned_to)) == "rik"


def test_dark_and_light_follow_the_system_and_the_switch(desk: Desk, one_site: Site) -> None:
    (alert,) = with_alerts(one_site)
    ground = "getComputedStyle(document.body).backgroundColor"

    seen = {}
    for path in ("/", f"/alerts/{alert}", "/patients/1", "/handover", "/notices", "/figures"):
        desk.goes(path)
        for scheme in ("light", "dark"):
            desk.page.emulate_media(color_scheme=scheme)
            seen[scheme, path] = desk.page.evaluate(ground)
    desk.goes("/preferences")
    desk.page.emulate_media(color_scheme="light")
    desk.page.locator("[name=theme][value=dark]").check()
    with desk.page.expect_response(lambda answer: answer.request.method == "POST"):
        desk.page.locator("form", has=desk.page.locator("[name=theme]")).get_by_role("button").first.click()
    desk.goes("/")

    assert {
        scheme: {colour for (each, _), colour in seen.items() if each == scheme} for scheme in ("light", "dark")
    } == {
        "light": {seen["light", "/"]},
        "dark": {seen["dark", "/"]},
    }
    assert seen["light", "/"] != seen["dark", "/"]
    assert desk.page.evaluate(ground) == seen["dark", "/"]
