"""What must happen with an alert at a given time: planned by an act or an answer, claimed by a worker, done once.

Whoever plans or settles holds the lock of the alert's patient. A row that ended stays, so that the record can say what
was planned; it is not part of the dump, because it depends on when people act.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cache
from typing import Any, Final, Literal, get_args

import msgspec
import sqlalchemy as sa

from store import tables
from store.rowsets import among, one_of

DueKind = Literal["take_on", "owner", "follow_up", "override_end", "snooze", "step"]
KINDS: Final[tuple[DueKind, ...]] = get_args(DueKind)
COME_BACK: Final[tuple[DueKind, ...]] = ("follow_up", "override_end", "snooze")  # what puts an alert back on the list
OF_ALERT: Final[tuple[DueKind, ...]] = ("take_on", "owner")  # the alert's own `due_at` is the nearest of these
SYSTEM: Final = "system"
CAME_BACK: Final = "came_back"  # outcome of a follow-up that put its alert on the list
REPLACED: Final = "replaced"  # outcome of a row in whose place another of its kind was planned


@dataclass(frozen=True, slots=True)
class NewDue:
    """What is to happen with an alert, and when."""

    alert_id: int
    kind: DueKind
    due_at: datetime
    created_at: datetime
    created_by: str = SYSTEM
    data: Mapping[str, Any] = field(default_factory=dict)


class Due(msgspec.Struct, frozen=True):
    """What is to happen with an alert, as stored."""

    id: int
    alert_id: int
    kind: DueKind
    due_at: datetime
    created_at: datetime
    created_by: str
    data: dict[str, Any]
    done_at: datetime | None
    outcome: str | None

    @property
    def stands(self) -> bool:
        """Whether it is still to happen."""
        return self.done_at is None

    @property
    def look_at(self) -> str:
        """What a follow-up looks at; `other` where nobody said so."""
        return self.data.get("look_at") or "other"


COLUMNS = tuple(tables.due.c[name] for name in Due.__struct_fields__)


def plan(connection: sa.Connection, new: Iterable[NewDue]) -> list[int]:
    """Plan these, each in the place of the standing one of its kind; of follow-ups several stand. Return their ids."""
    rows = list(new)
    if not rows:
        return []
    alike: dict[frozenset[int], list[DueKind]] = {}  # kinds that are planned for the same alerts end together
    for kind in sorted({each.kind for each in rows} - {"follow_up"}):
        alike.setdefault(frozenset(each.alert_id for each in rows if each.kind == kind), []).append(kind)
    for alert_ids, kinds in alike.items():
        _end(connection, _standing_of(connection, alert_ids, kinds), REPLACED, rows[0].created_at)
    ids = add(connection, rows)
    _note_on_alerts(connection, {each.alert_id for each in rows}, {each.kind for each in rows})
    return ids


def add(connection: sa.Connection, new: Sequence[NewDue]) -> list[int]:
    """Plan these for alerts that have nothing due, and whose rows say so already; return their ids."""
    return list(connection.execute(_INSERT, [row(each) for each in new]).scalars()) if new else []


_INSERT = sa.insert(tables.due).returning(tables.due.c.id, sort_by_parameter_order=True)


def row(new: NewDue) -> dict[str, Any]:
    """Return the columns of a row to add."""
    values = {name: getattr(new, name) for name in new.__slots__}
    return values | {"data": dict(new.data)}


def settle(
    connection: sa.Connection, alert_ids: Collection[int], kinds: Collection[DueKind], outcome: str, now: datetime
) -> list[int]:
    """End what stands of these kinds for these alerts, because it need not happen any more; return the ids."""
    if not alert_ids:
        return []
    ended = _end(connection, _standing_of(connection, alert_ids, kinds), outcome, now)
    _note_on_alerts(connection, alert_ids, kinds)
    return ended


def finish(connection: sa.Connection, due: Due, outcome: str, now: datetime) -> bool:
    """End one that was carried out; return False when somebody ended it first, and nothing must happen.

    The alert's `due_at` stays what it was, so that the page can say by how much it is late.
    """
    done = _end(connection, (tables.due.c.id == due.id) & tables.due.c.done_at.is_(None), outcome, now)
    _note_on_alerts(connection, [due.alert_id], {due.kind} - set(OF_ALERT))
    return bool(done)


def reinstate(connection: sa.Connection, ids: Collection[int]) -> None:
    """Let these stand again, as if they had never ended: whoever ended them took that back."""
    due = tables.due
    change = sa.update(due).where(among(connection, due.c.id, ids))
    again = connection.execute(change.values(done_at=None, outcome=None, claimed_until=None).returning(*COLUMNS))
    rows = [Due(*row) for row in again]
    _note_on_alerts(connection, {row.alert_id for row in rows}, {row.kind for row in rows})


def withdraw(connection: sa.Connection, ids: Collection[int], outcome: str, now: datetime) -> None:
    """End these, whichever alert and kind they are of."""
    due = tables.due
    rows = [Due(*row) for row in connection.execute(sa.select(*COLUMNS).where(among(connection, due.c.id, ids)))]
    _end(connection, among(connection, due.c.id, ids) & due.c.done_at.is_(None), outcome, now)
    _note_on_alerts(connection, {row.alert_id for row in rows}, {row.kind for row in rows})


def claim_due(
    connection: sa.Connection, now: datetime, lease: timedelta, limit: int, kinds: Collection[DueKind] = KINDS
) -> list[Due]:
    """Claim what is due for the length of the lease, the longest due first; a claim of a dead worker expires."""
    due = tables.due
    free = sa.or_(due.c.claimed_until.is_(None), due.c.claimed_until <= now)
    wanted = (
        sa.select(due.c.id)
        .where(due.c.done_at.is_(None), due.c.due_at <= now, due.c.kind.in_(sorted(kinds)), free)
        .order_by(due.c.due_at, due.c.id)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    chosen = wanted.cte("chosen")  # one that locks is never inlined, so the limit counts once
    change = sa.update(due).where(due.c.id.in_(sa.select(chosen.c.id))).values(claimed_until=now + lease)
    rows = [Due(*row) for row in connection.execute(change.returning(*COLUMNS))]
    return sorted(rows, key=lambda row: (row.due_at, row.id))


def standing(connection: sa.Connection, alert_ids: Collection[int]) -> list[Due]:
    """Return what is still to happen with these alerts, the soonest first."""
    return _ordered(connection, _standing_of(connection, alert_ids, KINDS))


def coming_back(connection: sa.Connection, until: datetime) -> list[Due]:
    """Return what puts an alert back on the list by then, the soonest first."""
    due = tables.due
    query = sa.select(*COLUMNS).where(due.c.done_at.is_(None), due.c.kind.in_(COME_BACK), due.c.due_at <= until)
    return [Due(*row) for row in connection.execute(query.order_by(due.c.due_at, due.c.id))]


def awaited(connection: sa.Connection, patient_ids: Collection[int]) -> list[Due]:
    """Return the follow-ups of these patients that evidence can answer: planned, or what put an alert on the list."""
    return [Due(*row) for row in connection.execute(_awaited(connection.dialect.name), {"ids": patient_ids})]


@cache
def _awaited(dialect: str) -> sa.Executable:
    due, alert = tables.due, tables.alert
    return (
        sa.select(*COLUMNS)
        .join(alert, alert.c.id == due.c.alert_id)
        .where(one_of(dialect, alert.c.patient_id), due.c.kind == "follow_up")
        .where(sa.or_(due.c.done_at.is_(None), (due.c.outcome == CAME_BACK) & (alert.c.status == "open")))
        .order_by(due.c.due_at, due.c.id)
    )


def answer(connection: sa.Connection, due_id: int, outcome: str, now: datetime) -> None:
    """End a follow-up that evidence answered, whether it stood or had put its alert on the list."""
    due = tables.due
    connection.execute(sa.update(due).where(due.c.id == due_id).values(done_at=now, outcome=outcome))


def of_alert(connection: sa.Connection, alert_id: int) -> list[Due]:
    """Return everything that was ever planned for an alert, the earliest first."""
    return _ordered(connection, tables.due.c.alert_id == alert_id)


def standing_between(
    connection: sa.Connection, kinds: Collection[DueKind], start: datetime, end: datetime
) -> list[Due]:
    """Return what is to happen in a time, of all alerts: what comes back during the next shift."""
    due = tables.due
    within = due.c.due_at.between(start, end)
    return _ordered(connection, sa.and_(due.c.done_at.is_(None), due.c.kind.in_(sorted(kinds)), within))


def next_of_kind(connection: sa.Connection, kind: DueKind, limit: int) -> list[Due]:
    """Return what is to happen next, of all alerts."""
    due = tables.due
    query = sa.select(*COLUMNS).where(due.c.done_at.is_(None), due.c.kind == kind)
    return [Due(*row) for row in connection.execute(query.order_by(due.c.due_at, due.c.id).limit(limit))]


def _ordered(connection: sa.Connection, which: sa.ColumnElement[bool]) -> list[Due]:
    query = sa.select(*COLUMNS).where(which).order_by(tables.due.c.due_at, tables.due.c.id)
    return [Due(*row) for row in connection.execute(query)]


def _standing_of(
    connection: sa.Connection, alert_ids: Collection[int], kinds: Collection[DueKind]
) -> sa.ColumnElement[bool]:
    due = tables.due
    return sa.and_(among(connection, due.c.alert_id, alert_ids), due.c.kind.in_(sorted(kinds)), due.c.done_at.is_(None))


def _end(connection: sa.Connection, which: sa.ColumnElement[bool], outcome: str, now: datetime) -> list[int]:
    due = tables.due
    change = sa.update(due).where(which).values(done_at=now, outcome=outcome, claimed_until=None)
    return sorted(connection.execute(change.returning(due.c.id)).scalars())


def _note_on_alerts(connection: sa.Connection, alert_ids: Collection[int], kinds: Collection[DueKind]) -> None:
    """Write with the alerts what their list sorts and filters by."""
    columns: dict[str, Sequence[DueKind]] = {"due_at": OF_ALERT, "snoozed_until": ("snooze",)}
    values = {name: _nearest(of_kinds) for name, of_kinds in columns.items() if set(of_kinds) & set(kinds)}
    if values:
        alert = tables.alert
        connection.execute(sa.update(alert).where(among(connection, alert.c.id, alert_ids)).values(values))


def _nearest(kinds: Sequence[DueKind]) -> sa.ScalarSelect[Any]:
    due = tables.due
    mine = sa.and_(due.c.alert_id == tables.alert.c.id, due.c.kind.in_(kinds), due.c.done_at.is_(None))
    return sa.select(sa.func.min(due.c.due_at)).where(mine).scalar_subquery()
