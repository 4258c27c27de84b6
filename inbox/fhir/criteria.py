"""The values of search parameters as FHIR writes them: alternatives, tokens, times with their precision, references.

http://hl7.org/fhir/R4/search.html
"""

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from zoneinfo import ZoneInfo

from inbox.fhir.outcomes import ParameterRefused

LONGEST = 100  # alternatives of one parameter
_PREFIXES = ("eq", "ne", "gt", "lt", "ge", "le", "sa", "eb", "ap")
_TIME = re.compile(
    r"(?P<prefix>[a-z]{2})?(?P<year>\d{4})(?:-(?P<month>\d\d)(?:-(?P<day>\d\d)"
    r"(?:T(?P<hour>\d\d):(?P<minute>\d\d)(?::(?P<second>\d\d)(?:\.(?P<fraction>\d{1,9}))?)?"
    r"(?P<zone>Z|[+ -]\d\d:\d\d)?)?)?)?"
)


@dataclass(frozen=True, slots=True)
class Criterion:
    """One parameter of a search: its name, its modifier, and the alternatives, still escaped."""

    name: str
    modifier: str
    texts: tuple[str, ...]
    sent: tuple[str, str] = ("", "")  # name and value, as they came

    @property
    def label(self) -> str:
        """Its name as it was written."""
        return f"{self.name}:{self.modifier}" if self.modifier else self.name

    def refuse(self, why: str) -> ParameterRefused:
        """Return the refusal of its value."""
        return ParameterRefused(self.label, why)


@dataclass(frozen=True, slots=True)
class SearchToken:
    """A code or number, and whose it is."""

    system: str | None  # None: anybody's; "": nobody's
    code: str  # "": any of the system

    def fits(self, system: str, code: str) -> bool:
        """Return whether it is this code of this system, which may be left out where the element holds a bare code."""
        return (self.system is None or self.system == system) and self.code in ("", code)


@dataclass(frozen=True, slots=True)
class TimeRange:
    """A prefix, and the span that a time covers by its precision: from `low` until just before `high`."""

    prefix: str
    low: datetime
    high: datetime


@dataclass(frozen=True, slots=True)
class Reference:
    """What a reference names: the type, or "" for any, and the id."""

    type: str
    id: str


def read_criterion(name: str, modifier: str, value: str, sent: tuple[str, str] = ("", "")) -> Criterion:
    """Split a value into its alternatives; an empty one is refused, as it would narrow to nothing or to everything."""
    texts = tuple(_split(value, ","))
    criterion = Criterion(name, modifier, texts, sent)
    if not all(text.strip() for text in texts):
        raise criterion.refuse("it has no value")
    if len(texts) > LONGEST:
        raise criterion.refuse(f"it has more than {LONGEST} alternatives")
    return criterion


def tokens_of(criterion: Criterion) -> list[SearchToken]:
    """Read `code`, `system|code`, `|code` and `system|`."""
    return [_token(criterion, text) for text in criterion.texts]


def _token(criterion: Criterion, text: str) -> SearchToken:
    parts = [_plain(part) for part in _split(text, "|")]
    if len(parts) == 1:
        return SearchToken(None, parts[0])
    if len(parts) > 2 or not any(parts):
        raise criterion.refuse("this is not a code, nor system|code")
    return SearchToken(parts[0], parts[1])


def references_of(criterion: Criterion, base: str, types: Collection[str]) -> list[Reference]:
    """Read `id`, `Type/id` and the full address of a resource here; one of another server names nothing here."""
    return [_reference(criterion, _plain(text), base, types) for text in criterion.texts]


def _reference(criterion: Criterion, text: str, base: str, types: Collection[str]) -> Reference:
    kind, _, number = text.removeprefix(f"{base}/").rpartition("/")
    named = criterion.modifier or kind
    if (kind and not re.fullmatch(r"[A-Z][A-Za-z]+", kind)) or (criterion.modifier and kind not in ("", named)):
        raise criterion.refuse("this is not a reference to a resource here")
    if named and named not in types:
        raise criterion.refuse(f"it refers to {' or '.join(sorted(types))}")
    return Reference(named, number)


def time_ranges_of(criterion: Criterion, zone: ZoneInfo) -> list[TimeRange]:
    """Read times; without a zone they are on the clock of the hospital."""
    return [_time_range(criterion, _plain(text), zone) for text in criterion.texts]


def _time_range(criterion: Criterion, text: str, zone: ZoneInfo) -> TimeRange:
    found = _TIME.fullmatch(text)
    if found is None or (found["prefix"] or "eq") not in _PREFIXES:
        raise criterion.refuse(f"this is not a time such as ge2026-11-21, with one of {', '.join(_PREFIXES)} or none")
    try:
        low, high = _span(found, zone)
    except (ValueError, OverflowError):
        raise criterion.refuse("there is no such time") from None
    return TimeRange(found["prefix"] or "eq", low, high)


def _span(found: re.Match[str], zone: ZoneInfo) -> tuple[datetime, datetime]:
    year, month, day = int(found["year"]), int(found["month"] or 1), int(found["day"] or 1)
    if found["hour"] is None:
        later = _next_day(year, month, day, found)
        return (datetime(year, month, day, tzinfo=zone).astimezone(UTC), later.replace(tzinfo=zone).astimezone(UTC))
    fraction = (found["fraction"] or "")[:6]
    micro = int(fraction.ljust(6, "0") or 0)
    clock = datetime(
        year, month, day, int(found["hour"]), int(found["minute"]), int(found["second"] or 0), micro, _zone(found, zone)
    )
    exact = timedelta(microseconds=10 ** (6 - len(fraction)))
    low = clock.astimezone(UTC)
    return low, low + (exact if found["second"] else timedelta(minutes=1))


def _next_day(year: int, month: int, day: int, found: re.Match[str]) -> datetime:
    """Return the first day after a year, a month or a day."""
    first = datetime(year, month, day)  # noqa: DTZ001  # on the clock of the hospital, which the caller adds
    if found["month"] is None:
        return first.replace(year=year + 1)
    if found["day"] is None:
        return first.replace(year=year + month // 12, month=month % 12 + 1)
    return first + timedelta(days=1)


def _zone(found: re.Match[str], zone: ZoneInfo) -> tzinfo | None:
    written = found["zone"]
    if written is None:
        return zone
    # A plus sign that was not escaped in an address arrives as a blank.
    return datetime.fromisoformat(f"2000-01-01T00:00:00{written.replace(' ', '+')}").tzinfo


def _split(text: str, mark: str) -> Iterator[str]:
    r"""Split at a mark that has no backslash before it; the parts keep theirs: `a\,b`."""
    part, escaped = "", False
    for sign in text:
        if sign == mark and not escaped:
            yield part
            part = ""
            continue
        escaped = sign == "\\" and not escaped
        part += sign
    yield part


def _plain(text: str) -> str:
    r"""Return the text without its escapes: `\,` `\|` `\$` `\\`."""
    return re.sub(r"\\([,|$\\])", r"\1", text).strip()
