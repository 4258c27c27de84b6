"""Times, no more precise than they were sent."""

from datetime import datetime
from typing import Literal

from clinical.values import Value

Precision = Literal["year", "month", "day", "hour", "minute", "second"]


class Moment(Value, frozen=True, kw_only=True):
    """A time as precise as it was sent: `at` is the first instant it can mean, in UTC."""

    at: datetime
    precision: Precision
