"""Observation: the value exactly, its unit, its status, and nothing where there is no value."""

from decimal import Decimal
from typing import Any

import pytest

from clinical.events import Observation
from tests.parsers.fhir.builders import LOINC, SNOMED, UCUM, an_observation, concept, events_of, one_of, quantity


@pytest.mark.parametrize(
    ("said", "status"),
    [
        ("final", "final"),
        ("amended", "corrected"),
        ("corrected", "corrected"),
        ("preliminary", "preliminary"),
        ("unknown", "preliminary"),
        ("registered", "no_value"),
        ("cancelled", "withdrawn"),
        ("entered-in-error", "withdrawn"),
    ],
)
def test_every_status_has_its_effect(said: str, status: str) -> None:
    assert one_of(Observation, an_observation(status=said, valueQuantity=quantity(75, "kg"))).status == status


@pytest.mark.parametrize(
    "value",
    [
        {},
        {"dataAbsentReason": concept(("x", "unknown"))},
        {"valueQuantity": {"unit": "kg"}},
        {"valueQuantity": {}},
        {"valueString": "  "},
        {"valueInteger": True},
        {"valueCodeableConcept": {}},
        {"valueRange": {}},
    ],
)
def test_without_a_value_there_is_no_value_and_the_place_is_that_of_the_test(value: dict[str, Any]) -> None:
    found = one_of(Observation, an_observation(**value))

    assert (found.status, found.value, found.number) == ("no_value", "", None)


def test_what_was_withdrawn_stays_withdrawn_without_its_value() -> None:
    assert one_of(Observation, an_observation(status="entered-in-error")).status == "withdrawn"


@pytest.mark.parametrize(
    ("code", "value", "number", "unit"),
    [
        ("29463-7", quantity(75.5, "kg"), "75.5", "kg"),
        ("8302-2", quantity(178, "cm"), "178", "cm"),
        ("6301-6", quantity(2.5, "{INR}"), "2.5", "{INR}"),
        ("14682-9", quantity(110, "umol/L"), "110", "umol/L"),
        ("33914-3", quantity(58, "mL/min/{1.73_m2}"), "58", "mL/min/{1.73_m2}"),
        ("777-3", quantity(250, "10*9/L"), "250", "10*9/L"),
        ("29463-7", {"value": 75, "unit": "kilo"}, "75", "kg"),
        ("777-3", {"value": 250, "unit": "x10^9/l"}, "250", "10*9/L"),
        ("29463-7", {"value": 75, "unit": "kg", "system": "urn:oid:2.1", "code": "205"}, "75", "kg"),
        ("29463-7", {"value": 75}, "75", ""),
    ],
)
def test_a_measurement_has_its_number_and_unit(code: str, value: dict[str, Any], number: str, unit: str) -> None:
    found = one_of(Observation, an_observation(code=concept((LOINC, code)), valueQuantity=value))

    assert (found.codings[0].code, found.number, found.unit) == (code, Decimal(number), unit)
    assert found.path == "Observation.valueQuantity"


@pytest.mark.parametrize("comparator", ["<", "<=", ">=", ">"])
def test_a_comparator_is_kept(comparator: str) -> None:
    value = {"value": 0.5, "comparator": comparator, "unit": "mg/L", "system": UCUM, "code": "mg/L"}

    found = one_of(Observation, an_observation(valueQuantity=value))

    assert (found.comparator, found.number, found.value) == (comparator, Decimal("0.5"), f"{comparator}0.5")


@pytest.mark.parametrize(
    ("said", "comparator", "number"),
    [("<0,5", "<", "0.5"), ("2,6", "", "2.6"), (">5000", ">", "5000"), ("zie opmerking", "", None)],
)
def test_a_number_in_words_is_read(said: str, comparator: str, number: str | None) -> None:
    found = one_of(Observation, an_observation(valueString=said))

    assert (found.value, found.comparator) == (said, comparator)
    assert found.number == (Decimal(number) if number else None)


def test_a_coded_value_is_kept_with_its_code() -> None:
    value = concept((SNOMED, "10828004"), shown="Positief")

    found = one_of(Observation, an_observation(code={"text": "Factor V Leiden"}, valueCodeableConcept=value))

    assert (found.text, found.value, found.value_codings[0].code) == ("Factor V Leiden", "Positief", "10828004")


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ({"valueInteger": 7}, "7"),
        ({"valueBoolean": True}, "true"),
        ({"valueRange": {"low": quantity(1, "g"), "high": quantity(2, "g")}}, "1-2"),
        ({"valueRatio": {"numerator": {"value": 1}, "denominator": {"value": 80}}}, "1:80"),
    ],
)
def test_other_values_are_shown(value: dict[str, Any], shown: str) -> None:
    assert one_of(Observation, an_observation(**value)).value == shown


def test_each_component_is_a_result_of_its_own() -> None:
    pressure = [
        {"code": concept((LOINC, "8480-6")), "valueQuantity": quantity(120, "mm[Hg]")},
        {"code": concept((LOINC, "8462-4")), "valueQuantity": quantity(80, "mm[Hg]")},
    ]

    found = [each for each in events_of(an_observation(component=pressure)) if isinstance(each, Observation)]

    assert [(each.codings[0].code, each.number) for each in found] == [
        ("8480-6", Decimal(120)),
        ("8462-4", Decimal(80)),
    ]
    assert [each.path for each in found] == [f"Observation.component[{n}].valueQuantity" for n in (0, 1)]
    assert len({each.key for each in found}) == 2


def test_it_was_taken_when_it_was_effective_else_when_it_was_issued() -> None:
    period = one_of(Observation, an_observation(effectiveDateTime="2026", effectivePeriod={"start": "2026-01-02"}))
    without = an_observation(issued="2026-01-05T10:00:00Z")
    del without["effectiveDateTime"]
    issued = one_of(Observation, without)
    without["effectivePeriod"] = {"start": "2026-01-02", "end": "2026-01-03"}
    began = one_of(Observation, without)

    assert period.taken is not None
    assert period.taken.precision == "year"
    assert issued.taken is not None
    assert issued.taken.at.isoformat() == "2026-01-05T10:00:00+00:00"
    assert began.taken is not None
    assert began.taken.at.isoformat() == "2026-01-01T23:00:00+00:00"


def test_its_range_and_interpretation_are_kept() -> None:
    limits = [{"low": quantity(60, "umol/L"), "high": quantity(110.0, "umol/L")}]

    found = one_of(
        Observation,
        an_observation(
            valueQuantity=quantity(200, "umol/L"), referenceRange=limits, interpretation=[concept(("x", "h"))]
        ),
    )

    assert (found.range, found.abnormal) == ("60-110.0", "H")
