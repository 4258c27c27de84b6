"""The processes that carry a chain on, each killable: they have a database, a clock of the test and a file.

They are forked from a server that has this module in memory, so that one takes milliseconds to start.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, Protocol

from forwarding.notice import AnyNotice
from forwarding.policy import TellingPolicy
from history.choices import NoticeRoute, Site
from store.engine import connect
from tests.knowledge_folders import our_knowledge
from worker.auditor import Auditor
from worker.deliver import deliver
from worker.due import carry_out_due
from worker.taking import take_messages
from worker.worker import Leases, Worker

CLOCK: Final = 0  # the place of the clock in what is shared, in seconds; behind it of each process when it last looked
LANES: Final = ("orders", "history", "slow")
KNOWLEDGE: Final = our_knowledge()  # loaded once, by the server


class Shared(Protocol):
    """Numbers that every process sees."""

    def __getitem__(self, place: int, /) -> float: ...

    def __setitem__(self, place: int, number: float, /) -> None: ...


@dataclass(frozen=True)
class Notebook:
    """A destination that writes the key of each notice on a line: what was written stays when the writer is killed."""

    name: str
    path: Path

    def forward(self, notice: AnyNotice) -> None:
        with self.path.open("a") as file:
            file.write(f"{notice.idempotency_key} {self.name}\n")


def make_worker(
    url: str, folder: Path, policy: Mapping[str, Any], leases: Leases, clock: Callable[[], datetime]
) -> Worker:
    """What every process works with."""
    names = ("pager", "sms-jansen")
    return Worker(
        connect(url),
        KNOWLEDGE,
        Site(destinations=tuple(map(NoticeRoute, names)), telling=TellingPolicy.model_validate(policy)),
        clock,
        destinations={name: Notebook(name, folder / "notices") for name in names},
        link_of="https://inbox.example/alerts/{}".format,
        home="https://inbox.example/",
        leases=leases,
    )


def moment(shared: Shared) -> datetime:
    """The time of the test."""
    return datetime.fromtimestamp(shared[CLOCK], UTC)


def run(
    role: str, place: int, shared: Shared, url: str, folder: Path, policy: Mapping[str, Any], leases: Leases
) -> None:
    """Do the work of a role each time the clock moved, and say so; until killed."""
    worker = make_worker(url, folder, policy, leases, lambda: moment(shared))
    looks: dict[str, Callable[[Worker], object]] = {"worker": _judge, "beat": _Beat(worker).look, "sender": deliver}
    look = looks[role]
    looked_at = 0.0
    while True:
        now = shared[CLOCK]
        if now == looked_at:
            time.sleep(0.001)
            continue
        look(worker)
        shared[place] = looked_at = now


def _judge(worker: Worker) -> None:
    while take_messages(worker, LANES):
        pass


class _Beat:
    """What is due, and the auditor beside it."""

    def __init__(self, worker: Worker) -> None:
        self._auditor = Auditor(worker)

    def look(self, worker: Worker) -> None:
        carry_out_due(worker)
        self._auditor.look()
