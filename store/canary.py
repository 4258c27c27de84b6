"""The canary: a synthetic patient whose order goes the whole way every few minutes, to show that the way is open.

A message is the canary's when it was announced here before it was sent, by the hash of its body, which holds a number
that nobody can guess. No name or number makes a message of somebody else one. What is judged of it is rolled back
(`worker/canary.py`), so only its messages are ever stored, as a feed of their own that no list and no count holds.
"""

from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from typing import Any, Final, Literal

import msgspec
import sqlalchemy as sa

from store import feeds, tables
from store.feeds import CANARY

APPLICATION: Final = "IVIGILANT-CANARY"  # its MSH-3: only messages that have it are looked up
ROUNDS_KEPT: Final = 3  # of which the messages stay
REMEMBERED_FOR: Final = timedelta(days=1)

CanaryPart = Literal["history", "order", "stop"]
CanaryStep = Literal["accepted", "raised", "notified", "resolved"]
STEPS: Final[tuple[CanaryStep, ...]] = ("accepted", "raised", "notified", "resolved")
CanaryOutcome = Literal["passed", "failed", "given_up"]  # given up: whoever ran it was stopped, which says nothing


class CanaryRun(msgspec.Struct, frozen=True):
    """One round, and when it reached each step."""

    id: int
    began_at: datetime
    accepted_at: datetime | None
    raised_at: datetime | None
    notified_at: datetime | None
    resolved_at: datetime | None
    ended_at: datetime | None
    outcome: CanaryOutcome | None
    detail: str | None

    def reached(self, step: CanaryStep) -> bool:
        """Return whether it came that far."""
        return getattr(self, f"{step}_at") is not None

    @property
    def missed(self) -> CanaryStep | None:
        """The first step that it did not reach."""
        return next((step for step in STEPS if not self.reached(step)), None)

    @property
    def seconds(self) -> float | None:
        """How long it took, when it passed."""
        return (self.resolved_at - self.began_at).total_seconds() if self.resolved_at is not None else None


class CanaryState(msgspec.Struct, frozen=True):
    """How the canary fares: the last round that passed, and the last that has ended."""

    passed: CanaryRun | None
    last: CanaryRun | None

    def is_well(self, now: datetime, counts_for: timedelta) -> bool:
        """Return whether the last round passed, and no longer ago than this."""
        if self.passed is None or self.last is None or self.last.outcome != "passed":
            return False
        assert self.passed.ended_at is not None
        return now - self.passed.ended_at <= counts_for


COLUMNS = tuple(tables.canary_run.c[name] for name in CanaryRun.__struct_fields__)


def of_senders(message: sa.FromClause = tables.message) -> sa.ColumnElement[bool]:
    """Return the condition that a message is not the canary's: what every list and count of messages asks for."""
    return message.c.feed_id.not_in(_feed())


def of_canary() -> sa.ColumnElement[bool]:
    """Return the condition that a message is the canary's."""
    return tables.message.c.feed_id.in_(_feed())


def _feed() -> sa.Select[Any]:
    return sa.select(tables.feed.c.id).where(tables.feed.c.name == CANARY)


def begin(
    connection: sa.Connection,
    messages: Mapping[bytes, CanaryPart],
    now: datetime,
    every_s: float,
    claimed_until: datetime,
) -> int | None:
    """Begin a round and announce its messages, by the hash of each; None when it is not time, or another goes on.

    A round whose process died is given up. What is left of old rounds is removed.
    """
    run = tables.canary_run
    left = sa.update(run).where(run.c.standing.is_(True), run.c.claimed_until <= now)
    connection.execute(left.values(standing=None, ended_at=now, outcome="given_up", claimed_until=None))
    if not _is_time(connection, now, every_s):
        return None
    feeds.ids_of(connection, [CANARY])
    row = {"began_at": now, "standing": True, "claimed_until": claimed_until}
    run_id = connection.execute(sa.insert(run).values(**row).returning(run.c.id)).scalar_one()
    announced = [{"body_hash": each, "run_id": run_id, "part": part} for each, part in messages.items()]
    connection.execute(sa.insert(tables.canary_message), announced)
    _forget(connection, now)
    return int(run_id)


def _is_time(connection: sa.Connection, now: datetime, every_s: float) -> bool:
    """Return whether no round goes on, and the last one that said anything began long enough ago."""
    run = tables.canary_run
    query = sa.select(run.c.standing, run.c.began_at, run.c.outcome).order_by(run.c.id.desc()).limit(1)
    last = connection.execute(query).one_or_none()
    if last is None or last.standing:
        return last is None
    return bool(last.outcome == "given_up" or (now - last.began_at).total_seconds() >= every_s)


