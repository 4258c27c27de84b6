"""One line as everything it says: bundles, versions, and where each thing stands."""

import itertools

import pytest

from clinical.events import AnyEvent, Condition, Observation
from parsers.errors import UnreadableMessage
from tests.parsers.fhir.builders import (
    IVIG,
    Json,
    a_bundle,
    a_condition,
    a_dosage,
    a_patient,
    a_statement,
    an_administration,
    an_observation,
    an_order,
    element_at,
    events_of,
    quantity,
    reading_of,
)
from tests.parsers.fhir.test_chart import a_procedure, an_allergy

FORTY = quantity(40, "g")
DAILY = {"period": 1, "periodUnit": "d", "count": 5}
EVERY_KIND = [
    a_patient(link=[{"other": {"reference": "Patient/p2"}, "type": "replaced-by"}]),
    a_condition(),
    a_condition(code={"coding": [{"display": "DVT"}]}),
    a_condition(code={"coding": [{"display": "DVT"}, {"code": "1"}]}),
    an_observation(valueQuantity=quantity(75, "kg")),
    an_observation(),
    an_observation(code={}),
    an_observation(component=[{"code": IVIG}, {"code": IVIG, "valueString": "x"}]),
    a_procedure(),
    an_allergy(),
    an_order(a_dosage(FORTY, DAILY), {"text": "om de dag"}),
    an_order({"text": "0,4 g/kg per dag, 5 dagen"}),
    an_order(medicationReference={"display": "Nanogam"}, medicationCodeableConcept={}),
    an_administration(dosage={"dose": FORTY}),
    an_administration(status="not-done"),
    a_statement(a_dosage(quantity(2, "mg"), DAILY), {"text": "om de dag"}, effectivePeriod={"end": "2026-01-01"}),
    a_statement(effectivePeriod={"start": "2019", "end": "2020"}),
]


def places_of(event: AnyEvent) -> list[str]:
    """Every place that an event names."""
    amounts = [getattr(event, name, None) for name in ("amount", "dose", "grams", "rate", "course_grams")]
    bases = [place for amount in amounts if amount is not None for place in amount.basis.split()]
    timings = [timing.path for timing in getattr(event, "timings", ())]
    return [event.path, *bases, *timings]


@pytest.mark.parametrize("resource", EVERY_KIND)
def test_every_place_that_is_named_is_an_element_of_the_resource(resource: Json) -> None:
    bundle = a_bundle(a_patient(id="other"), resource)

    for whole in (resource, bundle):
        places = [place for event in events_of(whole) for place in places_of(event)]
        assert places
        assert all(places)
        for place in places:
            assert element_at(whole, place) not in (None, ""), place


def test_the_place_of_a_value_holds_that_value() -> None:
    resource = an_observation(valueQuantity=quantity(75, "kg"))

    (event,) = events_of(resource)

    assert isinstance(event, Observation)
    assert element_at(resource, event.path)["value"] == event.number


def test_a_bundle_of_several_patients_tells_of_each() -> None:
    other = {"reference": "Patient/p2"}
    bundle = a_bundle(
        a_patient(), a_patient(id="p2", identifier=[]), a_condition(), a_condition(id="c2", subject=other)
    )

    found = [each for each in events_of(bundle) if isinstance(each, Condition)]

    assert [(each.patient[0].value, each.path) for each in found] == [
        ("p1", "Bundle.entry[2].resource.code.coding[0]"),
        ("p2", "Bundle.entry[3].resource.code.coding[0]"),
    ]


def test_what_an_event_says_does_not_depend_on_what_stands_around_it() -> None:
    resources = [a_patient(), a_condition(), an_observation(), an_order(a_dosage(FORTY, DAILY))]
    keys = set()

    for order in itertools.permutations(resources):
        found = sorted(
            str(getattr(each, "key", "") or getattr(each, "keys", "")) for each in events_of(a_bundle(*order))
        )
        keys.add(tuple(found))

    assert len(keys) == 1


def test_the_version_of_a_resource_is_when_its_server_changed_it() -> None:
    header = reading_of(a_condition(meta={"lastUpdated": "2024-01-01T10:00:00.123+01:00"})).header

    assert (header.type, header.event, header.control_id, header.version) == ("FHIR", "Condition", "Condition/c1", "R4")
    assert header.sent_at is not None
    assert header.sent_at.at.isoformat() == "2024-01-01T09:00:00.123000+00:00"


def test_a_nameless_resource_in_a_bundle_is_the_one_that_is_pointed_at() -> None:
    with pytest.raises(UnreadableMessage) as raised:
        reading_of(a_bundle(a_patient(), a_condition(), an_allergy(patient={})))

    assert (raised.value.reason, raised.value.path) == ("no_patient", "Bundle.entry[2].resource.patient")


@pytest.mark.parametrize("kind", ["Practitioner", "Location", "", "patient"])
def test_a_kind_that_is_not_read_says_nothing(kind: str) -> None:
    assert reading_of({"resourceType": kind, "id": "x"}).ignored == "unknown_type"
