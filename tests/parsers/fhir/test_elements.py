"""Quantities and references of FHIR."""

from decimal import Decimal
from typing import Any

import pytest

from clinical.events import Condition
from parsers.errors import UnreadableMessage
from parsers.fhir.elements import number_of, read_quantity, read_ratio, target
from tests.parsers.fhir.builders import (
    UCUM,
    Json,
    a_bundle,
    a_condition,
    a_patient,
    events_of,
    one_of,
    quantity,
    reading_of,
)


@pytest.mark.parametrize(
    ("written", "value", "base"),
    [
        (quantity(40, "g"), "40", "g"),
        (quantity(400, "mg"), "0.4", "g"),
        (quantity(Decimal("0.4"), "g/kg"), "0.4", "g/kg"),
        (quantity(75, "kg{body_wt}"), "75", "kg"),
        ({"value": 2, "unit": "flacon", "system": UCUM, "code": "1"}, "2", "package"),
        ({"value": 2, "code": "{vial}", "system": UCUM}, "2", "package"),
        ({"value": 2, "unit": "g/kg/kuur", "code": "g/kg", "system": UCUM}, "2", "g/kg/course"),
        ({"value": 2, "code": "g/kg/{course}", "system": UCUM}, "2", "g/kg/course"),
        ({"value": 40, "unit": "gram", "code": "221", "system": "urn:oid:2.16.840.1.113883.2.4.4.1.900.2"}, "40", "g"),
    ],
)
def test_a_quantity_counts_in_a_unit_we_know(written: dict[str, Any], value: str, base: str) -> None:
    found, _ = read_quantity(written)

    assert found is not None
    assert (found.counted.low, found.unit.base) == (Decimal(value), base)


@pytest.mark.parametrize(
    ("written", "flags"),
    [
        (quantity(5, "furlong"), ("unit_unusable",)),
        ({"value": 5}, ("unit_unusable",)),
        (quantity(-5, "g"), ("unreadable_quantity",)),
        ({"unit": "g"}, ()),
        ({"value": "5", "unit": "g"}, ()),
    ],
)
def test_what_is_no_quantity_says_why(written: dict[str, Any], flags: tuple[str, ...]) -> None:
    assert read_quantity(written) == (None, flags)


def test_a_range_is_an_interval_and_one_end_is_enough() -> None:
    both, _ = read_quantity({"low": quantity(30, "g"), "high": quantity(40, "g")})
    one, _ = read_quantity({"low": quantity(30, "g"), "high": {}})

    assert both is not None
    assert one is not None
    assert [both.value.low, both.value.high, one.value.low, one.value.high] == [
        Decimal(each) for each in (30, 40, 30, 30)
    ]


@pytest.mark.parametrize(
    ("above", "below", "value", "base"),
    [
        (quantity(300, "mL"), quantity(4, "h"), "75", "mL/h"),
        (quantity(100, "mg"), quantity(1, "mL"), "100", "mg/mL"),
        (quantity(10, "g"), {}, "10", "g"),
    ],
)
def test_a_ratio_is_one_quantity(above: dict[str, Any], below: dict[str, Any], value: str, base: str) -> None:
    found, _ = read_ratio({"numerator": above, "denominator": below})

    assert found is not None
    assert (found.counted.low, found.unit.base) == (Decimal(value), base)


def test_a_ratio_to_nothing_is_none() -> None:
    assert read_ratio({"numerator": quantity(300, "mL"), "denominator": quantity(0, "h")}) == (None, ())


@pytest.mark.parametrize("value", [True, "1", None, [1], 10**40, Decimal("1E-99")])
def test_what_is_no_number_that_can_be_meant_is_none(value: Any) -> None:
    assert number_of({"value": value}, "value") is None


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
