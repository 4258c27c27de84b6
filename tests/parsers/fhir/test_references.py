"""References: whom a resource is about, however it says so."""

import pytest

from clinical.events import Condition
from parsers.errors import UnreadableMessage
from parsers.fhir.references import target
from tests.parsers.fhir.builders import Json, a_bundle, a_condition, a_patient, events_of, one_of, reading_of


@pytest.mark.parametrize(
    ("reference", "found"),
    [
        ("Patient/12", ("Patient", "12")),
        ("https://fhir.example/r4/Patient/12", ("Patient", "12")),
        ("Patient/12/_history/3", ("Patient", "12")),
        ("urn:uuid:0c3151bd", ("", "0c3151bd")),
        ("12", ("", "12")),
        ("", ("", "")),
    ],
)
def test_a_reference_points_to_a_kind_and_an_id(reference: str, found: tuple[str, str]) -> None:
    assert target(reference) == found


@pytest.mark.parametrize(
    ("about", "value"),
    [
        ({"reference": "Patient/p1"}, "p1"),
        ({"reference": "http://a/b/Patient/p1/_history/2"}, "p1"),
        ({"identifier": {"system": "urn:oid:9.9", "value": "7000001"}}, "7000001"),
        ({"reference": "#me"}, "7000001"),
    ],
)
def test_a_subject_is_named_in_every_way_of_the_standard(about: Json, value: str) -> None:
    found = one_of(Condition, a_condition(subject=about, contained=[a_patient(id="me")]))

    assert found.patient[0].value == value


@pytest.mark.parametrize(
    "about", [{}, {"reference": "Group/1"}, {"reference": "#gone"}, {"display": "Mw. Test"}, {"reference": "Patient/"}]
)
def test_who_names_nobody_is_unreadable_and_what_it_says_is_kept(about: Json) -> None:
    with pytest.raises(UnreadableMessage) as raised:
        reading_of(a_condition(subject=about))

    assert (raised.value.reason, raised.value.path) == ("no_patient", "Condition.subject")
    assert len(raised.value.reading.events) == 1


def test_in_a_bundle_a_uuid_means_the_patient_of_that_full_url_whatever_comes_first() -> None:
    patient, condition = a_patient(), a_condition(subject={"reference": "urn:uuid:77-88"})

    first = events_of(a_bundle(patient, condition, urls=("urn:uuid:77-88", "urn:uuid:99")))
    last = events_of(a_bundle(condition, patient, urls=("urn:uuid:99", "urn:uuid:77-88")))

    for events in (first, last):
        assert [each.patient[0].value for each in events if isinstance(each, Condition)] == ["p1"]
