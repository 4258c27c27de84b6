"""Orders: which there are, their numbers, schedules and routes; the sample messages."""

from decimal import Decimal
from pathlib import Path

import pytest

from clinical.events import MedicationOrdered
from parsers.reading import read
from tests.parsers.builders import DEFAULTS, HEADER
from tests.parsers.medication.order_builders import IVIG, ORC, ends, orders_of, rxe, the_order

SAMPLES = Path(__file__).parents[2] / "samples"


def sample(number: str) -> list[MedicationOrdered]:
    """The orders of one sample file; of the batch, those of its last message."""
    (path,) = SAMPLES.glob(f"{number}_*.hl7")
    raw = b"MSH" + path.read_bytes().split(b"\rMSH")[-1] if number == "25" else path.read_bytes()
    return [event for event in read(raw, DEFAULTS).events if isinstance(event, MedicationOrdered)]


@pytest.mark.parametrize(
    ("number", "dose", "occurrences", "period", "rate"),
    [
        ("01", (32, 32, "g"), (5, 5), 24, (0.05, 0.05, "g/kg/h")),
        ("02", (1, 1, "g/kg"), (2, 2), 24, None),
        ("03", (30, 30, "g"), (6, 6), 672, None),
        ("05", (0.4, 0.4, "g/kg"), (5, 5), 24, None),
        ("08", (32, 32, "g"), (5, 5), 24, (0.06, 0.06, "g/kg/h")),
        ("09", (35, 35, "g"), (6, 6), 672, (12, 12, "g/h")),
        ("10", (10, 10, "g"), None, 168, None),
        ("13", (32, 32, "g"), (1, 1), None, (8, 8, "g/h")),
    ],
)
def test_a_sample_tells_its_dose_its_schedule_and_its_rate(
    number: str,
    dose: tuple[float, float, str],
    occurrences: tuple[int, int] | None,
    period: int | None,
    rate: tuple[float, float, str] | None,
) -> None:
    (order,) = sample(number)
    (timing,) = order.timings

    assert ends(order.dose) == dose
    assert timing.occurrences == occurrences
    assert timing.period_hours == period
    assert ends(order.rate) == rate


@pytest.mark.parametrize(
    ("number", "controls", "placers", "states"),
    [
        ("04", ["CA"], ["EPD|900003"], ["CA"]),
        ("06", ["RP", "RO"], ["EPD|900002", "EPD|900012"], ["", ""]),
        ("07", ["HD", "RL"], ["EPD|900003", "EPD|900001"], ["HD", "IP"]),
        ("25", ["DC"], ["EPD|900001"], ["DC"]),
    ],
)
def test_a_sample_tells_what_happens_to_which_order(
    number: str, controls: list[str], placers: list[str], states: list[str]
) -> None:
    orders = sample(number)

    assert [order.control for order in orders] == controls
    assert [order.keys.placer for order in orders] == placers
    assert [order.status for order in orders] == states


def test_a_replacement_names_what_it_replaces_and_its_rate() -> None:
    old, new = sample("06")

    assert old.keys.replaces == ""
    assert (new.keys.replaces, new.keys.parent) == ("EPD|900002", "EPD|900002")
    assert ends(new.dose) == (25, 25, "g")
    assert ends(new.rate) == (6, 6, "g/h")
    assert new.timings[0].occurrences == (2, 2)


def test_a_mixture_is_as_strong_as_what_went_into_it() -> None:
    (order,) = sample("08")

    assert ends(order.amount) == (500, 500, "mL")
    assert ends(order.concentration) == (64, 64, "mg/mL")
    assert ends(order.rate_mean) == (4, 4, "g/h")
    assert [component.kind for component in order.components] == ["additive", "base"]
    assert order.dose is not None
    assert order.dose.basis == "RXC[1]-3"


def test_a_dispense_is_packages_and_the_dose_its_daily_total() -> None:
    (order,) = sample("11")

    assert order.source == "dispense"
    assert ends(order.amount) == (4, 4, "package")
    assert order.lots == ("LOT4711", "LOT4712")
    assert ends(order.dose) == (32, 32, "g")


