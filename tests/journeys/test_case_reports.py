"""The case reports of the assessment and the forum, told as HL7: what becomes of each order.

The expectations are those of the synthetic hospital (`synthetic`), which takes them from the case reports.
"""

import pytest

from synthetic.expectations import Expected
from synthetic.stream import expected, hospital_messages
from tests.journeys.hospital import Hospital

ORDERS = [answer for answer in expected() if answer.stream == "order"]


@pytest.fixture
def answered(hospital: Hospital) -> dict[str, str]:
    ids = hospital.receives(*hospital_messages(now=hospital.clock()))
    for start in range(0, len(ids), 100):
        hospital.processes(ids[start : start + 100])
    return hospital.answers()


def test_every_case_report_gets_its_tier_and_every_look_alike_silence(answered: dict[str, str]) -> None:
    wrong = {
        answer.order: (answered.get(answer.order), answer.tier) for answer in ORDERS if not _right(answer, answered)
    }

    assert wrong == {}


def _right(answer: Expected, answered: dict[str, str]) -> bool:
    return answered.get(answer.order) == answer.tier


def test_no_message_of_the_hospital_is_parked_or_left_behind(hospital: Hospital) -> None:
    messages = list(hospital_messages(now=hospital.clock()))

    hospital.sends(*messages)

    assert set(hospital.states().values()) == {"processed", "ignored"}
    assert len(hospital.states()) == len(messages)
