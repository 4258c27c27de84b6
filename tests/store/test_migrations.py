"""The migrations and the tables say the same."""

import threading
from importlib import import_module

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.operations import Operations

from store import migrate, tables
from store.engine import connect
from store.tables import metadata
from tests.ivigilant.waiting import soon
from tests.services import Databases
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


def test_going_back_before_the_identity_provider_leaves_its_people_accounts_that_nothing_opens(
    engine: sa.Engine,
) -> None:
    person = {"name": "Eva", "role": "pharmacist", "password_hash": "!", "issuer": "https://a.test", "subject": "eva"}
    with engine.begin() as connection:
        number = insert(connection, tables.user, **person, created_at=NOW)
        times = {"created_at": NOW, "seen_at": NOW, "expires_at": NOW}
        session = {"token_hash": b"h" * 32, "user_id": number, "provider_session": "1"}
        connection.execute(sa.insert(tables.session).values(**session, **times))

    with engine.begin() as connection:
        command.downgrade(migrate.configuration(connection), "0022")
        columns = {column["name"] for column in sa.inspect(connection).get_columns("user")}
    migrate.upgrade(engine)

    with engine.connect() as connection:
        (left,) = connection.execute(sa.select(*(tables.user.c[name] for name in person)))
    assert not columns & {"issuer", "subject", "totp_secret"}
    assert tuple(left) == ("Eva", "pharmacist", "!", None, None)
    assert migrate.is_current(engine)


def test_whoever_is_at_work_meanwhile_ends_it_and_the_upgrade_follows(postgres_databases: Databases) -> None:
    address = postgres_databases.make()
    engine = connect(address.render_as_string(hide_password=False))
    migrate.upgrade(engine, "0022")
    upgrade = threading.Thread(target=migrate.upgrade, args=[engine])

    with engine.begin() as at_work:
        for table in ("message", "session"):
            at_work.exec_driver_sql(f"SELECT count(*) FROM {table}")
        upgrade.start()
        soon(lambda: is_waited_for(engine))
        accounts = at_work.exec_driver_sql('SELECT count(*) FROM "user"').scalar()  # the first table that 0023 changes
    upgrade.join()

    assert accounts == 0
    assert migrate.is_current(engine)
    engine.dispose()
    postgres_databases.drop(address)


def is_waited_for(engine: sa.Engine) -> bool:
    """Whether somebody waits for a lock on a table."""
    with engine.connect() as connection:
        return bool(
            connection.exec_driver_sql("SELECT 1 FROM pg_locks WHERE NOT granted AND locktype = 'relation'").scalar()
        )


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
        insert(connection, tables.access_log, at=NOW, actor="els", role="viewer", action="view_alert")

    with pytest.raises(sa.exc.DBAPIError, match="append-only"), engine.begin() as connection:
        connection.exec_driver_sql(change.format(table))


AN_ACCOUNT = sa.text(
    'INSERT INTO "user" (id, name, password_hash, role, language, active, created_at) '
    "VALUES (:id, :name, '', :role, 'nl', :active, :at)"
)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (["reader", "pharmacist", "admin"], ["viewer", "pharmacist", "lead"]),
        (["reader", "pharmacist", "pharmacist"], ["viewer", "lead", "lead"]),
        (["pharmacist", "admin, closed"], ["lead", "lead"]),
    ],
)
def test_accounts_of_before_have_a_role_of_now_and_somebody_decides(
    empty_engine: sa.Engine, before: list[str], after: list[str]
) -> None:
    migrate.upgrade(empty_engine, "0011")
    with empty_engine.begin() as connection:
        for number, role in enumerate(before):
            name, _, closed = role.partition(", ")
            values = {"id": number, "name": f"n{number}", "role": name, "active": not closed, "at": NOW}
            connection.execute(AN_ACCOUNT, values)

    migrate.upgrade(empty_engine)

    with empty_engine.connect() as connection:
        assert list(connection.scalars(sa.select(tables.user.c.role).order_by(tables.user.c.id))) == after


def test_a_token_of_before_has_all_of_its_role_and_no_end(empty_engine: sa.Engine) -> None:
    migrate.upgrade(empty_engine, "0011")
    row = {"name": "board", "hash": b"h" * 32, "at": NOW}
    with empty_engine.begin() as connection:
        insertion = sa.text(
            "INSERT INTO token (name, token_hash, role, created_at) VALUES (:name, :hash, 'admin', :at)"
        )
        connection.execute(insertion, row)

    migrate.upgrade(empty_engine)

    token = tables.token.c
    with empty_engine.connect() as connection:
        found = connection.execute(sa.select(token.role, token.scopes, token.expires_at)).one()
    assert tuple(found) == ("lead", "", None)


def test_going_back_before_the_roles_gives_an_operator_no_patient(sqlite_engine: sa.Engine) -> None:
    roles = import_module("store.migrations.versions.0012_roles")
    with sqlite_engine.begin() as connection:
        for role in ("viewer", "lead", "operator", "auditor"):
            insert(connection, tables.user, name=role, role=role, password_hash="", created_at=NOW)

        with Operations.context(MigrationContext.configure(connection)):
            roles.downgrade()

        query = sa.text('SELECT name, role FROM "user"')
        found = {row.name: row.role for row in connection.execute(query)}
    assert found == {"viewer": "reader", "lead": "admin", "operator": "operator", "auditor": "auditor"}
