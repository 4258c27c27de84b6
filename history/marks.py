"""How a message is to be treated, said by each of its events: as a test, as old, as a request that needs an answer."""

from datetime import datetime

import msgspec

from clinical.events import Reading
from history.choices import Site
from history.orders import CONFIRMATION_NEEDED

IMPORT = "import"  # the feed of a first load


def marks_of(site: Site, feed: str, *, test: bool, sent: datetime | None, received: datetime) -> tuple[str, ...]:
    """What is to be said of every event of a message of this feed; what was imported is old, whatever its date."""
    marks = []
    if test:
        marks.append("test")
    if is_imported(feed) or _is_old(sent, received, site):
        marks.append("replay")
    if feed in site.stops_need_confirmation:
        marks.append(CONFIRMATION_NEEDED)
    return tuple(marks)


def is_imported(feed: str) -> bool:
    """Whether a first load is kept under this name: `import`, or `import` and the name of a source."""
    return feed.partition(" ")[0] == IMPORT


def _is_old(sent: datetime | None, received: datetime, site: Site) -> bool:
    return sent is not None and received - sent > site.replay_after


def marked(reading: Reading, marks: tuple[str, ...]) -> Reading:
    """The reading with the marks on every event, so that the fold needs no other source."""
    if not marks:
        return reading
    events = tuple(msgspec.structs.replace(event, flags=(*event.flags, *marks)) for event in reading.events)
    return Reading(reading.header, events, reading.ignored, reading.flags, reading.not_understood)
