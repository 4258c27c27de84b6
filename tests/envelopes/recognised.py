"""The IVIg that is found in a message by the reader and the knowledge."""

from decimal import Decimal
from typing import NamedTuple

from clinical.events import MedicationGiven, MedicationOrdered
from clinical.quantities import Quantity
from history.products import product_of
from parsers.defaults import Defaults
from parsers.reading import read
from rules.knowledge import Knowledge


class Recognised(NamedTuple):
    """One IVIg order or administration: its dose, and how often it is given."""

    dose: tuple[float, float, str] | None
    every: tuple[float, int] | None = None  # hours of a period, administrations in it


def recognised(raw: bytes, knowledge: Knowledge) -> list[Recognised]:
    """Every IVIg in the message."""
    return [
        _recognised(event)
        for event in read(raw, Defaults()).events
        if isinstance(event, MedicationOrdered | MedicationGiven) and product_of(knowledge, event).is_ivig
    ]


def _recognised(event: MedicationOrdered | MedicationGiven) -> Recognised:
    if isinstance(event, MedicationGiven):
        return Recognised(_ends(event.grams))
    timing = event.timings[0] if event.timings else None
    hours = timing.period_hours if timing else None
    return Recognised(_ends(event.dose), (_number(hours), timing.per_period) if timing and hours else None)


def _ends(amount: Quantity | None) -> tuple[float, float, str] | None:
    return None if amount is None else (_number(amount.low), _number(amount.high), amount.unit)


def _number(number: Decimal) -> float:
    return round(float(number), 4)
