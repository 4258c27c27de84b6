"""Orders, from the sample messages and from what real senders deviate in."""

from decimal import Decimal
from pathlib import Path

import pytest

from parsers.events import Amount, MedicationOrdered
from parsers.orders import read_orders
from parsers.reading import read
from tests.parsers.builders import DEFAULTS, HEADER, PID, a_patient_message, parts_of

SAMPLES = Path(__file__).parent.parent / "samples"
IVIG = "J06BA02^Immunoglobuline iv 100 mg/ml^ATC"


def orders_of(*segments: str) -> list[MedicationOrdered]:
    """The orders in these segments of one patient."""
    message, parts = parts_of(a_patient_message(*segments, kind="RDE^O11"))
    return read_orders(message, (), HEADER, parts, DEFAULTS)


def the_order(*segments: str) -> MedicationOrdered:
    """The only order in these segments."""
    (order,) = orders_of(*segments)
    return order


def sample(number: str) -> list[MedicationOrdered]:
    """The orders of one sample file; of the batch, those of its last message."""
    (path,) = SAMPLES.glob(f"{number}_*.hl7")
    raw = b"MSH" + path.read_bytes().split(b"\rMSH")[-1] if number == "25" else path.read_bytes()
    return [event for event in read(raw, DEFAULTS).events if isinstance(event, MedicationOrdered)]


def ends(amount: Amount | None) -> tuple[float, float, str] | None:
    """Both ends and the unit, short enough for a table."""
    return None if amount is None else (float(amount.low), float(amount.high), amount.unit)


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
    assert ends(order.dose) == (32, 32, "g")


def test_where_a_value_was_read_is_kept() -> None:
    (order,) = sample("09")

    assert order.path == "RXE[1]-2"
    assert order.dose is not None
    assert order.dose.basis == "RXE[1]-3 RXE[1]-25"
    assert order.timings[0].path == "RXE[1]-1"
    assert (order.keys.placer, order.keys.filler) == ("EPD|900009", "APOTHEEK|APO7009")
    assert [coding.code for coding in order.indications] == ["G61.8"]


def rxe(amount: str, units: str, drug: str = IVIG, rest: str = "") -> str:
    """An encoded order with its timing left to others."""
    return f"RXE||{drug}|{amount}||{units}{rest}"


ORC = "ORC|NW|1^EPD|||IP||^QD^D5^20250310120000||20250310091400"


def test_the_number_in_the_units_is_read() -> None:
    order = the_order(ORC, rxe("", "75 g"))

    assert ends(order.dose) == (75, 75, "g")
    assert "value_in_units" in order.flags


def test_a_rate_in_the_units_is_the_rate_and_a_day_of_it_the_dose() -> None:
    order = the_order(ORC, rxe("", "2^g/hr"))

    assert ends(order.rate) == (2, 2, "g/h")
    assert ends(order.dose) == (48, 48, "g")
    assert order.dose is not None
    assert "rate_as_amount" in order.dose.flags


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


@pytest.mark.parametrize("drug", ["^IVIG 30g", "DEFAULTMED^immunoglobuline 30 g iv^L", "^^^^^^^^Privigen 30 gram"])
def test_a_drug_in_words_alone_tells_its_dose(drug: str) -> None:
    order = the_order(ORC, f"RXO|{drug}")

    assert ends(order.dose) == (30, 30, "g")
    assert order.dose is not None
    assert "dose_from_text" in order.dose.flags
    assert "30" in order.text


def test_the_instructions_tell_the_dose_before_the_name_does() -> None:
    order = the_order(ORC, f"RXE||{IVIG}|1||dosis||0,4 g/kg/dag gedurende 5 dagen")

    assert ends(order.dose) == (0.4, 0.4, "g/kg")


def test_a_dose_in_words_far_from_the_amount_is_noticed() -> None:
    order = the_order(ORC, f"RXE||{IVIG}|30||g||geef 60 g per dag")

    assert ends(order.dose) == (30, 60, "g")
    assert order.dose is not None
    assert "text_mismatch" in order.dose.flags


