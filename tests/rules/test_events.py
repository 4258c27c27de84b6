"""The events of the case reports (V03, V05, V07, V09, V16): hours after the last dose, with or without more to come."""

from datetime import timedelta

import pytest

from clinical.codes import Coding
from clinical.quantities import exactly
from rules.evaluate import evaluate
from rules.examples import AT, an_order
from rules.facts import Case, Dose, Fact, Patient
from rules.knowledge import Knowledge

EVENTS = [  # name, hours after the last dose, whether the course goes on, priority
    ("V03 Paran 2", 4, False, "prompt"),
    ("V05 Vucic", 240, False, "prompt"),
    ("V07 Butler", 168, True, "urgent"),
    ("V09 Emerson 1", 0, True, "urgent"),
    ("V16 Bilal", 72, False, "prompt"),
]


def case_after(hours: float, *, goes_on: bool) -> Case:
    """A confirmed thrombosis so long after the last dose."""
    last = Dose(AT - timedelta(hours=hours), exactly(30, "g"), given=True, order="EXAMPLE")
    following = Dose(AT + timedelta(days=7), exactly(30, "g"), given=False, order="EXAMPLE")
    event = Fact("condition", (Coding("ICD10", "I80.2"),), starts=AT, precision="second")
    return Case(an_order(), Patient(), AT, (event,), (last, following) if goes_on else (last,))


@pytest.mark.parametrize(("name", "hours", "goes_on", "priority"), EVENTS, ids=[each[0] for each in EVENTS])
def test_an_event_of_a_case_report_is_found(
    name: str, hours: int, goes_on: bool, priority: str, knowledge: Knowledge
) -> None:
    found = evaluate(case_after(hours, goes_on=goes_on), knowledge, "pharmacovigilance")

    assert [finding.rule for finding in found.findings] == ["IG-PV-040"]
    assert (found.tier.name, found.priority.word) == ("HIGH", priority)


def test_an_event_says_nothing_in_the_stream_of_orders_and_an_order_nothing_in_that_of_events(
    knowledge: Knowledge,
) -> None:
    case = case_after(4, goes_on=True)

    streams = {
        stream: {step.rule[:5] for step in evaluate(case, knowledge, stream).trace}
        for stream in ("order", "pharmacovigilance")
    }

    assert streams["pharmacovigilance"] == {"IG-PV"}
    assert "IG-PV" not in streams["order"]


def test_nobody_waits_for_the_next_dose_of_a_patient_who_died(knowledge: Knowledge) -> None:
    case = case_after(4, goes_on=True)
    died = Case(case.order, Patient(deceased=True), case.at, case.facts, case.doses)

    assert evaluate(died, knowledge, "pharmacovigilance").priority.name == "PROMPT"