def _forget(connection: sa.Connection, now: datetime) -> None:
    """Remove the messages of old rounds, and rounds of days ago but for the last that passed.

    What was announced is remembered for a day: a message may be late. The newest row of all stays: SQLite would give
    its number to another message.
    """
    run, announced, message = tables.canary_run, tables.canary_message, tables.message
    recent = sa.select(run.c.id).order_by(run.c.id.desc()).limit(ROUNDS_KEPT).subquery()
    shown = sa.select(announced.c.body_hash).where(announced.c.run_id.in_(sa.select(recent.c.id)))
    newest = sa.select(sa.func.max(message.c.id)).scalar_subquery()
    connection.execute(sa.delete(message).where(of_canary(), message.c.body_hash.not_in(shown), message.c.id < newest))
    last_passed = sa.select(sa.func.max(run.c.id)).where(run.c.outcome == "passed").scalar_subquery()
    old = sa.select(run.c.id).where(run.c.began_at < now - REMEMBERED_FOR, run.c.id != sa.func.coalesce(last_passed, 0))
    ids = list(connection.execute(old).scalars())
    connection.execute(sa.delete(announced).where(announced.c.run_id.in_(ids)))
    connection.execute(sa.delete(run).where(run.c.id.in_(ids)))


def announced(connection: sa.Connection, hashes: Collection[bytes]) -> tuple[int, set[bytes]]:
    """Return the number of the canary's feed, and which of these bodies it announced."""
    message = tables.canary_message
    found = set(connection.execute(sa.select(message.c.body_hash).where(message.c.body_hash.in_(hashes))).scalars())
    return (int(connection.execute(_feed()).scalar_one()) if found else 0), {bytes(each) for each in found}


def part_of(connection: sa.Connection, body_hash: bytes) -> tuple[int, CanaryPart] | None:
    """Return the round of a message, and which part of it it is; None when the round was removed."""
    message = tables.canary_message
    row = connection.execute(
        sa.select(message.c.run_id, message.c.part).where(message.c.body_hash == body_hash)
    ).one_or_none()
    return None if row is None else (row.run_id, row.part)


def message_ids(connection: sa.Connection, run_id: int) -> dict[int, CanaryPart]:
    """Return the messages of a round that have arrived, in order of arrival, each with its part."""
    announced, message = tables.canary_message, tables.message
    query = sa.select(message.c.id, announced.c.part).join(announced, announced.c.body_hash == message.c.body_hash)
    query = query.where(announced.c.run_id == run_id, of_canary()).order_by(message.c.id)
    return {row.id: row.part for row in connection.execute(query)}


def get(connection: sa.Connection, run_id: int) -> CanaryRun | None:
    """Return one round."""
    return _one(connection, sa.select(*COLUMNS).where(tables.canary_run.c.id == run_id))


def renew(connection: sa.Connection, run_id: int, claimed_until: datetime) -> bool:
    """Hold on to a round; return False when another process gave it up meanwhile."""
    return _change(connection, run_id, claimed_until=claimed_until)


def reach(connection: sa.Connection, run_id: int, step: CanaryStep, now: datetime) -> bool:
    """Record that a round that goes on reached a step."""
    return _change(connection, run_id, **{f"{step}_at": now})


def note(connection: sa.Connection, run_id: int, detail: str) -> None:
    """Record why a step was not reached, without patient data."""
    _change(connection, run_id, detail=detail)


def end(connection: sa.Connection, run_id: int, outcome: CanaryOutcome, now: datetime) -> bool:
    """End a round; return False when it had ended."""
    return _change(connection, run_id, standing=None, ended_at=now, outcome=outcome, claimed_until=None)


def _change(connection: sa.Connection, run_id: int, **values: Any) -> bool:
    run = tables.canary_run
    change = sa.update(run).where(run.c.id == run_id, run.c.standing.is_(True)).values(**values)
    return connection.execute(change).rowcount == 1


def unnotified(connection: sa.Connection) -> list[int]:
    """Return the rounds that go on, of which the alert was raised and the notice has not been sent."""
    run = tables.canary_run
    waits = (run.c.standing.is_(True), run.c.raised_at.is_not(None), run.c.notified_at.is_(None))
    return list(connection.execute(sa.select(run.c.id).where(*waits)).scalars())


def state(connection: sa.Connection) -> CanaryState:
    """Return how the canary fares."""
    run = tables.canary_run
    newest = sa.select(*COLUMNS).order_by(run.c.id.desc()).limit(1)
    spoke = run.c.outcome.in_(("passed", "failed"))
    return CanaryState(_one(connection, newest.where(run.c.outcome == "passed")), _one(connection, newest.where(spoke)))


def _one(connection: sa.Connection, query: sa.Select[Any]) -> CanaryRun | None:
    row = connection.execute(query).one_or_none()
    return None if row is None else CanaryRun(*row)