def test_where_a_value_was_read_is_kept() -> None:
    (order,) = sample("09")

    assert order.path == "RXE[1]-2"
    assert order.dose is not None
    assert order.dose.basis == "RXE[1]-3 RXE[1]-25"
    assert order.timings[0].path == "RXE[1]-1"
    assert (order.keys.placer, order.keys.filler) == ("EPD|900009", "APOTHEEK|APO7009")
    assert [coding.code for coding in order.indications] == ["G61.8"]


@pytest.mark.parametrize(
    ("sent", "read_as"),
    [
        ("^Guillain-Barré^L", [("", "Guillain-Barré")]),
        ("myasthene crisis", [("", "myasthene crisis")]),
        ("G61.0^Guillain-Barré^I10", [("ICD10", "Guillain-Barré")]),
        ("G61^Polyneuritis^I10^^^^^^GBS", [("ICD10", "Polyneuritis"), ("", "Polyneuritis; GBS")]),
        ("G61.8^CIDP^I10~^VITT^L", [("ICD10", "CIDP"), ("", "VITT")]),
    ],
)  # fmt: skip  # a line each
def test_a_reason_in_words_alone_is_an_indication(sent: str, read_as: list[tuple[str, str]]) -> None:
    order = the_order(ORC, rxe("30", "g", rest=f"{'|' * 22}{sent}"))

    assert [(each.system, each.display) for each in order.indications] == read_as


def test_a_drug_one_field_too_far_is_read_there() -> None:
    order = the_order(ORC, f"RXE|||{IVIG}|30||g^gram")

    assert order.flags == ("shifted_fields",)
    assert order.path == "RXE[1]-3"
    assert ends(order.dose) == (30, 30, "g")
    assert order.codings[0].code == "J06BA02"


def test_a_frequency_in_the_priority_slot_is_read() -> None:
    order = the_order("ORC|NW|1^EPD|||||1^^^20260419^^BID", rxe("15", "g"))

    assert order.timings[0].per_period == 2
    assert order.timings[0].flags == ("pattern_in_priority", "open_ended")


def test_a_frequency_in_words_in_the_interval_is_read() -> None:
    order = the_order("ORC|NW|1^EPD|||||^po bid x 5d", rxe("15", "g"))

    assert order.timings[0].occurrences == (10, 10)


def test_an_explicit_hour_and_an_odd_priority_do_not_hide_the_pattern() -> None:
    order = the_order("ORC|NW|1^EPD", f"RXE|^Q24H&0600^^20210330144208^^ROU|{IVIG}|30||g")

    assert order.timings[0].period_hours == 24
    assert order.timings[0].clock_times == ("0600",)


def test_the_encoded_timing_counts_before_the_request_and_says_that_it_differs() -> None:
    order = the_order(
        "ORC|NW|1^EPD",
        "TQ1|1||QD|||5^d|20250310120000",
        f"RXO|{IVIG}|30||g",
        rxe("30", "g"),
        "TQ1|1||Q4W||||20250312120000||||||6",
    )

    assert order.source == "encoded"
    assert order.timings[0].pattern == "Q4W"
    assert "timing_differs" in order.flags


def test_an_encoded_timing_that_tells_only_the_start_leaves_the_rest_to_the_request() -> None:
    order = the_order(ORC, rxe("30", "g"), "TQ1|1||||||20250312120000")

    assert order.timings[0].occurrences == (5, 5)
    assert order.flags == ("timing_from_request",)


def test_the_route_after_the_encoded_drug_counts_before_that_of_the_request() -> None:
    order = the_order(
        ORC, f"RXO|{IVIG}|30||g", "RXR|SC^Subcutaneous^HL70162", rxe("30", "g"), "RXR|IV^Intravenous^HL70162"
    )

    assert [route.code for route in order.routes] == ["IV"]


@pytest.mark.parametrize(
    ("routed", "codes"),
    [
        ("RXR||||IVPB^IV Piggyback^HL70165", ["IVPB"]),
        ("RXR|SC^Subcutaneous^HL70162|||INF^Infusion^L", ["SC", "INF"]),
        ("RXR|IV^Intravenous^HL70162", ["IV"]),
    ],
)
def test_the_method_of_administration_comes_after_the_route(routed: str, codes: list[str]) -> None:
    order = the_order(ORC, rxe("30", "g"), routed)

    assert [route.code for route in order.routes] == codes


