"""A rota: who is on call at a moment, with the hour of the hand-over and turns that were swapped."""

from datetime import date, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

from pydantic import Field, field_validator, model_validator

from forwarding.hours import ClockTime, PolicyPart, local


class Swap(PolicyPart):
    """Somebody else is on call from one local moment until another."""

    begins: datetime = Field(alias="from")
    ends: datetime = Field(alias="until")
    person: str

    @field_validator("begins", "ends")
    @classmethod
    def _is_local(cls, moment: datetime) -> datetime:
        if moment.tzinfo is not None:
            raise ValueError("should be a time of the hospital's own clock, as 2026-12-24T08:00")
        return moment

    @model_validator(mode="after")
    def _ends_later(self) -> "Swap":
        if self.ends <= self.begins:
            raise ValueError("ends before it begins")
        return self


class Rota(PolicyPart):
    """People who are on call in turn, each for some days, handing over at one hour."""

    people: tuple[str, ...] = Field(min_length=1)
    first_day: date = Field(alias="from")  # the first turn, of the first person, begins on it
    days: int = Field(7, ge=1, le=366)  # of one turn
    hand_over: ClockTime = time(8)
    swaps: tuple[Swap, ...] = ()

    @model_validator(mode="after")
    def _swaps_are_apart(self) -> "Rota":
        if any(one.ends > other.begins for one, other in pairwise(sorted(self.swaps, key=lambda each: each.begins))):
            raise ValueError("two swaps are about the same hours")
        return self

    def on_call(self, at: datetime, zone: ZoneInfo) -> str:
        """Return who is on call at this moment."""
        for swap in self.swaps:
            if _moment(swap.begins, zone) <= at < _moment(swap.ends, zone):
                return swap.person
        return self.people[self.turn(at, zone) % len(self.people)]

    def turn(self, at: datetime, zone: ZoneInfo) -> int:
        """Return the number of the turn at this moment; 0 begins on the first day."""
        day = at.astimezone(zone).date()
        if at < local(day, self.hand_over, zone):
            day -= timedelta(days=1)
        return (day - self.first_day).days // self.days


def _moment(of_clock: datetime, zone: ZoneInfo) -> datetime:
    return local(of_clock.date(), of_clock.time(), zone)
