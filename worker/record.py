"""Recording of messages: each is read, and its content added to the histories of the patients it mentions.

Every write is a last-writer-wins entry or a flag that is only ever set, so any order of arrival, any number of times,
gives the same rows.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from clinical.events import Reading
from clinical.identities import Name
from history.choices import Site
from history.entries import NewEntry, encode
from history.messages import Envelope, Gathered, NotRecorded, ReadMessage, gather, identities_in, take_up
from parsers.errors import TooManySegments, UnreadableMessage
from parsers.reading import read
from rules.knowledge import Knowledge
from store import citizen_numbers, facts, merges, message_queries, patients
from store.facts import FactRow
from store.merges import Statement
from store.message_queries import MessageOutcome, StoredMessage
from store.patients import add_flag, update_demographics

HISTORY_RECEIVED = "history_received"  # a diagnosis, problem or contraindication was ever sent for this identity


def open_message(message: StoredMessage, knowledge: Knowledge, site: Site) -> ReadMessage | MessageOutcome:
    """Read a stored message with its feed's defaults; return its outcome when there is nothing to record."""
    try:
        reading = read_stored(message, site)
    except TooManySegments as error:
        return MessageOutcome(message.id, "parked", "too_many_segments", str(error))
    return taken_up(envelope_of(message), reading, knowledge, site)


def read_stored(message: StoredMessage, site: Site) -> Reading | UnreadableMessage:
    """Read a stored message; an unreadable one is returned as the error, with what could be read."""
    try:
        return read(message.text, site.defaults_of(message.feed_name))
    except UnreadableMessage as error:
        return error


def envelope_of(message: StoredMessage) -> Envelope:
    """Return what is known about a stored message besides its text."""
    return Envelope(
        message_id=message.id,
        control_id=message.control_id,
        body_hash=message.body_hash,
        message_time=message.message_time,
        received_at=message.received_at,
        feed=message.feed_name,
        test=message.test,
    )


def taken_up(
    envelope: Envelope, reading: Reading | UnreadableMessage, knowledge: Knowledge, site: Site
) -> ReadMessage | MessageOutcome:
    """Return what to record of a message that was read, or its outcome when there is nothing."""
    found = take_up(envelope, reading, knowledge, site)
    if isinstance(found, NotRecorded):
        return MessageOutcome(envelope.message_id, found.state, found.reason, found.detail)
    return found


@dataclass(frozen=True, slots=True)
class Touched:
    """The patients whose orders must be answered again: their history or their merges may have changed."""

    history: set[int]
    people: set[int]


def record(
    connection: sa.Connection, knowledge: Knowledge, messages: Sequence[ReadMessage], ids: Mapping[Name, int]
) -> Touched:
    """Write the content of the messages; return the patients touched."""
    mentioned = {(message.message_id, ids[name]) for message in messages for name in identities_in([message])}
    message_queries.add_mentions(connection, mentioned)
    return _write(connection, gather(messages, knowledge), ids)


def _write(connection: sa.Connection, gathered: Gathered, ids: Mapping[Name, int]) -> Touched:
    numbers = {(number[0], number[1], kind, ids[name]) for number, kind, name in gathered.numbers}
    known_by = patients.link_identifiers(connection, numbers)
    history = update_demographics(
        connection, [(ids[name], version, fields) for name, version, fields in gathered.demographics]
    )
    history |= facts.upsert(connection, [_row(entry, ids[entry.identity]) for entry in gathered.entries])
    history |= patients.mark_has_ivig(connection, {ids[name] for name in gathered.with_ivig})
    history |= add_flag(connection, {ids[name] for name in gathered.with_history}, HISTORY_RECEIVED)
    people = merges.record(connection, _statements(gathered, ids))
    if known_by or people:
        people |= citizen_numbers.join(connection, merges.merge_set(connection, known_by | people))
    return Touched(history, people)


def _statements(gathered: Gathered, ids: Mapping[Name, int]) -> list[Statement]:
    return [
        Statement(
            ids[each.statement.retired],
            ids[each.statement.survivor],
            each.statement.version,
            each.message_id,
            each.path,
            each.statement.undone,
        )
        for each in gathered.merges
    ]


def _row(entry: NewEntry, patient_id: int) -> FactRow:
    return FactRow(
        patient_id=patient_id,
        kind=entry.kind,
        key=entry.key,
        version=entry.version,
        data=encode(entry.control_id, entry.event),
        message_id=entry.message_id,
        path=entry.event.path,
        deleted=entry.deleted,
    )
