"""Times as precise as they were sent: a date "2019" may be any day of 2019."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from decimal import Decimal

from rules.facts import Fact
from rules.forms import Phrases

_EXTENT = {
    "year": timedelta(days=366),
    "month": timedelta(days=31),
    "day": timedelta(days=1),
    "hour": timedelta(hours=1),
    "minute": timedelta(minutes=1),
}
_INSTANT = timedelta(seconds=1)
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")  # of the trace


def days(number: Decimal | int) -> timedelta:
    """Return a number of days as a length of time."""
    return timedelta(days=float(number))


def days_between(earlier: datetime, later: datetime) -> timedelta:
    """Return the days on the calendar between two moments: the evening of day 30 is still day 30."""
    return later.date() - earlier.astimezone(later.tzinfo).date()


def last_moment(fact: Fact) -> datetime | None:
    """Return the last instant the start of a fact can mean; None when undated."""
    if fact.starts is None:
        return None
    extent = _EXTENT.get(fact.precision)
    return fact.starts if extent is None else fact.starts + extent - _INSTANT


def last_moments(facts: Iterable[Fact]) -> list[tuple[datetime, Fact]]:
    """Return the dated facts of these, each after the last instant its start can mean."""
    found = []
    for fact in facts:  # a patient may have hundreds of results, and most are dated to the second
        starts = fact.starts
        if starts is not None:
            extent = _EXTENT.get(fact.precision)
            found.append((starts if extent is None else starts + extent - _INSTANT, fact))
    return found


def may_be_within(fact: Fact, at: datetime, window: timedelta) -> bool:
    """Return whether a dated fact can lie in the window before `at`, or after `at`; an undated fact is not dated."""
    last = last_moment(fact)
    return last is not None and at - last <= window


def show(moment: datetime, precision: str, phrases: Phrases) -> str:
    """Write a date the way the language does, no more precise than it was sent."""
    if precision == "year":
        return f"{moment.year}"
    name = phrases.months[moment.month - 1] if phrases.months else ""
    form = phrases.month if precision == "month" else phrases.day
    return form.format(day=moment.day, month=f"{moment.month:02}", name=name, year=moment.year)


def show_in_trace(moment: datetime, precision: str) -> str:
    """Write a date for the trace, which developers and the command line read: in English."""
    name = "" if precision == "year" else f"{_MONTHS[moment.month - 1]} "
    day = f"{moment.day} " if precision not in ("year", "month") else ""
    return f"{day}{name}{moment.year}"
