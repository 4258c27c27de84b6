"""The access log: who looked at what, who did what, and what was refused (NEN 7513). Lines are only added.

Every line is sealed in the transaction that writes it: its seal holds the SHA-256 of the line, and the SHA-256 of the
seal before it with that. `store/access_proof.py` finds in the chain what was changed afterwards.
"""

from collections.abc import Collection, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from hashlib import sha256

import msgspec
import sqlalchemy as sa

from store import holds
from store.rowsets import among
from store.tables import access_log, access_removal, access_root, access_seal

DONE, REFUSED = "done", "refused"
START = bytes(32)  # the hash before the first seal
CHAIN_LOCK = 0x7513  # one transaction at a time adds to the chain
SEALED_AT_ONCE = 1000
LATE = timedelta(hours=1)  # how much later than its time a line may be committed


class AccessLine(msgspec.Struct, frozen=True, kw_only=True):
    """One line: who, in which role, did what to whose data, when, from where, and how it ended."""

    at: datetime
    actor: str
    role: str
    action: str
    patient_id: int | None = None
    object: str = ""
    source: str = ""
    outcome: str = DONE
    purpose: str = ""
    on_behalf: str = ""


class WrittenLine(AccessLine, frozen=True, kw_only=True):
    """A line as it stands in the log."""

    id: int


class Seal(msgspec.Struct, frozen=True):
    """A place in the chain: its number, and the hash of all up to it."""

    number: int
    hash: bytes


class LineFilter(msgspec.Struct, frozen=True, kw_only=True):
    """Which lines are wanted; what is left empty does not count."""

    patients: Collection[int] | None = None
    actor: str = ""
    action: str = ""
    outcome: str = ""
    since: datetime | None = None
    until: datetime | None = None


_LINE = tuple(access_log.c[name] for name in WrittenLine.__struct_fields__)
_canonical = msgspec.json.Encoder()


def write(connection: sa.Connection, lines: Sequence[AccessLine]) -> None:
    """Add lines and their seals. Others wait for this transaction to end, so let it be the last thing in it."""
    if not lines:
        return
    rows = [msgspec.structs.asdict(line) for line in lines]
    returned = connection.execute(
        sa.insert(access_log).returning(access_log.c.id, sort_by_parameter_order=True), rows
    ).scalars()
    written = [WrittenLine(id=number, **row) for number, row in zip(returned, rows, strict=True)]
    _seal(connection, written)


def seal_rest(connection: sa.Connection) -> int:
    """Seal the lines that an earlier release wrote without a seal since the last root, and return how many."""
    last = last_root_at(connection)
    since, sealed = (last - LATE if last is not None else None), 0
    while lines := unsealed(connection, SEALED_AT_ONCE, since):
        _seal(connection, lines)
        sealed += len(lines)
    return sealed


def unsealed(connection: sa.Connection, limit: int, since: datetime | None = None) -> list[WrittenLine]:
    """Return the first lines without a seal."""
    query = sa.select(*_LINE).outerjoin(access_seal, access_seal.c.line_id == access_log.c.id)
    query = query.where(access_seal.c.number.is_(None))
    if since is not None:
        query = query.where(access_log.c.at >= since)
    return [_line(row) for row in connection.execute(query.order_by(access_log.c.id).limit(limit))]


def take_root(connection: sa.Connection, now: datetime) -> Seal:
    """Seal what is left, and record the end of the chain as the root of this moment."""
    seal_rest(connection)
    end = _end(connection)
    connection.execute(sa.insert(access_root).values(at=now, number=end.number, hash=end.hash))
    return end


def last_root_at(connection: sa.Connection) -> datetime | None:
    """Return when a root was last taken."""
    found: datetime | None = connection.execute(sa.select(sa.func.max(access_root.c.at))).scalar()
    return found


def newest_lines(
    connection: sa.Connection, wanted: LineFilter, before: int | None = None, limit: int | None = None
) -> list[WrittenLine]:
    """Return the newest lines first, those older than line `before`."""
    query = _wanted(wanted).order_by(access_log.c.id.desc()).limit(limit)
    if before is not None:
        query = query.where(access_log.c.id < before)
    return [_line(row) for row in connection.execute(query)]


def oldest_lines(connection: sa.Connection, wanted: LineFilter, page: int = 1000) -> Iterator[WrittenLine]:
    """Yield all lines, oldest first, without holding them all in memory."""
    last = 0
    while True:
        query = _wanted(wanted).where(access_log.c.id > last).order_by(access_log.c.id).limit(page)
        rows = connection.execute(query).all()
        yield from map(_line, rows)
        if len(rows) < page:
            return
        last = rows[-1].id


