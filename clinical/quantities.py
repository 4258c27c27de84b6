"""Quantities with two ends: what could be read in two ways is an interval."""

from decimal import Decimal

from clinical.values import Value


class Amount(Value, frozen=True, kw_only=True):
    """A quantity that lies between two values, in one unit, with what was doubtful about it.

    `unit` is normalised (g, mg, mL, g/kg, mg/kg/min, g/h, mL/h, kg, cm, ...), or the sender's own when unknown.
    """

    low: Decimal
    high: Decimal
    unit: str
    basis: str = ""  # the path or paths it was read from
    flags: tuple[str, ...] = ()
