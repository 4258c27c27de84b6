"""The events of the case reports (V03, V05, V07, V09, V16): hours after the last dose, with or without more to come."""

from datetime import timedelta

import pytest

from clinical.codes import Coding
from clinical.quantities import exactly
from rules.assessment import Assessment
from rules.evaluate import evaluate
from rules.examples import AT, Example, an_order, build_case
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


def what_followed(knowledge: Knowledge, diagnosed: str) -> Assessment:
    """Return what is said of diagnoses after a dose of five days ago."""
    case = build_case(Example("a case", {"given": "30 g, 5 days ago", "diagnosed": diagnosed}, "high"))
    return evaluate(case, knowledge, "pharmacovigilance")


@pytest.mark.parametrize("event", ["I21.9", "SNOMED 230690007", '"hartinfarct"', '"herseninfarct met afasie"'])
def test_an_infarction_is_not_called_a_symptom(knowledge: Knowledge, event: str) -> None:
    found = what_followed(knowledge, f"{event}, 4 days ago")

    assert [finding.rule for finding in found.findings] == ["IG-PV-043"]
    assert found.advice[0].does == ("hold",)


@pytest.mark.parametrize(("event", "rule"), [("I21.9", "IG-PV-043"), ("I26.9", "IG-PV-040")])
def test_an_event_leads_a_symptom_that_came_later_and_each_is_named_once(
    knowledge: Knowledge, event: str, rule: str
) -> None:
    found = what_followed(knowledge, f"{event}, 4 days ago; R06.0, 1 days ago; R07.4, 2 days ago")

    assert [finding.rule for finding in found.findings] == [rule, "IG-PV-041"]
    assert [found.text["nl"].count(code) for code in (event, "R06.0", "R07.4")] == [1, 1, 1]
    codes = {coding.code for fact in found.findings[1].facts for coding in fact.codings}
    assert codes >= {"R06.0", "R07.4"}
    assert event not in codes
