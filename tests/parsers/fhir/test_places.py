"""A stored resource, element by element."""

import msgspec
import pytest

from parsers.errors import UnreadableMessage
from parsers.fhir.places import citizen_numbers, resources_in
from tests.parsers.fhir.builders import a_bundle, a_condition, a_patient, an_observation, quantity


def test_every_value_stands_at_its_own_path_in_the_order_sent() -> None:
    raw = msgspec.json.encode(an_observation(valueQuantity=quantity(75, "kg")))

    (found,) = resources_in(raw)

    assert (found.kind, found.path) == ("Observation", "Observation")
    told = {each.path: each.value for each in found.elements}
    assert told["Observation.valueQuantity.value"] == "75"
    assert told["Observation.code.coding[0].code"] == "29463-7"


def test_numbers_are_shown_as_they_were_written() -> None:
    (found,) = resources_in(b'{"resourceType":"Observation","a":0.10,"b":true,"c":null,"d":[],"e":""}')

    assert [each.value for each in found.elements] == ["Observation", "0.10", "true"]


def test_a_bundle_is_its_head_and_its_resources() -> None:
    found = resources_in(msgspec.json.encode(a_bundle(a_patient(), a_condition())))

    assert [each.path for each in found] == ["Bundle", "Bundle.entry[0].resource", "Bundle.entry[1].resource"]
    assert [each.kind for each in found] == ["Bundle", "Patient", "Condition"]


@pytest.mark.parametrize("raw", [b"{", b"", b'{"a":"\xff"}', b'{"a":' * 100_000])
def test_what_is_no_json_is_unreadable(raw: bytes) -> None:
    with pytest.raises(UnreadableMessage):
        resources_in(raw)

    assert citizen_numbers(raw) == frozenset()


def test_citizen_numbers_are_found_wherever_they_stand() -> None:
    number = {"system": "http://fhir.nl/fhir/NamingSystem/bsn", "value": "999900018"}
    other = {"type": {"coding": [{"code": "NNNLD"}]}, "value": "12"}

    raw = msgspec.json.encode(a_bundle(a_patient(identifier=[other]), a_condition(subject={"identifier": number})))

    assert citizen_numbers(raw) == {"999900018", "12"}
