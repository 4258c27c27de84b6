"""The one door: which messages are read, and for whom."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from clinical.events import Condition, MedicationOrdered, Observation, PatientSeen
from parsers.defaults import Defaults
from parsers.errors import UnreadableHeader, UnreadableMessage
from parsers.hl7.message_types import READ
from parsers.reading import read
from tests.parsers.builders import DEFAULTS, PID, a_message, a_patient_message


@pytest.mark.parametrize(("kind", "event"), sorted(READ))
def test_every_accepted_type_sees_the_patient(kind: str, event: str) -> None:
    reading = read(a_patient_message(kind=f"{kind}^{event}^WRONG_STRUCTURE"), DEFAULTS)

    assert isinstance(reading.events[0], PatientSeen)
    assert reading.ignored == ""


@pytest.mark.parametrize("kind", ["VXU^V04", "SIU^S12", "MFN^M02", "SRM^S01", "ZZZ^Z01", "PPR"])
def test_other_types_are_ignored_with_the_reason(kind: str) -> None:
    reading = read(a_patient_message(kind=kind), DEFAULTS)

    assert (reading.events, reading.ignored) == ((), "unknown_type")


@pytest.mark.parametrize(("drugs", "flags"), [((), ()), (("ORC|NW|9^EPD", "RXE||X^IVIG|30||g"), ("order_unread",))])
def test_an_order_that_is_not_read_beside_a_diagnosis_is_told(drugs: tuple[str, ...], flags: tuple[str, ...]) -> None:
    reading = read(a_patient_message("DG1|1||I26.9^Longembolie^I10", *drugs, kind="SIU^S12"), DEFAULTS)

    assert any(isinstance(event, Condition) for event in reading.events)
    assert reading.flags == flags


@pytest.mark.parametrize("kind", ["", "RDE", "RDE^O11", "RDE^O11^RDE_O25", "RDE_O11"])
def test_an_order_is_read_whatever_is_wrong_with_its_type(kind: str) -> None:
    reading = read(a_patient_message("ORC|NW|9^EPD", "RXE||X^IVIG|30||g", kind=kind), DEFAULTS)

    assert [type(event).__name__ for event in reading.events] == ["PatientSeen", "MedicationOrdered"]


@pytest.mark.parametrize("kind", ["ACK", "ACK^A01^ACK", "ORR^O02", "RRE^O12", "ORU^R01"])
def test_an_answer_is_an_acknowledgement(kind: str) -> None:
    assert read(a_message("MSA|AA|C9", kind=kind), DEFAULTS).ignored == "acknowledgement"


@pytest.mark.parametrize("pid", ["", "PID|1||", "PID|1||0^^^A^MR", 'PID|1||""', "PID|1||V1^^^A^VN"])
def test_a_message_about_nobody_is_parked(pid: str) -> None:
    with pytest.raises(UnreadableMessage) as parked:
        read(a_message(*filter(None, [pid]), "ORC|NW|9^EPD", "RXO|X^IVIG", kind="OMP^O09"), DEFAULTS)

    assert parked.value.reason == "no_patient"
    assert parked.value.path in ("PID", "PID[1]-3")


def test_without_msh_there_is_no_message() -> None:
    with pytest.raises(UnreadableHeader):
        read(b"PID|1||7\r", DEFAULTS)


def test_each_patient_keeps_what_stands_under_it() -> None:
    raw = a_message(
        "PV1|1|I|WARD",
        "PID|1||1^^^A^MR",
        "OBR|1||L1",
        "OBX|1|NM|X^INR||1",
        "PID|2||2^^^A^MR",
        "OBR|1||L2",
        "OBX|1|NM|X^INR||2",
        kind="ORU^R01",
    )

    events = read(raw, DEFAULTS).events

    assert [event.patient[0].value for event in events] == ["1", "1", "2", "2"]
    assert [event.ward for event in events if isinstance(event, PatientSeen)] == ["WARD", ""]
    assert [(event.value, event.path) for event in events if isinstance(event, Observation)] == [
        ("1", "OBX[1]-5"),
        ("2", "OBX[2]-5"),
    ]


def test_the_offset_of_the_message_holds_for_its_times() -> None:
    raw = a_message("EVN||20250310120000", PID, "DG1|1||I26^PE^I10||2025031011", sent="20250310120000-0500")

    (_, diagnosis) = read(raw, Defaults(zone=ZoneInfo("Europe/Amsterdam"))).events

    assert isinstance(diagnosis, Condition)
    assert diagnosis.at == datetime(2025, 3, 10, 17, tzinfo=UTC)
    assert diagnosis.onset is not None
    assert diagnosis.onset.at == datetime(2025, 3, 10, 16, tzinfo=UTC)


def test_a_time_long_after_its_message_does_not_outrank_what_follows() -> None:
    raw = a_message("EVN||20990101", PID, "DG1|1||I26^PE^I10", sent="20250310120000+0000")

    (_, diagnosis) = read(raw, DEFAULTS).events

    assert diagnosis.at == datetime(2025, 3, 10, 12, tzinfo=UTC)
    assert diagnosis.flags == ("future_time",)


def test_doubts_about_the_whole_message_are_told() -> None:
    raw = a_patient_message("NTE|1||\\C2842\\", "DSC|1", "ZBE|1|secret", "MSH|^~\\&|EPD")

    reading = read(raw, DEFAULTS)

    assert reading.flags == ("unknown_escape", "several_messages", "fragmented")
    assert reading.not_understood == (("ZBE[1]", "local_segment"),)


def test_orders_and_their_weight_come_from_one_message() -> None:
    order = ("ORC|NW|9^EPD", "RXO|IVIG10^IVIG^L|32||g^^UCUM", "RXR|IV", "OBX|1|NM|29463-7^W^LN||80|kg")

    kinds = [type(event) for event in read(a_patient_message(*order, kind="OMP^O09"), DEFAULTS).events]

    assert kinds == [PatientSeen, Observation, MedicationOrdered]
