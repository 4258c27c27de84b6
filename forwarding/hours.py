"""Hours of the week in a hospital's zone, as a site file writes them; right on the days that the clocks change.

A time that a clock skips is the moment it jumps to; of a time that comes twice, hours begin at the first and end at
the second.
"""

from datetime import UTC, date, datetime, time, timedelta
from typing import Annotated, Literal, get_args
from zoneinfo import ZoneInfo

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

DayName = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
DAYS: tuple[DayName, ...] = get_args(DayName)


def _clock_time(value: object) -> object:
    """Read `08:00`; YAML reads an unquoted 22:00 as sixties, the number of minutes."""
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 24 * 60:
        return time(*divmod(value, 60))
    if isinstance(value, str):
        try:
            return datetime.strptime(value, "%H:%M").time()  # noqa: DTZ007  # a time of day has no zone
        except ValueError:
            pass
    raise ValueError("should be a time of day, as 08:00")


ClockTime = Annotated[time, BeforeValidator(_clock_time)]


class PolicyPart(BaseModel):
    """A part of the site file's section `telling`; a word it does not know is a fault."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True, populate_by_name=True)


class Hours(PolicyPart):
    """From one time of day until another, on days of the week; those past midnight belong to the day they begin."""

    days: tuple[DayName, ...] = Field(DAYS, min_length=1)
    begins: ClockTime = Field(time(0), alias="from")
    ends: ClockTime = Field(time(0), alias="until")  # the same as from: a whole day

    def hold(self, at: datetime, zone: ZoneInfo) -> bool:
        """Return whether this moment lies within the hours."""
        return self.end(at, zone) is not None

    def end(self, at: datetime, zone: ZoneInfo) -> datetime | None:
        """Return when the hours that hold at this moment end, in UTC; None when they do not hold."""
        today = at.astimezone(zone).date()
        for day in (today - timedelta(days=1), today):
            if DAYS[day.weekday()] in self.days:
                begins, ends = self._on(day, zone)
                if begins <= at < ends:
                    return ends
        return None

    def _on(self, day: date, zone: ZoneInfo) -> tuple[datetime, datetime]:
        last = day if self.ends > self.begins else day + timedelta(days=1)
        return local(day, self.begins, zone), local(last, self.ends, zone, later=True)


def local(day: date, at: time, zone: ZoneInfo, *, later: bool = False) -> datetime:
    """Return a time of day as a moment in UTC; of a time that comes twice the first, or the `later`."""
    moment = datetime.combine(day, at, zone)
    first, second = (moment.replace(fold=fold).astimezone(UTC) for fold in (0, 1))
    if second < first:  # skipped: the clock jumps from the one to the other; fold=0 is counted by the clock before
        return first
    return second if later else first
