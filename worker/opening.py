"""A stored message opened: what it says, marked with how it is to be treated; or why it says nothing."""

from clinical.events import Reading
from history.choices import Site
from history.marks import marked, marks_of
from parsers.errors import TooManySegments, UnreadableMessage
from parsers.reading import read
from rules.knowledge import Knowledge
from store.message_queries import Outcome, StoredMessage
from worker.nameless import name_of, take_in
from worker.record import Arrival


def open_message(message: StoredMessage, knowledge: Knowledge, site: Site) -> Arrival | Outcome:
    """Read a message by what its feed leaves open; the answer is how it ends when there is nothing to record."""
    try:
        reading: Reading | UnreadableMessage = read(message.text, site.defaults_of(message.feed_name))
    except TooManySegments as error:
        return Outcome(message.id, "parked", "too_many_segments", str(error))
    except UnreadableMessage as error:
        reading = error
    return take_up(message, reading, knowledge, site)


def take_up(
    message: StoredMessage, reading: Reading | UnreadableMessage, knowledge: Knowledge, site: Site
) -> Arrival | Outcome:
    """The same for a message that was read before, which tells all but its text."""
    if isinstance(reading, UnreadableMessage):
        found = take_in(reading, name_of(message.control_id, message.body_hash), knowledge)
        if found is None:
            return Outcome(message.id, "parked", reading.reason, reading.path)
        reading = found
    if reading.ignored:
        return Outcome(message.id, "ignored", reading.ignored)
    marks = marks_of(
        site, message.feed_name, test=message.test, sent=message.message_time, received=message.received_at
    )
    return Arrival(
        message_id=message.id,
        control_id=message.control_id,
        body_hash=message.body_hash,
        message_time=message.message_time,
        reading=marked(reading, marks),
    )
