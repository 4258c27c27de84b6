"""Quantity, Range and Ratio as numbers with a unit we know."""

import re
from collections.abc import Iterator
from decimal import Decimal

from parsers.fhir.elements import Json, part, text
from parsers.medication.decimals import span
from parsers.medication.units import Quantity, Unit, read_unit

_UCUM = "http://unitsofmeasure.org"
_ANNOTATION = re.compile(r"(?<=[\w\]])\{[^{}]*\}")  # kg{body_wt} is kg
_MOST_DIGITS = 15  # before the decimal mark, and twice as many after it: no quantity of a patient has more
_COURSE = "/course"


def number_of(element: Json, name: str) -> Decimal | None:
    """A number as it was written; none when it is beyond all that can be meant."""
    value = element.get(name)
    if isinstance(value, bool) or not isinstance(value, Decimal | int | float):
        return None
    number = value if isinstance(value, Decimal) else Decimal(str(value))
    exponent = number.as_tuple().exponent
    is_usual = isinstance(exponent, int) and exponent > -2 * _MOST_DIGITS and number.adjusted() < _MOST_DIGITS
    return number if is_usual else None


def unit_text(quantity: Json) -> str:
    """The unit: its UCUM code, else what is shown."""
    code, shown = text(quantity, "code"), text(quantity, "unit")
    return code if code and (text(quantity, "system") == _UCUM or not shown) else shown or code


def read_quantity(quantity: Json) -> tuple[Quantity | None, tuple[str, ...]]:
    """A Quantity, or a Range of which one end may be missing."""
    low, high = part(quantity, "low"), part(quantity, "high")
    if low or high:
        ends = [number for each in (low, high) if (number := number_of(each, "value")) is not None]
        return _made(ends, _unit_of(high) or _unit_of(low))
    number = number_of(quantity, "value")
    return _made([] if number is None else [number], _unit_of(quantity))


def _made(ends: list[Decimal], unit: Unit | None) -> tuple[Quantity | None, tuple[str, ...]]:
    if not ends:
        return None, ()
    if min(ends) < 0:
        return None, ("unreadable_quantity",)
    if unit is None:
        return None, ("unit_unusable",)
    return Quantity(span(min(ends), max(ends)), unit), unit.flags


def _unit_of(quantity: Json) -> Unit | None:
    """The unit by its code, else as it is shown: `1` is shown as `flacon`. Only what is shown may say `per kuur`."""
    coded, shown = _unit(unit_text(quantity)), _unit(text(quantity, "unit"))
    if coded is None or (shown is not None and shown.base == coded.base + _COURSE):
        return shown
    return coded


def _unit(written: str) -> Unit | None:
    """UCUM writes what is counted between braces: {vial}; and a dose may be counted per `{dose}`."""
    if not written or "{" not in written:
        return read_unit(written)
    return read_unit(written) or read_unit(_ANNOTATION.sub("", written).replace("{", "").replace("}", ""))


def read_ratio(ratio: Json) -> tuple[Quantity | None, tuple[str, ...]]:
    """So much in so much time, or in so much volume: 300 mL in 4 h is 75 mL/h."""
    above, below = part(ratio, "numerator"), part(ratio, "denominator")
    number, divisor = number_of(above, "value"), number_of(below, "value")
    if number is None or divisor == 0:
        return None, ()
    name = unit_text(below)
    written = f"{unit_text(above)}/{name}" if name else unit_text(above)
    unit = _unit(written) if name else _unit_of(above)
    return _made([number / (divisor or Decimal(1))], unit)


def read_any(element: Json, name: str) -> tuple[Quantity | None, str, tuple[str, ...]]:
    """`nameQuantity`, `nameRange`, `nameRatio` or, where no choice is given, `name`; with the element it stood in."""
    for element_name, ratio in _choices(name):
        if found := part(element, element_name):
            quantity, flags = read_ratio(found) if ratio else read_quantity(found)
            return quantity, element_name, flags
    return None, name, ()


def _choices(name: str) -> Iterator[tuple[str, bool]]:
    yield from ((f"{name}Quantity", False), (f"{name}Range", False), (f"{name}Ratio", True), (name, False))
