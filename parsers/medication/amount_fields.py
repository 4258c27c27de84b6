"""Numbers and units as a field holds them: `30`, `30 g`, `G^Grams`, `75 mg` where only a unit belongs."""

from dataclasses import dataclass

from parsers.hl7.segments import Segment
from parsers.medication.decimals import Span, read_range, span
from parsers.medication.units import Unit, read_unit

_CODES_FROM = 100_000


@dataclass(frozen=True, slots=True)
class UnitField:
    """A field of units: what it says, and the number some senders put into it."""

    unit: Unit | None
    text: str
    value: Span | None = None


def read_number_and_unit(text: str) -> tuple[Span | None, Unit | None, tuple[str, ...]]:
    """A number, with the unit that some senders add to it."""
    if not text:
        return None, None, ()
    value = read_range(text)
    if value is not None:
        return value, None, ()
    number, unit = split_value(text)
    return (number, unit, ("unit_in_value",)) if number is not None else (None, None, ("amount_unread",))


def split_value(text: str) -> tuple[Span | None, Unit | None]:
    """`75 mg` as a number and a unit; neither when it is something else."""
    text = text.strip()
    cut = next((index for index, character in enumerate(text) if character.isalpha() or character in "%[{"), len(text))
    number, unit = read_range(text[:cut].strip()), read_unit(text[cut:])
    return (number, unit) if number is not None and unit is not None else (None, None)


def from_to(low: Span | None, high: Span | None) -> Span | None:
    """From the minimum to the maximum; a maximum of zero is a field that was not filled in."""
    if low is None or (low.high == 0 and high is not None):
        return high
    if high is None or high.high == 0:
        return low
    return span(min(low.low, high.low), max(low.high, high.high), *low.flags, *high.flags)


def _no_code(number: Span | None) -> Span | None:
    """The number, unless it is so large that it is the code of the unit: `263762^MDC_DIM_MILLI_L^MDC`."""
    return number if number is not None and number.high < _CODES_FROM else None


def read_units(segment: Segment, field: int, number_sent: bool = True) -> UnitField:
    """Units from the code, else its text, else the alternate code; `75 mg` and `43^mg/hr` hold the number too."""
    if not field:
        return UnitField(None, "")
    parts = [part.strip() for part in segment.components(field)]
    words = [parts[index] for index in (0, 1, 3, 4, 8) if index < len(parts) and parts[index]]
    if not words:
        return UnitField(None, "")
    first = read_unit(words[0])
    if first is not None:
        return UnitField(first, words[0])
    value, unit = split_value(words[0])
    if unit is not None:
        return UnitField(unit, words[0], value)
    unit = next((found for word in words[1:] if (found := read_unit(word)) is not None), None)
    number = _no_code(read_range(words[0]))
    if unit is not None and number is not None and (not number_sent or unit.base.endswith("/h")):
        return UnitField(unit, words[0], number)
    if unit is None:
        value, unit = next((pair for word in words[1:] if (pair := split_value(word))[1] is not None), (None, None))
        return UnitField(unit, words[0], value if not number_sent else None)
    return UnitField(unit, words[0])
