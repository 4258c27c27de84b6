"""Application acknowledgements that senders asked for: recorded when a message ends, one route per sender.

A whole route is claimed, because only one message may be in transit on it. A claim that is not renewed expires.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa

from store.rowsets import insert_or
from store.tables import application_ack, application_ack_route

MOST_REFUSALS = 4  # the first attempt and three more
LONGEST_WAIT = timedelta(seconds=300)
_CONTROL_ID = re.compile(rb"IWR(\d{1,15})")
_POSITIVE, _NEGATIVE = ("AA", "CA"), ("AE", "AR", "CE", "CR")


@dataclass(frozen=True, slots=True)
class NewAck:
    """How a message ended, for a sender that asked."""

    message_id: int
    route: str
    request: bytes  # its MSH
    code: str  # AA | AE
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Ack:
    """A waiting application acknowledgement."""

    id: int
    request: bytes
    code: str
    reason: str | None
    created_at: datetime

    @property
    def control_id(self) -> bytes:
        """Its own MSH-10: the same for every attempt, never that of an immediate answer."""
        return b"IWR%d" % self.id


def number_in(control_id: bytes) -> int | None:
    """Return the number of the application acknowledgement with this control id; None if it is not ours."""
    found = _CONTROL_ID.fullmatch(control_id)
    return int(found[1]) if found else None


def record(connection: sa.Connection, some: Iterable[NewAck], now: datetime) -> None:
    """Record new acknowledgements; a message that already has one gets no second."""
    rows = [
        {
            "message_id": new.message_id,
            "route": new.route,
            "request": new.request,
            "code": new.code,
            "reason": new.reason,
            "state": "pending",
            "attempts": 0,
            "next_at": now,
            "created_at": now,
        }
        for new in some
    ]
    if rows:
        connection.execute(insert_or(connection.dialect.name, application_ack).on_conflict_do_nothing(), rows)


def has_due(connection: sa.Connection, route: str, now: datetime) -> bool:
    """Return whether an acknowledgement is due on this route."""
    found = sa.select(application_ack.c.id).where(*_due(route, now)).limit(1)
    way = application_ack_route
    rests = sa.select(way.c.name).where(way.c.name == route, sa.or_(way.c.next_at > now, way.c.claimed_until > now))
    return connection.scalar(found) is not None and connection.scalar(rests) is None


def claim(connection: sa.Connection, route: str, who: str, now: datetime, lease: timedelta) -> bool:
    """Claim the route, unless it is claimed or resting; its holder alone sends over it."""
    way = application_ack_route
    first = insert_or(connection.dialect.name, way).values(name=route, silences=0)
    connection.execute(first.on_conflict_do_nothing())
    change = (
        sa.update(way)
        .where(way.c.name == route)
        .where(sa.or_(way.c.claimed_until.is_(None), way.c.claimed_until <= now))
        .where(sa.or_(way.c.next_at.is_(None), way.c.next_at <= now))
    )
    return connection.execute(change.values(claimed_by=who, claimed_until=now + lease)).rowcount == 1


def due(connection: sa.Connection, route: str, now: datetime, limit: int) -> list[Ack]:
    """Return what waits to be sent over this route, oldest first."""
    columns = [application_ack.c[name] for name in Ack.__slots__]
    query = sa.select(*columns).where(*_due(route, now)).order_by(application_ack.c.id).limit(limit)
    return [Ack(*row) for row in connection.execute(query)]


def _due(route: str, now: datetime) -> tuple[sa.ColumnElement[bool], ...]:
    table = application_ack.c
    return table.state == "pending", table.route == route, table.next_at <= now


def renew(connection: sa.Connection, route: str, who: str, now: datetime, lease: timedelta) -> bool:
    """Renew the claim, now that the route answers; return False if another process has claimed it."""
    return _ours(connection, route, who, {"claimed_until": now + lease, "silences": 0, "next_at": None})


def release(connection: sa.Connection, route: str, who: str) -> bool:
    """Release the route."""
    return _ours(connection, route, who, {"claimed_until": None, "claimed_by": None})


def rest(connection: sa.Connection, route: str, who: str, now: datetime) -> timedelta:
    """Let a route that does not answer rest: for one second, then two, four, up to five minutes, without end."""
    way = application_ack_route
    silences = connection.scalar(sa.select(way.c.silences).where(way.c.name == route)) or 0
    wait = min(timedelta(seconds=2 ** min(silences, 10)), LONGEST_WAIT)
    values = {"claimed_until": None, "claimed_by": None, "silences": silences + 1, "next_at": now + wait}
    _ours(connection, route, who, values)
    return wait


def _ours(connection: sa.Connection, route: str, who: str, values: dict[str, object]) -> bool:
    way = application_ack_route
    change = sa.update(way).where(way.c.name == route, way.c.claimed_by == who)
    return connection.execute(change.values(values)).rowcount == 1


def answered(connection: sa.Connection, number: int, code: str, now: datetime) -> str | None:
    """Record the answer to one: sent, to be retried, or refused; return None if no such number waits."""
    table = application_ack
    row = connection.execute(
        sa.select(table.c.attempts).where(table.c.id == number, table.c.state == "pending").with_for_update()
    ).first()
    if row is None or code not in (*_POSITIVE, *_NEGATIVE):
        return None
    values: dict[str, object] = {"state": "sent", "settled_at": now, "last_error": None}
    if code in _NEGATIVE:
        attempts = row.attempts + 1
        values = {"attempts": attempts, "last_error": code, "next_at": now + timedelta(seconds=2**attempts)}
        if attempts >= MOST_REFUSALS:
            values |= {"state": "refused", "settled_at": now}
    connection.execute(sa.update(table).where(table.c.id == number).values(values))
    return str(values.get("state", "pending"))


def counts(connection: sa.Connection) -> dict[tuple[str, str], int]:
    """Count waiting and refused acknowledgements, by route and state."""
    keys = (application_ack.c.route, application_ack.c.state)
    query = sa.select(*keys, sa.func.count().label("how_many")).where(keys[1].in_(["pending", "refused"]))
    return {(row.route, row.state): row.how_many for row in connection.execute(query.group_by(*keys))}
