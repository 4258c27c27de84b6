"""The next cycle of a treatment that a pharmacist settled: a line says which plan applies, and nothing is pushed."""

from dataclasses import replace

from synthetic.medicines import IVIG
from synthetic.prescriptions import Prescription, Schedule
from synthetic.terms import DVT_LEG
from tests.inbox.sites import Site, sign_in
from tests.journeys.bedside import DAY, Bedside
from tests.journeys.hospital import Hospital
from tests.journeys.pharmacist import pharmacist_of


def test_the_next_cycle_shows_the_plan_that_applies_and_is_not_pushed(hospital: Hospital) -> None:
    with pharmacist_of(hospital) as pharmacist:
        ward = Bedside(hospital, pharmacist)
        chart = ward.patient("F", 50)
        chart.has_problem(DVT_LEG, ward.now - DAY, onset=ward.now - 400 * DAY, past=True)
        first = Prescription("91", IVIG, Schedule(ward.now, "Once", 1), "0.4", "g/kg", rate="50")
        ward.orders(first, weight="70")
        pharmacist.acknowledges("91")

        hospital.clock.passes(days=28)
        ward.orders(replace(first, number="92", schedule=Schedule(ward.now, "Once", 1)), weight="70")

        (alert,) = pharmacist.alerts("92")
    site = Site(hospital.engine, hospital.knowledge, now=hospital.clock())
    site.add_user("els")
    with site.client() as browser:
        sign_in(browser, "els")
        page = browser.get(f"/alerts/{alert['id']}").text
        of_first = browser.get("/alerts/1").text

    assert (alert["status"], hospital.inbox()) == ("covered", [])
    assert "plan of 21 Nov 2026 applies" in page
    assert 'href="/alerts/1"' in page
    assert "applies: the same was settled" not in of_first