@pytest.mark.parametrize(
    "text", ["geef 30 g", "32 g", "totaal 150 g", "vooraf paracetamol 1000 mg", "inlopen in 4 uur"]
)
def test_words_that_agree_or_are_about_something_else_are_no_mismatch(text: str) -> None:
    order = the_order(ORC, f"RXE||{IVIG}|30||g||{text}")

    assert ends(order.dose) == (30, 30, "g")
    assert order.dose is not None
    assert order.dose.flags == ()


def test_an_amount_that_is_spread_over_days_may_be_the_whole_course() -> None:
    order = the_order(ORC, f"RXE||{IVIG}|160||g||verdeeld over 5 dagen")

    assert ends(order.dose) == (32, 160, "g")
    assert ends(order.course_grams) == (160, 160, "g")
    assert order.dose is not None
    assert "maybe_course_total" in order.dose.flags


def test_an_unknown_strength_of_an_immunoglobulin_is_assumed_and_of_another_drug_unknown() -> None:
    immunoglobulin = the_order(ORC, rxe("300", "mL", "X1^Immunoglobuline iv^L"))
    other = the_order(ORC, rxe("300", "mL", "X2^Ciprofloxacine infuus^L"))

    assert ends(immunoglobulin.dose) == (15, 30, "g")
    assert immunoglobulin.dose is not None
    assert "assumed_conc" in immunoglobulin.dose.flags
    assert other.dose is None
    assert "conc_unknown" in other.flags


def test_units_of_activity_are_no_mass() -> None:
    order = the_order(ORC, rxe("5000", "IE", "X1^Anti-D immunoglobuline^L"))

    assert order.dose is None
    assert "unit_unusable" in order.flags


@pytest.mark.parametrize(
    ("daily", "dose", "flag"),
    [("30^g", (30, 30, "g"), ""), ("33^g", (30, 30, "g"), ""), ("60^g", (30, 60, "g"), "daily_dose_mismatch")],
)
def test_the_daily_total_is_held_against_the_dose(daily: str, dose: tuple[float, float, str], flag: str) -> None:
    order = the_order(ORC, f"RXE||{IVIG}|30||g||||||||||||||{daily}")

    assert ends(order.dose) == dose
    assert order.dose is not None
    assert order.dose.flags == ((flag,) if flag else ())


@pytest.mark.parametrize(
    ("quantity", "dose", "flags"),
    [
        ("1", (10, 10, "g"), ()),
        ("10", (10, 10, "g"), ()),  # the amount again
        ("3", (10, 30, "g"), ("quantity_ambiguous",)),
        ("11", (10, 10, "g"), ()),
        ("10&g", (10, 10, "g"), ()),
    ],
)
def test_a_quantity_in_the_timing_may_be_a_count(
    quantity: str, dose: tuple[float, float, str], flags: tuple[str, ...]
) -> None:
    order = the_order(f"ORC|NW|1^EPD|||||{quantity}^QD^D5", rxe("10", "g"))

    assert ends(order.dose) == dose
    assert order.dose is not None
    assert order.dose.flags == flags


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


def test_a_zero_an_empty_and_an_unreadable_amount_say_why_the_dose_is_unknown() -> None:
    zero, empty, unread = (the_order(ORC, rxe(amount, "g")) for amount in ("0", "", "zie protocol"))

    assert [order.dose for order in (zero, empty, unread)] == [None, None, None]
    assert "amount_zero" in zero.flags
    assert "amount_missing" in empty.flags
    assert "amount_unread" in unread.flags


def test_a_continuous_infusion_is_a_day_of_its_rate() -> None:
    order = the_order("ORC|NW|1^EPD|||||^C^D2^20250310120000", f"RXE||{IVIG}|||g{'|' * 18}20|mL/h|100|mg/mL")

    assert ends(order.rate) == (2, 2, "g/h")
    assert ends(order.dose) == (48, 48, "g")
    assert order.timings[0].occurrences == (2, 2)


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
    assert PID.startswith("PID")


def test_an_order_dates_from_its_transaction() -> None:
    order = the_order(ORC, rxe("30", "g"))

    assert order.at is not None
    assert order.at.isoformat() == "2025-03-10T08:14:00+00:00"
    assert order.starts is not None
    assert order.starts.at.isoformat() == "2025-03-10T11:00:00+00:00"
    assert isinstance(order.dose.low if order.dose else None, Decimal)
