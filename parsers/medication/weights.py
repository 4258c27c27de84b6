"""Grams and grams per kilogram, one from the other by a weight; what such a dose gives away about itself."""

from decimal import Decimal

from clinical.events import Amount
from parsers.medication.amounts import as_span, between, divided, joined
from parsers.medication.decimals import Span
from parsers.medication.units import PER_KG

COURSE_LIMIT = Decimal("1.2")  # g/kg: a single dose above it is rather a course
DAY_LIMIT = Decimal(3)  # g/kg/day: above it somebody has mistyped


def in_grams(dose: Amount, weight: Amount | None) -> Amount | None:
    """g of g, g/kg of g/kg by a weight in kg (also per hour); None without the weight that it takes."""
    unit = dose.unit.replace("/kg", "")
    if unit == dose.unit:
        return dose
    kilograms = _kilograms(weight)
    if kilograms is None:
        return None
    return between(as_span(dose) * kilograms, unit, joined(dose.basis, weight.basis if weight else ""))


def per_kg(dose: Amount, weight: Amount | None) -> Amount | None:
    """g/kg of g by a weight in kg (also per hour); None without the weight that it takes."""
    if "/kg" in dose.unit:
        return dose
    kilograms = _kilograms(weight)
    if kilograms is None:
        return None
    unit = dose.unit.replace("g", PER_KG, 1)
    return between(as_span(dose) / kilograms, unit, joined(dose.basis, weight.basis if weight else ""))


def _kilograms(weight: Amount | None) -> Span | None:
    if weight is None or weight.unit != "kg" or weight.low <= 0:
        return None
    return as_span(weight)


def maybe_course_total(dose: Amount, weight: Amount | None, days: int) -> Amount:
    """The dose, down to its part of one day when it is more than 1.2 g/kg and would be given on several days."""
    relative = per_kg(dose, weight)
    if days <= 1 or relative is None or relative.high <= COURSE_LIMIT or "maybe_course_total" in dose.flags:
        return dose
    return divided(dose, days, "maybe_course_total")


def is_implausible(per_day: Amount, weight: Amount | None) -> bool:
    """Whether a day's grams come to more than 3 g/kg: still evaluated, but somebody has to look."""
    relative = per_kg(per_day, weight)
    return relative is not None and relative.high > DAY_LIMIT
