"""How often and for how long something is given."""

from decimal import Decimal

from clinical.times import Moment
from clinical.values import Value


class Timing(Value, frozen=True, kw_only=True):
    """One TQ or TQ1: how often, for how long, from when."""

    pattern: str = ""  # QD, Q4W, Once, ... as sent
    period_hours: Decimal | None = None  # hours between two starts; None when unknown or a single occurrence
    per_period: int = 1  # administrations per period
    occurrences: tuple[int, int] | None = None  # low, high
    starts: Moment | None = None
    ends: Moment | None = None
    occurrence_hours: Decimal | None = None  # how long one infusion lasts
    clock_times: tuple[str, ...] = ()
    conjunction: str = ""
    flags: tuple[str, ...] = ()
    path: str = ""
