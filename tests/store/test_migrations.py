"""The migrations and the tables say the same."""

import threading

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from store import migrate, tables
from store.tables import metadata
from tests.store.builders import NOW, an_alert, insert


def test_an_empty_database_is_not_current_until_it_is_upgraded(empty_engine: sa.Engine) -> None:
    before = (migrate.current(empty_engine), migrate.is_current(empty_engine))

    migrate.upgrade(empty_engine)

    assert before == (None, False)
    assert migrate.current(empty_engine) == migrate.head()
    assert migrate.is_current(empty_engine)


def test_migrations_make_exactly_the_tables_of_the_code(engine: sa.Engine) -> None:
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})

        differences = compare_metadata(context, metadata)

    assert differences == []


def test_upgrading_twice_changes_nothing(engine: sa.Engine) -> None:
    migrate.upgrade(engine)

    assert migrate.is_current(engine)


def test_processes_that_start_together_upgrade_once(empty_engine: sa.Engine) -> None:
    faults: list[BaseException] = []

    def upgrade() -> None:
        try:
            migrate.upgrade(empty_engine)
        except sa.exc.SQLAlchemyError as error:
            faults.append(error)

    threads = [threading.Thread(target=upgrade) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert faults == []
    assert migrate.is_current(empty_engine)


def test_sorted_texts_sort_by_their_bytes_on_postgresql(postgres_engine: sa.Engine) -> None:
    sorted_columns = {
        (table.name, column.name)
        for table in metadata.tables.values()
        for column in table.columns
        if getattr(column.type.dialect_impl(postgres_engine.dialect), "collation", None) == "C"
    }
    query = sa.text("SELECT table_name, column_name FROM information_schema.columns WHERE collation_name = 'C'")

    with postgres_engine.connect() as connection:
        found = {(row.table_name, row.column_name) for row in connection.execute(query)}

    assert ("fact", "version") in sorted_columns
    assert sorted_columns <= found


@pytest.mark.parametrize("table", ["alert_event", "access_log"])
@pytest.mark.parametrize("change", ["UPDATE {} SET actor = 'nobody'", "DELETE FROM {}"])
def test_the_record_is_append_only(engine: sa.Engine, table: str, change: str) -> None:
    with engine.begin() as connection:
        insert(connection, tables.alert_event, alert_id=an_alert(connection), at=NOW, kind="raised", actor="system")
        insert(connection, tables.access_log, at=NOW, actor="els", role="reader", action="view_alert")

    with pytest.raises(sa.exc.DBAPIError, match="append-only"), engine.begin() as connection:
        connection.exec_driver_sql(change.format(table))
