"""The dose of an order, at the traps of real senders and beside them."""

import pytest

from tests.parsers.medication.order_builders import IVIG, ORC, ends, rxe, the_order


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


def test_grams_in_the_name_of_a_package_are_not_the_dose() -> None:
    order = the_order(ORC, rxe("", "", "X^Kiovig 10 g flacon^L"))

    assert order.dose is None


@pytest.mark.parametrize(
    ("amount", "timing", "dose", "course"),
    [
        ("1.2", "^QD^D5", (1.2, 1.2, "g/kg"), None),
        ("2", "^QD^D5", (0.4, 2, "g/kg"), (2, 2, "g/kg")),
        ("2", "^QD^D2", (1, 2, "g/kg"), (2, 2, "g/kg")),
        ("2", "^QD", (0.4, 2, "g/kg"), (2, 2, "g/kg")),  # open-ended: five days
        ("2", "^BID^D5", (0.4, 2, "g/kg"), (2, 2, "g/kg")),
        ("2", "^Q4W^^^^^^^^^^6", (2, 2, "g/kg"), None),
        ("2", "^Once", (2, 2, "g/kg"), None),
    ],
)
def test_more_than_a_usual_day_per_kilogram_day_after_day_may_be_the_course(
    amount: str, timing: str, dose: tuple[float, float, str], course: tuple[float, float, str] | None
) -> None:
    order = the_order(f"ORC|NW|1^EPD|||||{timing}", rxe(amount, "g/kg"))

    assert ends(order.dose) == dose
    assert ends(order.course_grams) == course


def test_a_dose_per_kilogram_in_the_words_of_a_package_is_a_dose() -> None:
    order = the_order(ORC, "RXO|^NANOGAM 100MG/ML INFVLST 0,4 g/kg per dag")

    assert ends(order.dose) == (0.4, 0.4, "g/kg")


def test_the_grams_in_the_name_of_a_package_are_none() -> None:
    assert the_order(ORC, "RXO|^NANOGAM 100MG/ML INFVLST 10 gram").dose is None
