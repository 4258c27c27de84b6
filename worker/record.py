"""Recording of messages: each is read, and its content added to the histories of the patients it mentions.

Every write is a last-writer-wins entry or a flag that is only ever set, so any order of arrival, any number of times,
gives the same rows.

Nobody waits for the whole of a long message: most of it is recorded in parts, each in a transaction of its own. The
message goes on waiting meanwhile, marked as begun; its orders and doses are in the last part, which is recorded with
the answers as any message is. A worker that dies leaves facts that are true and a message that waits: it is recorded
again from the start, which changes nothing twice, and judged in any case.
"""

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

import sqlalchemy as sa

from clinical.events import MedicationGiven, MedicationOrdered, Reading
from clinical.identities import Name, is_citizen_number
from history.choices import Site
from history.entries import NewEntry, encode, latest_entries
from history.messages import (
    Envelope,
    Gathered,
    NotRecorded,
    ReadMessage,
    gather,
    identities_in,
    numbers_in,
    take_up,
    together,
)
from parsers.errors import TooManySegments, UnreadableMessage
from parsers.reading import read
from rules.knowledge import Knowledge
from store import citizen_numbers, merges, message_queries, patients
from store.facts import FactRow
from store.locks import lock_named
from store.merges import Statement
from store.message_queries import MessageOutcome, StoredMessage
from store.patients import KnownPatient, PatientChanges
from store.recording import Recording, write
from worker.transactions import in_transaction

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
class MessageContent:
    """What one message adds to the history, worked out before anything is locked: it may take seconds."""

    message: ReadMessage
    knowledge: Knowledge
    gathered: Gathered
    names: frozenset[Name]  # every identity it mentions
    numbers: frozenset[Name]  # every number it knows a patient by

    def by(self, knowledge: Knowledge) -> "MessageContent":
        """Return what it adds by this knowledge; worked out anew only where the knowledge has changed."""
        return self if knowledge is self.knowledge else content_of(self.message, knowledge)


def content_of(message: ReadMessage, knowledge: Knowledge) -> MessageContent:
    """Work out what a message adds to the history."""
    return MessageContent(
        message,
        knowledge,
        gather([message], knowledge),
        frozenset(identities_in([message])),
        frozenset(numbers_in([message])),
    )


@dataclass(frozen=True, slots=True)
class Touched:
    """The patients whose orders must be answered again: their history or their merges may have changed."""

    history: set[int]
    people: set[int]
    rows: Mapping[int, KnownPatient] | None = None  # of all who may be one person with them, where that is known


def record(
    connection: sa.Connection,
    contents: Sequence[MessageContent],
    ids: Mapping[Name, int],
    rows: Mapping[int, KnownPatient],
) -> Touched:
    """Write the content of the messages; return the patients touched.

    `rows` are everybody who is locked: these identities and all who may be one person with them.
    """
    gathered = together(each.gathered for each in contents)
    changes = PatientChanges(dict(rows))
    changes.add_demographics((ids[name], version, fields) for name, version, fields in gathered.demographics)
    changes.mark_has_ivig(ids[name] for name in gathered.with_ivig)
    changes.add_flag((ids[name] for name in gathered.with_history), HISTORY_RECEIVED)
    recording = Recording(
        {(each.message.message_id, ids[name]) for each in contents for name in each.names},
        {(number[0], number[1], kind, ids[name]) for number, kind, name in gathered.numbers},
        changes,
        [fact_row(entry, ids[entry.identity]) for entry in gathered.entries],
    )
    recorded = write(connection, recording)
    people = merges.record(connection, _statements(gathered, ids))
    if any(is_citizen_number(row.name) for row in rows.values()) and (recorded.known_by or people):
        people |= citizen_numbers.join(connection, recorded.known_by | people)
    now = patients.of_ids(connection, rows.keys()) if people else changes.rows  # a merge led some elsewhere
    return Touched(recorded.changed, people, now)


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


def fact_row(entry: NewEntry, patient_id: int) -> FactRow:
    """Return the entry as it is stored."""
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


def record_in_parts(engine: sa.Engine, content: MessageContent, part: int) -> MessageContent:
    """Record a long message but for its last part; return what is left of it to record."""
    if len(content.gathered.entries) <= part:
        return content
    *parts, rest = _parts(latest_entries(content.gathered.entries), part)
    for each in parts:
        began = time.monotonic()
        if not in_transaction(engine, partial(_record_part, content=content, entries=each)):
            return content  # somebody else has it
        if engine.dialect.name == "sqlite":
            time.sleep(time.monotonic() - began)  # whoever waits for the only writer polls: let one in
    return replace(content, gathered=replace(content.gathered, entries=rest))


def _parts(entries: Sequence[NewEntry], size: int) -> Iterator[list[NewEntry]]:
    ordered = sorted(entries, key=lambda entry: isinstance(entry.event, MedicationOrdered | MedicationGiven))
    for start in range(0, len(ordered), size):
        yield ordered[start : start + size]


def _record_part(connection: sa.Connection, content: MessageContent, entries: Sequence[NewEntry]) -> bool:
    """Record one part if the message still waits for us."""
    if not message_queries.lock_received(connection, [content.message.message_id]):
        return False
    message_queries.mark_begun(connection, content.message.message_id)
    locked = lock_named(connection, content.names, content.numbers)
    mentions = {(content.message.message_id, id_) for id_ in locked.ids.values()}
    rows = [fact_row(each, locked.ids[each.identity]) for each in entries]
    write(connection, Recording(mentions, (), PatientChanges(locked.rows), rows))
    return True
