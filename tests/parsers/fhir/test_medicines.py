"""Which medicine: in the resource, held by it, beside it in a bundle, or elsewhere."""

from decimal import Decimal
from typing import Any

import pytest

from clinical.events import MedicationOrdered
from parsers.errors import UnreadableMessage
from tests.parsers.fhir.builders import (
    IVIG,
    Json,
    a_bundle,
    a_dosage,
    an_order,
    concept,
    element_at,
    one_of,
    quantity,
    reading_of,
)

STRENGTH = {"numerator": quantity(10, "g"), "denominator": quantity(100, "mL")}


def a_medication(**elements: Any) -> Json:
    return {"resourceType": "Medication", "id": "med1", "code": IVIG} | elements


def an_order_of(reference: Json, **elements: Any) -> Json:
    order = an_order(a_dosage(quantity(400, "mL"))) | {"medicationReference": reference} | elements
    del order["medicationCodeableConcept"]
    return order


def test_a_code_in_the_order_itself_is_the_medicine() -> None:
    found = one_of(MedicationOrdered, an_order())

    assert (found.codings[0].system, found.codings[0].code) == ("ATC", "J06BA02")
    assert (found.text, found.path) == (
        "IVIG; Immunoglobuline 100 mg/ml",
        "MedicationRequest.medicationCodeableConcept.coding[0]",
    )


def test_a_medicine_that_the_order_holds_is_found_with_its_strength_and_lot() -> None:
    held = a_medication(
        ingredient=[{"itemCodeableConcept": IVIG, "strength": STRENGTH}], batch={"lotNumber": "L1"}, code={"text": "x"}
    )
    order = an_order_of({"reference": "#med1"}, contained=[{"resourceType": "Basic", "id": "b"}, held])

    found = one_of(MedicationOrdered, order)

    assert (found.text, found.lots, found.path) == ("x", ("L1",), "MedicationRequest.contained[1].code.text")
    assert found.dose is not None
    assert (found.dose.low, found.dose.unit) == (Decimal(40), "g")
    assert element_at(order, found.components[0].path)["code"] == "J06BA02"


@pytest.mark.parametrize(
    ("reference", "url"),
    [
        ("Medication/med1", ""),
        ("https://fhir.example/r4/Medication/med1", ""),
        ("Medication/med1/_history/3", ""),
        ("urn:uuid:77-88", "urn:uuid:77-88"),
    ],
)
def test_a_medicine_in_the_same_bundle_is_found(reference: str, url: str) -> None:
    bundle = a_bundle(an_order_of({"reference": reference}), a_medication(), urls=("", url) if url else ())

    found = one_of(MedicationOrdered, bundle)

    assert found.codings[0].code == "J06BA02"
    assert found.path == "Bundle.entry[1].resource.code.coding[0]"


def test_a_medicine_elsewhere_that_is_named_is_known_by_its_name() -> None:
    found = one_of(MedicationOrdered, an_order_of({"reference": "Medication/9", "display": "Nanogam 100 mg/ml"}))

    assert (found.text, found.path) == ("Nanogam 100 mg/ml", "MedicationRequest.medicationReference.display")
    assert found.dose is not None
    assert found.dose.high == 40


@pytest.mark.parametrize("pointer", [{"reference": "Medication/9"}, {"reference": "#none"}, {}])
def test_a_medicine_elsewhere_without_a_name_makes_the_order_unreadable(pointer: Json) -> None:
    with pytest.raises(UnreadableMessage) as raised:
        reading_of(an_order_of(pointer))

    assert (raised.value.reason, raised.value.path) == (
        "medication_elsewhere",
        "MedicationRequest.medicationReference",
    )


def test_what_only_its_ingredient_names_is_that_ingredient() -> None:
    held = a_medication(ingredient=[{"itemCodeableConcept": IVIG, "strength": STRENGTH}])
    del held["code"]

    assert one_of(MedicationOrdered, an_order_of({"reference": "#med1"}, contained=[held])).codings[0].code == "J06BA02"


@pytest.mark.parametrize(
    "code", ["B01AF02", "B01AC06", "G03CA03", "H02AB06", "J06BB01", "J06BA01"]
)  # anticoagulant, platelet inhibitor, oestrogen, steroid, anti-D, subcutaneous immunoglobulin
def test_other_medicines_are_told_as_they_are(code: str) -> None:
    order = an_order(medicationCodeableConcept=concept(("http://www.whocc.no/atc", code), shown="Middel"))

    found = one_of(MedicationOrdered, order)

    assert (found.codings[0].code, found.text) == (code, "Middel")
