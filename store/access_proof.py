"""The proof that the access log is as it was written: every line, every seal, every root, and what protects them.

A chain shows what was changed in the middle. What was cut off its end, or written anew as a whole, only shows against
roots that were kept outside the database.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

import msgspec
import sqlalchemy as sa

from store.access_log import START, WrittenLine, digest_of, hash_of, unsealed
from store.tables import access_log, access_removal, access_root, access_seal

KEPT_AT_LEAST = timedelta(days=5 * 365)
_PAGE = 1000
_PROTECTED = (access_log, access_seal, access_root, access_removal)


class Root(msgspec.Struct, frozen=True):
    """The end of the chain at a moment; `hash` is hexadecimal."""

    at: datetime
    number: int
    hash: str


class Flaw(msgspec.Struct, frozen=True):
    """Something that is not as it was written: what is wrong, and where."""

    kind: str
    where: str


class _SealChain:
    """The chain as it is followed once, from its first seal to its last."""

    def __init__(self, connection: sa.Connection, wanted: set[int]) -> None:
        removals = sa.select(access_removal).order_by(access_removal.c.id.desc()).limit(1)
        self.removal = connection.execute(removals).one_or_none()
        self.end: int = self.removal.number if self.removal else 0
        self._last: bytes = self.removal.hash if self.removal else START
        self.hashes = {self.end: self._last.hex()}  # at every number that is wanted, and where the chain begins
        self._connection = connection
        self._wanted = wanted

    def follow(self) -> Iterator[Flaw]:
        """Yield what is wrong with each seal and its line."""
        joined = access_seal.outerjoin(access_log, access_log.c.id == access_seal.c.line_id)
        line = [access_log.c[name].label(f"log_{name}") for name in WrittenLine.__struct_fields__]
        query = sa.select(access_seal, *line).select_from(joined).order_by(access_seal.c.number).limit(_PAGE)
        while rows := self._connection.execute(query.where(access_seal.c.number > self.end)).all():
            for row in rows:
                yield from self._step(row)
                yield from _wrong_line(row)

    def _step(self, row: sa.Row[tuple[object, ...]]) -> Iterator[Flaw]:
        if row.number != self.end + 1:
            yield Flaw("seal missing", f"seal {self.end + 1} to {row.number - 1}")
        elif row.hash != hash_of(self._last, row.number, row.digest):
            yield Flaw("seal changed or out of order", f"seal {row.number}")
        self.end, self._last = row.number, row.hash
        if self.end in self._wanted:
            self.hashes[self.end] = self._last.hex()


def flaws(connection: sa.Connection, outside: Sequence[Root] = ()) -> Iterator[Flaw]:
    """Yield everything that is not as it was written; `outside` are the roots that were kept elsewhere."""
    rows = connection.execute(sa.select(access_root).order_by(access_root.c.id))
    inside = [Root(row.at, row.number, row.hash.hex()) for row in rows]
    chain = _SealChain(connection, {root.number for root in (*inside, *outside)})
    yield from chain.follow()
    for line in unsealed(connection, _PAGE):
        yield Flaw("line without a seal", f"line {line.id}")
    yield from (flaw for root in inside for flaw in _against(chain, root, "the root"))
    for root in outside:
        if root not in inside:
            yield Flaw("root missing or changed", f"the root of {root.at:%Y-%m-%d %H:%M}")
        yield from _against(chain, root, "the root outside")


def size(connection: sa.Connection) -> tuple[int, int]:
    """Return how many lines there are, and the number of the last seal, 0 before the first."""
    lines = connection.execute(sa.select(sa.func.count()).select_from(access_log)).scalar_one()
    return lines, connection.execute(sa.select(sa.func.max(access_seal.c.number))).scalar() or 0


def unprotected(connection: sa.Connection) -> Iterator[Flaw]:
    """Try to change and to remove the newest row of each table; the database must refuse.

    Roll the transaction back afterwards, and let it be short: on SQLite everybody who writes waits for it.
    """
    for table in _PROTECTED:
        (key,) = table.primary_key.columns
        newest = connection.execute(sa.select(sa.func.max(key))).scalar()
        changes: dict[str, sa.Update | sa.Delete] = {
            "UPDATE": sa.update(table).values({key.name: key}).where(key == newest),
            "DELETE": sa.delete(table).where(key == newest),
        }
        for change, statement in changes.items() if newest is not None else ():
            if _is_accepted(connection, statement):
                yield Flaw("not protected", f"{table.name}: {change} is accepted")
        if connection.dialect.name == "postgresql" and not connection.execute(_TRUNCATE, {"name": table.name}).scalar():
            yield Flaw("not protected", f"{table.name}: TRUNCATE is accepted")


def _wrong_line(row: sa.Row[tuple[object, ...]]) -> Iterator[Flaw]:
    values = {name: row._mapping[f"log_{name}"] for name in WrittenLine.__struct_fields__}
    if values["id"] is None:
        yield Flaw("line missing", f"line {row.line_id} of seal {row.number}")
    elif digest_of(WrittenLine(**values)) != row.digest:
        yield Flaw("line changed", f"line {row.line_id} of seal {row.number}")


def _against(chain: _SealChain, root: Root, name: str) -> Iterator[Flaw]:
    """Yield how the chain differs from a root."""
    where = f"{name} of {root.at:%Y-%m-%d %H:%M}, seal {root.number}"
    removal = chain.removal
    if root.number > chain.end:
        yield Flaw("end of the chain missing", f"{where}; the chain ends at {chain.end}")
    elif root.number in chain.hashes:
        if chain.hashes[root.number] != root.hash:
            yield Flaw("chain differs from a root", where)
    elif removal is None or root.number > removal.number:
        yield Flaw("chain differs from a root", where)
    elif root.at > removal.at - KEPT_AT_LEAST:  # the last line that was removed was written after this root
        yield Flaw("lines removed too early", where)


def _is_accepted(connection: sa.Connection, statement: sa.Update | sa.Delete) -> bool:
    attempt = connection.begin_nested()
    try:
        connection.execute(statement)
    except sa.exc.DBAPIError:
        return False
    finally:
        attempt.rollback()
    return True


# A TRUNCATE would wait for every reader, so it is not tried. Bit 5 of tgtype is that event (pg_trigger.h).
_TRUNCATE = sa.text(
    "SELECT count(*) FROM pg_trigger JOIN pg_proc ON pg_proc.oid = tgfoid "
    "WHERE tgrelid = CAST(:name AS regclass) AND tgtype & 32 <> 0 AND tgenabled IN ('O', 'A') "
    "AND prosrc LIKE '%RAISE EXCEPTION%'"
)
