"""The histories that this worker judged last, from which it judges the next message of the same patient.

A history is kept with the number of changes of its facts (`store.facts.versions`), and is used only by whoever holds
the lock of the patient and finds that number unchanged: then nobody, in any process, has written a fact since. What a
transaction judged is kept once it is committed. It is in the memory of one process, and may be lost at any time.
"""

import threading
from collections import OrderedDict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from history.choices import Site
from history.judged import JudgedHistory
from history.person import PersonHistory
from rules.knowledge import Knowledge
from store.facts import FactRow, latest

MOST_ENTRIES = 15_000  # of all histories together, some 40 MB
LEAST_ENTRIES = 200  # a shorter history is read and judged in a few milliseconds


@dataclass(frozen=True, slots=True)
class KeptHistory:
    """A judged history, and how often the facts of each identity had changed."""

    judged: JudgedHistory
    versions: Mapping[int, int]


Kept = Mapping[frozenset[int], KeptHistory]  # by the identities of the person


class HistoryMemory:
    """The histories that were used last, up to so many entries in all; several threads may use it."""

    def __init__(self, most: int = MOST_ENTRIES, least: int = LEAST_ENTRIES) -> None:
        """Keep histories of at least so many entries."""
        self.least, self._most = least, most
        self._held: OrderedDict[frozenset[int], KeptHistory] = OrderedDict()
        self._of: dict[int, frozenset[int]] = {}
        self._entries = 0
        self._lock = threading.Lock()

    def of(self, ids: Iterable[int]) -> dict[frozenset[int], KeptHistory]:
        """Return what is kept of the people with these identities."""
        with self._lock:
            found = {self._of[id_] for id_ in ids if id_ in self._of}
            for members in found:
                self._held.move_to_end(members)
            return {members: self._held[members] for members in found}

    def keep(self, histories: Kept) -> None:
        """Keep what was judged and committed, instead of what was kept of the same people."""
        with self._lock:
            for members, history in histories.items():
                for other in {self._of[id_] for id_ in members if id_ in self._of}:
                    self._drop(other)
                if len(history.judged.standing.entries) > self._most:
                    continue
                self._held[members] = history
                self._of |= dict.fromkeys(members, members)
                self._entries += len(history.judged.standing.entries)
            while self._entries > self._most:
                self._drop(next(iter(self._held)))

    def _drop(self, members: frozenset[int]) -> None:
        self._entries -= len(self._held.pop(members).judged.standing.entries)
        for id_ in members:
            del self._of[id_]


@dataclass(slots=True)
class Recalled:
    """What is kept of the people of a batch and still holds, and what the batch adds to their facts."""

    kept: dict[frozenset[int], KeptHistory]
    adds: dict[int, list[FactRow]] = field(default_factory=dict)  # by identity
    new: dict[frozenset[int], KeptHistory] = field(default_factory=dict)  # to be kept once this is committed

    def expect(self, rows: Iterable[FactRow]) -> None:
        """Note what is about to be stored."""
        for row in latest(rows):
            self.adds.setdefault(row.patient_id, []).append(row)

    def judge(self, outline: PersonHistory, knowledge: Knowledge, site: Site) -> JudgedHistory | None:
        """Judge a person from what is kept; None where the stored history must be read.

        The facts of a person under one identity have changed once if anything else stands than before, else not.
        """
        members = outline.members
        kept = self.kept.get(members)
        if kept is None:
            return None
        rows = [row.as_read for member in sorted(members) for row in self.adds.get(member, ())]
        judged = kept.judged.after(outline, rows, knowledge, site)
        if judged is not None and len(members) == 1:
            changes = 0 if judged.standing is kept.judged.standing else 1
            self.new[members] = KeptHistory(judged, {member: kept.versions[member] + changes for member in members})
        return judged


def holding(kept: Kept, versions: Mapping[int, int]) -> dict[frozenset[int], KeptHistory]:
    """Return the histories whose facts have not changed since they were kept."""
    return {
        members: each
        for members, each in kept.items()
        if all(versions.get(member) == version for member, version in each.versions.items())
    }
