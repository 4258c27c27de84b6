"""Numbers and units as hospitals write them."""

import csv
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clinical.quantities import Quantity, interval
from parsers.medication.units import AMBIGUOUS, SentAmount, read_number, read_range, read_unit

AMOUNTS = st.decimals(min_value=0, max_value=9999, places=2)


@pytest.mark.parametrize(
    ("text", "low", "high", "flags"),
    [
        ("32", "32", "32", ()),
        ("0,4", "0.4", "0.4", ()),
        ("0.4", "0.4", "0.4", ()),
        (".5", "0.5", "0.5", ()),
        ("62.50", "62.5", "62.5", ()),
        ("1.000", "1", "1000", (AMBIGUOUS,)),
        ("1,000", "1", "1000", (AMBIGUOUS,)),
        ("62.500", "62.5", "62500", (AMBIGUOUS,)),
        ("0.125", "0.125", "0.125", ()),  # nobody writes a thousand as 0.125
        ("1.0000", "1", "1", ()),
        ("1.00", "1", "1", ()),
        ("1.000,5", "1000.5", "1000.5", ()),
        ("1,234.5", "1234.5", "1234.5", ()),
        ("1.000.000", "1000000", "1000000", ()),
        ("1 000", "1000", "1000", ()),
    ],
)
def test_a_number_is_read_and_its_doubt_kept(text: str, low: str, high: str, flags: tuple[str, ...]) -> None:
    assert read_number(text) == Quantity(Decimal(low), Decimal(high), "", flags=flags)


@pytest.mark.parametrize("text", ["", "-3", "1e3", "abc", "1.2.3", "1,2,3", "1.000.00", "<5", "32 g", "٣", "NaN"])
def test_what_is_not_one_positive_number_is_not_read(text: str) -> None:
    assert read_number(text) is None


@pytest.mark.parametrize(
    ("text", "low", "high"),
    [
        ("60-180", "60", "180"),
        ("180-60", "60", "180"),
        ("30 tot 40", "30", "40"),
        ("2,5 – 5", "2.5", "5"),
        ("30 to 40", "30", "40"),
    ],
)
def test_a_range_keeps_both_ends(text: str, low: str, high: str) -> None:
    assert read_range(text) == Quantity(Decimal(low), Decimal(high), "")


@given(AMOUNTS)
def test_a_decimal_comma_is_a_decimal_point(amount: Decimal) -> None:
    assert read_number(str(amount)) == read_number(str(amount).replace(".", ","))


@given(st.text(alphabet="0123456789.,-/ ab", max_size=14))
def test_no_text_is_read_with_its_low_end_above_its_high_end(text: str) -> None:
    found = read_range(text)

    assert found is None or Decimal(0) <= found.low <= found.high


@given(AMOUNTS, AMOUNTS, AMOUNTS, AMOUNTS)
def test_sums_of_intervals_stay_intervals(a: Decimal, b: Decimal, c: Decimal, d: Decimal) -> None:
    product = interval(a, b) * interval(c, d)

    assert product.low <= product.high


