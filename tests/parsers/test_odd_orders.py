"""Orders and administrations that nobody should send."""

from datetime import UTC, datetime
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from clinical.quantities import Quantity
from parsers.medication.administrations import read_administrations
from parsers.medication.courses import expand
from parsers.medication.orders import read_orders
from tests.parsers.builders import DEFAULTS, HEADER, a_patient_message, parts_of

HORIZON = datetime(2027, 1, 1, tzinfo=UTC)
TIMING = "1^QD^D5^99991231^00010101^S^^30_g/kg/h^S^^L99999^9999"
FIELDS = f"""
0 1 999 1.000 -1 1e9 999999999999999 H0 M1 hr T5 X0 L99999 99991231 00010101 20250310 2400
g g/kg mL mL/h % 5% C QD Q1M QJ17 Q999L Once~QAM {TIMING}
"" ^^^^^^^^x a&b&c^d&e ~ \\X00\\ 30_g_verdeeld_over_5_dagen ٣_g FLES 1-2^mg/hr J06BA02^ivig^ATC
"""
NASTY = st.sampled_from(["", *(field.replace("_", " ") for field in FIELDS.split())])


def is_sound(amount: Quantity | None) -> bool:
    """Not below zero, and its ends in order."""
    return amount is None or Decimal(0) <= amount.low <= amount.high


@given(
    st.sampled_from(["RXO", "RXE", "RXG", "RXD", "RXA"]),
    st.lists(NASTY, min_size=3, max_size=36),
    st.lists(NASTY, max_size=16),
)
def test_no_order_and_no_administration_breaks_the_reader(drug: str, fields: list[str], timing: list[str]) -> None:
    segments = ["|".join(["ORC", "NW", *timing]), "|".join(["TQ1", *timing]), "|".join([drug, *fields])]
    segments += ["|".join(["TQ1", *reversed(timing)]), "|".join(["RXC", "A", *fields[:9]]), "RXR|IV"]
    message, parts = parts_of(a_patient_message(*segments, kind="RDE^O11"))

    orders = read_orders(message, (), HEADER, parts, DEFAULTS)
    given_rows = read_administrations(message, (), HEADER, parts, DEFAULTS)

    assert all(is_sound(amount) for row in given_rows for amount in (row.amount, row.grams, row.rate))
    for order in orders:
        assert all(is_sound(amount) for amount in (order.amount, order.dose, order.rate, order.rate_mean))
        start = order.starts.at if order.starts else None
        assert expand(order.timings, DEFAULTS.zone, HORIZON, start) == expand(
            order.timings, DEFAULTS.zone, HORIZON, start
        )
