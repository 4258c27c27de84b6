"""The first load: read in several processes, stored and judged in one, some hundreds of messages at a time."""

from collections import Counter, deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from pathlib import Path

from ivigilant.importing.arrivals import Arrivals, Rejected, Unread, medication_in
from ivigilant.importing.files import Found, found_in, is_of_resources
from ivigilant.importing.readers import Read, Readers, decoded
from ivigilant.importing.rejects import Rejects
from listener.feeds import FeedProfile
from store.messages import Arrival
from worker.first_load import Loaded, LoadedMessage, load, new_among
from worker.worker import Worker

TOGETHER = 1000  # messages in one transaction
AHEAD = 4  # batches being read while one is stored
_ALONE = 25  # messages in one transaction, after one of a batch crashed its reader


@dataclass(slots=True)
class ImportCounts:
    """Counts of what became of the messages and resources."""

    loaded: Loaded = field(default_factory=Loaded)
    rejected: int = 0
    kinds: Counter[str] = field(default_factory=Counter)  # of stored resources and messages, new and old
    unread: Counter[str] = field(default_factory=Counter)  # kinds of resource that are not read


@dataclass(frozen=True, slots=True)
class _ImportBatch:
    """Messages that are being read."""

    found: list[Found]
    arrivals: list[Arrival]
    answer: "Future[bytes] | None"


@dataclass(slots=True)
class FirstLoad:
    """One run over some files."""

    worker: Worker | None  # None: only count
    feed: FeedProfile
    readers: Readers
    rejects: Rejects
    report: Callable[[int, ImportCounts], None]  # called with the bytes read since the last call, and the counts so far
    tally: ImportCounts = field(default_factory=ImportCounts)

    def run(self, files: Sequence[Path], arrivals: Arrivals) -> ImportCounts:
        """Import all files; a run that was stopped continues where it was when repeated."""
        under_way: deque[_ImportBatch] = deque()
        for batch in self._batches(files, arrivals):
            under_way.append(self._begun(batch))
            while len(under_way) > AHEAD:
                self._keep(under_way.popleft())
        while under_way:
            self._keep(under_way.popleft())
        return self.tally

    def _batches(self, files: Sequence[Path], arrivals: Arrivals) -> Iterator[list[tuple[Found, Arrival]]]:
        batch: list[tuple[Found, Arrival]] = []
        for file in files:
            for found in found_in(file, lambda size: self.report(size, self.tally)):
                batch += self._arrivals(found, arrivals)
                if len(batch) >= TOGETHER:
                    yield batch
                    batch = []
        if batch:
            yield batch

    def _arrivals(self, found: Found, arrivals: Arrivals) -> list[tuple[Found, Arrival]]:
        made = arrivals.of(found)
        if isinstance(made, Unread):
            self.tally.unread[made.kind] += 1
            return []
        if isinstance(made, Rejected):
            self._reject(found, made.reason)
            return []
        for each in made:
            self.tally.kinds[each.event if found.is_resource else each.type] += 1
        return [(found, each) for each in made]

    def _begun(self, batch: list[tuple[Found, Arrival]]) -> _ImportBatch:
        """Leave out what is stored already, and start reading the rest."""
        arrivals = [arrival for _, arrival in batch]
        new = new_among(self.worker, arrivals) if self.worker is not None else [True] * len(arrivals)
        fresh = [pair for pair, is_new in zip(batch, new, strict=True) if is_new]
        self.tally.loaded += Loaded(known=len(batch) - len(fresh))
        found, new_arrivals = [pair[0] for pair in fresh], [pair[1] for pair in fresh]
        readable = [arrival.raw for arrival in new_arrivals if arrival.state == "received"]
        return _ImportBatch(found, new_arrivals, self.readers.read(self.feed.defaults, readable) if readable else None)

    def _keep(self, batch: _ImportBatch) -> None:
        if batch.answer is not None and batch.answer.exception() is not None:
            self._keep_slowly(batch)
            return
        readings = iter(decoded(batch.answer.result()) if batch.answer is not None else [])
        opened = []
        for found, arrival in zip(batch.found, batch.arrivals, strict=True):
            read = next(readings) if arrival.state == "received" else Read()
            if read.fault:
                self._reject(found, read.fault)
            else:
                opened.append(LoadedMessage(arrival, read.outcome()))
        if self.worker is not None:
            self.tally.loaded += load(self.worker, self.feed.name, opened)
        self.report(0, self.tally)

    def _keep_slowly(self, batch: _ImportBatch) -> None:
        """Store a batch of which one message crashed its reader: that one is found and parked, the rest continue."""
        for start in range(0, len(batch.arrivals), _ALONE):
            some = [LoadedMessage(arrival) for arrival in batch.arrivals[start : start + _ALONE]]
            if self.worker is not None:
                self.tally.loaded += load(self.worker, self.feed.name, some)

    def _reject(self, found: Found, reason: str) -> None:
        self.tally.rejected += 1
        self.rejects.add(found, reason)


def medications_in(files: Sequence[Path]) -> dict[str, bytes]:
    """Return every Medication by its reference; of two with the same, the one that sorts last as text."""
    found: dict[str, bytes] = {}
    for file in filter(is_of_resources, files):
        for each in found_in(file, lambda _: None):
            named = medication_in(each)
            if named is not None:
                found[named[0]] = max(found.get(named[0], b""), named[1])
    return found
