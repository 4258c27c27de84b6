"""Retention: which messages may lose their text, being old enough, finished, and cited by nothing current.

Only the text goes. The row stays, with its hash, control id, times and state, so a duplicate is still recognised.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from clinical.words import PENDING
from store import holds, merges, message_queries, tables
from store.canary import of_senders
from store.rowsets import among
from store.tables import local_code, local_code_seen, pruning

DONE = ("processed", "ignored")  # waiting and parked messages are never touched

CITED, OPEN_ALERT, OPEN_CODE, HELD = "cited", "open_alert", "open_code", "held"


@dataclass(frozen=True, slots=True)
class Ages:
    """How long the text of a message is kept, by how it ended, unless its type has its own age. None: for ever."""

    processed: timedelta | None
    ignored: timedelta | None
    types: Mapping[str, timedelta] = field(default_factory=dict)  # by ORU, or by ORU^R01

    def of(self, state: str, kind: str, event: str) -> timedelta | None:
        """Return how long a message of this state and type is kept."""
        if (own := self.types.get(f"{kind}^{event}", self.types.get(kind))) is not None:
            return own
        return self.processed if state == "processed" else self.ignored

    def shortest(self) -> timedelta | None:
        """Return the youngest age at which a text may be removed; None when none ever is."""
        every = [each for each in (self.processed, self.ignored, *self.types.values()) if each is not None]
        return min(every, default=None)


@dataclass(frozen=True, slots=True)
class Old:
    """A finished message that has its text and is older than it needs to be kept."""

    id: int
    state: str
    type: str
    event: str
    received_at: datetime
    size: int  # bytes of its text, as stored


@dataclass(frozen=True, slots=True)
class RemovalPage:
    """One page of messages: those old enough, and where to continue; None at the end."""

    old: Sequence[Old]
    last: int | None


def page(connection: sa.Connection, ages: Ages, now: datetime, after: int, limit: int) -> RemovalPage:
    """Return the next page in order of arrival, until only recent messages follow."""
    message = tables.message
    columns = (message.c.id, message.c.state, message.c.type, message.c.event, message.c.received_at)
    query = sa.select(*columns, sa.func.length(message.c.raw).label("size")).where(
        message.c.id > after, message.c.state.in_(DONE), message.c.pruned_at.is_(None), of_senders()
    )
    rows = [Old(**row) for row in connection.execute(query.order_by(message.c.id).limit(limit)).mappings()]
    shortest = ages.shortest()
    if not rows or shortest is None or all(now - row.received_at < shortest for row in rows):
        return RemovalPage([], None)
    return RemovalPage([row for row in rows if _is_due(row, ages, now)], rows[-1].id)


def _is_due(row: Old, ages: Ages, now: datetime) -> bool:
    limit = ages.of(row.state, row.type, row.event)
    return limit is not None and now - row.received_at >= limit


def reasons_to_keep(connection: sa.Connection, ids: Collection[int]) -> dict[int, str]:
    """Return which of these must keep their text, and why."""
    people = _people_of(connection, ids)
    members = {member for everybody in people.values() for member in everybody}
    reasons = dict.fromkeys(_with_open_code(connection, ids), OPEN_CODE)
    worried = _with_open_alert(connection, members)
    reasons |= {id_: OPEN_ALERT for id_, everybody in people.items() if everybody & worried}
    sources = _sources(connection, ids) | _cited_in_answers(connection, members)
    reasons |= dict.fromkeys(sources.intersection(ids), CITED)
    held = holds.held(connection)
    return reasons | {id_: HELD for id_, everybody in people.items() if everybody & held}


def _people_of(connection: sa.Connection, ids: Collection[int]) -> dict[int, set[int]]:
    """Return all identities of the people each message mentions."""
    named = message_queries.patients_of(connection, ids)
    persons = merges.persons(connection, {patient for several in named.values() for patient in several})
    members = {member: person.members for person in persons for member in person.members}
    return {id_: {each for patient in several for each in members[patient]} for id_, several in named.items()}


def _sources(connection: sa.Connection, ids: Collection[int]) -> set[int]:
    """Return the messages that are the source of an entry or a merge."""
    fact, statement = tables.fact, tables.merge_statement
    facts = sa.select(fact.c.message_id).where(among(connection, fact.c.message_id, ids), sa.not_(fact.c.deleted))
    merged = sa.select(statement.c.message_id).where(among(connection, statement.c.message_id, ids))
    return set(connection.execute(sa.union(facts, merged)).scalars())


def _with_open_alert(connection: sa.Connection, members: Collection[int]) -> set[int]:
    alert = tables.alert
    query = sa.select(alert.c.patient_id).where(among(connection, alert.c.patient_id, members))
    return set(connection.execute(query.where(alert.c.status.in_(PENDING)).distinct()).scalars())


def _with_open_code(connection: sa.Connection, ids: Collection[int]) -> set[int]:
    """Return the messages to process again when an open code is mapped."""
    query = (
        sa.select(local_code_seen.c.message_id)
        .join(local_code, local_code.c.id == local_code_seen.c.code_id)
        .where(among(connection, local_code_seen.c.message_id, ids), local_code.c.state == "open")
    )
    return set(connection.execute(query).scalars())


def _cited_in_answers(connection: sa.Connection, members: Collection[int]) -> set[int]:
    """Return the messages cited by the last answer for each order and by every alert.

    A fact that was repeated in the same words is cited from the message that reported it first.
    """
    assessment, alert = tables.assessment, tables.alert
    if not members:
        return set()
    mine = among(connection, assessment.c.patient_id, members)
    newest = sa.select(sa.func.max(assessment.c.id)).where(mine).group_by(assessment.c.order_id, assessment.c.stream)
    shown = sa.select(alert.c.assessment_id).where(among(connection, alert.c.patient_id, members))
    query = sa.select(assessment.c.conclusion).where(assessment.c.id.in_(sa.union(newest, shown)))
    return {id_ for content in connection.execute(query).scalars() for id_ in _messages_in(content)}


def _messages_in(content: Any) -> Iterator[int]:
    """Yield every message that a conclusion names, wherever in it."""
    if isinstance(content, dict):
        if str(content.get("message_id") or "").isdecimal():
            yield int(content["message_id"])
        for value in content.values():
            yield from _messages_in(value)
    elif isinstance(content, list):
        for value in content:
            yield from _messages_in(value)


def remove(connection: sa.Connection, ids: Collection[int], now: datetime) -> set[int]:
    """Remove the text of these messages; return those removed. The patients they mention must be locked."""
    message = tables.message
    still = message.c.state.in_(DONE) & message.c.pruned_at.is_(None)  # one may be waiting again by now
    change = sa.update(message).where(among(connection, message.c.id, ids), still).values(raw=b"", pruned_at=now)
    return set(connection.execute(change.returning(message.c.id)).scalars())


@dataclass(frozen=True, slots=True)
class Pruning:
    """One run: who began it when, with which ages, and how much was removed."""

    run: str
    actor: str
    at: datetime
    messages: int
    size: int


def note_pruning(
    connection: sa.Connection, run: str, actor: str, at: datetime, messages: int, size: int, ages: Mapping[str, Any]
) -> None:
    """Record what this transaction removes."""
    row = {"run": run, "actor": actor, "at": at, "messages": messages, "bytes": size, "ages": dict(ages)}
    connection.execute(sa.insert(pruning).values(**row))


def last_pruning(connection: sa.Connection) -> Pruning | None:
    """Return the newest run; None when there never was one."""
    newest = sa.select(pruning.c.run).order_by(pruning.c.id.desc()).limit(1).scalar_subquery()
    query = sa.select(
        pruning.c.run,
        pruning.c.actor,
        sa.func.max(pruning.c.at).label("at"),
        sa.func.sum(pruning.c.messages).label("messages"),
        sa.func.sum(pruning.c.bytes).label("size"),
    ).where(pruning.c.run == newest)
    row = connection.execute(query.group_by(pruning.c.run, pruning.c.actor)).one_or_none()
    return None if row is None else Pruning(row.run, row.actor, row.at, int(row.messages), int(row.size))


def pruned_messages(connection: sa.Connection) -> int:
    """Return how many messages have lost their text."""
    return int(connection.execute(sa.select(sa.func.coalesce(sa.func.sum(pruning.c.messages), 0))).scalar_one())
