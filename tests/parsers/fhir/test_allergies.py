"""AllergyIntolerance: what somebody does not bear, and none."""

from typing import Any

import pytest

from clinical.events import Allergy
from tests.parsers.fhir.builders import ATC, PATIENT, SNOMED, Json, concept, events_of, one_of

_STATUS = "http://terminology.hl7.org/CodeSystem/allergyintolerance-verification"


def an_allergy(**elements: Any) -> Json:
    code = concept((ATC, "J06BA02"), text="IVIG")
    return {"resourceType": "AllergyIntolerance", "id": "i1", "patient": PATIENT, "code": code} | elements


def test_an_allergy_is_told_with_its_code_and_patient() -> None:
    found = one_of(Allergy, an_allergy())

    assert (found.codings[0].code, found.text, found.action) == ("J06BA02", "IVIG", "assert")
    assert (found.path, found.patient[0].value) == ("AllergyIntolerance.code.coding[0]", "p1")


@pytest.mark.parametrize("said", ["entered-in-error", "refuted"])
def test_what_is_refuted_or_an_error_is_withdrawn_by_its_id_alone(said: str) -> None:
    status = concept((SNOMED, "1"), (_STATUS, said))

    found = one_of(Allergy, an_allergy(verificationStatus=status, code={}))

    assert (found.action, found.key) == ("delete", "FHIR import|AllergyIntolerance/i1")


@pytest.mark.parametrize("code", [concept((SNOMED, "716186003")), {"text": "Geen bekend"}, {"text": "NKDA"}, {}])
def test_none_known_is_no_allergy(code: Json) -> None:
    assert events_of(an_allergy(code=code)) == ()
