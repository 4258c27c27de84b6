"""Numbers as people type them."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from parsers.medication.decimals import AMBIGUOUS, Span, read_number, read_range, span

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
    assert read_number(text) == Span(Decimal(low), Decimal(high), flags)


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
    assert read_range(text) == Span(Decimal(low), Decimal(high))


@given(AMOUNTS)
def test_a_decimal_comma_is_a_decimal_point(amount: Decimal) -> None:
    assert read_number(str(amount)) == read_number(str(amount).replace(".", ","))


@given(st.text(alphabet="0123456789.,-/ ab", max_size=14))
def test_no_text_is_read_with_its_low_end_above_its_high_end(text: str) -> None:
    found = read_range(text)

    assert found is None or Decimal(0) <= found.low <= found.high


@given(AMOUNTS, AMOUNTS, AMOUNTS, AMOUNTS)
def test_sums_of_intervals_stay_intervals(a: Decimal, b: Decimal, c: Decimal, d: Decimal) -> None:
    product = span(a, b) * span(c, d)

    assert product.low <= product.high
