"""Everybody's history judged again by other knowledge, only to look: nothing is written, nothing is sent."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from clinical.identities import Person
from history.choices import Site
from history.conclude import Answered, conclude
from history.entries import decode
from parsers.errors import TooManySegments, UnreadableMessage
from parsers.reading import read
from rules.knowledge import Knowledge
from store import facts, mentions, merges, patients, tables
from store.messages import raw_of
from worker.batch import demographics_of, patient_of
from worker.record import HISTORY_RECEIVED, Arrival
from worker.rehearsal import rehearse

PAGE = 200


@dataclass(frozen=True, slots=True)
class Past:
    """Where the history is, and how it is read."""

    connection: sa.Connection
    site: Site
    from_messages: bool = False  # codes that no value set held when a message came are only in the message

    def size(self) -> int:
        """How many identities there are to look at."""
        count: int = self.connection.execute(sa.select(sa.func.count()).select_from(self._patients())).scalar_one()
        return count

    def _patients(self) -> sa.Subquery:
        patient = tables.patient
        query = sa.select(patient.c.id)
        return (query if self.from_messages else query.where(patient.c.has_ivig)).subquery()

    def answers(self, knowledges: Sequence[Knowledge]) -> Iterator[tuple[int, list[list[Answered]]]]:
        """Give for every person how many identities that was, and what each knowledge answers."""
        seen: set[int] = set()
        for page in self._pages():
            for person in merges.persons(self.connection, page):
                members = person.members & frozenset(page)
                if not person.members & seen:
                    yield len(members), self._judged(person, knowledges)
                else:
                    yield len(members), [[] for _ in knowledges]
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

    def _judged(self, person: Person[int], knowledges: Sequence[Knowledge]) -> list[list[Answered]]:
        if self.from_messages:
            return self._from_messages(person, knowledges)
        rows = patients.of_ids(self.connection, person.members)
        entries = decode(facts.of_patients(self.connection, person.members))
        patient = patient_of(demographics_of([rows[member] for member in sorted(rows)]))
        received = any(HISTORY_RECEIVED in row.flags for row in rows.values())
        return [conclude(entries, patient, each, self.site, history_received=received) for each in knowledges]

    def _from_messages(self, person: Person[int], knowledges: Sequence[Knowledge]) -> list[list[Answered]]:
        arrivals = list(self._arrivals(person))
        own = {row.name for row in patients.of_ids(self.connection, person.members).values()}
        return [
            [judged.answered for judged in rehearse(arrivals, each, self.site) if judged.identities & own]
            for each in knowledges
        ]

    def _arrivals(self, person: Person[int]) -> Iterator[Arrival]:
        message, feed = tables.message, tables.feed
        ids = mentions.messages_about(self.connection, person.members)
        query = (
            sa.select(message, feed.c.name.label("feed_name"))
            .join(feed, feed.c.id == message.c.feed_id)
            .where(message.c.id.in_(ids), message.c.state == "processed", message.c.pruned_at.is_(None))
            .order_by(message.c.id)
        )
        for row in self.connection.execute(query).all() if ids else ():
            try:
                reading = read(raw_of(row), self.site.defaults_of(row.feed_name))
            except (TooManySegments, UnreadableMessage):  # it was read once, by another release
                continue
            yield Arrival(row.id, row.control_id, row.body_hash, row.message_time, reading)
