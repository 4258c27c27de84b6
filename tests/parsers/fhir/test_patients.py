"""Patients in FHIR: their numbers, names and dates, and who replaces whom."""

from datetime import date
from typing import Any

import pytest

from clinical.events import PatientMerged, PatientSeen
from parsers.defaults import Defaults
from parsers.errors import UnreadableMessage
from tests.parsers.fhir.builders import (
    Json,
    a_patient,
    concept,
    element_at,
    events_of,
    one_of,
    reading_of,
)

BSN = "http://fhir.nl/fhir/NamingSystem/bsn"
MASKED = {"extension": [{"url": "http://hl7.org/fhir/StructureDefinition/data-absent-reason", "valueCode": "masked"}]}


def a_number(value: str, system: str = "urn:oid:9.9", kind: str = "MR", **elements: Any) -> Json:
    return {"system": system, "value": value, "type": concept(("x", kind))} | elements


def test_the_id_at_the_server_points_to_the_number_of_the_hospital() -> None:
    seen, merged = events_of(a_patient(), Defaults(authorities={"urn:oid:9.9": "ZKHA"}, source="import"))

    assert isinstance(seen, PatientSeen)
    assert isinstance(merged, PatientMerged)
    assert [(each.authority, each.value) for each in seen.patient] == [("ZKHA", "7000001")]
    assert [(each.authority, each.value) for each in merged.retired] == [("FHIR import", "p1")]
    assert merged.path == "Patient.identifier"


def test_without_a_number_the_id_at_the_server_is_the_identity() -> None:
    (seen,) = events_of(a_patient(identifier=[]))

    assert [(each.authority, each.value) for each in seen.patient] == [("FHIR import", "p1")]


def test_without_number_and_id_it_is_nobody() -> None:
    with pytest.raises(UnreadableMessage) as raised:
        reading_of(a_patient(identifier=[], id=""))

    assert (raised.value.reason, raised.value.path) == ("no_patient", "Patient.identifier")


def test_an_old_number_is_not_the_patients_any_more() -> None:
    found = one_of(PatientSeen, a_patient(identifier=[a_number("7000009", use="old"), a_number("7000001")]))

    assert [each.value for each in found.patient] == ["7000001"]


@pytest.mark.parametrize(
    ("bsn", "values", "flags"),
    [
        ({"value": "111222333"}, ["7000001", "111222333"], ()),
        ({"value": "111222334"}, ["7000001"], ("bsn_invalid",)),
        ({"_value": MASKED}, ["7000001"], ()),
    ],
)
def test_a_bsn_counts_when_it_passes_the_eleven_test(bsn: Json, values: list[str], flags: tuple[str, ...]) -> None:
    found = one_of(PatientSeen, a_patient(identifier=[{"system": BSN} | bsn, a_number("7000001")]))

    assert [each.value for each in found.patient] == values
    assert found.flags == flags


@pytest.mark.parametrize(
    ("said", "deceased", "precision"),
    [
        ({"deceasedBoolean": True}, True, None),
        ({"deceasedBoolean": False}, False, None),
        ({"deceasedDateTime": "2026-03"}, True, "month"),
        ({"deceasedDateTime": "2026-02-30"}, True, None),
        ({}, None, None),
    ],
)
def test_death_is_told_with_its_time(said: Json, deceased: bool | None, precision: str | None) -> None:
    found = one_of(PatientSeen, a_patient(**said))

    assert (found.deceased, found.died_at.precision if found.died_at else None) == (deceased, precision)


@pytest.mark.parametrize(
    ("names", "family", "given"),
    [
        ([{"use": "old", "family": "Oud"}, {"use": "official", "family": "Test", "given": ["A", "B"]}], "Test", "A B"),
        ([{"use": "maiden", "family": "Meisje"}, {"use": "usual", "family": "Test"}], "Test", ""),
        ([{"use": "old", "family": "Oud"}, {"family": "Test"}], "Test", ""),
        ([{"text": "Anna Test"}], "Anna Test", ""),
        ([{"text": "Anna Test", "given": ["Anna"]}], "", "Anna"),
    ],
)
def test_the_name_in_use_is_shown(names: list[Json], family: str, given: str) -> None:
    name = one_of(PatientSeen, a_patient(name=names)).name

    assert name is not None
    assert (name.family, name.given) == (family, given)


@pytest.mark.parametrize(
    ("written", "born", "flags"),
    [
        ("1955-04-03", date(1955, 4, 3), ()),
        ("1955-04", date(1955, 4, 1), ("partial_birth_date",)),
        ("1955", date(1955, 1, 1), ("partial_birth_date",)),
        ("2019-02-30", None, ("unreadable_birth_date",)),
        ("2019-13", None, ("unreadable_birth_date",)),
        ("0001-01-01", date(1, 1, 1), ()),
    ],
)
def test_a_birth_date_is_read_or_told(written: str, born: date | None, flags: tuple[str, ...]) -> None:
    found = one_of(PatientSeen, a_patient(birthDate=written, gender="female"))

    assert (found.birth_date, found.flags, found.sex) == (born, flags, "F")


@pytest.mark.parametrize("reference", ["Patient/p2", "https://fhir.example/Patient/p2/_history/4", "urn:uuid:p2"])
def test_replaced_by_is_a_merge(reference: str) -> None:
    patient = a_patient(link=[{"other": {"reference": reference}, "type": "replaced-by"}])

    merge = [each for each in events_of(patient) if isinstance(each, PatientMerged)][-1]

    assert (merge.patient[0].value, merge.retired[0].value) == ("p2", "7000001")
    assert element_at(patient, merge.path) == {"reference": reference}


@pytest.mark.parametrize(
    "link",
    [
        {"other": {"reference": "Patient/p2"}, "type": "seealso"},
        {"other": {"reference": "Patient/p2"}, "type": "replaces"},
        {"other": {"reference": "Patient/p1"}, "type": "replaced-by"},
        {"other": {"reference": "RelatedPerson/p2"}, "type": "replaced-by"},
        {"type": "replaced-by"},
    ],
)
def test_no_other_link_is_a_merge(link: Json) -> None:
    events = [each for each in events_of(a_patient(link=[link])) if "spelling" not in each.flags]

    assert len(events) == 2
