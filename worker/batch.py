"""A batch of messages, from their rows to alerts, under the patients' locks and inside the caller's transaction."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

import sqlalchemy as sa

from clinical.identities import Person
from history.choices import Site
from history.conclude import conclude, why_unanswered
from history.demographics import displayed_name
from history.entries import Entry, decode
from rules.facts import Patient
from rules.knowledge import Knowledge
from store import citizen_numbers, facts, merges, message_queries, orders, patients
from store.locks import lock_numbers, lock_people
from store.patients import KnownPatient
from worker.answers import Judged, keep_answers
from worker.raise_alerts import Raised, raise_alerts, resolve_unanswered
from worker.record import HISTORY_RECEIVED, Arrival, Touched, identities_of, numbers_of, record

IDENTITY_UNCLEAR = "identity_unclear"  # badge of an alert
BEHIND = timedelta(seconds=10)  # history that waits longer than this is mentioned with every answer


@dataclass(frozen=True, slots=True)
class Judge:
    """What is needed to judge, beside the history: the knowledge, the hospital's choices, and the time."""

    knowledge: Knowledge
    site: Site
    now: datetime


@dataclass(slots=True)
class Done:
    """What a batch brought about."""

    alerts: list[int] = field(default_factory=list)
    deliveries: list[int] = field(default_factory=list)
    answers: int = 0

    def add(self, raised: Raised) -> None:
        """Count in what one person's answers raised."""
        self.alerts += raised.alerts
        self.deliveries += raised.deliveries

    def include(self, other: "Done") -> None:
        """Count in what another batch brought about."""
        self.alerts += other.alerts
        self.deliveries += other.deliveries
        self.answers += other.answers


def record_and_judge(connection: sa.Connection, judge: Judge, arrivals: Sequence[Arrival]) -> Done:
    """Add what the messages say to the history, and answer again every IVIg order it can touch."""
    names = identities_of(arrivals)
    ids = patients.identities(connection, names)
    carried = lock_numbers(connection, names, numbers_of(arrivals))
    lock_people(connection, carried.union(ids.values()))
    touched = record(connection, judge.knowledge, arrivals, ids)
    touched.history.update(ids[key] for key in identities_of(arrival for arrival in arrivals if arrival.again))
    return judge_again(connection, judge, touched)


def judge_again(connection: sa.Connection, judge: Judge, touched: Touched) -> Done:
    """Answer again the IVIg orders of these patients, who must be locked."""
    done = Done()
    people = _people_with_orders(connection, touched)
    if not people:
        return done
    known = _known(connection, judge, people)
    judged = [_judge_person(known, judge, person) for person in people]
    remaining = keep_answers(connection, judged, judge.now)
    done.add(raise_alerts(connection, judge.site, remaining, judge.now))
    reasons: dict[int, str] = {}
    for each, person in zip(remaining, people, strict=True):
        if each.gone:
            why = why_unanswered(known.entries_of(person), judge.knowledge)
            reasons |= {order_id: why.get(key, "order_withdrawn") for order_id, key in each.gone.items()}
    done.alerts += resolve_unanswered(connection, reasons, judge.now)
    done.answers += sum(len(each.kept) for each in remaining)
    return done


@dataclass(frozen=True, slots=True)
class _WithOrders:
    """Somebody whose orders may need another answer; the members in the order of their names."""

    person: Person[int]
    members: Sequence[KnownPatient]


def _people_with_orders(connection: sa.Connection, touched: Touched) -> list[_WithOrders]:
    people = merges.persons(connection, touched.history | touched.people)
    rows = patients.of_ids(connection, {member for person in people for member in person.members})
    # Who was split off may be left with orders and without anything that could be IVIg.
    with_orders = orders.owners(connection, rows.keys()) if touched.people else frozenset()
    found = []
    for person in people:
        members = sorted((rows[member] for member in person.members), key=lambda row: row.name)
        if any(row.has_ivig for row in members) or person.members & with_orders:
            found.append(_WithOrders(person, members))
    return found


