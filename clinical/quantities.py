"""Quantities as intervals: a value that can be read in two ways has a low and a high, with the doubts about it."""

from collections.abc import Iterable
from decimal import Context, Decimal
from functools import lru_cache

from clinical.values import Value

_PRECISION = Context(prec=12)


class Quantity(Value, frozen=True):
    """An interval between two values in one unit; low is never above high, and equals it when the value is exact.

    `unit` is normalised (g, mg, mL, g/kg, mg/kg/min, g/h, mL/h, kg, cm, ...), or the sender's own when unknown; a plain
    number has none. Multiplied or divided, a quantity keeps its unit: whoever changes the unit states the new one.
    """

    low: Decimal
    high: Decimal
    unit: str
    basis: str = ""  # the path or paths it was read from
    flags: tuple[str, ...] = ()

    def __mul__(self, other: "Quantity | Decimal | int") -> "Quantity":
        """Multiply two intervals of positive numbers."""
        if isinstance(other, Quantity):
            low, high = self.low * other.low, self.high * other.high
            return self._with(low, high if high != low else low, other.flags)
        low = self.low * other
        return self._with(low, self.high * other if self.high != self.low else low)

    def __truediv__(self, other: "Quantity | Decimal | int") -> "Quantity":
        """Divide two intervals of positive numbers; the divisor must not reach zero."""
        if isinstance(other, Quantity):
            return self._with(self.low / other.high, self.high / other.low, other.flags)
        low = self.low / other
        return self._with(low, self.high / other if self.high != self.low else low)

    def _with(self, first: Decimal, second: Decimal, flags: tuple[str, ...] = ()) -> "Quantity":
        low, high = _ends(first, second)
        return Quantity(low, high, self.unit, self.basis, unique(self.flags + flags))

    def stated(self, unit: str, basis: str = "", *flags: str) -> "Quantity":
        """Return the same low and high in another unit, with another source and further flags."""
        return Quantity(self.low, self.high, unit, basis, unique((*self.flags, *flags)))


def interval(first: Decimal | int, second: Decimal | int, *flags: str, unit: str = "") -> Quantity:
    """Return the interval between two values in either order, rounded to twelve digits, each flag once."""
    low, high = _ends(Decimal(first), Decimal(second) if second is not first else None)
    return Quantity(low, high, unit, "", unique(flags))


def exactly(number: Decimal | int, unit: str = "") -> Quantity:
    """Return one exact value."""
    value = Decimal(number)
    return Quantity(value, value, unit)


def unique(flags: Iterable[str]) -> tuple[str, ...]:
    """Return each flag once, in the order they were raised."""
    if not flags:
        return ()
    raised = [flag for flag in flags if flag]
    return tuple(raised) if len(raised) < 2 else tuple(dict.fromkeys(raised))


def _ends(first: Decimal, second: Decimal | None) -> tuple[Decimal, Decimal]:
    """Return the lower and the higher value, tidied only once when they are equal."""
    low = _tidy(first)
    high = low if second is None or second is first else _tidy(second)
    return (high, low) if high < low else (low, high)


@lru_cache(maxsize=4096)  # the same amounts come again and again
def _tidy(value: Decimal) -> Decimal:
    """Twelve digits, no trailing zeros, and 100 rather than 1E+2."""
    value = value.normalize(_PRECISION)
    exponent = value.as_tuple().exponent
    return value.quantize(Decimal(1)) if isinstance(exponent, int) and 0 < exponent < 15 else value
