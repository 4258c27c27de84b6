"""Messages judged as if they were the whole history, without a database: what record and judge would make of them."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from parsers.events import Allergy, AnyEvent, Condition, MedicationGiven, MedicationOrdered, PatientMerged, PatientSeen
from rules.knowledge import Knowledge
from worker.batch import patient_of
from worker.conclude import Answered, conclude
from worker.conclusion import conclusion
from worker.demographics import displayed_name, patient_fields
from worker.entries import Entry
from worker.products import product_of
from worker.record import Arrival, Key, identities_of, identity_of, keeps, kind_of, natural_key
from worker.site import Site

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
    entries: list[Entry] = field(default_factory=list)
    told: dict[str, tuple[str, Any]] = field(default_factory=dict)  # demographics, each with its version
    history_received: bool = False
    has_ivig: bool = False


def rehearse(arrivals: Sequence[Arrival], knowledge: Knowledge, site: Site) -> list[Judged]:
    """Every IVIg order that the messages speak of, answered from all of them together."""
    people = _people(arrivals)
    latest: dict[tuple[Key, str, str], tuple[Entry, bool]] = {}
    for arrival in arrivals:
        for event in arrival.reading.events:
            _gather(people[identity_of(event.patient)], latest, arrival, event, knowledge)
    for (key, _, _), (entry, deleted) in latest.items():
        if not deleted:
            people[key].entries.append(entry)
    judged: list[Judged] = []
    for person in {id(person): person for person in people.values()}.values():
        if person.has_ivig:
            judged.extend(_judge(person, knowledge, site))
    return judged


def _gather(
    person: _Person,
    latest: dict[tuple[Key, str, str], tuple[Entry, bool]],
    arrival: Arrival,
    event: AnyEvent,
    knowledge: Knowledge,
) -> None:
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
        person.has_ivig |= product_of(knowledge, event).is_ivig
    key = (identity_of(event.patient), kind_of(event), natural_key(event, version))
    if key not in latest or latest[key][0].version < version:
        entry = Entry(event, version, 0, arrival.message_id, arrival.control_id)
        latest[key] = (entry, getattr(event, "action", "assert") == "delete")


def _people(arrivals: Sequence[Arrival]) -> dict[Key, _Person]:
    """The person behind each identity, after the merges; of two merges of one number the later holds."""
    pointers: dict[Key, tuple[str, Key | None]] = {}
    for arrival in arrivals:
        for event in arrival.reading.events:
            if not isinstance(event, PatientMerged):
                continue
            retired, survivor, version = identity_of(event.retired), identity_of(event.patient), arrival.version(event)
            if retired != survivor and pointers.get(retired, ("", None))[0] < version:
                pointers[retired] = (version, None if event.undone else survivor)
    people: dict[Key, _Person] = {}
    roots: dict[Key, _Person] = {}
    for key in sorted(identities_of(arrivals)):
        people[key] = roots.setdefault(_root(key, pointers), _Person())
        people[key].identities.append(key)
    return people


def _root(key: Key, pointers: dict[Key, tuple[str, Key | None]]) -> Key:
    path = [key]
    while (target := pointers.get(path[-1], ("", None))[1]) is not None:
        if target in path:
            return min(path[path.index(target) :])
        path.append(target)
    return path[-1]


def _judge(person: _Person, knowledge: Knowledge, site: Site) -> list[Judged]:
    fields = {name: value for name, (_, value) in person.told.items()}
    entries = sorted(person.entries, key=lambda entry: (entry.version, entry.event.path))
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
