"""Database engines: SQLite for one machine, PostgreSQL for a hospital.

On SQLite every transaction is opened by us, not by the driver: `isolation_level=None` silences the driver and the
"begin" event below says BEGIN. It says BEGIN IMMEDIATE, so a transaction that reads and then writes waits for its turn
at the start instead of failing in the middle; `reading()` opens a deferred one, which never waits for a writer.

A process that forks calls `engine.dispose(close=False)` in the child before it touches the database: parent and child
must not speak over one socket or one SQLite handle.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy.engine import URL, make_url
from sqlalchemy.engine.interfaces import DBAPIConnection

from store.errors import UnsupportedDatabase

LOCK_TIMEOUT_MS = 30_000  # whoever waits longer for a lock gives up and tries again
IDLE_TIMEOUT_MS = 120_000  # whoever holds locks and is idle for this long has hung and loses its transaction
WAL_LIMIT_BYTES = 64 * 1024 * 1024  # the size to which SQLite trims its log after a burst
CONNECT_TIMEOUT_S = 10
# For PostgreSQL: a machine of ours that vanished silently is given up after seven seconds, with the locks it held.
GONE = {"tcp_keepalives_idle": 3, "tcp_keepalives_interval": 2, "tcp_keepalives_count": 2, "tcp_user_timeout": 7_000}

_encoder = msgspec.json.Encoder(decimal_format="number")


def connect(url: str, *, pool_size: int = 5, durable: bool = True) -> sa.Engine:
    """Return an engine for `sqlite:///path` or `postgresql://…`; it connects when first used.

    With `durable=False` a commit may be lost when the power fails (never when a process dies): for tests and trials.
    """
    address = _address(url)
    if address.get_backend_name() == "sqlite":
        return _sqlite(address, pool_size, durable)
    return _postgresql(address, pool_size, durable)


@contextmanager
def reading(engine: sa.Engine) -> Iterator[sa.Connection]:
    """Return a connection that only reads; it sees one moment on SQLite, and never waits for a writer."""
    with engine.connect() as connection:
        yield connection.execution_options(ivigilant_reads=True)


def snapshot(engine: sa.Engine) -> sa.Connection:
    """Return a connection that only reads, and whose statements all see one moment."""
    if engine.dialect.name == "postgresql":
        return engine.connect().execution_options(isolation_level="REPEATABLE READ", ivigilant_reads=True)
    return engine.connect().execution_options(ivigilant_reads=True)


def _address(url: str) -> URL:
    scheme, separator, rest = url.partition("://")
    if scheme in {"postgres", "postgresql"}:
        url = f"postgresql+psycopg{separator}{rest}"
    try:
        address = make_url(url)
    except sa.exc.ArgumentError as error:
        raise UnsupportedDatabase("the database address cannot be read; it looks like sqlite:///path") from error
    if address.drivername not in {"sqlite", "sqlite+pysqlite", "postgresql+psycopg"}:
        raise UnsupportedDatabase(
            f"{address.drivername} is not a supported database: use sqlite:///path or postgresql://…"
        )
    return address


def _sqlite(address: URL, pool_size: int, durable: bool) -> sa.Engine:
    engine = sa.create_engine(
        address,
        pool_size=pool_size,
        connect_args={"isolation_level": None, "timeout": LOCK_TIMEOUT_MS / 1000, "check_same_thread": False},
        poolclass=sa.pool.QueuePool,
        hide_parameters=True,  # an error must not quote a patient
        json_serializer=to_json,
        json_deserializer=msgspec.json.decode,
    )
    sa.event.listen(engine, "connect", _pragmas(durable))
    sa.event.listen(engine, "begin", _begin)
    return engine


def _pragmas(durable: bool) -> Any:
    pragmas = (
        f"busy_timeout={LOCK_TIMEOUT_MS}",  # first: the next one may have to wait
        "journal_mode=WAL",
        f"synchronous={'FULL' if durable else 'NORMAL'}",
        "foreign_keys=ON",
        f"journal_size_limit={WAL_LIMIT_BYTES}",
    )

    def set_pragmas(connection: DBAPIConnection, _record: object) -> None:
        cursor = connection.cursor()
        for pragma in pragmas:
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    return set_pragmas


def _begin(connection: sa.Connection) -> None:
    reads = connection.get_execution_options().get("ivigilant_reads", False)
    connection.exec_driver_sql("BEGIN" if reads else "BEGIN IMMEDIATE")


def _postgresql(address: URL, pool_size: int, durable: bool) -> sa.Engine:
    arguments: dict[str, Any] = {"connect_timeout": CONNECT_TIMEOUT_S, "application_name": "ivigilant"}
    # A server that vanishes silently is noticed within a minute, not after the kernel's two hours.
    arguments |= {"keepalives_idle": 30, "keepalives_interval": 10, "keepalives_count": 3}
    arguments = {name: value for name, value in arguments.items() if name not in address.query}
    engine = sa.create_engine(
        address,
        pool_size=pool_size,
        pool_pre_ping=True,
        connect_args=arguments,
        hide_parameters=True,  # an error must not quote a patient
        json_serializer=to_json,
        json_deserializer=msgspec.json.decode,
    )
    sa.event.listen(engine, "connect", _settings(durable))
    return engine


def _settings(durable: bool) -> Any:
    # A statement is planned once and the plan kept. Planned while the tables are empty, it would scan them, and go on
    # doing so as they grow. Ours find every row by an index, so other plans are disabled; JIT never pays off here.
    settings = ["enable_seqscan = off", "enable_hashjoin = off", "enable_mergejoin = off", "jit = off"]
    settings += [f"lock_timeout = {LOCK_TIMEOUT_MS}", f"idle_in_transaction_session_timeout = {IDLE_TIMEOUT_MS}"]
    settings += [f"{name} = {value}" for name, value in GONE.items()]
    if not durable:
        settings.append("synchronous_commit = off")

    def apply(connection: DBAPIConnection, _record: object) -> None:
        cursor = connection.cursor()
        cursor.execute("; ".join(f"SET {setting}" for setting in settings))
        cursor.close()
        connection.commit()  # rolled back, a SET would be undone

    return apply


def to_json(value: Any) -> str:
    """Write a value as the text of a JSON column; a Decimal becomes a number, a struct an object."""
    return _encoder.encode(value).decode()
