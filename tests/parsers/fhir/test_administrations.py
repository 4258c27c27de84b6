"""What was given, and what is used."""

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from clinical.events import MedicationGiven, MedicationOrdered
from tests.parsers.fhir.builders import (
    ESTRADIOL,
    IVIG,
    a_dosage,
    a_statement,
    an_administration,
    element_at,
    one_of,
    quantity,
    reading_of,
)

FORTY = {"dose": quantity(40, "g")}


@pytest.mark.parametrize(
    ("status", "completion", "grams"),
    [
        ("completed", "CP", 40),
        ("in-progress", "PA", 40),
        ("stopped", "PA", 40),
        ("on-hold", "PA", 40),
        ("not-done", "NA", 0),
        ("unknown", "", 40),
    ],
)
def test_how_it_ended_tells_how_much(status: str, completion: str, grams: int) -> None:
    found = one_of(MedicationGiven, an_administration(status=status, dosage=FORTY))

    assert (found.completion, found.action) == (completion, "assert")
    assert found.grams is not None
    assert found.grams.high == grams


def test_what_was_entered_in_error_is_withdrawn() -> None:
    assert one_of(MedicationGiven, an_administration(status="entered-in-error")).action == "delete"


@pytest.mark.parametrize(
    ("dosage", "grams", "flags"),
    [
        ({"dose": quantity(400, "mL")}, "40", ()),
        ({}, None, ("amount_missing",)),
        ({"dose": quantity(0.4, "g/kg")}, None, ("per_kg_given",)),
        ({"dose": quantity(4, "furlong")}, None, ("unit_unusable", "amount_missing")),
        ({"dose": quantity(0, "g")}, "0", ()),
    ],
)
def test_grams_are_known_or_it_is_said_why_not(dosage: Any, grams: str | None, flags: tuple[str, ...]) -> None:
    found = one_of(MedicationGiven, an_administration(dosage=dosage))

    assert (found.grams.low if found.grams else None) == (Decimal(grams) if grams else None)
    assert found.flags == flags


def test_its_mean_rate_follows_from_its_period_and_a_told_rate_goes_first() -> None:
    period = {"start": "2026-11-19T10:00:00Z", "end": "2026-11-19T14:00:00Z"}
    given = an_administration(effectivePeriod=period, dosage=FORTY)
    del given["effectiveDateTime"]
    told = FORTY | {"rateRatio": {"numerator": quantity(200, "mL"), "denominator": quantity(1, "h")}}

    mean = one_of(MedicationGiven, given)
    sent = one_of(MedicationGiven, given | {"dosage": told})

    assert mean.rate is not None
    assert (mean.rate.high, mean.rate.unit) == (Decimal(10), "g/h")
    assert sent.rate is not None
    assert (sent.rate.high, sent.rate.unit) == (Decimal(20), "g/h")


@pytest.mark.parametrize(
    ("reference", "filler"),
    [
        ("MedicationRequest/m1", "FHIR import|MedicationRequest/m1"),
        ("https://fhir.example/MedicationRequest/m1/_history/2", "FHIR import|MedicationRequest/m1"),
        ("#m1", ""),
        ("ServiceRequest/1", ""),
    ],
)
def test_it_names_its_order(reference: str, filler: str) -> None:
    assert one_of(MedicationGiven, an_administration(request={"reference": reference})).keys.filler == filler


def test_the_place_of_its_grams_exists_also_when_nothing_was_given() -> None:
    given = an_administration(status="not-done")

    grams = one_of(MedicationGiven, given).grams

    assert grams is not None
    assert element_at(given, grams.basis) == "not-done"


def test_without_an_id_it_is_known_by_its_medicine_and_its_time() -> None:
    assert (
        one_of(MedicationGiven, an_administration(id="")).key == "fhir|IVIG; Immunoglobuline 100 mg/ml|20261119T090000Z"
    )


@pytest.mark.parametrize(
    ("status", "told"),
    [("active", "A"), ("unknown", "A"), ("on-hold", "HD"), ("completed", "CM"), ("stopped", "DC")],
)
def test_what_is_used_is_a_medicine_with_its_state(status: str, told: str) -> None:
    found = one_of(MedicationOrdered, a_statement(status=status))

    assert (found.status, found.codings[0].code, found.keys.filler) == (
        told,
        "G03CA03",
        "FHIR import|MedicationStatement/s1",
    )
    assert found.path == "MedicationStatement.medicationCodeableConcept.coding[0]"


def test_it_is_used_in_its_period_whatever_its_dosage_says() -> None:
    period = {"start": "2019-03", "end": "2021-06-30"}
    found = one_of(MedicationOrdered, a_statement(effectivePeriod=period))

    assert found.starts is not None
    assert (found.starts.at.year, found.starts.precision) == (2019, "month")
    assert [timing.ends.at.date() for timing in found.timings if timing.ends] == [date(2021, 6, 29)]  # in UTC


def test_its_dose_is_read_as_that_of_an_order_is() -> None:
    daily = {"frequency": 2, "period": 1, "periodUnit": "d"}
    found = one_of(MedicationOrdered, a_statement(a_dosage(quantity(5, "mg"), daily)))

    assert found.amount is not None
    assert (found.amount.low, found.amount.unit, found.timings[0].per_period) == (Decimal(5), "mg", 2)
    assert found.amount.basis == "MedicationStatement.dosage[0].doseAndRate[0].doseQuantity"


@pytest.mark.parametrize(("status", "told"), [("entered-in-error", "ER"), ("not-taken", "CA")])
def test_what_is_denied_is_a_medicine_of_nothing(status: str, told: str) -> None:
    found = one_of(MedicationOrdered, a_statement(status=status))

    assert (found.status, found.codings, found.text, found.source) == (told, (), "", "control")


def test_what_is_only_intended_is_no_history() -> None:
    assert reading_of(a_statement(status="intended")).ignored == "unknown_type"


def test_immunoglobulin_that_is_only_said_to_be_used_is_neither_ordered_nor_given() -> None:
    assert reading_of(a_statement(medicationCodeableConcept=IVIG)).events == ()


def test_the_medication_it_points_to_may_be_held_inside() -> None:
    held = {"resourceType": "Medication", "id": "x", "code": ESTRADIOL}
    told = a_statement(contained=[held], medicationReference={"reference": "#x"})
    del told["medicationCodeableConcept"]

    assert one_of(MedicationOrdered, told).codings[0].code == "G03CA03"
