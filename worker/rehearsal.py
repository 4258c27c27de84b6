"""Messages judged as if they were the whole history, without a database: what record and judge would make of them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from clinical.events import Allergy, AnyEvent, Condition, MedicationGiven, MedicationOrdered, PatientMerged, PatientSeen
from clinical.identities import MergeStatement, is_citizen_number, people_of, pointers, with_carried
from history.choices import Site
from history.conclude import Answered, conclude
from history.conclusion import conclusion
from history.demographics import displayed_name, patient_fields
from history.entries import Entry
from history.products import is_answered, product_of
from rules.knowledge import Knowledge
from worker.batch import patient_of
from worker.record import Arrival, Key, directions, identities_of, identity_of, keeps, kind_of, natural_key

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Judged:
    """One IVIg order with its answer, and the answer as it would be stored."""

    identities: frozenset[Key]
    answered: Answered
    told: Json


@dataclass(slots=True)
class _Person:
    """Identities that are one, and what is known of them."""

    identities: list[Key] = field(default_factory=list)
    latest: dict[tuple[str, str], tuple[Entry, bool]] = field(default_factory=dict)  # by kind and natural key
    told: dict[str, tuple[str, Any]] = field(default_factory=dict)  # demographics, each with its version
    history_received: bool = False
    has_ivig: bool = False


def rehearse(arrivals: Sequence[Arrival], knowledge: Knowledge, site: Site) -> list[Judged]:
    """Every IVIg order that the messages speak of, answered from all of them together."""
    people = _people(arrivals)
    for arrival in arrivals:
        for event in arrival.reading.events:
            _gather(people[identity_of(event.patient)], arrival, event, knowledge)
    judged: list[Judged] = []
    for person in {id(person): person for person in people.values()}.values():
        if person.has_ivig:
            judged.extend(_judge(person, knowledge, site))
    return judged


def _gather(person: _Person, arrival: Arrival, event: AnyEvent, knowledge: Knowledge) -> None:
    version = arrival.version(event)
    if isinstance(event, PatientSeen):
        for name, value in patient_fields(event).items():
            if person.told.get(name, ("", None))[0] < version:
                person.told[name] = (version, value)
        return
    if isinstance(event, PatientMerged):
        return
    person.history_received |= isinstance(event, Condition | Allergy)
    if not keeps(knowledge, event):
        return
    if isinstance(event, MedicationOrdered | MedicationGiven):
        person.has_ivig |= is_answered(knowledge, product_of(knowledge, event))
    entry = Entry(event, version, 0, arrival.message_id, arrival.control_id)
    key = kind_of(event), natural_key(event, version)
    if key not in person.latest or person.latest[key][0].version < version:
        person.latest[key] = (entry, getattr(event, "action", "assert") == "delete")


def _people(arrivals: Sequence[Arrival]) -> dict[Key, _Person]:
    """The person behind each identity, after the merges and by the citizen numbers."""
    keys = sorted(identities_of(arrivals))
    names = {key: key for key in keys}
    numbers = {number: _carriers(arrivals, number) for number in filter(is_citizen_number, keys)}
    leading = with_carried(numbers, pointers(_merges(arrivals), names), names)
    people: dict[Key, _Person] = {}
    for same in people_of(keys, leading, names):
        person = _Person(sorted(same.members))
        people |= dict.fromkeys(same.members, person)
    return people


def _merges(arrivals: Sequence[Arrival]) -> Iterator[MergeStatement[Key]]:
    for arrival in arrivals:
        for event in arrival.reading.events:
            if isinstance(event, PatientMerged):
                for one, other in directions(event):
                    yield MergeStatement(one, other, arrival.version(event), event.undone)


def _carriers(arrivals: Sequence[Arrival], number: Key) -> set[Key]:
    """Who is known by this number beside another."""
    events = [event for arrival in arrivals for event in arrival.reading.events]
    carried = {
        identity_of(event.patient)
        for event in events
        if any((each.authority, each.value) == number for each in event.patient)
    }
    return carried - {number}


def _judge(person: _Person, knowledge: Knowledge, site: Site) -> list[Judged]:
    fields = {name: value for name, (_, value) in person.told.items()}
    standing = [entry for entry, deleted in person.latest.values() if not deleted]
    entries = sorted(standing, key=lambda entry: (entry.version, entry.event.path))
    answers = conclude(entries, patient_of(fields), knowledge, site, history_received=person.history_received)
    shown = {
        "identifiers": [{"authority": authority, "value": value} for authority, value in person.identities],
        "name": displayed_name(fields),
        "birth_date": fields.get("birth_date"),
        "sex": fields.get("sex", ""),
        "ward": fields.get("ward", ""),
    }
    return [
        Judged(
            frozenset(person.identities),
            answered,
            conclusion(answered.assessment, answered.case, answered.order, shown),
        )
        for answered in answers
    ]
