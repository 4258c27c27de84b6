"""What a batch of messages adds to the histories of patients, written in one statement where the database takes one."""

from collections.abc import Collection
from dataclasses import dataclass
from functools import cache
from typing import Any

import sqlalchemy as sa

from store import facts, message_queries, patient_terms, patients
from store.engine import to_json
from store.errors import PeopleMoved
from store.facts import FactRow
from store.locks import near
from store.patients import PatientChanges
from store.rowsets import PARAMETER

_IDS, _RENAMED = "ids", "renamed"


@dataclass(frozen=True, slots=True)
class Recording:
    """What to write; each patient in it is an identity that is locked."""

    mentions: Collection[tuple[int, int]]  # message and patient
    numbers: Collection[tuple[str, str, str, int]]  # authority, value, type and patient
    patients: PatientChanges
    facts: Collection[FactRow]


@dataclass(frozen=True, slots=True)
class Recorded:
    """What was new."""

    known_by: set[int]  # patients with another number
    changed: set[int]  # patients whose orders may be answered otherwise


def write(connection: sa.Connection, recording: Recording) -> Recorded:
    """Write it all. Raises PeopleMoved when some who may be one person with these are not locked."""
    changes = recording.patients
    if not changes.rows:
        return Recorded(set(), set())
    if connection.dialect.name == "postgresql":
        return _write_at_once(connection, recording)
    message_queries.add_mentions(connection, recording.mentions)
    known_by = patients.link_identifiers(connection, recording.numbers)
    if rows := changes.for_update():
        connection.execute(patients.update_rows(connection.dialect.name), {PARAMETER: to_json(rows)})
    patient_terms.replace(connection, {id_: changes.rows[id_].demographics for id_ in changes.renamed})
    return Recorded(known_by, changes.changed | facts.upsert(connection, recording.facts))


def _write_at_once(connection: sa.Connection, recording: Recording) -> Recorded:
    changes = recording.patients
    renamed = {id_: changes.rows[id_].demographics for id_ in changes.renamed}
    rows = {
        "mentions": message_queries.mention_rows(recording.mentions),
        "numbers": patients.number_rows(recording.numbers),
        "patients": changes.for_update(),
        "terms": patient_terms.term_rows(renamed),
        "facts": facts.json_rows(recording.facts),
    }
    parts = tuple(name for name, given in rows.items() if given or (name == "terms" and renamed))
    parameters: dict[str, Any] = {name: to_json(rows[name]) for name in parts} | {_IDS: changes.rows.keys()}
    found: dict[str, set[int]] = {"near": set(), "numbers": set(), "facts": set()}
    for what, patient_id in connection.execute(_statement(parts), parameters | {_RENAMED: sorted(renamed)}):
        found[what].add(patient_id)
    if not found["near"] <= changes.rows.keys():
        raise PeopleMoved
    watched = {id_ for id_ in found["facts"] if changes.rows[id_].facts_version}
    facts.count_change(connection, watched)
    return Recorded(found["numbers"], changes.changed | found["facts"])


@cache
def _statement(parts: tuple[str, ...]) -> sa.Executable:
    """Return one statement of PostgreSQL that writes these parts; the rows of each are a parameter of its name."""
    dialect = "postgresql"
    everybody = near(_IDS)
    returning: list[sa.Select[Any]] = [sa.select(sa.literal("near"), everybody.c.id)]
    writing: list[sa.CTE] = []
    if "mentions" in parts:
        writing.append(message_queries.insert_mentions(dialect, "mentions").cte("mentioned"))
    if "numbers" in parts:
        numbers = patients.insert_numbers(dialect, "numbers").cte("known_by")
        returning.append(sa.select(sa.literal("numbers"), numbers.c.patient_id))
    if "patients" in parts:
        writing.append(patients.update_rows(dialect, "patients").cte("altered"))
    if "terms" in parts:
        writing.append(patient_terms.delete_terms(dialect, "terms", _RENAMED).cte("dropped"))
        writing.append(patient_terms.insert_terms(dialect, "terms").cte("added"))
    if "facts" in parts:
        written = facts.insert_later(dialect, "facts").cte("written")
        returning.append(sa.select(sa.literal("facts"), written.c.patient_id).distinct())
    return sa.union_all(*returning).add_cte(*writing)
