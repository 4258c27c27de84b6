"""Grams of one administration."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clinical.quantities import Quantity
from parsers.medication.amounts import (
    ASSUMED,
    Package,
    concentration,
    differ,
    in_grams,
    is_implausible,
    is_per_course,
    maybe_course_total,
    per_administration,
    per_kg,
)
from parsers.medication.units import SentAmount, read_range, read_unit

IVIG = (Decimal(50), Decimal(100))


def a_quantity(number: str, unit: str) -> SentAmount:
    value, read = read_range(number), read_unit(unit)
    assert value is not None
    assert read is not None
    return SentAmount(value, read)


BY_AMOUNT = "separator_by_amount"


def an_amount(low: str, high: str, unit: str, *flags: str) -> Quantity:
    return Quantity(low=Decimal(low), high=Decimal(high), unit=unit, flags=flags)


@pytest.mark.parametrize(
    ("number", "unit", "product", "grams", "dose_unit", "flags"),
    [
        ("32", "g", Package(), ("32", "32"), "g", ()),
        ("32000", "mg", Package(), ("32", "32"), "g", ()),
        ("30-40", "g", Package(), ("30", "40"), "g", ()),
        ("1.000", "mg", Package(), ("0.001", "1"), "g", ("ambiguous_separator",)),
        ("35.000", "g", Package(), ("35", "35"), "g", (BY_AMOUNT,)),
        ("35,000", "mg", Package(name="IVIG", assumed=IVIG), ("35", "35"), "g", (BY_AMOUNT,)),
        ("35.000", "mg", Package(name="Prednison"), ("0.035", "35"), "g", ("ambiguous_separator",)),
        ("1.000", "mg/kg", Package(name="IVIG", assumed=IVIG), ("1", "1"), "g/kg", (BY_AMOUNT,)),
        ("1.000", "FLES", Package(package=a_quantity("10", "g")), ("10", "10"), "g", (BY_AMOUNT,)),
        ("1.250", "mL/kg", Package(strength=a_quantity("100", "mg/mL")), ("0.125", "0.125"), "g/kg", (BY_AMOUNT,)),
        ("30", "G", Package(), ("30", "30"), "g", ("unit_gauss",)),
        ("0,4", "g/kg", Package(), ("0.4", "0.4"), "g/kg", ()),
        ("400", "mg/kg", Package(), ("0.4", "0.4"), "g/kg", ()),
        ("0.4", "g/kg/d", Package(), ("0.4", "0.4"), "g/kg", ("per_day_unit",)),
        ("30", "g/4wk", Package(), ("30", "30"), "g", ("per_period_unit",)),
        ("2", "g/kg/kuur", Package(), ("2", "2"), "g/kg", ("maybe_course_total",)),
        ("300", "mL", Package(strength=a_quantity("100", "mg"), volume=a_quantity("1", "mL")), ("30", "30"), "g", ()),
        ("5", "mL", Package(strength=a_quantity("120", "mg"), volume=a_quantity("5", "mL")), ("0.12", "0.12"), "g", ()),
        ("350", "mL", Package(strength=a_quantity("100", "mg/mL")), ("35", "35"), "g", ()),
        ("350", "mL", Package(strength=a_quantity("10", "%")), ("35", "35"), "g", ()),
        ("300", "mL", Package(name="Nanogam 50 mg/ml"), ("15", "15"), "g", ("conc_from_name",)),
        ("300", "mL", Package(name="IVIG", assumed=IVIG), ("15", "30"), "g", (ASSUMED,)),
        ("4", "mL/kg", Package(strength=a_quantity("100", "mg/mL")), ("0.4", "0.4"), "g/kg", ()),
        (
            "4",
            "FLES",
            Package(strength=a_quantity("100", "mg/mL"), package=a_quantity("100", "mL")),
            ("40", "40"),
            "g",
            (),
        ),
        ("3", "flacon", Package(strength=a_quantity("10", "g")), ("30", "30"), "g", ("strength_per_package",)),
        ("3", "flacon", Package(name="Kiovig 10 g flacon"), ("30", "30"), "g", ("package_from_name",)),
        ("3", "flacon", Package(name="IVIG 100MG/ML FLACON 50ML"), ("15", "15"), "g", ("package_from_name",)),
        (
            "3",
            "flacon",
            Package(strength=a_quantity("10", "g"), volume=a_quantity("100", "mL")),
            ("30", "30"),
            "g",
            ("package_assumed",),
        ),
        (
            "3",
            "flacon",
            Package(name="IVIG flacon 100 mL", strength=a_quantity("100", "mg")),
            ("0.3", "30"),
            "g",
            ("strength_ambiguous",),
        ),
    ],
)
def test_an_amount_becomes_grams_with_its_doubts(
    number: str, unit: str, product: Package, grams: tuple[str, str], dose_unit: str, flags: tuple[str, ...]
) -> None:
    dose, _ = per_administration(a_quantity(number, unit), product, "RXE[1]-3")

    assert dose is not None
    assert (dose.low, dose.high, dose.unit) == (Decimal(grams[0]), Decimal(grams[1]), dose_unit)
    assert set(flags) <= set(dose.flags)


@pytest.mark.parametrize(
    ("number", "unit", "product", "why"),
    [
        ("300", "mL", Package(name="Cetirizine"), "conc_unknown"),
        ("300", "mL", Package(strength=a_quantity("10", "g")), "strength_ambiguous"),  # of one package, not of a mL
        ("5000", "IE", Package(), "unit_unusable"),
        ("1", "dosis", Package(), "unit_unusable"),
        ("10", "%", Package(), "unit_unusable"),
        ("4", "FLES", Package(), "package_unknown"),
    ],
)
def test_an_amount_that_cannot_be_known_says_why(number: str, unit: str, product: Package, why: str) -> None:
    dose, flags = per_administration(a_quantity(number, unit), product, "")

    assert dose is None
    assert why in flags


def test_an_amount_per_day_is_split_over_the_administrations_of_a_day() -> None:
    dose, _ = per_administration(a_quantity("0.4", "g/kg/d"), Package(), "", per_day=Decimal(2))

    assert dose is not None
    assert dose.high == Decimal("0.2")


def test_a_mixture_has_its_own_strength_and_not_that_of_a_name() -> None:
    mixed = an_amount("64", "64", "mg/mL")

    found, _ = concentration(Package(name="IVIG 100MG/ML", mixed=mixed))

    assert found == mixed


def test_a_sent_strength_counts_before_the_name() -> None:
    found, _ = concentration(Package(name="IVIG 100MG/ML", strength=a_quantity("50", "mg/mL")))

    assert found is not None
    assert found.high == 50


def test_a_unit_per_course_is_known_as_such() -> None:
    assert is_per_course(a_quantity("2", "g/kg/kuur"))
    assert not is_per_course(a_quantity("2", "g/kg"))


WEIGHT = an_amount("80", "80", "kg")


def test_a_weight_turns_grams_per_kilogram_into_grams_and_back() -> None:
    grams = in_grams(an_amount("0.4", "1", "g/kg"), WEIGHT)
    relative = per_kg(an_amount("32", "80", "g"), WEIGHT)

    assert grams is not None
    assert relative is not None
    assert (grams.low, grams.high, grams.unit) == (Decimal(32), Decimal(80), "g")
    assert (relative.low, relative.high, relative.unit) == (Decimal("0.4"), Decimal(1), "g/kg")


def test_without_a_weight_nothing_is_guessed() -> None:
    assert in_grams(an_amount("1", "1", "g/kg"), None) is None
    assert per_kg(an_amount("32", "32", "g"), None) is None
    assert in_grams(an_amount("32", "32", "g"), None) is not None


@pytest.mark.parametrize(
    ("grams", "days", "low", "flags"),
    [
        ("96", 5, "96", ()),  # 1.2 g/kg exactly
        ("96.1", 5, "19.22", ("maybe_course_total",)),
        ("160", 5, "32", ("maybe_course_total",)),
        ("160", 1, "160", ()),
        ("160", 0, "160", ()),
    ],
)
def test_a_dose_above_a_usual_day_may_be_the_whole_course(
    grams: str, days: int, low: str, flags: tuple[str, ...]
) -> None:
    dose = maybe_course_total(an_amount(grams, grams, "g"), WEIGHT, days)

    assert (dose.low, dose.high, dose.flags) == (Decimal(low), Decimal(grams), flags)


@pytest.mark.parametrize(("grams", "implausible"), [("240", False), ("240.1", True)])
def test_more_than_three_grams_per_kilogram_in_a_day_is_implausible(grams: str, implausible: bool) -> None:
    assert is_implausible(an_amount(grams, grams, "g"), WEIGHT) is implausible


@pytest.mark.parametrize(
    ("other", "apart"), [("32", False), ("38.4", False), ("41", True), ("25", True), ("25.7", False)]
)
def test_two_doses_differ_when_they_are_a_fifth_apart(other: str, apart: bool) -> None:
    assert differ(an_amount("32", "32", "g"), an_amount(other, other, "g"), Decimal("0.20")) is apart


@given(
    st.decimals(min_value="0.1", max_value=500, places=1),
    st.decimals(min_value=2, max_value=350, places=1),
)
def test_a_dose_by_weight_and_back_is_the_dose(grams: Decimal, kilograms: Decimal) -> None:
    weight = Quantity(low=kilograms, high=kilograms, unit="kg")

    relative = per_kg(Quantity(low=grams, high=grams, unit="g"), weight)
    assert relative is not None
    back = in_grams(relative, weight)

    assert back is not None
    assert abs(back.high - grams) < Decimal("0.000001")
