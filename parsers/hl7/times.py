"""HL7 times, with their precision and zone."""

import re
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from functools import lru_cache

from clinical.times import Moment, Precision

_FORM = re.compile(
    r"(?P<year>\d{4})(?:(?P<month>\d\d)(?:(?P<day>\d\d)(?:(?P<hour>\d\d)(?:(?P<minute>\d\d)(?:(?P<second>\d\d)"
    r"(?:\.?(?P<fraction>\d{1,6}))?)?)?)?)?)?(?P<zone>[+-]\d\d:?\d\d|Z)?"
)
_ISO = re.compile(
    r"(\d{4})[-/.](\d\d)(?:[-/.](\d\d)(?:[T ](\d\d)(?::(\d\d)(?::(\d\d)(?:\.(\d{1,6}))?)?)?\s?([+-]\d\d:?\d\d|Z)?)?)?"
)
_DAY_AND_YEAR = re.compile(r"(\d\d?)[-/.](\d\d?)[-/.]((?:19|20)\d\d)(?:[T ](\d\d):(\d\d)(?::(\d\d))?)?")
_PRECISIONS: tuple[Precision, ...] = ("year", "month", "day", "hour", "minute", "second")
_PARTS = ("year", "month", "day", "hour", "minute", "second")


@lru_cache(maxsize=512)
def stamp(moment: Moment | None) -> str:
    """Return a time as it stands in a natural key: `20261121T083000Z`, nothing for none."""
    return f"{moment.at:%Y%m%dT%H%M%SZ}" if moment is not None else ""


def moment(text: str, zone: tzinfo) -> Moment | None:
    """Read a time, or None when there is none to read; its doubts are for `read_time`."""
    return read_time(text, zone)[0]


@lru_cache(maxsize=512)  # a message repeats the same time many times
def read_time(text: str, zone: tzinfo) -> tuple[Moment | None, tuple[str, ...]]:
    """Read a time and say what was doubtful about it; the zone is for a time that names none."""
    text = text.strip()
    if not text or text == '""' or not text.strip("0+-:. "):
        return None, ()
    found = _FORM.fullmatch(_without_marks(text))
    if found is None:
        return None, ("unreadable_time",)
    numbers = [found[part] for part in _PARTS]
    known = [int(number) for number in numbers if number is not None]
    if known[0] == 0:
        return None, ()
    while len(known) > 1 and len(known) < 4 and known[-1] == 0:
        known.pop()  # 20190000 is the year 2019
    precision = _PRECISIONS[len(known) - 1]
    try:
        local = _local(known, found["fraction"] or "")
        own = _offset(found["zone"])
        if own is not None:
            return Moment(at=local.replace(tzinfo=own).astimezone(UTC), precision=precision), ()
        at, flags = _in_zone(local, zone)
    except (ValueError, OverflowError):
        return None, ("unreadable_time",)
    return Moment(at=at, precision=precision), flags if len(known) > 3 else ()


def _without_marks(text: str) -> str:
    """Turn the ISO form into HL7's, and a day with its month and year where it cannot be mistaken which is which."""
    found = _ISO.fullmatch(text)
    if found is None:
        return _year_first(text) or text.replace(" ", "").replace("T", "")
    date_and_time = "".join(part for part in found.groups()[:6] if part)
    return date_and_time + (f".{found[7]}" if found[7] else "") + (found[8] or "")


def _year_first(text: str) -> str:
    """`29-11-2026` and `11/29/2026` as HL7 writes them; nothing for `03-04-2026`, which is two days."""
    found = _DAY_AND_YEAR.fullmatch(text)
    if found is None:
        return ""
    one, other = int(found[1]), int(found[2])
    if one <= _MONTHS and other <= _MONTHS and one != other:
        return ""
    month, day = (one, other) if one <= _MONTHS else (other, one)
    return f"{found[3]}{month:02}{day:02}" + "".join(part for part in found.groups()[3:] if part)


_MONTHS = 12


def _local(known: list[int], fraction: str) -> datetime:
    """Return the first instant these numbers can mean; 24:00 is midnight of the next day, second 60 the next minute."""
    year, month, day, hour, minute, second = known + [0, 1, 1, 0, 0, 0][len(known) :]
    extra = timedelta(0)
    if hour == 24 and minute == 0 and second == 0:
        hour, extra = 0, timedelta(days=1)
    elif second == 60:
        second, extra = 59, timedelta(seconds=1)
    microsecond = int(fraction.ljust(6, "0")) if fraction else 0
    return datetime(year, month, day, hour, minute, second, microsecond) + extra  # noqa: DTZ001  # the zone comes next


def _offset(text: str | None) -> tzinfo | None:
    if text is None:
        return None
    if text == "Z":
        return UTC
    digits = text[1:].replace(":", "")
    ahead = timedelta(hours=int(digits[:2]), minutes=int(digits[2:]))
    return timezone(-ahead if text[0] == "-" else ahead)


def _in_zone(local: datetime, zone: tzinfo) -> tuple[datetime, tuple[str, ...]]:
    """Take an hour that occurred twice as the first; move one that never occurred an hour on."""
    first = local.replace(tzinfo=zone, fold=0)
    at = first.astimezone(UTC)
    if first.utcoffset() == local.replace(tzinfo=zone, fold=1).utcoffset():
        return at, ()
    came = at.astimezone(zone).replace(tzinfo=None) == local
    return at, ("ambiguous_hour",) if came else ("skipped_hour",)


def zone_of(sent_at: str, zone: tzinfo) -> tzinfo:
    """Return the zone of a message's times: MSH-7's own offset, unless the feed's zone has that offset then too.

    A feed in Amsterdam that writes +0200 in summer means Amsterdam, also for a birth date in winter.
    """
    sent = moment(sent_at, zone)
    found = _FORM.fullmatch(sent_at.strip())
    if sent is None or found is None:  # none, or nothing that is a time: an offset of 26 hours
        return zone
    own = _offset(found["zone"])
    try:
        return zone if own is None or sent.at.astimezone(zone).utcoffset() == own.utcoffset(None) else own
    except OverflowError:  # there is no day after the last of the year 9999
        return zone


_FIRST_YEAR, _LAST_YEAR = 1900, 2199


def plausible(found: Moment | None) -> Moment | None:
    """Return the time, unless it is a placeholder."""
    return found if found is not None and _FIRST_YEAR < found.at.year <= _LAST_YEAR else None


def plausible_moment(text: str, zone: tzinfo) -> Moment | None:
    """Read a time that can be meant, or None."""
    return plausible(moment(text, zone))
