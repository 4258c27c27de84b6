"""What stands where only the site file knows to look."""

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from clinical.events import AnyEvent, Condition, Observation
from parsers.defaults import SiteField
from parsers.reading import read
from tests.parsers.builders import DEFAULTS, a_patient_message

WEIGHT = SiteField("weight", "ZWT", 3, unit="kg")
CONTRAINDICATION = SiteField("diagnosis", "ZCI", 2, system="GS40")


def events(*segments: str, fields: tuple[SiteField, ...] = (WEIGHT, CONTRAINDICATION)) -> list[AnyEvent]:
    found = read(a_patient_message(*segments), replace(DEFAULTS, fields=fields)).events
    return [event for event in found if isinstance(event, Observation | Condition)]


def test_a_weight_is_read_from_the_field_the_site_file_names() -> None:
    (weight,) = events("EVN|A08|20250310115500", "ZWT|1|actueel|81,5")

    assert isinstance(weight, Observation)
    assert (weight.number, weight.unit, weight.path) == (Decimal("81.5"), "kg", "ZWT[1]-3")
    assert [(coding.system, coding.code) for coding in weight.codings] == [("LOINC", "29463-7")]
    assert weight.at == datetime(2025, 3, 10, 10, 55, tzinfo=UTC)
    assert weight.taken is not None
    assert weight.taken.at == weight.at


def test_a_weight_of_a_message_without_a_time_of_its_own_is_of_when_it_was_sent() -> None:
    (weight,) = events("ZWT|||80")

    assert isinstance(weight, Observation)
    assert weight.at is None
    assert weight.taken is not None
    assert weight.taken.at == datetime(2025, 3, 10, 11, 0, tzinfo=UTC)
    assert "time_assumed" in weight.flags


@pytest.mark.parametrize("sent", ["", '""', "onbekend", "zie dossier 12"])
def test_what_is_no_number_is_no_weight(sent: str) -> None:
    assert events(f"ZWT|||{sent}") == []


def test_a_height_may_stand_in_a_component_and_in_another_unit() -> None:
    (height,) = events("ZAN|x^1.82", fields=(SiteField("height", "ZAN", 1, component=2, unit="m"),))

    assert isinstance(height, Observation)
    assert (height.number, height.unit, height.codings[0].code) == (Decimal("1.82"), "m", "8302-2")


def test_every_contra_indication_of_the_house_is_a_condition_with_the_system_the_site_file_gives() -> None:
    first, second = events("ZCI|1|1320^Zwangerschap~77^Trombose^ZKH")

    assert isinstance(first, Condition)
    assert isinstance(second, Condition)
    assert [(each.codings[0].system, each.codings[0].code) for each in (first, second)] == [
        ("GS40", "1320"),
        ("ZKH", "77"),
    ]
    assert (first.category, first.text, first.path) == ("flag", "Zwangerschap", "ZCI[1]-2")
    assert first.key != second.key


def test_a_segment_that_the_site_file_explains_counts_as_understood() -> None:
    message = a_patient_message("ZWT|||80", "ZXX|1")

    plain = read(message, DEFAULTS).not_understood
    explained = read(message, replace(DEFAULTS, fields=(WEIGHT,))).not_understood

    assert [path for path, _ in plain] == ["ZWT[1]", "ZXX[1]"]
    assert [path for path, _ in explained] == ["ZXX[1]"]
