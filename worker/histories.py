"""The stored histories of people: for a batch that answers them again, and for a backtest that only reads."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import sqlalchemy as sa

from clinical.events import Reading
from clinical.identities import MergeStatement, Name, Person, is_contradicted
from history.choices import Site
from history.entries import StandingEntries
from history.messages import Envelope, ReadMessage, take_up
from history.order_answers import OrderAnswer
from history.person import PersonHistory, judge, judge_messages, latest_fields
from parsers.errors import TooManySegments, UnreadableMessage
from rules.knowledge import Knowledge
from store import citizen_numbers, facts, merges, message_queries, patients, rebuilding, tables
from store.facts import FactTuple
from store.patients import KnownPatient, Number
from worker.record import HISTORY_RECEIVED, envelope_of, read_stored

PAGE = 200
BEHIND = timedelta(seconds=10)  # a delay of the history longer than this is mentioned with every answer

_Read = tuple[Envelope, Reading | UnreadableMessage]


def histories_of(
    connection: sa.Connection,
    people: Sequence[Person[int]],
    rows: Mapping[int, KnownPatient],
    history_as_of: datetime | None = None,
) -> list[PersonHistory]:
    """Read what is stored of these people, all together; `rows` are those of their identities."""
    return with_entries(connection, outlines_of(connection, people, rows, history_as_of))


def with_entries(connection: sa.Connection, outlines: Sequence[PersonHistory]) -> list[PersonHistory]:
    """Return these people with the entries that are stored."""
    ids = {member for each in outlines for member in each.members}
    standing = standing_among(outlines, facts.of_patients(connection, ids) if ids else ())
    return [replace(each, entries=own.entries) for each, own in zip(outlines, standing, strict=True)]


def standing_among(outlines: Sequence[PersonHistory], rows: Iterable[FactTuple]) -> list[StandingEntries]:
    """Return what stands of each of these people's histories, among these facts."""
    stored = by_patient(rows)
    return [StandingEntries.of(row for member in each.members for row in stored[member]) for each in outlines]


def by_patient(rows: Iterable[FactTuple]) -> dict[int, list[FactTuple]]:
    """Return the facts of each identity."""
    stored: dict[int, list[FactTuple]] = defaultdict(list)
    for row in rows:
        stored[row[0]].append(row)
    return stored


def outlines_of(
    connection: sa.Connection,
    people: Sequence[Person[int]],
    rows: Mapping[int, KnownPatient],
    history_as_of: datetime | None = None,
) -> list[PersonHistory]:
    """Read what is stored of these people but their entries."""
    everybody = {member for person in people for member in person.members}
    merged = {member for person in people if len(person.members) > 1 for member in person.members}
    unclear = sharing_a_number(connection, people)
    statements = merges.statements_about(connection, merged) if merged else []
    return outlines(people, rows, patients.numbers_of(connection, everybody), statements, unclear, history_as_of)


def sharing_a_number(connection: sa.Connection, people: Sequence[Person[int]]) -> set[int]:
    """Return the roots of those whose citizen number, itself an identity, also belongs to somebody else."""
    if not citizen_numbers.related(connection, {member for person in people for member in person.members}):
        return set()
    return {person.root for person in people if citizen_numbers.is_shared(connection, person.members)}


def outlines(
    people: Sequence[Person[int]],
    rows: Mapping[int, KnownPatient],
    of_them: Iterable[Number],
    statements: Sequence[MergeStatement[int]],
    unclear: Collection[int],
    history_as_of: datetime | None,
) -> list[PersonHistory]:
    """Return what is stored of these people but their entries.

    `statements` are those about any of them who was merged; `unclear` the roots of those who share a citizen number.
    """
    numbers: dict[int, list[Number]] = defaultdict(list)
    for number in of_them:
        numbers[number.patient_id].append(number)
    found = []
    for person in people:
        own = sorted((rows[member] for member in person.members), key=lambda row: row.name)
        others = [row.name for row in own if row.id != person.root]
        found.append(
            PersonHistory(
                identities=[rows[person.root].name, *others],
                entries=(),
                demographics=latest_fields((row.demographics, row.demographics_versions) for row in own),
                numbers={(each.authority, each.value) for member in person.members for each in numbers[member]},
                members=person.members,
                history_received=any(HISTORY_RECEIVED in row.flags for row in own),
                history_as_of=history_as_of,
                is_unclear=person.in_circle or person.root in unclear or is_contradicted(person, statements),
            )
        )
    return found


