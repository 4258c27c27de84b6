"""How fast an infusion runs."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from clinical.quantities import Quantity
from parsers.medication.rates import (
    GivePer,
    RateStep,
    combine,
    hourly,
    mean_of_steps,
    of_administration,
    rate_of,
    read_give_per,
)
from parsers.medication.units import read_range, read_unit

TEN_PERCENT = Quantity(low=Decimal(100), high=Decimal(100), unit="mg/mL")
ASSUMED = Quantity(low=Decimal(50), high=Decimal(100), unit="mg/mL", flags=("assumed_conc",))
NOON = datetime(2025, 3, 10, 12, tzinfo=UTC)


def an_amount(value: str, unit: str, high: str = "") -> Quantity:
    return Quantity(low=Decimal(value), high=Decimal(high or value), unit=unit)


@pytest.mark.parametrize(
    ("value", "unit", "strength", "low", "high", "in_unit", "flags"),
    [
        ("60", "mL/h", TEN_PERCENT, "6", "6", "g/h", ()),
        ("60-180", "mL/h", TEN_PERCENT, "6", "18", "g/h", ()),
        ("62.5", "mL/h", None, "62.5", "62.5", "mL/h", ()),
        ("60", "mL/h", ASSUMED, "3", "6", "g/h", ("assumed_conc",)),
        ("2", "mL/min", TEN_PERCENT, "12", "12", "g/h", ()),
        ("0,5", "mL/kg/uur", TEN_PERCENT, "0.05", "0.05", "g/kg/h", ()),
        ("1", "mg/kg/min", None, "0.06", "0.06", "g/kg/h", ()),
        ("0.03", "g/kg/h", None, "0.03", "0.03", "g/kg/h", ()),
        ("4", "g/h", None, "4", "4", "g/h", ()),
        ("1.333", "mg/kg/min", None, "0.07998", "0.07998", "g/kg/h", ("separator_by_amount",)),
        ("1,333", "mg/kg/min", None, "0.07998", "0.07998", "g/kg/h", ("separator_by_amount",)),
        ("1.333-2.500", "mg/kg/min", None, "0.07998", "0.15", "g/kg/h", ("separator_by_amount",)),
        ("62.500", "mL/h", TEN_PERCENT, "6.25", "6.25", "g/h", ("separator_by_amount",)),
        ("1.200", "mL/h", TEN_PERCENT, "0.12", "120", "g/h", ("ambiguous_separator",)),
        ("1.333", "mg/kg/h", None, "0.001333", "1.333", "g/kg/h", ("ambiguous_separator",)),
        ("240", "mL/24h", TEN_PERCENT, "1", "1", "g/h", ()),
        ("60", "mL", TEN_PERCENT, "6", "6", "g/h", ("rate_unit_without_time",)),
        ("60", "", TEN_PERCENT, "6", "6", "g/h", ("rate_unit_missing",)),
    ],
)
def test_a_rate_is_in_grams_where_the_strength_allows_it(
    value: str, unit: str, strength: Quantity | None, low: str, high: str, in_unit: str, flags: tuple[str, ...]
) -> None:
    number = read_range(value)
    assert number is not None

    rate = rate_of(number, read_unit(unit), unit, strength, "RXE[1]-23").peak

    assert rate is not None
    assert (rate.low, rate.high, rate.unit, rate.flags) == (Decimal(low), Decimal(high), in_unit, flags)


def test_a_rate_in_drops_is_unusable_and_a_rate_of_zero_is_none() -> None:
    number, zero = read_range("20"), read_range("0")
    assert number is not None
    assert zero is not None

    assert rate_of(number, read_unit("gtt/min"), "gtt/min", None, "").flags == ("rate_unit_unusable",)
    assert rate_of(number, read_unit("IE"), "IE", None, "").flags == ("rate_unit_unusable",)
    assert rate_of(zero, read_unit("mL/h"), "mL/h", None, "").peak is None


@pytest.mark.parametrize(
    ("text", "hours", "is_coded"),
    [
        ("H8", "8", True),
        ("H1", "1", True),
        ("M175", "2.91666666667", True),
        ("1 hr", "1", False),
        ("8 uur", "8", False),
        ("hr", "1", False),
    ],
)
def test_give_per_is_a_code_or_words(text: str, hours: str, is_coded: bool) -> None:
    assert read_give_per(text) == GivePer(Decimal(hours), is_coded)


@pytest.mark.parametrize("text", ["mL", "langzaam", "X3", "W4"])
def test_an_unread_give_per_is_flagged_and_ignored(text: str) -> None:
    assert read_give_per(text) == GivePer(flags=("give_per_unread",))


def test_an_amount_in_one_hour_is_that_much_an_hour() -> None:
    rate = combine(None, read_give_per("H1"), an_amount("32", "g"), None, [])

    assert rate.peak is not None
    assert (rate.peak.high, rate.peak.unit) == (Decimal(32), "g/h")


@pytest.mark.parametrize(
    ("sent", "flags"), [("4", ()), ("3.6", ()), ("3.5", ("rate_conflict",)), ("5", ("rate_conflict",))]
)
def test_rate_and_give_per_disagree_above_a_tenth(sent: str, flags: tuple[str, ...]) -> None:
    rate = combine(an_amount(sent, "g/h"), read_give_per("H8"), an_amount("32", "g"), None, [])

    assert rate.peak is not None
    assert rate.peak.flags == flags
    assert rate.peak.high == (max(Decimal(sent), Decimal(4)) if flags else Decimal(sent))


def test_a_bare_unit_as_give_per_never_overrules_a_rate() -> None:
    rate = combine(an_amount("4", "g/h"), read_give_per("hr"), an_amount("32", "g"), None, [])

    assert rate.peak == an_amount("4", "g/h")


def test_the_length_of_one_infusion_gives_its_mean_rate() -> None:
    rate = combine(None, GivePer(), an_amount("32", "g"), Decimal(4), [])

    assert rate.peak == rate.mean
    assert rate.mean is not None
    assert rate.mean.high == 8


def test_steps_in_words_give_the_peak_and_the_rate_that_was_sent_is_the_mean() -> None:
    steps = [an_amount("0.03", "g/kg/h"), an_amount("0.06", "g/kg/h")]

    rate = combine(an_amount("4", "g/h"), GivePer(), None, None, steps)

    assert rate.peak == steps[1]
    assert rate.mean == an_amount("4", "g/h")


def test_a_step_below_the_rate_that_was_sent_is_not_the_peak() -> None:
    rate = combine(an_amount("4", "g/h"), GivePer(), None, None, [an_amount("2", "g/h")])

    assert rate.peak == an_amount("4", "g/h")


def test_steps_that_say_how_long_they_last_have_a_mean() -> None:
    steps = [(an_amount("2", "g/h"), Decimal(1)), (an_amount("6", "g/h"), Decimal(3))]

    mean = mean_of_steps(steps)

    assert mean is not None
    assert mean.high == 5
    assert mean_of_steps([*steps, (an_amount("8", "g/h"), None)]) is None


def test_an_administration_has_the_peak_of_its_fastest_row_and_a_mean_over_all() -> None:
    half_past = NOON + timedelta(minutes=30)
    end = half_past + timedelta(minutes=209)
    steps = [RateStep(an_amount("2", "g"), NOON, half_past), RateStep(an_amount("30", "g"), half_past, end)]

    rate = of_administration(steps)

    assert rate.peak is not None
    assert rate.mean is not None
    assert round(rate.peak.high, 1) == Decimal("8.6")
    assert round(rate.mean.high, 2) == Decimal("8.03")


@pytest.mark.parametrize("ended", [None, NOON, NOON - timedelta(hours=1)])
def test_a_row_without_a_length_has_no_rate(ended: datetime | None) -> None:
    assert RateStep(an_amount("32", "g"), NOON, ended).rate is None


def test_a_rate_is_known_by_weight_both_ways() -> None:
    weight = an_amount("80", "kg")

    from_grams, from_relative = hourly(an_amount("4", "g/h"), weight), hourly(an_amount("0.06", "g/kg/h"), weight)

    assert [each.high for each in from_grams if each] == [4, Decimal("0.05")]
    assert [each.high for each in from_relative if each] == [Decimal("4.8"), Decimal("0.06")]
    assert hourly(an_amount("4", "g/h"), None)[1] is None
    assert hourly(an_amount("60", "mL/h"), weight) == (None, None)
