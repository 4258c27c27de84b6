"""Times that can be meant: `99991231` is how systems say that there is no end, and 1800 that nobody knows."""

from datetime import tzinfo

from clinical.events import Moment
from parsers.hl7.times import moment

_FIRST_YEAR, _LAST_YEAR = 1900, 2199


def plausible(found: Moment | None) -> Moment | None:
    """The time, unless it is a placeholder."""
    return found if found is not None and _FIRST_YEAR < found.at.year <= _LAST_YEAR else None


def plausible_moment(text: str, zone: tzinfo) -> Moment | None:
    """Read a time that can be meant, or None."""
    return plausible(moment(text, zone))
