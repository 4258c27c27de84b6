"""MedicationStatement: what the patient uses, since when and until when; never an order."""

from datetime import date
from decimal import Decimal

import pytest

from clinical.events import MedicationOrdered
from tests.parsers.fhir.builders import ESTRADIOL, IVIG, a_dosage, a_statement, one_of, quantity, reading_of


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
