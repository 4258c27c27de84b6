"""A batch of messages, from their rows to alerts, under the patients' locks and inside the caller's transaction."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

import sqlalchemy as sa

from rules.facts import Patient
from rules.knowledge import Knowledge
from store import citizen_numbers, facts, merges, message_queries, orders, patients
from store.locks import lock_numbers, lock_people
from store.pointers import Person
from worker.answers import keep_answers
from worker.conclude import conclude, why_unanswered
from worker.demographics import displayed_name
from worker.entries import decode
from worker.raise_alerts import Raised, raise_alerts, resolve_unanswered
from worker.record import HISTORY_RECEIVED, Arrival, Touched, identities_of, numbers_of, record
from worker.site import Site

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
    lock_numbers(connection, names, numbers_of(arrivals))
    lock_people(connection, list(ids.values()))
    touched = record(connection, judge.knowledge, arrivals, ids)
    touched.history.update(ids[key] for key in identities_of(arrival for arrival in arrivals if arrival.again))
    return judge_again(connection, judge, touched)


def judge_again(connection: sa.Connection, judge: Judge, touched: Touched) -> Done:
    """Answer again the IVIg orders of these patients, who must be locked."""
    done = Done()
    people = merges.persons(connection, touched.history | touched.people)
    rows = patients.of_ids(connection, {member for person in people for member in person.members})
    # Who was split off may be left with orders and without anything that could be IVIg.
    with_orders = orders.owners(connection, rows.keys()) if touched.people else frozenset()
    as_of = None
    for person in people:
        members = sorted((rows[member] for member in person.members), key=lambda row: (row["authority"], row["value"]))
        if not any(row["has_ivig"] for row in members) and not person.members & with_orders:
            continue
        as_of = as_of or _history_as_of(connection, judge.now)
        _judge_person(connection, judge, person, members, as_of, done)
    return done


def _history_as_of(connection: sa.Connection, now: datetime) -> datetime:
    """Up to when the history is complete: now, unless the history lane is behind."""
    age = message_queries.oldest_received_age(connection, now, "history")
    return now if age is None or age < BEHIND else now - age


def _judge_person(
    connection: sa.Connection,
    judge: Judge,
    person: Person[int],
    members: Sequence[sa.RowMapping],
    as_of: datetime,
    done: Done,
) -> None:
    entries = decode(facts.of_patients(connection, person.members))
    fields = demographics_of(members)
    answered = conclude(
        entries,
        patient_of(fields),
        judge.knowledge,
        judge.site,
        history_received=any(HISTORY_RECEIVED in row["flags"] for row in members),
        history_as_of=as_of if as_of < judge.now else None,
    )
    shown = _shown(connection, person, members, fields)
    kept, gone = keep_answers(connection, person.members, answered, shown, judge.now)
    badges = frozenset({"deceased"} if fields.get("deceased") else ()) | _doubts(connection, person)
    done.add(raise_alerts(connection, judge.site, person.members, kept, badges, judge.now))
    if gone:
        why = why_unanswered(entries, judge.knowledge)
        reasons = {order_id: why.get(key, "order_withdrawn") for order_id, key in gone.items()}
        done.alerts += resolve_unanswered(connection, reasons, judge.now)
    done.answers += len(kept)


def _doubts(connection: sa.Connection, person: Person[int]) -> frozenset[str]:
    """Whether a person must look at who this patient is: the histories of two may be mixed, or that of one split."""
    unclear = (
        person.in_circle
        or merges.contradicted(connection, person)
        or citizen_numbers.is_shared(connection, person.members)
    )
    return frozenset({IDENTITY_UNCLEAR} if unclear else ())


def demographics_of(members: Sequence[sa.RowMapping]) -> dict[str, Any]:
    """The person's fields over all identities: for each field what the latest message said."""
    latest: dict[str, tuple[str, Any]] = {}
    for row in members:
        for name, value in row["demographics"].items():
            version = row["demographics_versions"].get(name, "")
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


def _shown(
    connection: sa.Connection, person: Person[int], members: Sequence[sa.RowMapping], fields: dict[str, Any]
) -> dict[str, Any]:
    """Who the patient is, as an alert shows it; the identity others were merged into comes first."""
    ordered = sorted(members, key=lambda row: (row["id"] != person.root, row["authority"], row["value"]))
    named = [(row["authority"], row["value"]) for row in ordered]
    others = [(number.authority, number.value) for number in patients.numbers_of(connection, person.members)]
    return {
        "identifiers": [
            {"authority": authority, "value": value} for authority, value in dict.fromkeys([*named, *sorted(others)])
        ],
        "name": displayed_name(fields),
        "birth_date": fields.get("birth_date"),
        "sex": fields.get("sex", ""),
        "ward": fields.get("ward", ""),
    }
