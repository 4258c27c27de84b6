"""Legal holds: nothing of a patient is erased or removed by age while one stands.

A hold has no end of its own. Its day says when somebody must look whether it is still needed; it stands until it is
lifted, since what was kept a day too long can still be removed, and the other way round nothing can be done.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from store import merges
from store.rowsets import among
from store.tables import legal_hold


@dataclass(frozen=True, slots=True)
class Hold:
    """One hold, and how it ended."""

    id: int
    patient_id: int  # the identity that was named; it holds for the whole person
    reason: str
    set_by: str
    set_at: datetime
    review_at: datetime | None
    lifted_at: datetime | None
    lifted_by: str | None
    lift_reason: str | None

    def is_overdue(self, now: datetime) -> bool:
        """Return whether it stands after the day on which somebody had to look."""
        return self.lifted_at is None and self.review_at is not None and self.review_at <= now


_COLUMNS = tuple(legal_hold.c[name] for name in Hold.__slots__)
_STANDS = legal_hold.c.lifted_at.is_(None)


def add(
    connection: sa.Connection, patient_id: int, reason: str, set_by: str, now: datetime, review_at: datetime | None
) -> int:
    """Set a hold on the person of this identity, who must be locked; return its number."""
    row = {"patient_id": patient_id, "reason": reason, "set_by": set_by, "set_at": now, "review_at": review_at}
    return int(connection.execute(sa.insert(legal_hold).values(**row).returning(legal_hold.c.id)).scalar_one())


def lift(connection: sa.Connection, hold_id: int, lifted_by: str, reason: str, now: datetime) -> Hold | None:
    """Lift a hold; return it as it is now, None when none of this number stands."""
    change = sa.update(legal_hold).where(legal_hold.c.id == hold_id, _STANDS)
    change = change.values(lifted_at=now, lifted_by=lifted_by, lift_reason=reason)
    row = connection.execute(change.returning(*_COLUMNS)).one_or_none()
    return None if row is None else Hold(*row)


def every(connection: sa.Connection, *, lifted: bool = False) -> Sequence[Hold]:
    """Return the holds that stand, with `lifted` those that were lifted as well, oldest first."""
    query = sa.select(*_COLUMNS).order_by(legal_hold.c.id)
    return [Hold(*row) for row in connection.execute(query if lifted else query.where(_STANDS))]


def on(connection: sa.Connection, ids: Collection[int]) -> Sequence[Hold]:
    """Return the holds that stand on the people of these identities, oldest first."""
    if not ids:
        return []
    query = sa.select(*_COLUMNS).where(_STANDS, among(connection, legal_hold.c.patient_id, held_with(connection, ids)))
    return [Hold(*row) for row in connection.execute(query.order_by(legal_hold.c.id))]


def held_with(connection: sa.Connection, ids: Collection[int]) -> set[int]:
    """Return these identities and all that are the same people, or were said to be: a hold outlives an un-merge."""
    known, seen = set(ids), set[int]()
    while known != seen:
        seen = set(known)
        known = merges.merge_set(connection, seen)
        for query in merges.select_stated(connection.dialect.name):
            known |= set(connection.execute(query, {"ids": known}).scalars())
    return known


def held(connection: sa.Connection) -> set[int]:
    """Return every identity of everybody on whom a hold stands."""
    named = set(connection.execute(sa.select(legal_hold.c.patient_id).where(_STANDS)).scalars())
    return held_with(connection, named) if named else set()
