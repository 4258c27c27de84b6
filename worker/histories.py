"""The stored histories of people: for a batch that answers them again, and for a backtest that only reads."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from clinical.events import Reading
from clinical.identities import Name, Person
from history.choices import Site
from history.entries import decode
from history.messages import Envelope, ReadMessage, take_up
from history.order_answers import OrderAnswer
from history.person import PersonHistory, judge, judge_messages, latest_fields
from parsers.errors import TooManySegments, UnreadableMessage
from rules.knowledge import Knowledge
from store import citizen_numbers, facts, merges, patients, rebuilding, tables
from store.patients import KnownPatient
from worker.record import HISTORY_RECEIVED, envelope_of, read_stored

PAGE = 200

_Read = tuple[Envelope, Reading | UnreadableMessage]


def histories_of(
    connection: sa.Connection,
    people: Sequence[Person[int]],
    rows: Mapping[int, KnownPatient],
    history_as_of: datetime | None = None,
) -> list[PersonHistory]:
    """Read what is stored of these people, all together; `rows` are those of their identities."""
    everybody = {member for person in people for member in person.members}
    stored: dict[int, list[sa.Row[*tuple[Any, ...]]]] = defaultdict(list)
    for row in facts.of_patients(connection, everybody):
        stored[row.patient_id].append(row)
    numbers: dict[int, list[patients.Number]] = defaultdict(list)
    for number in patients.numbers_of(connection, everybody):
        numbers[number.patient_id].append(number)
    carried = bool(citizen_numbers.related(connection, everybody))
    found = []
    for person in people:
        own = sorted((rows[member] for member in person.members), key=lambda row: row.name)
        others = [row.name for row in own if row.id != person.root]
        found.append(
            PersonHistory(
                identities=[rows[person.root].name, *others],
                entries=decode(row for member in person.members for row in stored[member]),
                demographics=latest_fields((row.demographics, row.demographics_versions) for row in own),
                numbers={(each.authority, each.value) for member in person.members for each in numbers[member]},
                members=person.members,
                history_received=any(HISTORY_RECEIVED in row.flags for row in own),
                history_as_of=history_as_of,
                is_unclear=_is_unclear(connection, person, carried),
            )
        )
    return found


def _is_unclear(connection: sa.Connection, person: Person[int], carried: bool) -> bool:
    """Return whether somebody must check who this patient is: two histories may be mixed, or one split."""
    return (
        person.in_circle
        or merges.contradicted(connection, person)
        or (carried and citizen_numbers.is_shared(connection, person.members))
    )


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
