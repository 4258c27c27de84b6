"""What comes after the infusion: a thrombosis, a symptom, an examination; told, corrected, withdrawn, settled."""

import pytest

from ivigilant.hospital.stream import expected, hospital_messages
from tests.journeys.hospital import Hospital

EVENTS = [answer for answer in expected() if answer.stream == "pharmacovigilance"]
EARLIER = {"910402", "910602", "911902"}  # earlier orders of S13, S14 and S47: their thrombosis is a case of its own


@pytest.fixture
def told(hospital: Hospital) -> Hospital:
    ids = hospital.receives(*hospital_messages(now=hospital.clock()))
    for start in range(0, len(ids), 100):
        hospital.processes(ids[start : start + 100])
    return hospital


def test_every_thrombosis_of_the_case_reports_becomes_a_case_and_no_other_order_does(told: Hospital) -> None:
    cases = {number: tier for number, tier, _ in told.inbox("pharmacovigilance")}

    print(told.inbox("pharmacovigilance"))
    assert cases == {answer.order: answer.tier for answer in EVENTS} | dict.fromkeys(EARLIER, "high")
