"""Whatever stands in a resource: it is read, or it is unreadable, and never an error of another kind."""

from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from clinical.events import MedicationOrdered, Reading
from parsers.errors import UnreadableMessage
from parsers.fhir.reading import read_resource
from tests.parsers.fhir.builders import (
    DEFAULTS,
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
    quantity,
)

_WORDS = st.sampled_from(
    ["", "Patient/p1", "#x", "urn:uuid:1", "2019-02-30", "2019-13", "0001-01-01", "9999-12-31", "geen DVT", "1E2", "mg",
     "\ud83d", "\0", "08:00", "mon", "d", "wk", "entered-in-error", "active", "0,5", "<0,5", "g/kg", "é", "1" * 400]
)  # fmt: skip
_NUMBERS = st.sampled_from([0, -1, 1, 5, 10**30, -(10**30), 0.1, 1e308, -0.0, 5e-324, True, None])
_ANY = st.recursive(
    _WORDS | _NUMBERS | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["coding", "code", "value", "start", "reference", "x"]), inner, max_size=3)
    ),
    max_leaves=6,
)


def _full() -> list[Json]:
    repeat = {"frequency": 2, "period": 1, "periodUnit": "d", "count": 5, "timeOfDay": ["08:00"], "dayOfWeek": ["mon"]}
    bounds = {"boundsPeriod": {"start": "2026-01-01", "end": "2026-01-05"}, "duration": 4, "durationUnit": "h"}
    rate = {"rateRatio": {"numerator": quantity(300, "mL"), "denominator": quantity(4, "h")}}
    dose = {"doseRange": {"low": quantity(30, "g"), "high": quantity(40, "g")}} | rate
    dosage = {"text": "1x per 4 weken", "timing": {"repeat": repeat | bounds}, "doseAndRate": [dose], "sequence": 1}
    strength = {"numerator": quantity(10, "g"), "denominator": quantity(100, "mL")}
    held = {
        "resourceType": "Medication",
        "id": "x",
        "ingredient": [{"itemCodeableConcept": IVIG, "strength": strength}],
    }
    order = an_order(dosage, contained=[held], medicationReference={"reference": "#x"}, authoredOn="2026-01-01")
    del order["medicationCodeableConcept"]
    return [
        a_patient(name=[{"family": "Test", "given": ["A"]}], birthDate="1955-04-03", deceasedBoolean=False,
                  link=[{"other": {"reference": "Patient/p2"}, "type": "replaced-by"}]),
        a_condition(onsetPeriod={"start": "2019-01"}, clinicalStatus={"coding": [{"code": "active"}]},
                    verificationStatus={"coding": [{"code": "confirmed"}]}, category=[{"coding": [{"code": "x"}]}]),
        an_observation(valueQuantity=quantity(0.1, "kg"), referenceRange=[{"low": quantity(1, "kg")}],
                       component=[{"code": IVIG, "valueRange": {"low": quantity(1, "g")}}]),
        order,
        an_administration(dosage={"dose": quantity(40, "g"), "rateQuantity": quantity(2, "mL/min")},
                          request={"reference": "MedicationRequest/m1"}),
        a_statement(dosage, effectivePeriod={"start": "2019-03", "end": "2021-06-30"}),
        {"resourceType": "Procedure", "id": "r1", "status": "completed", "subject": {"reference": "Patient/p1"},
         "code": {"text": "Splenectomie"}, "performedPeriod": {"start": "2019"}},
        {"resourceType": "AllergyIntolerance", "id": "i1", "patient": {"reference": "Patient/p1"}, "code": IVIG},
        a_bundle(a_patient(), order, urls=("urn:uuid:1", "urn:uuid:2")),
    ]  # fmt: skip


def _places(element: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    inside = element.items() if isinstance(element, dict) else enumerate(element) if isinstance(element, list) else ()
    return [place for key, each in inside for place in ((*path, key), *_places(each, (*path, key)))]


def _replaced(element: Any, place: tuple[Any, ...], value: Any) -> Any:
    if not place:
        return value
    copy = dict(element) if isinstance(element, dict) else list(element)
    copy[place[0]] = _replaced(element[place[0]], place[1:], value)
    return copy


def _read(raw: bytes) -> Reading:
    try:
        return read_resource(raw, DEFAULTS)
    except UnreadableMessage as error:
        return error.reading


def _bytes(resource: Any) -> bytes:
    import json

    return json.dumps(resource).encode()


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None, max_examples=400)
@given(data=st.data())
def test_any_value_in_any_element_is_read_or_unreadable_and_can_be_kept(data: st.DataObject) -> None:
    resource = data.draw(st.sampled_from(_full()))
    place = data.draw(st.sampled_from(_places(resource)))

    reading = _read(_bytes(_replaced(resource, place, data.draw(_ANY))))

    assert b"\\u0000" not in msgspec.json.encode(reading.events)


@pytest.mark.parametrize("value", [None, [], {}, "", 0, True, "x", [None], [[]], [{}], 10**40, 1e300, -5])
def test_no_value_in_any_element_raises(value: Any) -> None:
    for resource in _full():
        for place in _places(resource):
            _read(_bytes(_replaced(resource, place, value)))


@pytest.mark.parametrize("number", ["1E999999", "1E-999999", "1E+999999999", "-1E9999999", "9" * 5000, "0E-99999"])
def test_a_number_beyond_all_meaning_is_no_number(number: str) -> None:
    for resource in _full():
        for place in _places(resource):
            raw = _bytes(_replaced(resource, place, "NUMBER")).replace(b'"NUMBER"', number.encode())
            _read(raw)


@pytest.mark.parametrize(
    "raw", [b"{", b"{}", b'{"resourceType":5}', b'{"resourceType":"Patient","id":7}', b'{"a":"\xff"}', b"{]", b"{nul"]
)
def test_what_is_no_resource_is_unreadable_or_ignored(raw: bytes) -> None:
    assert _read(raw).events == ()


@pytest.mark.parametrize(("opens", "closes"), [(b"[", b"]"), (b'{"extension":', b"}")])
def test_what_is_nested_too_deep_is_unreadable(opens: bytes, closes: bytes) -> None:
    inside = opens * 100_000 + b"1" + closes * 100_000

    with pytest.raises(UnreadableMessage):
        read_resource(b'{"resourceType":"Condition","id":"c1","extension":' + inside + b"}", DEFAULTS)


@pytest.mark.parametrize(
    ("written", "shown"), [("0.10", "0.10"), ("1E2", "100"), ("75", "75"), ("0.1000000000000001", None)]
)
def test_a_number_is_exactly_what_was_written(written: str, shown: str | None) -> None:
    raw = _bytes(an_observation(valueQuantity=quantity("N", "kg"))).replace(b'"N"', written.encode())

    (event,) = _read(raw).events

    assert getattr(event, "value", "") == (shown or written)


def test_a_dosage_list_with_holes_keeps_its_places() -> None:
    order = an_order(a_dosage(quantity(40, "g")))
    order["dosageInstruction"].insert(0, None)

    (event,) = _read(_bytes(order)).events

    assert isinstance(event, MedicationOrdered)
    assert event.dose is not None
    assert event.dose.basis == "MedicationRequest.dosageInstruction[1].doseAndRate[0].doseQuantity"
