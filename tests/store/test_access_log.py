"""The access log is a chain, and what is changed in it afterwards is found."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from store import access_log, access_proof
from store.access_log import AccessLine, LineFilter
from store.access_proof import Root
from store.engine import reading
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


def found(engine: sa.Engine, *outside: Root) -> set[str]:
    """The kinds of flaws, as `ivigilant audit verify` finds them."""
    with reading(engine) as connection:
        kinds = {flaw.kind for flaw in access_proof.flaws(connection, outside)}
    with engine.connect() as connection:
        kinds |= {flaw.kind for flaw in access_proof.unprotected(connection)}
        connection.rollback()
    return kinds


@pytest.fixture
def sealed(engine: sa.Engine) -> tuple[sa.Engine, Root]:
    """Three days of lines, with the root of the second day."""
    write(engine, a_line(), a_line("rik", patient_id=8))
    write(engine, a_line("nel", action="acknowledge", at=NOW + timedelta(days=1)))
    root = take_root(engine, NOW + timedelta(days=1))
    write(engine, a_line("els", at=NOW + timedelta(days=2)), a_line("rik", at=NOW + timedelta(days=2)))
    return engine, root


def test_a_log_that_nobody_touched_has_no_flaw(sealed: tuple[sa.Engine, Root]) -> None:
    engine, root = sealed

    assert found(engine, root) == set()


def test_an_empty_log_has_no_flaw(engine: sa.Engine) -> None:
    assert found(engine, take_root(engine)) == set()


@contextmanager
def without_triggers(engine: sa.Engine) -> Iterator[sa.Connection]:
    """Change what the database protects, and leave its protection as it was."""
    with engine.begin() as connection:
        triggers = _triggers(connection)
        for name, table, _ in triggers:
            where = f" ON {table}" if connection.dialect.name == "postgresql" else ""
            connection.exec_driver_sql(f"DROP TRIGGER {name}{where}")
        yield connection
        for _, _, made in triggers:
            connection.exec_driver_sql(made)


def _triggers(connection: sa.Connection) -> list[tuple[str, str, str]]:
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


def _add_line(connection: sa.Connection) -> None:
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
    "a line added": (_add_line, "line without a seal"),
    "a line sealed again": (_seal_again, "seal changed or out of order"),
    "the chain written anew": (_chain_anew, "chain differs from a root"),
    "the chain and its roots written anew": (_chain_and_roots_anew, "chain differs from a root"),
    "the end cut off": (_cut, "end of the chain missing"),
    "the end and its roots cut off": (_cut_with_roots, "end of the chain missing"),
    "everything removed": (_empty, "end of the chain missing"),
    "a removal pretended": (_pretend_removal, "lines removed too early"),
    "a root removed": (lambda connection: connection.execute(sa.delete(access_root)), "root missing or changed"),
}


@pytest.mark.parametrize("name", TAMPERINGS)
def test_what_was_changed_behind_its_back_is_found(sealed: tuple[sa.Engine, Root], name: str) -> None:
    engine, root = sealed
    tamper, kind = TAMPERINGS[name]

    with without_triggers(engine) as connection:
        tamper(connection)

    assert kind in found(engine, root)


@pytest.mark.parametrize("change", ["UPDATE", "DELETE"])
@pytest.mark.parametrize("table", ["access_log", "access_seal", "access_root"])
def test_a_table_that_is_no_longer_protected_is_found(sealed: tuple[sa.Engine, Root], table: str, change: str) -> None:
    engine, root = sealed

    with engine.begin() as connection:
        for name, of, made in _triggers(connection):
            if of == table and change in made.upper():
                where = f" ON {table}" if engine.dialect.name == "postgresql" else ""
                connection.exec_driver_sql(f"DROP TRIGGER {name}{where}")

    assert found(engine, root) == {"not protected"}


@pytest.mark.parametrize(
    "switch",
    [
        "ALTER TABLE access_log DISABLE TRIGGER USER",
        "CREATE OR REPLACE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NEW; END $$",
    ],
)
def test_protection_that_is_switched_off_is_found(postgres_engine: sa.Engine, switch: str) -> None:
    write(postgres_engine, a_line())
    root = take_root(postgres_engine)

    with postgres_engine.begin() as connection:
        connection.exec_driver_sql(switch)

    assert found(postgres_engine, root) == {"not protected"}


def test_lines_that_an_earlier_release_wrote_are_sealed_with_the_next_root(engine: sa.Engine) -> None:
    with engine.begin() as connection:
        _add_line(connection)
    before = found(engine)

    take_root(engine)
    write(engine, a_line())
    with engine.begin() as connection:
        _add_line(connection)  # during an upgrade both releases write
    take_root(engine, NOW + timedelta(minutes=1))

    assert before == {"line without a seal"}
    assert found(engine) == set()


def test_a_line_that_is_slipped_in_later_is_never_sealed(engine: sa.Engine) -> None:
    write(engine, a_line())
    take_root(engine, NOW + timedelta(days=30))
    with engine.begin() as connection:
        _add_line(connection)

    take_root(engine, NOW + timedelta(days=31))

    assert found(engine) == {"line without a seal"}


def test_lines_go_when_their_five_years_are_over_and_the_chain_goes_on(engine: sa.Engine) -> None:
    long_ago = datetime(2015, 5, 1, tzinfo=UTC)
    write(engine, a_line("old", at=long_ago), a_line("older", at=long_ago))
    early = take_root(engine, long_ago)
    write(engine, a_line("new"))
    with engine.begin() as connection:
        removed = access_log.remove_before(connection, NOW - timedelta(days=1830), "root", NOW)
    write(engine, a_line("newer"))

    with reading(engine) as connection:
        left = [line.actor for line in access_log.oldest_lines(connection, LineFilter())]
    assert (removed, left) == (2, ["new", "newer"])
    assert found(engine, early) == set()


def test_everything_may_be_old_enough_to_go(engine: sa.Engine) -> None:
    write(engine, a_line(at=datetime(2015, 5, 1, tzinfo=UTC)))
    with engine.begin() as connection:
        removed = access_log.remove_before(connection, NOW, "root", NOW)
    write(engine, a_line())

    assert removed == 1
    assert found(engine) == set()


def test_a_line_that_is_not_five_years_old_cannot_be_removed(engine: sa.Engine) -> None:
    write(engine, a_line())

    with pytest.raises(sa.exc.DBAPIError, match="append-only"), engine.begin() as connection:
        access_log.remove_before(connection, NOW + timedelta(days=1), "root", NOW)


def test_lines_are_found_by_patient_actor_action_outcome_and_time(sealed: tuple[sa.Engine, Root]) -> None:
    engine, _ = sealed

    def numbers(**wanted: object) -> list[int]:
        with reading(engine) as connection:
            return [line.id for line in access_log.newest_lines(connection, LineFilter(**wanted))]  # type: ignore[arg-type]  # as above

    assert numbers(patients=[8]) == [2]
    assert numbers(actor="rik") == [5, 2]
    assert numbers(action="acknowledge") == [3]
    assert numbers(outcome="refused") == []
    assert numbers(since=NOW + timedelta(days=1), until=NOW + timedelta(days=2)) == [3]
