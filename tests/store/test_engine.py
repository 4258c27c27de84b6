"""How we speak to a database."""

import os
import threading
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import msgspec
import pytest
import sqlalchemy as sa

from store import facts, message_queries, patients, tables
from store.engine import connect, reading, to_json
from store.errors import UnsupportedDatabase
from store.facts import FactRow
from store.locks import lock_named, lock_people
from tests.store.builders import a_feed, a_message, a_patient
from tests.store.recorded import update_demographics


@pytest.mark.parametrize("url", ["mysql://db/ivigilant", "nonsense", "", "sqlite+aiosqlite:///x"])
def test_an_address_of_another_database_is_refused(url: str) -> None:
    with pytest.raises(UnsupportedDatabase):
        connect(url)


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+psycopg"])
def test_every_spelling_of_postgresql_is_understood(scheme: str) -> None:
    engine = connect(f"{scheme}://user:secret@db/ivigilant")

    assert engine.url.drivername == "postgresql+psycopg"
    assert "secret" not in repr(engine)


def test_a_refused_address_does_not_show_its_password() -> None:
    with pytest.raises(UnsupportedDatabase) as refused:
        connect("mysql://user:secret@db/ivigilant")

    assert "secret" not in str(refused.value)


@pytest.mark.parametrize(("durable", "synchronous"), [(True, 2), (False, 1)])
def test_sqlite_is_opened_as_we_rely_on_it(tmp_path: Path, durable: bool, synchronous: int) -> None:
    engine = connect(f"sqlite:///{tmp_path / 'x.db'}", durable=durable)

    with engine.connect() as connection:
        names = ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
        found = [connection.exec_driver_sql(f"PRAGMA {name}").scalar() for name in names]
    engine.dispose()

    assert found == ["wal", synchronous, 1, 30_000]


@pytest.mark.parametrize(("durable", "source"), [(True, "configuration file"), (False, "session")])
def test_only_what_need_not_last_tells_postgresql_not_to_wait_for_the_disk(
    postgres_url: str, durable: bool, source: str
) -> None:
    engine = connect(postgres_url, durable=durable)
    with engine.connect() as connection:
        query = "SELECT source FROM pg_settings WHERE name = 'synchronous_commit'"
        found = connection.exec_driver_sql(query).scalar()
    engine.dispose()

    assert found == source