@dataclass(frozen=True, slots=True)
class _Known:
    """What is stored of all the people of a batch, by identity, and who of them must be looked at by a person."""

    facts: dict[int, list[sa.Row[*tuple[Any, ...]]]]
    numbers: dict[int, list[patients.Number]]
    unclear: set[int]  # the roots of these people
    history_as_of: datetime | None  # None: the history is complete

    def entries_of(self, one: _WithOrders) -> list[Entry]:
        """The history of one of them, oldest version first."""
        return decode(row for member in one.person.members for row in self.facts[member])


def _known(connection: sa.Connection, judge: Judge, people: Sequence[_WithOrders]) -> _Known:
    everybody = {member for one in people for member in one.person.members}
    history: dict[int, list[sa.Row[*tuple[Any, ...]]]] = defaultdict(list)
    for row in facts.of_patients(connection, everybody):
        history[row.patient_id].append(row)
    numbers: dict[int, list[patients.Number]] = defaultdict(list)
    for number in patients.numbers_of(connection, everybody):
        numbers[number.patient_id].append(number)
    carried = bool(citizen_numbers.beside(connection, everybody))
    unclear = {one.person.root for one in people if _is_unclear(connection, one.person, carried)}
    as_of = _history_as_of(connection, judge.now)
    return _Known(history, numbers, unclear, as_of if as_of < judge.now else None)


def _is_unclear(connection: sa.Connection, person: Person[int], carried: bool) -> bool:
    """Whether a person must look at who this patient is: the histories of two may be mixed, or that of one split."""
    return (
        person.in_circle
        or merges.contradicted(connection, person)
        or (carried and citizen_numbers.is_shared(connection, person.members))
    )


def _history_as_of(connection: sa.Connection, now: datetime) -> datetime:
    """Up to when the history is complete: now, unless the history lane is behind."""
    age = message_queries.oldest_received_age(connection, now, "history")
    return now if age is None or age < BEHIND else now - age


def _judge_person(known: _Known, judge: Judge, one: _WithOrders) -> Judged:
    fields = demographics_of(one.members)
    answered = conclude(
        known.entries_of(one),
        patient_of(fields),
        judge.knowledge,
        judge.site,
        history_received=any(HISTORY_RECEIVED in row.flags for row in one.members),
        history_as_of=known.history_as_of,
    )
    badges = {"deceased"} if fields.get("deceased") else set()
    if one.person.root in known.unclear:
        badges.add(IDENTITY_UNCLEAR)
    numbers = [number for member in one.person.members for number in known.numbers[member]]
    return Judged(one.person.members, answered, _shown(one, numbers, fields), frozenset(badges))


def demographics_of(members: Sequence[KnownPatient]) -> dict[str, Any]:
    """The person's fields over all identities: for each field what the latest message said."""
    latest: dict[str, tuple[str, Any]] = {}
    for row in members:
        for name, value in row.demographics.items():
            version = row.demographics_versions.get(name, "")
            if name not in latest or latest[name][0] < version:
                latest[name] = (version, value)
    return {name: value for name, (_, value) in latest.items()}


def patient_of(fields: dict[str, Any]) -> Patient:
    """What of the person matters to a rule."""
    born = fields.get("birth_date")
    return Patient(
        birth_date=date.fromisoformat(born) if born else None,
        sex=fields.get("sex", ""),
        deceased=bool(fields.get("deceased")),
        inpatient=fields["patient_class"] in ("I", "E") if "patient_class" in fields else None,
    )


def _shown(one: _WithOrders, numbers: Sequence[patients.Number], fields: dict[str, Any]) -> dict[str, Any]:
    """Who the patient is, as an alert shows it; the identity others were merged into comes first."""
    ordered = sorted(one.members, key=lambda row: (row.id != one.person.root, row.name))
    named = [row.name for row in ordered]
    others = [(number.authority, number.value) for number in numbers]
    return {
        "identifiers": [
            {"authority": authority, "value": value} for authority, value in dict.fromkeys([*named, *sorted(others)])
        ],
        "name": displayed_name(fields),
        "birth_date": fields.get("birth_date"),
        "sex": fields.get("sex", ""),
        "ward": fields.get("ward", ""),
    }
