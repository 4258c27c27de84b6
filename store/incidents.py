"""Incidents: faults of the telling itself, and what nobody may miss, each told once when it begins and when it ends."""

from datetime import datetime, timedelta
from typing import Final

import msgspec
import sqlalchemy as sa

from clinical.words import FaultKind, IncidentKind
from store import tables
from store.rowsets import insert_or

# A feed that is silent: now, from the start, or while its link is open.
FEED_FAULTS: Final[tuple[FaultKind, ...]] = ("feed", "never_heard", "idle")
FLAPS_WITHIN: Final = timedelta(hours=1)
OVER_BEFORE_FLAPPING: Final = 2  # so often over within that time: the third time it flaps
NEVER_FLAPS: Final = ("test", "break_glass")  # each is an act of somebody, and reported each time


class Incident(msgspec.Struct, frozen=True):
    """One fault, from when it was noticed until it was over; of each subject one stands at most."""

    id: int
    kind: IncidentKind
    subject: str  # a destination, or a code of docs/operating.md
    detail: str  # what was seen: an error, a number
    began_at: datetime
    ended_at: datetime | None
    told_at: datetime | None
    end_told_at: datetime | None
    flaps: bool = False  # it came and went several times within an hour
    calm_since: datetime | None = None  # of one that flaps: since when it has been over

    @property
    def stands(self) -> bool:
        """Whether it is not over."""
        return self.ended_at is None


COLUMNS = tuple(tables.incident.c[name] for name in Incident.__struct_fields__)


def begin(connection: sa.Connection, kind: IncidentKind, subject: str, detail: str, now: datetime) -> bool:
    """Record a fault; return False when it was recorded before and is not over.

    One that was over twice within an hour flaps from now on: it stands until it has been over for an hour, or has
    lasted for one.
    """
    flaps = kind not in NEVER_FLAPS and _times_over(connection, kind, subject, now) >= OVER_BEFORE_FLAPPING
    row = {"kind": kind, "subject": subject, "detail": detail, "began_at": now, "flaps": flaps}
    insert = insert_or(connection.dialect.name, tables.incident).values(**row).on_conflict_do_nothing()
    if connection.execute(insert.returning(tables.incident.c.id)).scalar() is not None:
        return True
    again = sa.update(tables.incident).where(_standing(kind, subject), tables.incident.c.calm_since.is_not(None))
    connection.execute(again.values(calm_since=None, again_at=now))
    return False


def _times_over(connection: sa.Connection, kind: IncidentKind, subject: str, now: datetime) -> int:
    """Count how often it was over lately, but for those that began again at once, to be told of more."""
    incident, next_one = tables.incident, tables.incident.alias("next_one")
    same = (next_one.c.kind == kind) & (next_one.c.subject == subject) & (next_one.c.began_at == incident.c.ended_at)
    over = (incident.c.kind == kind) & (incident.c.subject == subject) & (incident.c.ended_at > now - FLAPS_WITHIN)
    query = sa.select(sa.func.count()).select_from(incident).where(over, ~sa.exists().where(same))
    return int(connection.execute(query).scalar_one())


def _standing(kind: IncidentKind, subject: str) -> sa.ColumnElement[bool]:
    incident = tables.incident
    return (incident.c.kind == kind) & (incident.c.subject == subject) & incident.c.ended_at.is_(None)


def end(connection: sa.Connection, kind: IncidentKind, subject: str, now: datetime, *, for_good: bool = False) -> bool:
    """Record that a fault is over; return False when there was none, or one that flaps and must first stay over.

    With `for_good` it cannot come again: what it is about is no longer there.
    """
    incident = tables.incident
    which = _standing(kind, subject)
    if not for_good:
        calm = sa.update(incident).where(which, incident.c.flaps, incident.c.calm_since.is_(None))
        connection.execute(calm.values(calm_since=now))
        which &= ~incident.c.flaps
    return connection.execute(sa.update(incident).where(which).values(ended_at=now, claimed_until=None)).rowcount == 1


def end_what_is_calm(connection: sa.Connection, now: datetime) -> None:
    """End the faults that flapped and have been over for an hour."""
    incident = tables.incident
    calm = (incident.c.ended_at.is_(None), incident.c.calm_since <= now - FLAPS_WITHIN)
    connection.execute(sa.update(incident).where(*calm).values(ended_at=now, claimed_until=None))


