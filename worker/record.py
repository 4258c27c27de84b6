"""Readings into rows: who each message is about, and what its events add to that patient's history.

Every write is a last-writer-wins entry or a flag that only ever goes up, so any order of arrival, any number of times,
gives the same rows.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime

import sqlalchemy as sa

from parsers.events import (
    Allergy,
    AnyEvent,
    Condition,
    Identifier,
    MedicationGiven,
    MedicationOrdered,
    Observation,
    PatientMerged,
    PatientSeen,
    Procedure,
    Reading,
)
from rules.knowledge import Knowledge
from store import facts, merges, patients
from store.demographics import Told, update_demographics
from store.facts import FactRow
from store.patient_flags import add_flag
from store.versions import version_of
from worker.demographics import patient_fields
from worker.entries import encode
from worker.facts import codings
from worker.products import product_of

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

    def version(self, event: AnyEvent) -> str:
        """The place of an event in the order of what happened."""
        return version_of(event.at, self.message_time, self.control_id, self.body_hash)


@dataclass(slots=True)
class Recording:
    """The writes of one batch, gathered before any is made."""

    facts: list[FactRow] = field(default_factory=list)
    demographics: list[Told] = field(default_factory=list)
    merges: list[tuple[int, int | None, str]] = field(default_factory=list)
    numbers: set[tuple[str, str, str, int]] = field(default_factory=set)
    with_ivig: set[int] = field(default_factory=set)
    with_history: set[int] = field(default_factory=set)


def identities_of(arrivals: Iterable[Arrival]) -> set[Key]:
    """Every identity the messages speak of, also those they retire."""
    return {key for arrival in arrivals for event in arrival.reading.events for key in _identities(event)}


def _identities(event: AnyEvent) -> Iterator[Key]:
    if event.patient:
        yield identity_of(event.patient)
    if isinstance(event, PatientMerged) and event.retired:
        yield identity_of(event.retired)


def identity_of(identifiers: Sequence[Identifier]) -> Key:
    """The number a patient goes by: the first."""
    return identifiers[0].authority, identifiers[0].value


def record(
    connection: sa.Connection, knowledge: Knowledge, arrivals: Sequence[Arrival], ids: dict[Key, int]
) -> set[int]:
    """Write what the messages say; give the identities whose history may have changed."""
    recording = Recording()
    for arrival in arrivals:
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
        retired = ids[identity_of(event.retired)]
        recording.merges.append((retired, None if event.undone else patient_id, version))
        return
    if isinstance(event, Condition | Allergy):
        recording.with_history.add(patient_id)
    if not keeps(knowledge, event):
        return
    if isinstance(event, MedicationOrdered | MedicationGiven) and product_of(knowledge, event).is_ivig:
        recording.with_ivig.add(patient_id)
    recording.facts.append(_row(arrival, event, patient_id, version))


def keeps(knowledge: Knowledge, event: AnyEvent) -> bool:
    """Whether a rule can use it. An order control without a product is kept: its order may be one that counts."""
    if isinstance(event, MedicationOrdered) and event.source == "control":
        return True
    if isinstance(event, PatientSeen | PatientMerged):
        return False
    if isinstance(event, MedicationOrdered | MedicationGiven) and product_of(knowledge, event).is_ivig:
        return True
    if isinstance(event, Observation):
        if event.status == "no_value":  # it must not take the place of a value (INTERFACE 3.6)
            return False
        return knowledge.keeps(codings((*event.codings, *event.value_codings)), "")
    return knowledge.keeps(codings(event.codings), event.text)


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


def _write(connection: sa.Connection, recording: Recording) -> set[int]:
    patients.link_identifiers(connection, recording.numbers)
    touched = update_demographics(connection, recording.demographics)
    touched |= facts.upsert(connection, recording.facts)
    for retired, survivor, version in recording.merges:
        touched |= _point(connection, retired, survivor, version)
    touched |= patients.mark_has_ivig(connection, recording.with_ivig)
    touched |= add_flag(connection, recording.with_history, HISTORY_RECEIVED)
    return touched


def _point(connection: sa.Connection, retired: int, survivor: int | None, version: str) -> set[int]:
    """Merge or un-merge; give the identities whose history grew or shrank by it, the former survivor too."""
    former = patients.of_ids(connection, [retired])[retired]["merged_into"]
    if not merges.set_pointer(connection, retired, survivor, version):
        return set()
    return {id_ for id_ in (retired, survivor, former) if id_ is not None}
