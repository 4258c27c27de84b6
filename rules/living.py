"""Knowledge in a folder that is edited while in use. A version with faults is not used: the last good one stays."""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from rules.errors import Fault, KnowledgeFaults
from rules.knowledge import Knowledge

LOOK_EVERY_S = 2.0
Stamp = tuple[tuple[str, int, int], ...]


class KnowledgeSource(Protocol):
    """A source of the current knowledge."""

    def current(self) -> Knowledge:
        """Return the current knowledge."""

    @property
    def faults(self) -> tuple[Fault, ...]:
        """The faults of a newer version, which is not used because of them."""


@dataclass(frozen=True, slots=True)
class Settled:
    """Knowledge that does not change."""

    knowledge: Knowledge
    faults: tuple[Fault, ...] = ()

    def current(self) -> Knowledge:
        """Return the knowledge."""
        return self.knowledge


def _tell_nobody(_knowledge: Knowledge, _faults: tuple[Fault, ...]) -> None:
    """Do nothing about a change, for code that only reads the knowledge."""


@dataclass(slots=True)
class LivingKnowledge:
    """Checks the files from time to time, and loads them when one has changed."""

    directory: Path
    load: Callable[[], Knowledge]
    clock: Callable[[], float]  # seconds; only differences count
    changed: Callable[[Knowledge, tuple[Fault, ...]], None] = _tell_nobody  # called after each change, used or not
    every_s: float = LOOK_EVERY_S
    faults: tuple[Fault, ...] = ()
    _knowledge: Knowledge = field(init=False)
    _stamp: Stamp = field(init=False)
    _next: float = field(init=False)
    _looking: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        self._stamp = self._look()
        self._knowledge = self.load()
        self._next = self.clock() + self.every_s

    def current(self) -> Knowledge:
        """Return the newest knowledge without a fault; files are looked at every few seconds at most."""
        if self.clock() >= self._next and self._looking.acquire(blocking=False):
            try:
                self._next = self.clock() + self.every_s
                self._take_over(self._look())
            finally:
                self._looking.release()
        return self._knowledge

    def _look(self) -> Stamp:
        paths = sorted([*self.directory.glob("*.yaml"), *self.directory.glob("*/*.yaml")])
        found = []
        for path in paths:
            try:
                status = path.stat()
            except FileNotFoundError:  # an editor is just replacing it
                continue
            found.append((str(path), status.st_mtime_ns, status.st_size))
        return tuple(found)

    def _take_over(self, stamp: Stamp) -> None:
        if stamp == self._stamp:
            return
        self._stamp = stamp
        try:
            newer = self.load()
        except KnowledgeFaults as error:
            self.faults = error.faults
        else:
            self.faults = ()
            self._knowledge = newer
        self.changed(self._knowledge, self.faults)
