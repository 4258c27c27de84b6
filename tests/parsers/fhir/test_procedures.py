"""Procedure: what was done, and what was not."""

from typing import Any

import pytest

from clinical.events import Procedure
from tests.parsers.fhir.builders import PATIENT, SNOMED, Json, concept, events_of, one_of, reading_of


def a_procedure(**elements: Any) -> Json:
    code = concept((SNOMED, "234319005"), text="Splenectomie")
    head = {"resourceType": "Procedure", "id": "r1", "status": "completed", "subject": PATIENT, "code": code}
    return head | elements


@pytest.mark.parametrize(
    ("status", "action"),
    [
        ("completed", "assert"),
        ("in-progress", "assert"),
        ("stopped", "assert"),
        ("not-done", "delete"),
        ("entered-in-error", "delete"),
    ],
)
def test_what_was_not_done_is_withdrawn(status: str, action: str) -> None:
    found = one_of(Procedure, a_procedure(status=status))

    assert (found.action, found.key, found.path) == (
        action,
        "FHIR import|Procedure/r1",
        "Procedure.code.coding[0]",
    )


def test_what_is_only_planned_is_no_history() -> None:
    assert reading_of(a_procedure(status="preparation")).ignored == "unknown_type"


@pytest.mark.parametrize(
    ("performed", "precision"),
    [
        ({"performedDateTime": "2019"}, "year"),
        ({"performedPeriod": {"start": "2019-03-02", "end": "2019-03-03"}}, "day"),
        ({"performedString": "als kind"}, None),
        ({"performedAge": {"value": 7, "unit": "a"}}, None),
        ({}, None),
    ],
)
def test_when_it_was_done_is_as_precise_as_it_was_told(performed: Json, precision: str | None) -> None:
    found = one_of(Procedure, a_procedure(**performed))

    assert (found.performed.precision if found.performed else None) == precision


def test_what_names_nothing_says_nothing() -> None:
    assert events_of(a_procedure(code={})) == ()