def numbered(connection: sa.Connection, ids: Collection[int]) -> list[WrittenLine]:
    """Return these lines."""
    query = sa.select(*_LINE).where(access_log.c.id.in_(sorted(ids)))
    return [_line(row) for row in connection.execute(query)] if ids else []


def actions(connection: sa.Connection) -> list[str]:
    """Return every action that stands in the log: one step in the index for each, whatever the length of the log."""
    action = access_log.c.action
    found = sa.select(sa.func.min(action).label("action")).cte("found", recursive=True)
    later = sa.select(sa.func.min(action)).where(action > found.c.action).scalar_subquery()
    steps = found.union_all(sa.select(later).where(found.c.action.is_not(None)))
    query = sa.select(steps.c.action).where(steps.c.action.is_not(None))
    return list(connection.execute(query).scalars())


def remove_before(connection: sa.Connection, before: datetime, actor: str, now: datetime) -> int:
    """Remove the oldest lines of the chain, up to the first that is not older than `before`; return how many.

    A line about somebody on whom a legal hold stands stays, and all that are younger with it. The database itself
    refuses to delete a line that is less than five years old.
    """
    _lock(connection)
    seal_rest(connection)
    joined = access_seal.outerjoin(access_log, access_log.c.id == access_seal.c.line_id)
    first_that_stays = sa.select(sa.func.min(access_seal.c.number)).select_from(joined)
    stays = (access_log.c.at >= before) | among(connection, access_log.c.patient_id, holds.held(connection))
    first_kept = connection.execute(first_that_stays.where(stays)).scalar()
    query = sa.select(access_seal.c.number, access_seal.c.hash).order_by(access_seal.c.number.desc()).limit(1)
    last = connection.execute(query.where(access_seal.c.number < first_kept) if first_kept else query).one_or_none()
    if last is None:
        return 0
    going = sa.select(access_seal.c.line_id).where(access_seal.c.number <= last.number)
    newest = connection.execute(sa.select(sa.func.max(access_log.c.at)).where(access_log.c.id.in_(going))).scalar()
    removal = {"at": now, "actor": actor, "number": last.number, "hash": last.hash, "newest_at": newest or before}
    connection.execute(sa.insert(access_removal).values(**removal))
    removed = connection.execute(sa.delete(access_log).where(access_log.c.id.in_(going))).rowcount
    connection.execute(sa.delete(access_seal).where(access_seal.c.number <= last.number))
    return removed


def digest_of(line: WrittenLine) -> bytes:
    """Return the SHA-256 of a line: of a JSON array of its number, its time in UTC, and its other fields."""
    at = line.at.astimezone(UTC).isoformat(timespec="microseconds")
    what = (line.actor, line.role, line.action, line.patient_id, line.object, line.source)
    values = (line.id, at, *what, line.outcome, line.purpose, line.on_behalf)
    return sha256(_canonical.encode(values)).digest()


def hash_of(before: bytes, number: int, digest: bytes) -> bytes:
    """Return the hash of a seal: of the hash before it, its own number (8 bytes, big-endian) and the line's digest."""
    return sha256(before + number.to_bytes(8, "big") + digest).digest()


def _seal(connection: sa.Connection, lines: Sequence[WrittenLine]) -> None:
    _lock(connection)
    end = _end(connection)
    number, last = end.number, end.hash
    rows = []
    for line in lines:
        number, digest = number + 1, digest_of(line)
        last = hash_of(last, number, digest)
        rows.append({"number": number, "line_id": line.id, "digest": digest, "hash": last})
    connection.execute(sa.insert(access_seal), rows)


def _lock(connection: sa.Connection) -> None:
    """Wait for whoever adds to the chain. On SQLite the transaction that writes is alone already."""
    if connection.dialect.name == "postgresql":
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(CHAIN_LOCK)))


def _end(connection: sa.Connection) -> Seal:
    """Return the last seal; where all were removed, that of the removal; before the first, the start."""
    for table, order in ((access_seal, access_seal.c.number), (access_removal, access_removal.c.id)):
        query = sa.select(table.c.number, table.c.hash).order_by(order.desc()).limit(1)
        if (row := connection.execute(query).one_or_none()) is not None:
            return Seal(row.number, row.hash)
    return Seal(0, START)


def _wanted(wanted: LineFilter) -> sa.Select[tuple[object, ...]]:
    line, query = access_log.c, sa.select(*_LINE)
    if wanted.patients is not None:
        query = query.where(line.patient_id.in_(wanted.patients))
    for column in ("actor", "action", "outcome"):
        if value := getattr(wanted, column):
            query = query.where(line[column] == value)
    if wanted.since is not None:
        query = query.where(line.at >= wanted.since)
    if wanted.until is not None:
        query = query.where(line.at < wanted.until)
    return query


def _line(row: sa.Row[tuple[object, ...]]) -> WrittenLine:
    return WrittenLine(**row._mapping)