def test_a_stop_without_a_drug_is_a_control() -> None:
    order = the_order("ORC|DC|900001^EPD|APO1^APOTHEEK||DC||||20250316010004")

    assert (order.source, order.control, order.path) == ("control", "DC", "ORC[1]-1")
    assert (order.keys.placer, order.keys.filler) == ("EPD|900001", "APOTHEEK|APO1")
    assert order.timings == ()


def test_a_laboratory_order_is_none_of_ours() -> None:
    assert orders_of("ORC|NW|1^EPD", "OBR|1|1^EPD||CHEM^Klinische chemie^L") == []


def test_an_order_without_an_orc_is_still_an_order() -> None:
    first, second = orders_of(f"RXO|{IVIG}|30||g", "RXR|IV", f"RXO|{IVIG}|20||g")

    assert [ends(first.dose), ends(second.dose)] == [(30, 30, "g"), (20, 20, "g")]
    assert first.keys.placer == ""
    assert first.starts == HEADER.sent_at


def test_a_number_without_its_application_takes_the_senders() -> None:
    order = the_order("ORC|NW|77", rxe("30", "g"))

    assert order.keys.placer == "EPD|77"


def test_a_replacement_without_a_parent_replaces_the_order_before_it() -> None:
    _, new = orders_of("ORC|RP|1^EPD", f"RXO|{IVIG}|30||g", "ORC|RO|2^EPD", f"RXO|{IVIG}|60||g")

    assert new.keys.replaces == "EPD|1"


def test_a_note_belongs_to_the_order_and_a_note_on_an_observation_does_not() -> None:
    order = the_order(
        ORC, rxe("30", "g"), "NTE|1||In 4 uur", "OBX|1|NM|29463-7^Weight^LN||80|kg", "NTE|1||90 g gewogen"
    )

    assert order.instructions == "In 4 uur"


def test_the_same_drug_in_two_codes_and_two_names_is_kept_whole() -> None:
    drug = "99990011^IMMUNOGLOBULINE IV^GS-HPK^J06BA02^immunoglobulins^ATC"

    order = the_order(ORC, rxe("30", "g", drug))

    assert [(coding.system, coding.code) for coding in order.codings] == [("HPK", "99990011"), ("ATC", "J06BA02")]
    assert order.text == "IMMUNOGLOBULINE IV; immunoglobulins"


def test_fields_beyond_sense_do_not_break_an_order() -> None:
    order = the_order(
        "ORC|NW|1^EPD|||||^Q0D^D0^99999999", f"RXE|^^^|{IVIG}|{'9' * 40}||{'g' * 90}|||||||||||||||||||X|Y"
    )

    assert order.dose is None


def test_an_order_dates_from_its_transaction() -> None:
    order = the_order(ORC, rxe("30", "g"))

    assert order.at is not None
    assert order.at.isoformat() == "2025-03-10T08:14:00+00:00"
    assert order.starts is not None
    assert order.starts.at.isoformat() == "2025-03-10T11:00:00+00:00"
    assert isinstance(order.dose.low if order.dose else None, Decimal)


@pytest.mark.parametrize("end", ["99991231", "99991231235959+0000", "29991231"])
def test_an_end_at_the_end_of_time_is_no_end(end: str) -> None:
    order = the_order(f"ORC|NW|1^EPD|||||^QD^^20250310120000^{end}", rxe("30", "g"))

    assert order.timings[0].ends is None
    assert order.timings[0].flags == ("open_ended",)


def test_a_schedule_in_words_counts_where_the_timing_tells_only_the_start() -> None:
    order = the_order("ORC|NW|1^EPD|||||^^^20250310120000", f"RXE||{IVIG}|30||g||1x per dag gedurende 5 dagen")

    assert order.timings[0].occurrences == (5, 5)
    assert order.timings[0].starts is not None
    assert "pattern_from_text" in order.timings[0].flags


def test_an_order_without_any_schedule_says_so() -> None:
    order = the_order("ORC|NW|1^EPD", rxe("30", "g"))

    assert order.timings == ()
    assert "schedule_missing" in order.flags
