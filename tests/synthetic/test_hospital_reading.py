"""What our own reader makes of the synthetic hospital."""

from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from functools import cache

import pytest

from clinical.events import Condition, MedicationGiven, MedicationOrdered, Observation, PatientMerged, Reading
from clinical.quantities import Quantity
from parsers.defaults import Defaults
from parsers.reading import read
from synthetic.routine import WRITINGS
from synthetic.stream import expected, hospital_messages

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
DOSES = {  # order → per administration, peak rate in g/h, doses, as the case report gives them; "" where it gives none
    "910101": ("0.7 g/kg", "", 3),
    "910201": ("32 g", "", 1),
    "910401": ("0.4 g/kg", "10", 1),
    "910601": ("", "", 4),
    "910801": ("100 g", "20", 2),
    "911001": ("0.4 g/kg", "6.8", 5),
    "911101": ("30 g", "", 5),
    "911201": ("1 g/kg", "8", 2),
    "911300": ("70 g", "14", 2),
    "911407": ("70 g", "14", 2),
    "911501": ("40 g", "", 1),
    "911801": ("0.4 g/kg", "", 5),
    "911701": ("", "", 5),
    "911901": ("32 g", "12", 1),
    "912000": ("", "", 1),
}


@cache
def readings() -> tuple[Reading, ...]:
    return tuple(read(message, Defaults()) for message in hospital_messages(7, now=NOW))


def orders(control: str = "NW") -> Iterator[MedicationOrdered]:
    for reading in readings():
        for event in reading.events:
            if isinstance(event, MedicationOrdered) and event.control == control:
                yield event


def order(number: str) -> MedicationOrdered:
    return next(event for event in orders() if event.keys.placer == f"EPD|{number}")


def shown(amount: Quantity | None) -> str:
    return f"{amount.high.normalize():f} {amount.unit}" if amount else ""


def test_every_message_is_understood_or_of_a_kind_nobody_needs() -> None:
    ignored = {reading.header.type for reading in readings() if reading.ignored}
    misunderstood = [place for reading in readings() for place in reading.not_understood]

    assert ignored == {"SIU"}
    assert misunderstood == []


@pytest.mark.parametrize("number", DOSES)
def test_the_orders_of_the_case_reports_are_read_as_they_were_meant(number: str) -> None:
    dose, rate, times = DOSES[number]

    ordered = order(number)

    assert shown(ordered.dose) == dose
    assert shown(ordered.rate) == (f"{rate} g/h" if rate else "")
    assert [code.code for code in ordered.routes] == ["IV"]
    assert ordered.timings[0].occurrences == (times, times)


@pytest.mark.parametrize("index", range(len(WRITINGS)))
def test_every_way_of_writing_an_order_comes_to_the_same_dose(index: int) -> None:
    ordered = order(f"9300{index:02d}")

    assert ordered.dose is not None
    grams = ordered.dose.low * (60 if ordered.dose.unit == "g/kg" else 1)
    assert grams == Decimal(24)
    assert ordered.dose.low == ordered.dose.high
    assert ordered.timings[0].period_hours == 28 * 24


def test_a_look_alike_by_another_route_says_so() -> None:
    routes = {event.keys.placer.removeprefix("EPD|"): event.routes[0].code for event in orders()}
    silent = {one.order for one in expected() if one.tier is None}

    assert {routes[number] for number in silent & set(routes)} == {"SC", "IM", "IV"}


def test_butlers_history_stands_under_a_number_that_is_merged_away() -> None:
    merges = [event for reading in readings() for event in reading.events if isinstance(event, PatientMerged)]
    old = [
        event
        for reading in readings()
        for event in reading.events
        if isinstance(event, Condition) and event.patient[0].value == "1990006"
    ]

    assert "1990006" in {retired.value for merge in merges for retired in merge.retired}
    assert [condition.codings[0].code for condition in old] == ["I80.2"]


def test_the_measured_values_of_the_case_reports_are_there() -> None:
    values = {
        (event.patient[0].value, event.codings[0].code, event.number)
        for reading in readings()
        for event in reading.events
        if isinstance(event, Observation) and event.codings
    }

    assert ("2000006", "6301-6", Decimal("1.73")) in values
    assert ("2000006", "14979-9", Decimal("45.7")) in values
    assert ("2000004", "3128-6", Decimal("1.4")) in values


def test_intervals_between_the_last_infusion_and_the_thrombosis_are_kept() -> None:
    hours = {
        "910201": 4,  # Paran 2
        "910401": 240,  # Vucic
        "911001": 7 * 24,  # Emerson 2, first course
        "911101": 6,  # Emerson 2, second course
        "911501": 72,  # Bilal
        "911801": 72,  # the husband of the forum
    }

    measured = {number: _hours_to_thrombosis(number) for number in hours}

    assert measured == hours


def _hours_to_thrombosis(number: str) -> float:
    events = [event for reading in readings() for event in reading.events]
    given = [event for event in events if isinstance(event, MedicationGiven) and event.keys.placer == f"EPD|{number}"]
    last = max(event.ended.at for event in given if event.ended)
    thromboses = [
        event.onset.at
        for event in events
        if isinstance(event, Condition)
        and event.patient == given[0].patient
        and event.onset is not None
        and event.onset.at >= last
        and event.codings[0].code.startswith(("I26", "I80", "I82"))
    ]
    return (min(thromboses) - last).total_seconds() / 3600