def renew_what_stays(connection: sa.Connection, now: datetime) -> None:
    """Let the faults that flapped and have now lasted for an hour begin anew from when they last came back.

    They are told once more, as faults that stand; of the coming and going before there is nothing more to tell.
    """
    incident = tables.incident
    back_at = sa.func.coalesce(incident.c.again_at, incident.c.began_at)
    stays = (incident.c.ended_at.is_(None), incident.c.flaps, incident.c.calm_since.is_(None))
    change = sa.update(incident).where(*stays, back_at <= now - FLAPS_WITHIN)
    change = change.values(ended_at=back_at, end_told_at=now, claimed_until=None)
    which = (incident.c.kind, incident.c.subject, incident.c.detail, incident.c.ended_at.label("began_at"))
    rows = [dict(row) for row in connection.execute(change.returning(*which)).mappings()]
    if rows:
        connection.execute(insert_or(connection.dialect.name, incident).on_conflict_do_nothing(), rows)


def renew(connection: sa.Connection, kind: IncidentKind, subject: str, detail: str, now: datetime) -> bool:
    """Let a fault that stands begin again, to be told again; of the end of the one before there is nothing to tell."""
    incident = tables.incident
    over = {"ended_at": now, "end_told_at": now, "claimed_until": None}
    connection.execute(sa.update(incident).where(_standing(kind, subject)).values(over))
    return begin(connection, kind, subject, detail, now)


def standing(connection: sa.Connection) -> list[Incident]:
    """Return the faults that are not over, the oldest first."""
    return _read(connection, tables.incident.c.ended_at.is_(None) & (tables.incident.c.kind != "test"))


def not_taking(connection: sa.Connection) -> dict[str, str]:
    """Return the destinations that take nothing at the moment, each with its last error."""
    incident = tables.incident
    broken = (incident.c.kind == "destination", incident.c.ended_at.is_(None), incident.c.calm_since.is_(None))
    return {row.subject: row.detail for row in connection.execute(sa.select(incident).where(*broken))}


def claim_attempt(connection: sa.Connection, destination: str, now: datetime, rest: timedelta) -> bool:
    """Claim the next attempt at a destination that takes nothing; False while it is left alone after another.

    A time that lies further ahead than `rest` is from before the clock was set back.
    """
    incident = tables.incident
    free = sa.or_(incident.c.rests_until.is_(None), ~incident.c.rests_until.between(now, now + rest))
    change = sa.update(incident).where(_standing("destination", destination), free).values(rests_until=now + rest)
    return connection.execute(change).rowcount == 1


def last_tests(connection: sa.Connection) -> dict[str, Incident]:
    """Return the last test notice of each destination: taken where it was told."""
    return {each.subject: each for each in _read(connection, tables.incident.c.kind == "test")}


def end_test(connection: sa.Connection, test: Incident, now: datetime, *, taken: bool) -> None:
    """Record how a test notice ended; there is nothing more to tell of it."""
    values = {"ended_at": now, "told_at": now if taken else None, "end_told_at": now, "claimed_until": None}
    connection.execute(sa.update(tables.incident).where(tables.incident.c.id == test.id).values(values))


def claim_untold(connection: sa.Connection, now: datetime, lease: timedelta) -> list[Incident]:
    """Claim those of which the beginning or the end must still be told; of one that was over before, neither."""
    incident = tables.incident
    begun = incident.c.told_at.is_(None) & incident.c.ended_at.is_(None)
    over = incident.c.told_at.is_not(None) & incident.c.ended_at.is_not(None) & incident.c.end_told_at.is_(None)
    free = sa.or_(incident.c.claimed_until.is_(None), incident.c.claimed_until <= now)
    change = sa.update(incident).where(sa.or_(begun, over), free).values(claimed_until=now + lease)
    rows = [Incident(*row) for row in connection.execute(change.returning(*COLUMNS))]
    return sorted(rows, key=lambda row: row.id)


def mark_told(connection: sa.Connection, told: Incident, now: datetime) -> None:
    """Record that the beginning was told, or the end."""
    incident = tables.incident
    values = {"told_at" if told.stands else "end_told_at": now, "claimed_until": None}
    connection.execute(sa.update(incident).where(incident.c.id == told.id).values(values))


def _read(connection: sa.Connection, which: sa.ColumnElement[bool]) -> list[Incident]:
    query = sa.select(*COLUMNS).where(which).order_by(tables.incident.c.id)
    return [Incident(*row) for row in connection.execute(query)]
