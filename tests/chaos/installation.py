"""The processes of one installation, each of which can be killed and comes back."""

import contextlib
import os
import random
import signal
import subprocess
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

from ivigilant.stack import ROLES
from tests.ivigilant.fork_server import Forked, fork
from tests.ivigilant.processes import command, surroundings
from tests.ports import free_port

UNSEEN = ("listener", "worker", "order-worker", "slow-worker", "beat")  # what works without a pharmacist
IMPATIENT = {  # what is left behind is found within seconds
    "IVIGILANT_BEAT_EVERY_S": "0.3",
    "IVIGILANT_LEFT_BEHIND_S": "2",
    "IVIGILANT_DELIVERY_LEASE_S": "2",
    "IVIGILANT_CANARY": "false",  # a test that is about it switches it on
}
SOON_S = 45.0  # after a fault the work goes on, on a busy machine too
AS_SHIPPED = {"IVIGILANT_BEAT_EVERY_S": "5", "IVIGILANT_LEFT_BEHIND_S": "15", "IVIGILANT_DELIVERY_LEASE_S": "30"}

Process: TypeAlias = Forked | subprocess.Popen[bytes]


@dataclass
class Installation:
    """A listener, a worker with two processes and a beat, on a database and a Redis of somebody else."""

    database_url: str
    redis_url: str
    folder: Path
    more: Mapping[str, str] = field(default_factory=dict)
    mllp_port: int = field(default_factory=free_port)
    http_port: int = field(default_factory=free_port)
    within: Sequence[str] = ()  # the command that runs another where this installation stands
    killed: int = 0
    died_by_themselves: list[str] = field(default_factory=list)  # their roles
    _processes: dict[str, Process] = field(default_factory=dict)
    _one_at_a_time: threading.RLock = field(default_factory=threading.RLock)  # a sender kills while somebody tends

    def start(self, *roles: str) -> None:
        """Start these, or all but the inbox."""
        for role in roles or UNSEEN:
            self._processes[role] = self._spawn(role)

    def kill(self, role: str) -> None:
        """End a process and its children without a word, and start it again."""
        with self._one_at_a_time:
            self._end(role)
            self.killed += 1
            self.start(role)

    def kill_a_child(self, role: str, die: random.Random) -> None:
        """End one of the children of a process; it starts another by itself."""
        os.kill(die.choice(self.pids(role)[1:]), signal.SIGKILL)
        self.killed += 1

    def pids(self, role: str) -> list[int]:
        """A process and its children."""
        return list(family_of(self.process(role)))

    def process(self, role: str) -> int:
        """The process of a role, without its children."""
        return self._processes[role].pid

    def tend(self) -> None:
        """Start again what ended by itself, as a supervisor does."""
        with self._one_at_a_time:
            for role, process in self._processes.items():
                if process.poll() is not None:
                    self.died_by_themselves.append(role)
                    self._end(role)
                    self.start(role)

    def send_signal(self, number: signal.Signals) -> None:
        """Send a signal to every process and its children."""
        for process in self._processes.values():
            os.killpg(process.pid, number)

    def close(self) -> None:
        """End everything."""
        for role in self._processes:
            self._end(role)

    @property
    def logs(self) -> bytes:
        """Everything that was logged."""
        return b"".join(path.read_bytes() for path in sorted(self.folder.glob("*.log")))

    def _spawn(self, role: str) -> Process:
        with (self.folder / f"{role}.log").open("ab") as output:
            words, environment = [*ROLES[role], "--stop-with-stdin"], surroundings(self._settings())
            if not self.within:
                return fork(words, environment, stdout=output, stderr=output, own_session=True)
            # None of them outlives a test run that is killed.
            return subprocess.Popen(
                [*self.within, *command(words)],
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=output,
                env=environment,
                start_new_session=True,
            )

    def _settings(self) -> dict[str, str]:
        return {
            "IVIGILANT_DATABASE_URL": self.database_url,
            "IVIGILANT_REDIS_URL": self.redis_url,
            "IVIGILANT_DATA_DIR": str(self.folder),
            "IVIGILANT_MLLP_PORT": str(self.mllp_port),
            "IVIGILANT_HTTP_PORT": str(self.http_port),
            "IVIGILANT_SECRET_KEY": "k" * 32,
            **IMPATIENT,
            **self.more,
        }

    def _end(self, role: str) -> None:
        process = self._processes[role]
        with contextlib.suppress(ProcessLookupError):  # it and its children are gone already
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        assert process.stdin is not None
        process.stdin.close()


def family_of(pid: int) -> Iterator[int]:
    """A process and its children; who stops or limits the first misses none that it starts meanwhile."""
    yield pid
    yield from children_of(pid)


def children_of(pid: int) -> list[int]:
    """The processes that this one started and that still run."""
    try:
        return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []
