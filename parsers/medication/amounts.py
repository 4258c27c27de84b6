"""Amounts: two ends, a unit, where it was read and what was doubtful; and the arithmetic that keeps all of that."""

from collections.abc import Iterable
from decimal import Decimal

from clinical.events import Amount
from parsers.medication.decimals import Span, span, unique
from parsers.medication.units import Quantity


def amount_of(quantity: Quantity, basis: str = "", *flags: str) -> Amount:
    """A quantity in the unit it was sent in."""
    return between(quantity.value, quantity.unit.name, basis, (*quantity.flags, *flags))


def counted(quantity: Quantity, basis: str = "", *flags: str) -> Amount:
    """A quantity in the unit it counts in: 400 mg as 0.4 g."""
    return between(quantity.counted, quantity.unit.base, basis, (*quantity.flags, *flags))


def between(value: Span, unit: str, basis: str, flags: Iterable[str] = ()) -> Amount:
    """An amount of an interval, in a unit."""
    return Amount(low=value.low, high=value.high, unit=unit, basis=basis, flags=unique((*value.flags, *flags)))


def as_span(amount: Amount) -> Span:
    """The two ends of an amount, with its flags."""
    return Span(amount.low, amount.high, amount.flags)


def rescale(amount: Amount, by: Span | Decimal | int, unit: str, *flags: str) -> Amount:
    """An amount times something, in another unit."""
    return between(as_span(amount) * by, unit, amount.basis, flags)


def flagged(amount: Amount, *flags: str) -> Amount:
    """The same amount with more doubt."""
    return between(as_span(amount), amount.unit, amount.basis, flags)


def widened(amount: Amount, other: Amount, *flags: str) -> Amount:
    """An interval that holds both; they must be in one unit."""
    both = span(min(amount.low, other.low), max(amount.high, other.high), *amount.flags, *other.flags, *flags)
    return between(both, amount.unit, joined(amount.basis, other.basis), ())


def joined(*bases: str) -> str:
    """Two places in one line, each once."""
    return " ".join(unique(bases))


def differ(one: Amount, other: Amount, by: Decimal) -> bool:
    """Whether two amounts in one unit are more than a fraction of the larger apart, at their nearest ends."""
    if one.low <= other.high and other.low <= one.high:
        return False
    near, far = (one.high, other.low) if one.high < other.low else (other.high, one.low)
    return far - near > by * far


def divided(amount: Amount, parts: int, *flags: str) -> Amount:
    """From one of so many parts up to all of it at once."""
    return between(span(amount.low / max(parts, 1), amount.high), amount.unit, amount.basis, (*amount.flags, *flags))
