"""A stored message opened: what it says, marked with how it is to be treated; or why it says nothing."""

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa

from clinical.events import Reading
from history.choices import Site
from history.marks import marked, marks_of
from parsers.errors import TooManySegments, UnreadableMessage
from parsers.reading import read
from rules.knowledge import Knowledge
from store.message_queries import Outcome
from store.messages import unpack
from worker.nameless import name_of, take_in
from worker.record import Arrival


def open_message(row: sa.RowMapping, knowledge: Knowledge, site: Site) -> Arrival | Outcome:
    """Read a message by what its feed leaves open; the answer is how it ends when there is nothing to record."""
    try:
        reading: Reading | UnreadableMessage = read(unpack(bytes(row["raw"])), site.defaults_of(row["feed_name"]))
    except TooManySegments as error:
        return Outcome(row["id"], "parked", "too_many_segments", str(error))
    except UnreadableMessage as error:
        reading = error
    return take_up(row, reading, knowledge, site)


def take_up(
    row: sa.RowMapping | Mapping[str, Any], reading: Reading | UnreadableMessage, knowledge: Knowledge, site: Site
) -> Arrival | Outcome:
    """The same for a message that was read before, whose row tells all but its text."""
    if isinstance(reading, UnreadableMessage):
        found = take_in(reading, name_of(row["control_id"], row["body_hash"]), knowledge)
        if found is None:
            return Outcome(row["id"], "parked", reading.reason, reading.path)
        reading = found
    if reading.ignored:
        return Outcome(row["id"], "ignored", reading.ignored)
    marks = marks_of(site, row["feed_name"], test=row["test"], sent=row["message_time"], received=row["received_at"])
    return Arrival(
        message_id=row["id"],
        control_id=row["control_id"],
        body_hash=row["body_hash"],
        message_time=row["message_time"],
        reading=marked(reading, marks),
    )
