"""An access log of three days, and what somebody with the database in hand may do to it afterwards."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

import sqlalchemy as sa

from store import access_log
from store.access_log import AccessLine
from store.access_proof import Root
from store.tables import access_log as lines
from store.tables import access_removal, access_root, access_seal
from tests.store.builders import NOW, insert

Tampering = Callable[[sa.Connection], object]


def a_line(actor: str = "els", **values: object) -> AccessLine:
    row: dict[str, object] = {"at": NOW, "actor": actor, "role": "pharmacist", "action": "view_alert"}
    return AccessLine(**(row | {"patient_id": 7, "object": "alert 1"} | values))  # type: ignore[arg-type]  # a test names only what it is about


def write(engine: sa.Engine, *written: AccessLine) -> None:
    with engine.begin() as connection:
        access_log.write(connection, written)


def take_root(engine: sa.Engine, now: datetime = NOW) -> Root:
    with engine.begin() as connection:
        end = access_log.take_root(connection, now)
    return Root(now, end.number, end.hash.hex())


def three_days(engine: sa.Engine) -> Root:
    """Write three days of lines, and return the root of the second day."""
    write(engine, a_line(), a_line("rik", patient_id=8))
    write(engine, a_line("nel", action="acknowledge", at=NOW + timedelta(days=1)))
    root = take_root(engine, NOW + timedelta(days=1))
    write(engine, a_line("els", at=NOW + timedelta(days=2)), a_line("rik", at=NOW + timedelta(days=2)))
    return root


@contextmanager
def without_triggers(engine: sa.Engine) -> Iterator[sa.Connection]:
    """Change what the database protects, and leave its protection as it was."""
    with engine.begin() as connection:
        dropped = triggers(connection)
        for name, table, _ in dropped:
            drop_trigger(connection, name, table)
        yield connection
        for _, _, made in dropped:
            connection.exec_driver_sql(made)


def drop_trigger(connection: sa.Connection, name: str, table: str) -> None:
    where = f" ON {table}" if connection.dialect.name == "postgresql" else ""
    connection.exec_driver_sql(f"DROP TRIGGER {name}{where}")


def triggers(connection: sa.Connection) -> list[tuple[str, str, str]]:
    """Return the name, table and definition of each trigger that protects the access log."""
    if connection.dialect.name == "postgresql":
        query = (
            "SELECT tgname, tgrelid::regclass::text, pg_get_triggerdef(oid) FROM pg_trigger "
            "WHERE NOT tgisinternal AND tgname LIKE 'access_%%'"
        )
    else:
        query = "SELECT name, tbl_name, sql FROM sqlite_master WHERE type = 'trigger' AND name LIKE 'access_%'"
    return [(row[0], row[1], row[2]) for row in connection.exec_driver_sql(query)]


def _change(column: str, value: object, line: int = 2) -> Tampering:
    return lambda connection: connection.execute(sa.update(lines).where(lines.c.id == line).values({column: value}))


def _remove_line(connection: sa.Connection) -> None:
    connection.execute(sa.delete(lines).where(lines.c.id == 2))


def _remove_line_and_seal(connection: sa.Connection) -> None:
    connection.execute(sa.delete(access_seal).where(access_seal.c.line_id == 2))
    _remove_line(connection)


def _swap_lines(connection: sa.Connection) -> None:
    for old, new in ((1, 901), (2, 1), (901, 2)):
        connection.execute(sa.update(lines).where(lines.c.id == old).values(id=new))


def _swap_seals(connection: sa.Connection) -> None:
    for old, new in ((1, 901), (2, 1), (901, 2)):
        connection.execute(sa.update(access_seal).where(access_seal.c.number == old).values(number=new))


def add_line(connection: sa.Connection) -> None:
    insert(connection, lines, at=NOW, actor="rik", role="pharmacist", action="view_alert", patient_id=7)


def _seal_again(connection: sa.Connection) -> None:
    """Change a line and the digest in its seal, but not the chain."""
    _change("actor", "nobody")(connection)
    row = connection.execute(sa.select(lines).where(lines.c.id == 2)).one()
    digest = access_log.digest_of(access_log.WrittenLine(**row._mapping))
    connection.execute(sa.update(access_seal).where(access_seal.c.line_id == 2).values(digest=digest))


def _chain_anew(connection: sa.Connection) -> None:
    """Change a line and everything after it, as somebody would who has the program."""
    _seal_again(connection)
    last = access_log.START
    for row in connection.execute(sa.select(access_seal).order_by(access_seal.c.number)).all():
        last = access_log.hash_of(last, row.number, row.digest)
        connection.execute(sa.update(access_seal).where(access_seal.c.number == row.number).values(hash=last))


def _chain_and_roots_anew(connection: sa.Connection) -> None:
    _chain_anew(connection)
    new = sa.select(access_seal.c.hash).where(access_seal.c.number == access_root.c.number).scalar_subquery()
    connection.execute(sa.update(access_root).values(hash=new))


def _cut(connection: sa.Connection) -> None:
    """Take the last lines away, the one under the root too."""
    connection.execute(sa.delete(lines).where(lines.c.id > 2))
    connection.execute(sa.delete(access_seal).where(access_seal.c.number > 2))


def _cut_with_roots(connection: sa.Connection) -> None:
    _cut(connection)
    connection.execute(sa.delete(access_root))


def _empty(connection: sa.Connection) -> None:
    for table in (lines, access_seal, access_root):
        connection.execute(sa.delete(table))


def _pretend_removal(connection: sa.Connection) -> None:
    """Remove young lines as if their five years were over."""
    last = connection.execute(sa.select(access_seal).where(access_seal.c.number == 4)).one()
    connection.execute(sa.delete(lines).where(lines.c.id <= 4))
    connection.execute(sa.delete(access_seal).where(access_seal.c.number <= 4))
    row = {"at": NOW + timedelta(days=3), "actor": "root", "number": 4, "hash": last.hash, "newest_at": NOW}
    connection.execute(sa.insert(access_removal).values(**row))


TAMPERINGS: dict[str, tuple[Tampering, str]] = {
    "another actor": (_change("actor", "nobody"), "line changed"),
    "another patient": (_change("patient_id", 9), "line changed"),
    "no patient": (_change("patient_id", None), "line changed"),
    "another time": (_change("at", NOW - timedelta(days=1)), "line changed"),
    "another outcome": (_change("outcome", "refused"), "line changed"),
    "a line removed": (_remove_line, "line missing"),
    "a line and its seal removed": (_remove_line_and_seal, "seal missing"),
    "two lines swapped": (_swap_lines, "line changed"),
    "two seals swapped": (_swap_seals, "seal changed or out of order"),
    "a line added": (add_line, "line without a seal"),
    "a line sealed again": (_seal_again, "seal changed or out of order"),
    "the chain written anew": (_chain_anew, "chain differs from a root"),
    "the chain and its roots written anew": (_chain_and_roots_anew, "chain differs from a root"),
    "the end cut off": (_cut, "end of the chain missing"),
    "the end and its roots cut off": (_cut_with_roots, "end of the chain missing"),
    "everything removed": (_empty, "end of the chain missing"),
    "a removal pretended": (_pretend_removal, "lines removed too early"),
    "a root removed": (lambda connection: connection.execute(sa.delete(access_root)), "root missing or changed"),
}
