"""Numbers as people type them: comma or point, thousands, ranges. What can be read in two ways becomes an interval."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Context, Decimal
from functools import lru_cache

_PRECISION = Context(prec=12)
_NUMBER = re.compile(r"[0-9]{1,12}(?:[.,][0-9]{1,9}){0,3}", re.ASCII)
_RANGE = re.compile(r"(.+?)\s*(?:-|–|—|\btot(?: en met)?\b|\bto\b|\bt/m\b|\bà\b)\s*(.+)", re.IGNORECASE)
_SPACED_THOUSANDS = re.compile(r"(?<=[0-9])[\s\u00a0\u202f'](?=[0-9]{3}(?![0-9]))")

AMBIGUOUS = "ambiguous_separator"


@dataclass(frozen=True, slots=True)
class Span:
    """A number that lies between two values, low never above high."""

    low: Decimal
    high: Decimal
    flags: tuple[str, ...] = ()

    def __mul__(self, other: "Span | Decimal | int") -> "Span":
        """Multiply two intervals of positive numbers."""
        if isinstance(other, Span):
            low, high = self.low * other.low, self.high * other.high
            return span(low, high if high != low else low, *self.flags, *other.flags)
        low = self.low * other
        return span(low, self.high * other if self.high != self.low else low, *self.flags)

    def __truediv__(self, other: "Span | Decimal | int") -> "Span":
        """Divide two intervals of positive numbers; the divisor must not reach zero."""
        if isinstance(other, Span):
            return span(self.low / other.high, self.high / other.low, *self.flags, *other.flags)
        low = self.low / other
        return span(low, self.high / other if self.high != self.low else low, *self.flags)


def span(first: Decimal | int, second: Decimal | int, *flags: str) -> Span:
    """An interval between two values in either order, rounded to twelve digits, each flag once."""
    low = _tidy(Decimal(first))
    high = low if second is first else _tidy(Decimal(second))
    if high < low:
        low, high = high, low
    return Span(low, high, unique(flags))


def unique(flags: Iterable[str]) -> tuple[str, ...]:
    """Each flag once, in the order they were raised."""
    if not flags:
        return ()
    raised = [flag for flag in flags if flag]
    return tuple(raised) if len(raised) < 2 else tuple(dict.fromkeys(raised))


def _tidy(value: Decimal) -> Decimal:
    """Twelve digits, no trailing zeros, and 100 rather than 1E+2."""
    value = value.normalize(_PRECISION)
    exponent = value.as_tuple().exponent
    return value.quantize(Decimal(1)) if isinstance(exponent, int) and 0 < exponent < 15 else value


@lru_cache(maxsize=4096)
def read_number(text: str) -> Span | None:
    """Read one number that is zero or more, or None.

    A single separator before exactly three digits is a decimal mark or a thousand: `1.000` is 1 or 1000.
    """
    text = _SPACED_THOUSANDS.sub("", text.strip())
    text = ("0" + text) if text[:1] in {".", ","} else text.removeprefix("+")
    if _NUMBER.fullmatch(text) is None:
        return None
    marks = [character for character in text if character in ".,"]
    if not marks:
        return span(Decimal(text), Decimal(text))
    groups = re.split("[.,]", text)
    if len(set(marks)) == 1 and len(marks) > 1:
        return _thousands(groups) if all(len(group) == 3 for group in groups[1:]) else None
    if len(marks) > 1:
        whole, fraction = groups[:-1], groups[-1]
        return _decimal("".join(whole), fraction) if _are_thousands(whole) and marks[-1] not in marks[:-1] else None
    if len(groups[1]) == 3 and len(groups[0]) <= 3 and not groups[0].startswith("0"):
        return span(Decimal(f"{groups[0]}.{groups[1]}"), Decimal("".join(groups)), AMBIGUOUS)
    return _decimal(groups[0], groups[1])


def _are_thousands(groups: list[str]) -> bool:
    return all(len(group) == 3 for group in groups[1:]) and 0 < len(groups[0]) <= 3


def _thousands(groups: list[str]) -> Span | None:
    if not _are_thousands(groups):
        return None
    value = Decimal("".join(groups))
    return span(value, value)


def _decimal(whole: str, fraction: str) -> Span:
    value = Decimal(f"{whole}.{fraction}")
    return span(value, value)


@lru_cache(maxsize=4096)
def read_range(text: str) -> Span | None:
    """Read one number, or two with a dash or a word between them, or None."""
    single = read_number(text)
    if single is not None:
        return single
    found = _RANGE.fullmatch(text.strip())
    if found is None:
        return None
    first, second = read_number(found[1]), read_number(found[2])
    if first is None or second is None:
        return None
    return span(min(first.low, second.low), max(first.high, second.high), *first.flags, *second.flags)
