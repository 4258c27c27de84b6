"""The whole product on one machine: the embedded parts, then one process per role, until stopped."""

import os
import socket
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from pydantic import SecretStr

from ivigilant.attending import worker_name
from ivigilant.embedded import DataFolder, prepare_redis
from ivigilant.errors import NotReady
from ivigilant.settings import Settings, as_environment, without_settings
from ivigilant.supervisor import Program, Supervisor
from store import heartbeats, migrate
from store.engine import connect, reading
from store.last_heard import ALIVE_WITHIN

# Stopped together; work in progress is finished or delivered again.
ROLES: Mapping[str, Sequence[str]] = {
    "listener": ["listen"],
    "worker": ["work"],
    "order-worker": ["work", "--only-orders", "--processes", "1"],
    "slow-worker": ["work", "--only-slow", "--processes", "1"],
    "beat": ["beat"],
    "inbox": ["serve"],
}


LOOK_EVERY_S = 5.0


@dataclass(frozen=True, slots=True)
class Stack:
    """A running stack, with its effective settings."""

    settings: Settings
    folder: DataFolder
    supervisor: Supervisor


@contextmanager
def running_stack(settings: Settings, environment: Mapping[str, str], tell: Callable[[str], None]) -> Iterator[Stack]:
    """Start everything on the data folder, yield it, and stop everything."""
    folder = DataFolder(settings.data_dir.absolute())
    folder.prepare()
    with ExitStack() as ending:
        ending.enter_context(folder.locked())
        for host, port, flag in ports_of(settings):
            require_free(host, port, flag)
        supervisor = Supervisor(environment, folder.logs, tell)
        ending.callback(supervisor.stop)
        settings = _with_embedded_parts(settings, folder, supervisor)
        _migrate(settings)
        folder.remember(settings)
        supervisor.environment = without_settings(environment) | as_environment(settings)
        for program in programs(settings):
            supervisor.start(program)
        yield Stack(settings, folder, supervisor)


def programs(settings: Settings) -> list[Program]:
    """Return the programs to run: one per role, and as many listeners on one port as are set."""
    more = [f"listener-{number}" for number in range(2, settings.listener_processes + 1)]
    roles = {**ROLES, **dict.fromkeys(more, ROLES["listener"])}
    return [Program(name, role_command(*command)) for name, command in roles.items()]


@dataclass(slots=True)
class Proofs:
    """Restarts a worker that has not received a task for a while, although the scheduler is running.

    A worker that is cut off exits by itself; one whose processes all hang cannot.
    """

    engine: sa.Engine
    supervisor: Supervisor
    clock: Callable[[], datetime]
    patience_s: float = ALIVE_WITHIN.total_seconds()
    _next_look: float = 0.0

    def look(self) -> None:
        """Look for changes, at intervals."""
        if time.monotonic() < self._next_look:
            return
        self._next_look = time.monotonic() + LOOK_EVERY_S
        with suppress(sa.exc.SQLAlchemyError), reading(self.engine) as connection:
            self._hold_against(heartbeats.last(connection))

    def _hold_against(self, seen: Mapping[str, datetime]) -> None:
        now = self.clock()
        if not heartbeats.is_alive(seen, "beat", now):
            return  # the database or the whole machine is stuck
        for role in (role for role, command in ROLES.items() if command[0] == "work"):
            at = seen.get(worker_name(role))
            late = at is None or (now - at).total_seconds() > self.patience_s
            if late and self.supervisor.running_for(role) > self.patience_s:
                self.supervisor.end(role)


def role_command(*command: str) -> list[str]:
    """Return the command line of one role; -P, because the current folder may contain a `store` too."""
    return [sys.executable, "-P", "-m", "ivigilant", *command, "--stop-with-stdin"]


def ports_of(settings: Settings) -> list[tuple[str, int, str]]:
    """Return the addresses that the stack listens on, and the flag that changes each."""
    return [
        (settings.mllp_host, settings.mllp_port, "--mllp-port"),
        (settings.http_host, settings.http_port, "--http-port"),
    ]


def require_free(host: str, port: int, flag: str) -> None:
    """Raise NotReady when the address is in use."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            reason = os.strerror(error.errno or 0).lower()
            raise NotReady(f"cannot listen on {host}:{port} ({reason}); choose another with {flag}") from None


def free_port(host: str = "127.0.0.1") -> int:
    """Return a free port."""
    with socket.socket() as probe:
        probe.bind((host, 0))
        port: int = probe.getsockname()[1]
        return port


def _with_embedded_parts(settings: Settings, folder: DataFolder, supervisor: Supervisor) -> Settings:
    """Fill in what is not set: an embedded Redis, SQLite in the folder, a key stored there."""
    changes: dict[str, object] = {"data_dir": folder.path}
    if settings.redis_url is None:
        part = prepare_redis(folder.redis)
        supervisor.start_and_wait(Program("redis", part.command, ours=False), part.answers)
        changes["redis_url"] = SecretStr(part.url)
    if settings.secret_key is None:
        changes["secret_key"] = SecretStr(folder.secret_key())
    if settings.ledger_key is None:
        changes["ledger_key"] = folder.signing_key()
    changes["database_url"] = SecretStr(settings.model_copy(update=changes).database())
    return settings.model_copy(update=changes)


def _migrate(settings: Settings) -> None:
    engine = connect(settings.database())
    try:
        migrate.upgrade(engine)
    finally:
        engine.dispose()
