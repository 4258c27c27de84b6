"""Several pharmacists settle alerts; what they did is read back rule by rule, and nothing is changed."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest

from clinical.ratios import Ratio
from inbox.figures.review import FEWEST, Review, review
from ivigilant.knowledge.review import as_json, as_page
from store.engine import reading
from synthetic.chart import Chart
from synthetic.medicines import IVIG
from synthetic.people import invent
from synthetic.prescriptions import Prescription, Schedule
from synthetic.terms import DVT_LEG, IMMOBILITY, OBESITY, TREMOR
from synthetic.wire import SentCode, post
from tests.journeys.hospital import Hospital
from tests.journeys.pharmacist import Pharmacist, pharmacist_of

HOUR, DAY = timedelta(hours=1), timedelta(days=1)


class Ward:
    """Patients with one order each."""

    def __init__(self, hospital: Hospital) -> None:
        self.hospital, self.patients = hospital, 0
        self.charts: dict[str, Chart] = {}
        self.orders: dict[str, Prescription] = {}

    def admits(self, *problems: SentCode) -> str:
        """Somebody with these problems gets an order; give its number."""
        self.patients += 1
        now, number = self.hospital.clock(), f"66{self.patients:03d}"
        chart = Chart(invent(800 + self.patients, "F", 50, now), ward="D3INT")
        chart.admitted(now - 4 * HOUR)
        for problem in problems:
            chart.has_problem(problem, now - 4 * HOUR, past=problem is DVT_LEG)
        order = Prescription(number, IVIG, Schedule(now + HOUR, "Once", 1), "0.4", "g/kg", rate="60")
        self.charts[number], self.orders[number] = chart, order
        chart.ordered(order, "RDE", weight="70")
        self.tells(number)
        return number

    def tells(self, number: str) -> None:
        """Send what is on the chart."""
        chart = self.charts[number]
        drafts, chart.drafts = chart.drafts, []
        now = self.hospital.clock()
        self.hospital.clock.passes(minutes=1)
        named = enumerate(drafts)
        self.hospital.sends(*(post(draft, f"{number}{now:%d%H%M}{at}", now) for at, draft in named))

    def stops(self, number: str) -> None:
        """The prescriber ends the order."""
        self.charts[number].ordered(self.orders[number].stopped(self.hospital.clock()), "RDE")
        self.tells(number)

    def lowers(self, number: str) -> None:
        """The prescriber halves the dose."""
        order = replace(self.orders[number], dose="0.2", control="XO", at=self.hospital.clock())
        self.charts[number].ordered(order, "RDE", weight="70")
        self.tells(number)

    def clots(self, number: str) -> None:
        """The dose is given, and a thrombosis follows."""
        chart, order = self.charts[number], self.orders[number]
        chart.infused(order, order.schedule.starts, 4, "28")
        self.hospital.clock.passes(days=2)
        chart.diagnosed(self.hospital.clock(), DVT_LEG)
        self.tells(number)


@pytest.fixture
def ward(hospital: Hospital) -> Ward:
    return Ward(hospital)


@pytest.fixture
def els(hospital: Hospital) -> Iterator[Pharmacist]:
    with pharmacist_of(hospital, "els") as pharmacist:
        yield pharmacist


@pytest.fixture
def jan(hospital: Hospital) -> Iterator[Pharmacist]:
    with pharmacist_of(hospital, "jan") as pharmacist:
        yield pharmacist


def reviewed(hospital: Hospital) -> Review:
    titles = {rule.id: rule.title["en"] for rule in hospital.knowledge.rules}
    with reading(hospital.engine) as connection:
        return review(connection, titles)


def test_each_decision_counts_for_the_rules_that_spoke(
    hospital: Hospital, ward: Ward, els: Pharmacist, jan: Pharmacist
) -> None:
    kept, adjusted, tolerated, open_still = (ward.admits(DVT_LEG) for _ in range(4))
    els.acknowledges(kept)
    els.overrides(adjusted, "order_adjusted")
    jan.overrides(tolerated, "tolerated_before")
    before = hospital.dump()

    found = reviewed(hospital)

    rule = next(each for each in found.rules if each.rule == "IG-VTE-001")
    assert (rule.alerts, rule.kept, rule.overridden) == (3, 1, 2)
    assert rule.reasons == {"order_adjusted": 1, "tolerated_before": 1}
    assert rule.intervened == Ratio(1, 3)
    assert rule.title == "Prior venous thromboembolism (KNMP 7097)"
    assert (found.settled, found.unsettled, found.pharmacists) == (3, 1, 2)
    assert found.each == ((0.0, 1), (0.5, 2))
    assert found.interruptions == Ratio(1, 3)
    assert open_still
    assert hospital.dump() == before


def test_an_order_that_is_stopped_or_lowered_after_the_alert_is_an_intervention(
    hospital: Hospital, ward: Ward, els: Pharmacist
) -> None:
    stopped, lowered, untouched = (ward.admits(DVT_LEG) for _ in range(3))
    for number in (stopped, lowered, untouched):
        els.acknowledges(number)
    ward.stops(stopped)
    ward.lowers(lowered)

    assert reviewed(hospital).interruptions == Ratio(2, 3)


def test_the_worklist_is_counted_apart(hospital: Hospital, ward: Ward, els: Pharmacist) -> None:
    els.overrides(ward.admits(OBESITY, IMMOBILITY), "will_monitor")
    els.acknowledges(ward.admits(DVT_LEG))

    found = reviewed(hospital)

    assert (found.worklist, found.interruptions) == (Ratio(1, 1), Ratio(0, 1))
    assert {each.rule: each.channel for each in found.rules}["IG-VTE-007"] == "worklist"


def test_a_thrombosis_after_the_infusion_is_told_with_the_rules_that_spoke_before(
    hospital: Hospital, ward: Ward, els: Pharmacist
) -> None:
    spoken, unsaid = ward.admits(OBESITY, IMMOBILITY), ward.admits(TREMOR)
    els.overrides(spoken, "benefit_outweighs_risk")
    assert els.alerts(unsaid) == []
    ward.clots(spoken)
    ward.clots(unsaid)

    found = reviewed(hospital)

    assert (found.cases, found.cases_unsaid) == (2, 1)
    assert next(each.cases for each in found.rules if each.rule == "IG-VTE-007") == 1


def test_only_many_decisions_propose_another_channel(hospital: Hospital, ward: Ward, els: Pharmacist) -> None:
    for _ in range(FEWEST):
        els.overrides(ward.admits(OBESITY, IMMOBILITY), "order_adjusted")

    rule = next(each for each in reviewed(hospital).rules if each.rule == "IG-VTE-007")

    assert (rule.alerts, rule.channel, rule.proposal) == (FEWEST, "worklist", "interrupt")


def test_the_page_and_the_json_say_the_same(hospital: Hospital, ward: Ward, els: Pharmacist) -> None:
    els.overrides(ward.admits(DVT_LEG), "order_adjusted")

    found = reviewed(hospital)

    assert as_json(found)["interruptions"] == {"count": 1, "of": 1, "low": 0.2065, "high": 1.0}
    page = as_page(found)
    assert "1 of 1 (100%, 21% to 100%)" in page
    assert "order_adjusted 1" in page


@pytest.mark.parametrize(
    ("count", "of", "low", "high"), [(0, 10, 0.0, 0.2775), (5, 10, 0.2366, 0.7634), (414, 1000, 0.3838, 0.4448)]
)
def test_the_limits_are_those_of_wilson(count: int, of: int, low: float, high: float) -> None:
    assert Ratio(count, of).limits == pytest.approx((low, high), abs=1e-4)


def test_of_none_nothing_is_known() -> None:
    assert Ratio(0, 0).limits == (0.0, 1.0)
    assert str(Ratio(0, 0)) == "none"