def history_as_of(connection: sa.Connection, now: datetime) -> datetime | None:
    """Up to when the history is complete, when the history lane is behind; None when it is not."""
    age = message_queries.oldest_received_age(connection, now, message_queries.HISTORY_LANES)
    return complete_until(None if age is None else now - age, now)


def complete_until(oldest_waiting: datetime | None, now: datetime) -> datetime | None:
    """Return the same by when the oldest history message that waits came."""
    return None if oldest_waiting is None or now - oldest_waiting < BEHIND else oldest_waiting


@dataclass(frozen=True, slots=True)
class StoredHistories:
    """Everybody's history, judged by other knowledge; nothing is written and nothing is sent."""

    connection: sa.Connection
    site: Site
    from_messages: bool = False  # codes in no value set when the message came are only in the message

    def size(self) -> int:
        """Return the number of identities to examine."""
        count: int = self.connection.execute(sa.select(sa.func.count()).select_from(self._patients())).scalar_one()
        return count

    def _patients(self) -> sa.Subquery:
        patient = tables.patient
        query = sa.select(patient.c.id)
        return (query if self.from_messages else query.where(patient.c.has_ivig)).subquery()

    def answers(self, knowledges: Sequence[Knowledge]) -> Iterator[tuple[int, list[list[OrderAnswer]]]]:
        """Yield for every person how many identities that was, and what each knowledge answers."""
        seen: set[int] = set()
        for page in self._pages():
            people = merges.persons(self.connection, page)
            new = [person for person in people if not person.members & seen]
            answered = dict(zip([person.root for person in new], self._judged(new, knowledges), strict=True))
            for person in people:
                yield len(person.members.intersection(page)), answered.get(person.root, [[] for _ in knowledges])
                seen |= person.members

    def _pages(self) -> Iterator[list[int]]:
        wanted = self._patients()
        last = 0
        while True:
            query = sa.select(wanted.c.id).where(wanted.c.id > last).order_by(wanted.c.id).limit(PAGE)
            page = list(self.connection.execute(query).scalars())
            if not page:
                return
            yield page
            last = page[-1]

    def _judged(
        self, people: Sequence[Person[int]], knowledges: Sequence[Knowledge]
    ) -> Iterator[list[list[OrderAnswer]]]:
        """Yield the answers of each knowledge, person by person."""
        rows = patients.of_ids(self.connection, {member for person in people for member in person.members})
        if self.from_messages:
            for person in people:
                names = {rows[member].name for member in person.members}
                messages = list(self._messages(person))
                yield [self._from_messages(messages, names, knowledge) for knowledge in knowledges]
            return
        for history in histories_of(self.connection, people, rows):
            yield [list(judge(history, knowledge, self.site).answers) for knowledge in knowledges]

    def _from_messages(self, messages: Sequence[_Read], names: set[Name], knowledge: Knowledge) -> list[OrderAnswer]:
        taken_up = (take_up(envelope, reading, knowledge, self.site) for envelope, reading in messages)
        people = judge_messages([each for each in taken_up if isinstance(each, ReadMessage)], knowledge, self.site)
        return [one for each in people if names.intersection(each.person.identities) for one in each.answers]

    def _messages(self, person: Person[int]) -> Iterator[_Read]:
        """Yield every message about this person that still has its text, as read today."""
        for row in rebuilding.readable_about(self.connection, person.members):
            try:
                yield envelope_of(row), read_stored(row, self.site)
            except TooManySegments:  # it was readable in another release
                continue