@pytest.mark.parametrize(
    ("text", "name", "base", "factor"),
    [
        ("g", "g", "g", "1"),
        ("gram", "g", "g", "1"),
        ("GM", "g", "g", "1"),
        ("gr", "g", "g", "1"),
        ("mg", "mg", "g", "0.001"),
        ("MG", "mg", "g", "0.001"),
        ("µg", "ug", "g", "0.000001"),
        ("mcg", "ug", "g", "0.000001"),
        ("ML", "mL", "mL", "1"),
        ("MDC_DIM_MILLI_L", "mL", "mL", "1"),
        ("MDC_DIM_X_G", "g", "g", "1"),
        ("MDC_DIM_MILLI_G_PER_KG_PER_MIN", "mg/kg/min", "g/kg/h", "0.06"),
        ("cc", "mL", "mL", "1"),
        ("L", "L", "mL", "1000"),
        ("kg", "kg", "kg", "1"),
        ("lb", "lb", "kg", "0.45359237"),
        ("g/kg", "g/kg", "g/kg", "1"),
        ("gram per kilogram", "g/kg", "g/kg", "1"),
        ("mg/kg lichaamsgewicht", "mg/kg", "g/kg", "0.001"),
        ("g/kg/d", "g/kg/d", "g/kg/d", "1"),
        ("g/kg/dag", "g/kg/d", "g/kg/d", "1"),
        ("g/24h", "g/d", "g/d", "1"),
        ("mL/kg", "mL/kg", "mL/kg", "1"),
        ("mL/hr", "mL/h", "mL/h", "1"),
        ("mL/uur", "mL/h", "mL/h", "1"),
        ("ml/u", "mL/h", "mL/h", "1"),
        ("mL.h-1", "mL/h", "mL/h", "1"),
        ("mL/min", "mL/min", "mL/h", "60"),
        ("mg/kg/min", "mg/kg/min", "g/kg/h", "0.06"),
        ("mg/(kg.h)", "mg/kg/h", "g/kg/h", "0.001"),
        ("mL/kg/h", "mL/kg/h", "mL/kg/h", "1"),
        ("mg/mL", "mg/mL", "mg/mL", "1"),
        ("g/100mL", "g/100mL", "mg/mL", "10"),
        ("g/L", "g/L", "mg/mL", "1"),
        ("%", "%", "mg/mL", "10"),
        ("FLES", "package", "package", "1"),
        ("flacon 100 mL", "package", "package", "1"),
        ("stuk", "package", "package", "1"),
        ("IE", "IU", "IU", "1"),
        ("U", "IU", "IU", "1"),
        ("g/kg/kuur", "g/kg/course", "g/kg/course", "1"),
    ],
)
def test_a_unit_is_known_by_what_it_counts_as(text: str, name: str, base: str, factor: str) -> None:
    unit = read_unit(text)

    assert unit is not None
    assert (unit.name, unit.base, unit.factor) == (name, base, Decimal(factor))


@pytest.mark.parametrize("text", ["", "foo", "M", "mmol/L", "g/foo", "x" * 100, "/", "/kg", "kg/m2", "MDC_DIM_DIMLESS"])
def test_an_unknown_unit_is_not_guessed(text: str) -> None:
    assert read_unit(text) is None


@pytest.mark.parametrize(
    ("text", "flags"), [("G", ("unit_gauss",)), ("G/kg", ("unit_gauss",)), ("[gr]", ("unit_grain",))]
)
def test_gauss_and_grain_are_grams_with_a_flag(text: str, flags: tuple[str, ...]) -> None:
    unit = read_unit(text)

    assert unit is not None
    assert unit.base.startswith("g")
    assert unit.flags == flags


@given(st.decimals(min_value="0.01", max_value=10000, places=2))
def test_grams_and_milligrams_are_the_same_mass(grams: Decimal) -> None:
    in_grams, in_milligrams = read_unit("g"), read_unit("mg")
    assert in_grams is not None
    assert in_milligrams is not None

    sent = SentAmount(interval(grams * 1000, grams * 1000), in_milligrams)

    assert sent.counted == SentAmount(interval(grams, grams), in_grams).counted


@given(st.text(max_size=30))
def test_any_text_is_a_unit_or_is_not(text: str) -> None:
    unit = read_unit(text)

    assert unit is None or unit.factor > 0


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("グラム", "g"),
        ("그램", "g"),
        ("克", "g"),
        ("γραμμάρια", "g"),
        ("г.", "g"),
        ("грамів", "g"),
        ("grame", "g"),
        ("gramai", "g"),
        ("grs.", "g"),
        ("毫升", "mL"),
        ("ml/óra", "mL/h"),
        ("ml/oră", "mL/h"),
        ("ml/val", "mL/h"),
        ("ml/ώρα", "mL/h"),
        ("mL/時間", "mL/h"),
        ("mL/시간", "mL/h"),
        ("毫升/小时", "mL/h"),
    ],
)
def test_units_are_read_in_more_languages(text: str, name: str) -> None:
    unit = read_unit(text)

    assert unit is not None
    assert unit.base == name


def test_units_as_hospitals_write_them_are_read() -> None:
    rows = list(csv.DictReader((Path(__file__).parent / "units_in_words.csv").open(encoding="utf-8")))
    found = {each["words"]: unit.base if (unit := read_unit(each["words"])) else "" for each in rows}

    assert found == {each["words"]: each["base"] for each in rows}
