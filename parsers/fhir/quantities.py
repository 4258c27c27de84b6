"""Quantity, Range and Ratio as numbers with a unit we know."""

from collections.abc import Iterator
from decimal import Decimal

from parsers.decimals import Span, span
from parsers.fhir.elements import Json, part, text
from parsers.units import Quantity, Unit, read_unit

_UCUM = "http://unitsofmeasure.org"


def number_of(element: Json, name: str) -> Decimal | None:
    """A number as it was written."""
    value = element.get(name)
    if isinstance(value, bool) or not isinstance(value, Decimal | int | float):
        return None
    return value if isinstance(value, Decimal) else Decimal(str(value))


def unit_text(quantity: Json) -> str:
    """The unit: its UCUM code, else what is shown."""
    code, shown = text(quantity, "code"), text(quantity, "unit")
    return code if code and (text(quantity, "system") == _UCUM or not shown) else shown or code


def read_quantity(quantity: Json, *, of: str = "") -> tuple[Quantity | None, tuple[str, ...]]:
    """A Quantity, or a Range of which the lower end may be missing; `of` is the unit when it has none."""
    low, high = part(quantity, "low"), part(quantity, "high")
    if low or high:
        ends = [number for each in (low, high) if (number := number_of(each, "value")) is not None]
        return _made(ends, unit_text(high or low) or of)
    number = number_of(quantity, "value")
    return _made([] if number is None else [number], unit_text(quantity) or of)


def _made(ends: list[Decimal], written: str) -> tuple[Quantity | None, tuple[str, ...]]:
    if not ends:
        return None, ()
    unit = _unit(written)
    if unit is None:
        return None, ("unit_unusable",)
    return Quantity(span(min(ends), max(ends)), unit), unit.flags


def _unit(written: str) -> Unit | None:
    """UCUM writes what is counted between braces: {vial}; and a dose may be counted per `{dose}`."""
    return read_unit(written) or read_unit(written.strip("{}"))


def read_ratio(ratio: Json) -> tuple[Quantity | None, tuple[str, ...]]:
    """So much in so much time, or in so much volume: 300 mL in 4 h is 75 mL/h."""
    above, below = part(ratio, "numerator"), part(ratio, "denominator")
    number, divisor = number_of(above, "value"), number_of(below, "value") or Decimal(1)
    if number is None or divisor == 0:
        return None, ()
    name = unit_text(below)
    return _made([number / divisor], f"{unit_text(above)}/{name}" if name else unit_text(above))


def read_any(element: Json, name: str) -> tuple[Quantity | None, str, tuple[str, ...]]:
    """`nameQuantity`, `nameRange`, `nameRatio` or, where no choice is given, `name`; with the element it stood in."""
    for element_name, ratio in _choices(name):
        if found := part(element, element_name):
            quantity, flags = read_ratio(found) if ratio else read_quantity(found)
            return quantity, element_name, flags
    return None, name, ()


def _choices(name: str) -> Iterator[tuple[str, bool]]:
    yield from ((f"{name}Quantity", False), (f"{name}Range", False), (f"{name}Ratio", True), (name, False))


def value_of(quantity: Quantity) -> Span:
    """Both ends of its number."""
    return quantity.value
