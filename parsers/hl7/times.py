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
_DAY_AND_YEAR = re.compile(
    r"(\d\d?)(?P<mark>[-/.])(\d\d?)(?P=mark)(?P<year>(?:19|20)\d\d)"
    r"(?:,?[T ](?P<hour>\d\d):(?P<minute>\d\d)(?::(?P<second>\d\d))?)?"
)
# `01-DEC-2026 09:00`, as databases print a date.
_NAMED_MONTH = re.compile(
    r"(\d\d?)[-/. ]{1,2}([^\W\d_]{3,10})[-/. ]{1,2}((?:19|20)\d\d)(?:,?[T ](\d\d):(\d\d)(?::(\d\d))?)?"
)
_MONTH_NAMES = (
    "jan januari january januar janvier janv enero ene gennaio gen janeiro",
    "feb februari february februar février févr fév fevrier febrero febbraio fevereiro fev",
    "mar maart mrt march marts märz mär mrz mars marzo março",
    "apr april avril avr abril abr aprile",
    "may mei mai maj mayo maggio mag maio",
    "jun juni june juin junio giugno giu junho",
    "jul juli july juillet juil julio luglio lug julho",
    "aug augustus august août aou aout agosto ago",
    "sep sept september septembre septiembre settembre set setembro",
    "oct okt oktober october octobre octubre ottobre ott outubro out",
    "nov november novembre noviembre novembro",
    "dec december dez dezember déc décembre decembre dic diciembre dicembre dezembro",
)
_MONTH_OF = {name: number for number, names in enumerate(_MONTH_NAMES, 1) for name in names.split()}
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
    digits, by_custom = _without_marks(text, zone)
    found = _FORM.fullmatch(digits)
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
    doubts = ("day_before_month",) if by_custom else ()
    return Moment(at=at, precision=precision), (*doubts, *flags) if len(known) > 3 else doubts


def _without_marks(text: str, zone: tzinfo) -> tuple[str, bool]:
    """Turn the ISO form and a day with its month and year into HL7's; and whether custom said which is the day."""
    found = _ISO.fullmatch(text)
    if found is None:
        return _year_first(text, zone) or (text.replace(" ", "").replace("T", ""), False)
    date_and_time = "".join(part for part in found.groups()[:6] if part)
    return date_and_time + (f".{found[7]}" if found[7] else "") + (found[8] or ""), False


def _year_first(text: str, zone: tzinfo) -> tuple[str, bool] | None:
    """`29-11-2026` and `11/29/2026` as HL7 writes them; `03-04-2026` is two days, but in Europe the third of April.

    So is `03.04.2026` everywhere: nobody writes a month before a point.
    """
    found = _DAY_AND_YEAR.fullmatch(text)
    if found is None:
        return _month_in_words(text)
    one, other = int(found[1]), int(found[3])
    by_custom = one <= _MONTHS and other <= _MONTHS and one != other
    if by_custom and found["mark"] != "." and not str(zone).startswith("Europe/"):
        return None
    month, day = (one, other) if one <= _MONTHS and not by_custom else (other, one)
    time_of_day = "".join(part for part in found.group("hour", "minute", "second") if part)
    return f"{found['year']}{month:02}{day:02}{time_of_day}", by_custom


def _month_in_words(text: str) -> tuple[str, bool] | None:
    found = _NAMED_MONTH.fullmatch(text)
    month = _MONTH_OF.get(found[2].lower()) if found else None
    if found is None or month is None:
        return None
    return f"{found[3]}{month:02}{int(found[1]):02}" + "".join(part for part in found.groups()[3:] if part), False


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
    """Read a time that can be meant, or None; its doubts are for `read_plausible`."""
    return plausible(moment(text, zone))


def read_plausible(text: str, zone: tzinfo) -> tuple[Moment | None, tuple[str, ...]]:
    """Read a time that can be meant, and say what was doubtful about it."""
    found, doubts = read_time(text, zone)
    return plausible(found), doubts
