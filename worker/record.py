"""Readings into rows: who each message is about, and what its events add to that patient's history.

Every write is a last-writer-wins entry or a flag that only ever goes up, so any order of arrival, any number of times,
gives the same rows.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime

import sqlalchemy as sa

from clinical.events import (
    Allergy,
    AnyEvent,
    Condition,
    MedicationGiven,
    MedicationOrdered,
    Observation,
    PatientMerged,
    PatientSeen,
    Procedure,
    Reading,
)
from clinical.identities import Identifier
from clinical.versions import version_of
from history.demographics import patient_fields
from history.entries import encode
from history.products import is_answered, product_of
from parsers.hl7.identifiers import is_national
from rules.knowledge import Knowledge
from store import citizen_numbers, facts, mentions, merges, patients
from store.demographics import Told, update_demographics
from store.facts import FactRow
from store.merges import Statement
from store.patient_flags import add_flag

Key = tuple[str, str]  # authority, value

HISTORY_RECEIVED = "history_received"  # some diagnosis, problem or contra-indication ever came for this identity


@dataclass(frozen=True, slots=True)
class Arrival:
    """One received message and what it says."""

    message_id: int
    control_id: str
    body_hash: bytes
    message_time: datetime | None
    reading: Reading
    again: bool = False  # it was processed before: judge anew, also when nothing in the history changes

    def version(self, event: AnyEvent) -> str:
        """The place of an event in the order of what happened; one that is not dated happened when it was told."""
        return version_of(event.at or self.message_time, self.message_time, self.control_id, self.body_hash)


@dataclass(slots=True)
class Recording:
    """The writes of one batch, gathered before any is made."""

    facts: list[FactRow] = field(default_factory=list)
    demographics: list[Told] = field(default_factory=list)
    merges: list[Statement] = field(default_factory=list)
    mentions: set[tuple[int, int]] = field(default_factory=set)
    numbers: set[tuple[str, str, str, int]] = field(default_factory=set)
    with_ivig: set[int] = field(default_factory=set)
    with_history: set[int] = field(default_factory=set)


def identities_of(arrivals: Iterable[Arrival]) -> set[Key]:
    """Every identity the messages speak of, also those they retire."""
    return {key for arrival in arrivals for event in arrival.reading.events for key in _identities(event)}


def _identities(event: AnyEvent) -> Iterator[Key]:
    if event.patient:
        yield identity_of(event.patient)
    if isinstance(event, PatientMerged):
        yield from retired_by(event)


def identity_of(identifiers: Sequence[Identifier]) -> Key:
    """The number a patient goes by: the first."""
    return identifiers[0].authority, identifiers[0].value


def retired_by(event: PatientMerged) -> tuple[Key, ...]:
    """Every number that is given up, or was by mistake."""
    return tuple((each.authority, each.value) for each in event.retired if not is_national(each))


def directions(event: PatientMerged) -> Iterator[tuple[Key, Key]]:
    """Each pair it speaks of: a merge has a direction, an un-merge names two patients in whatever order."""
    survivor = identity_of(event.patient)
    for retired in retired_by(event):
        yield retired, survivor
        if event.undone:
            yield survivor, retired


def numbers_of(arrivals: Iterable[Arrival]) -> set[Key]:
    """Every number the messages know a patient by."""
    events = (event for arrival in arrivals for event in arrival.reading.events)
    return {(each.authority, each.value) for event in events for each in event.patient}


@dataclass(frozen=True, slots=True)
class Touched:
    """Whose orders must be answered again: the history may have changed, or who is one person with whom."""

    history: set[int]
    people: set[int]


def record(
    connection: sa.Connection, knowledge: Knowledge, arrivals: Sequence[Arrival], ids: dict[Key, int]
) -> Touched:
    """Write what the messages say; tell whom it touched."""
    recording = Recording()
    for arrival in arrivals:
        recording.mentions.update((arrival.message_id, ids[key]) for key in identities_of([arrival]))
        for event in arrival.reading.events:
            _gather(recording, knowledge, arrival, event, ids)
    return _write(connection, recording)


def _gather(recording: Recording, knowledge: Knowledge, arrival: Arrival, event: AnyEvent, ids: dict[Key, int]) -> None:
    patient_id = ids[identity_of(event.patient)]
    version = arrival.version(event)
    for identifier in event.patient:
        recording.numbers.add((identifier.authority, identifier.value, identifier.type, patient_id))
    if isinstance(event, PatientSeen):
        recording.demographics.append((patient_id, version, patient_fields(event)))
        return
    if isinstance(event, PatientMerged):
        recording.merges.extend(
            Statement(ids[one], ids[other], version, arrival.message_id, event.path, event.undone)
            for one, other in directions(event)
        )
        return
    if isinstance(event, Condition | Allergy):
        recording.with_history.add(patient_id)
    if not keeps(knowledge, event):
        return
    if isinstance(event, MedicationOrdered | MedicationGiven) and is_answered(knowledge, product_of(knowledge, event)):
        recording.with_ivig.add(patient_id)
    recording.facts.append(_row(arrival, event, patient_id, version))


def keeps(knowledge: Knowledge, event: AnyEvent) -> bool:
    """Whether a rule can use it. An order control without a product is kept: its order may be one that counts."""
    if isinstance(event, MedicationOrdered) and event.source == "control":
        return True
    if isinstance(event, PatientSeen | PatientMerged):
        return False
    if isinstance(event, MedicationOrdered | MedicationGiven) and is_answered(knowledge, product_of(knowledge, event)):
        return True
    if isinstance(event, Observation):
        if event.status == "no_value":  # it must not take the place of a value (INTERFACE 3.6)
            return False
        return knowledge.keeps((*event.codings, *event.value_codings), "")
    return knowledge.keeps(event.codings, event.text)


def _row(arrival: Arrival, event: AnyEvent, patient_id: int, version: str) -> FactRow:
    return FactRow(
        patient_id=patient_id,
        kind=kind_of(event),
        key=natural_key(event, version),
        version=version,
        data=encode(arrival.control_id, event),
        message_id=arrival.message_id,
        path=event.path,
        deleted=getattr(event, "action", "assert") == "delete",
    )


def kind_of(event: AnyEvent) -> str:
    """The word for the kind of event, as `fact.kind` holds it."""
    return str(type(event).__struct_config__.tag)


def natural_key(event: AnyEvent, version: str) -> str:
    """What makes two entries the same thing. Each event of an order is a thing of its own: the fold needs them all."""
    if isinstance(event, Condition | Procedure | Allergy | Observation | MedicationGiven):
        return event.key
    return f"{version}|{event.path}"


def _write(connection: sa.Connection, recording: Recording) -> Touched:
    mentions.add(connection, recording.mentions)
    known_by = patients.link_identifiers(connection, recording.numbers)
    history = update_demographics(connection, recording.demographics)
    history |= facts.upsert(connection, recording.facts)
    history |= patients.mark_has_ivig(connection, recording.with_ivig)
    history |= add_flag(connection, recording.with_history, HISTORY_RECEIVED)
    people = merges.tell(connection, recording.merges)
    if known_by or people:
        people |= citizen_numbers.join(connection, merges.merge_set(connection, known_by | people))
    return Touched(history, people)
