"""The whole product on one machine: the embedded parts, then one process per role, until somebody says stop."""

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

# Stopped together; what is still in a hand is finished or comes back.
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
    """A stack that runs, and the settings it really has."""

    settings: Settings
    folder: DataFolder
    supervisor: Supervisor


@contextmanager
def running_stack(settings: Settings, environment: Mapping[str, str], tell: Callable[[str], None]) -> Iterator[Stack]:
    """Start everything on the data folder, give it, and stop it all."""
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
    """Give what runs: one process per role, and as many listeners on one port as are wanted."""
    more = [f"listener-{number}" for number in range(2, settings.listener_processes + 1)]
    roles = {**ROLES, **dict.fromkeys(more, ROLES["listener"])}
    return [Program(name, role_command(*command)) for name, command in roles.items()]


@dataclass(slots=True)
class Proofs:
    """Ends a worker that has not proved for a while that it takes tasks, though the beat beats: it is started again.

    A worker that hears nothing ends itself; one of which no process moves cannot.
    """

    engine: sa.Engine
    supervisor: Supervisor
    clock: Callable[[], datetime]
    patience_s: float = heartbeats.ALIVE_WITHIN.total_seconds()
    _next_look: float = 0.0

    def look(self) -> None:
        """Look, now and then."""
        if time.monotonic() < self._next_look:
            return
        self._next_look = time.monotonic() + LOOK_EVERY_S
        with suppress(sa.exc.SQLAlchemyError), reading(self.engine) as connection:
            self._hold_against(heartbeats.last(connection))

    def _hold_against(self, seen: Mapping[str, datetime]) -> None:
        now = self.clock()
        if not heartbeats.is_alive(seen, "beat", now):
            return  # the database or the machine is what stands still
        for role in (role for role, command in ROLES.items() if command[0] == "work"):
            at = seen.get(worker_name(role))
            late = at is None or (now - at).total_seconds() > self.patience_s
            if late and self.supervisor.running_for(role) > self.patience_s:
                self.supervisor.end(role)


def role_command(*command: str) -> list[str]:
    """Give the command line of one role; -P, because a folder beside us may be called `store` as well."""
    return [sys.executable, "-P", "-m", "ivigilant", *command, "--stop-with-stdin"]


def ports_of(settings: Settings) -> list[tuple[str, int, str]]:
    """Give the addresses the stack listens at, and the flag that changes each."""
    return [
        (settings.mllp_host, settings.mllp_port, "--mllp-port"),
        (settings.http_host, settings.http_port, "--http-port"),
    ]


def require_free(host: str, port: int, flag: str) -> None:
    """Stop the start when somebody else listens there."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            reason = os.strerror(error.errno or 0).lower()
            raise NotReady(f"cannot listen at {host}:{port} ({reason}); choose another with {flag}") from None


def free_port(host: str = "127.0.0.1") -> int:
    """Give a port that nobody listens at now."""
    with socket.socket() as probe:
        probe.bind((host, 0))
        port: int = probe.getsockname()[1]
        return port


def _with_embedded_parts(settings: Settings, folder: DataFolder, supervisor: Supervisor) -> Settings:
    """Fill in what is not set: a Redis of our own, SQLite in the folder, a key kept there."""
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
