"""Reasons that name a thrombosis."""

from datetime import UTC, datetime

import pytest

from clinical.events import Condition
from parsers.reading import read
from tests.parsers.builders import DEFAULTS, a_patient_message


def reasons(*segments: str, kind: str = "ADT^A01") -> list[Condition]:
    events = read(a_patient_message(*segments, kind=kind), DEFAULTS).events
    return [event for event in events if isinstance(event, Condition)]


@pytest.mark.parametrize("words", ["Longembolie", "verdenking DVT", "DVT uitgesloten", "moeder DVT", "Z.n. TVT"])
def test_an_admission_for_thrombosis_is_a_hint(words: str) -> None:
    (reason,) = reasons(f"PV2|||^{words}^L")

    assert (reason.certainty, reason.path, reason.flags) == ("suspected", "PV2[1]-3", ("stated_as_reason",))


def test_an_order_stopped_for_thrombosis_is_a_hint_from_that_moment() -> None:
    stop = "ORC|DC|9^EPD|||||||20250310091400" + "|" * 7 + "ADE^Longembolie tijdens kuur^L"

    (reason,) = reasons(stop, kind="OMP^O09")

    assert (reason.text, reason.path) == ("Longembolie tijdens kuur", "ORC[1]-16")
    assert reason.at == datetime(2025, 3, 10, 8, 14, tzinfo=UTC)


def test_another_reason_is_no_diagnosis() -> None:
    assert reasons("PV2|||^Progressieve zwakte^L", "PV2|||^Trombocytopenie") == []


@pytest.mark.parametrize(
    ("reason_given", "certainty"),
    [
        ("Z86.711^Personal history of pulmonary embolism^I10C", "confirmed"),
        ("161508001^History of deep vein thrombosis^SCT", "confirmed"),
        ("I26.99^Pulmonary embolism^I10C", "suspected"),  # a test is asked for, to know
        ("Z86.7^Eigen anamnese met ziekte van hart en vaatstelsel^I10", "suspected"),
    ],
)
def test_a_code_of_a_history_is_a_fact_also_as_a_reason(reason_given: str, certainty: str) -> None:
    (reason,) = reasons(f"PV2|||{reason_given}")

    assert reason.certainty == certainty