def test_a_writer_that_reads_first_never_fails_because_another_wrote(sqlite_engine: sa.Engine) -> None:
    with sqlite_engine.begin() as connection:
        patient = a_patient(connection)
        connection.execute(sa.update(tables.patient).values(flags=[]))

    def add(word: str) -> None:
        for number in range(10):
            with sqlite_engine.begin() as connection:
                flags = connection.execute(sa.select(tables.patient.c.flags)).scalar_one()
                values = {"flags": [*flags, f"{word}{number}"]}
                connection.execute(sa.update(tables.patient).where(tables.patient.c.id == patient).values(values))

    threads = [threading.Thread(target=add, args=(word,)) for word in "abc"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    with reading(sqlite_engine) as connection:
        assert len(connection.execute(sa.select(tables.patient.c.flags)).scalar_one()) == 30


def test_a_reader_does_not_wait_for_a_writer(engine: sa.Engine) -> None:
    with engine.begin() as writer:
        a_feed(writer)

        with reading(engine) as reader:
            seen = reader.execute(sa.select(tables.feed.c.name)).all()

    assert seen == []


def test_a_connection_that_read_writes_like_any_other_afterwards(sqlite_engine: sa.Engine) -> None:
    with reading(sqlite_engine) as reader:
        reader.execute(sa.select(tables.feed))

    with sqlite_engine.begin() as connection:
        a_feed(connection)
        assert connection.get_execution_options().get("ivigilant_reads") is None


def test_a_savepoint_takes_back_only_what_came_after_it(engine: sa.Engine) -> None:
    with engine.begin() as connection:
        a_feed(connection, "kept")
        with pytest.raises(sa.exc.IntegrityError), connection.begin_nested():
            a_feed(connection, "lost")
            connection.execute(sa.insert(tables.feed).values(name="lost"))

    with reading(engine) as connection:
        assert connection.execute(sa.select(tables.feed.c.name)).scalars().all() == ["kept"]


def test_times_come_back_in_utc_with_their_precision(engine: sa.Engine) -> None:
    at = datetime(2026, 3, 29, 2, 30, 0, 123456, tzinfo=UTC)
    with engine.begin() as connection:
        connection.execute(sa.insert(tables.feed).values(name="ehr", last_heard_at=at))

        found = connection.execute(sa.select(tables.feed.c.last_heard_at)).scalar_one()

    assert (found, found.tzinfo) == (at, UTC)


def test_a_time_without_a_zone_is_not_stored(engine: sa.Engine) -> None:
    with pytest.raises(sa.exc.StatementError, match="without a zone"), engine.begin() as connection:
        connection.execute(sa.insert(tables.feed).values(name="ehr", last_heard_at=datetime(2026, 1, 1)))  # noqa: DTZ001  # the case


def test_json_columns_hold_decimals_as_numbers_and_structs_as_objects(engine: sa.Engine) -> None:
    class Dose(msgspec.Struct):
        grams: Decimal

    with engine.begin() as connection:
        patient = a_patient(connection)
        connection.execute(sa.update(tables.patient).values(demographics={"dose": Dose(Decimal("32.5"))}))

        query = sa.select(tables.patient.c.demographics).where(tables.patient.c.id == patient)
        assert connection.execute(query).scalar_one() == {"dose": {"grams": 32.5}}
    assert to_json("é") == '"é"'


def test_a_forked_child_works_on_connections_of_its_own(engine: sa.Engine) -> None:
    with engine.begin() as connection:
        a_feed(connection, "parent")

    child = os.fork()
    if child == 0:
        engine.dispose(close=False)
        with engine.begin() as connection:
            a_feed(connection, "child")
        os._exit(0)
    _, status = os.waitpid(child, 0)

    with engine.begin() as connection:
        names = connection.execute(sa.select(tables.feed.c.name).order_by(tables.feed.c.id)).scalars().all()
    assert (status, names) == (0, ["parent", "child"])


def test_no_statement_reads_a_whole_table_however_empty_it_was_when_planned(postgres_engine: sa.Engine) -> None:
    read = "SELECT sum(seq_scan) FROM pg_stat_user_tables WHERE relname IN ('patient', 'identifier', 'fact', 'message')"
    with postgres_engine.begin() as connection:
        message = a_message(connection)
        connection.exec_driver_sql("SELECT pg_stat_force_next_flush()")
    with postgres_engine.connect() as connection:
        before = connection.exec_driver_sql(read).scalar()

    for batch in range(12):
        names = [("UZ", f"{batch}-{number}") for number in range(20)]
        with postgres_engine.begin() as connection:
            ids = patients.identities(connection, names)
            patients.link_identifiers(connection, [(*name, "PI", id_) for name, id_ in ids.items()])
            lock_people(connection, list(ids.values()))
            lock_named(connection, names, [])
            update_demographics(connection, [(id_, str(batch), {"sex": "F"}) for id_ in ids.values()])
            facts.upsert(connection, [FactRow(id_, "allergy", "k", "1", b"{}", message, "") for id_ in ids.values()])
            facts.of_patients(connection, ids.values())
            message_queries.lock_received(connection, [message])

    with postgres_engine.begin() as connection:
        connection.exec_driver_sql("SELECT pg_stat_force_next_flush()")
    with postgres_engine.connect() as connection:
        assert connection.exec_driver_sql(read).scalar() == before


def test_an_error_never_quotes_what_was_to_be_stored(engine: sa.Engine) -> None:
    with pytest.raises(sa.exc.DBAPIError) as told, engine.connect() as connection:
        connection.execute(sa.text("SELECT :name FROM no_such_table"), {"name": "Zwaluwstaartje"})

    assert "Zwaluwstaartje" not in str(told.value)
