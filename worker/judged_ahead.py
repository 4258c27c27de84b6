"""Long histories, judged before anything is locked.

The answers are worked out for the history as it will be with the new messages. Under the lock they are used only if
nothing that they rest on has changed since it was read; otherwise they are worked out anew.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import sqlalchemy as sa

from clinical.identities import Name
from history.choices import Site
from history.entries import StandingEntries
from history.judged import JudgedHistory, judge_history
from history.messages import Gathered, together
from history.person import PersonHistory
from rules.knowledge import Knowledge
from store import facts, merges, patients
from store.engine import snapshot
from store.facts import FactRow
from store.locks import lock_people
from store.patients import KnownPatient
from worker.histories import by_patient, outlines_of
from worker.record import HISTORY_RECEIVED, MessageContent, fact_row
from worker.transactions import in_transaction


class LongHistory(Exception):  # not a fault: the work is done in another order
    """More facts than may be judged under a lock: roll back, and judge the patients of these messages ahead."""

    def __init__(self, contents: Sequence[MessageContent] = ()) -> None:
        """Name the messages, where they are known."""
        super().__init__()
        self.contents = contents


@dataclass(frozen=True, slots=True)
class JudgedAhead:
    """The answers of some people to come, and what they rest on."""

    messages: frozenset[int]
    knowledge: Knowledge
    versions: Mapping[int, int]  # of the facts of every identity
    answers: Mapping[frozenset[int], JudgedHistory]  # by the identities of the person

    def holds(self, connection: sa.Connection, knowledge: Knowledge, contents: Sequence[MessageContent]) -> bool:
        """Return whether these messages, not recorded yet, meet the facts of then; everybody must be locked."""
        return (
            knowledge is self.knowledge
            and self.messages == {each.message.message_id for each in contents}
            and self.versions == facts.versions(connection, self.versions)
        )

    def answer(self, outline: PersonHistory) -> JudgedHistory | None:
        """Return the answers of a person, if all but the facts, which `holds` compares, is what was expected."""
        found = self.answers.get(outline.members)
        if found is None:
            return None
        expected = replace(found.person, entries=(), history_as_of=outline.history_as_of)
        return found if expected == outline else None


def judge_ahead(
    engine: sa.Engine,
    contents: Sequence[MessageContent],
    knowledge: Knowledge,
    site: Site,
    history_as_of: datetime | None,
) -> JudgedAhead:
    """Judge everybody with IVIg in these messages by what is stored now and what the messages add."""
    names = sorted({name for each in contents for name in each.names})
    _watch(engine, names)
    adds = together(each.by(knowledge).gathered for each in contents)
    with snapshot(engine) as connection:
        ids = patients.found(connection, names)
        people = merges.persons(connection, ids.values())
        rows = patients.of_ids(connection, {member for person in people for member in person.members})
        versions = facts.versions(connection, rows)
        with_ivig = {row.id for row in rows.values() if row.has_ivig} | {
            ids[name] for name in adds.with_ivig & ids.keys()
        }
        chosen = [each for each in people if each.members & with_ivig and each.members <= versions.keys()]
        later = {id_: _after(row, adds) for id_, row in rows.items()}
        outlines = outlines_of(connection, chosen, later, history_as_of)
        members = {member for each in outlines for member in each.members}
        stored = by_patient(facts.of_patients(connection, members) if members else ())
    new: dict[int, list[FactRow]] = {}
    for entry in adds.entries:
        if entry.identity in ids:
            new.setdefault(ids[entry.identity], []).append(fact_row(entry, ids[entry.identity]))
    answers = {}
    for outline in outlines:
        own = (row for member in outline.members for row in facts.folded(stored[member], new.get(member, ())))
        numbers = {number for number, _, name in adds.numbers if ids.get(name) in outline.members}
        person = replace(outline, numbers={*outline.numbers, *numbers})
        answers[person.members] = judge_history(person, StandingEntries.of(own), knowledge, site)
    messages = frozenset(each.message.message_id for each in contents)
    return JudgedAhead(messages, knowledge, versions, answers)


def _watch(engine: sa.Engine, names: Sequence[Name]) -> None:
    """Let the changes of these people's facts be counted, before anything of them is read."""

    def everybody(connection: sa.Connection) -> set[int]:
        return merges.merge_set(connection, patients.found(connection, names).values())

    with snapshot(engine) as connection:
        members = everybody(connection)
        if members == facts.versions(connection, members).keys():
            return

    def begin(connection: sa.Connection) -> None:
        facts.watch(connection, lock_people(connection, everybody(connection)))

    in_transaction(engine, begin)


def _after(row: KnownPatient, adds: Gathered) -> KnownPatient:
    """Return the identity as it will be once this is recorded."""
    more = [(version, fields) for name, version, fields in adds.demographics if name == row.name]
    fields, versions = patients.latest(row.demographics, row.demographics_versions, more)
    flags = sorted({*row.flags, HISTORY_RECEIVED}) if row.name in adds.with_history else row.flags
    return KnownPatient(row.id, row.authority, row.value, row.merged_into, fields, versions, row.has_ivig, flags)
