"""Reading in several processes: validation and reading cost more than storing."""

import gc
import multiprocessing
import signal
from collections.abc import Sequence
from concurrent.futures import Future, ProcessPoolExecutor

import msgspec

from clinical.events import Reading
from parsers.defaults import Defaults
from parsers.errors import UnreadableMessage
from parsers.fhir.reading import is_resource, read_resource_header
from parsers.fhir.validation import fault_of
from parsers.reading import read


class Read(msgspec.Struct, frozen=True):
    """One message as it was read, in another process."""

    reading: Reading | None = None
    reason: str = ""  # why it cannot be read fully; the reading holds what could be read
    path: str = ""
    fault: str = ""  # why it is not valid FHIR: it is not stored

    def outcome(self) -> Reading | UnreadableMessage | None:
        """Return it as the parsers do."""
        if self.reading is not None and self.reason:
            return UnreadableMessage(self.reason, self.path, self.reading)
        return self.reading


_ALLOCATIONS = 100_000
_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(list[Read])


def read_some(defaults: Defaults, messages: Sequence[bytes]) -> bytes:
    """Read them one after another; an error of our own is raised for all of them."""
    return _encoder.encode([_read(raw, defaults) for raw in messages])


def decoded(answer: bytes) -> list[Read]:
    """Decode the answer of `read_some`."""
    return _decoder.decode(answer)


def _read(raw: bytes, defaults: Defaults) -> Read:
    if is_resource(raw) and (fault := fault_of(read_resource_header(raw, defaults).event, raw)):
        return Read(fault=fault)
    try:
        return Read(reading=read(raw, defaults))
    except UnreadableMessage as error:
        if error.reason == "medication_elsewhere":
            return Read(fault=f"{error.path}: the Medication that it refers to is not among the imported files")
        return Read(reading=error.reading, reason=error.reason, path=error.path)


class Readers:
    """Processes that read; none when there is only one batch."""

    def __init__(self, processes: int) -> None:
        self._processes = processes
        self._pool = _pool(processes) if processes else None

    def get_ready(self) -> None:
        """Start the processes, which takes about a second, while other work goes on."""
        if self._pool is not None:
            for _ in range(self._processes):
                self._pool.submit(is_resource, b"")

    def read(self, defaults: Defaults, messages: Sequence[bytes]) -> "Future[bytes]":
        """Start reading them."""
        if self._pool is not None:
            return self._pool.submit(read_some, defaults, messages)
        done: Future[bytes] = Future()
        done.set_result(read_some(defaults, messages))
        return done

    def close(self) -> None:
        """End the processes; work that has not started is dropped."""
        if self._pool is not None:
            self._pool.shutdown(wait=True, cancel_futures=True)


def _pool(processes: int) -> ProcessPoolExecutor:
    # Fresh processes: a fork would share our connection to the database.
    context = multiprocessing.get_context("spawn")
    return ProcessPoolExecutor(processes, mp_context=context, initializer=_begin)


def collect_seldom() -> None:
    """Collect garbage less often: a first load frees its objects by reference count, and collecting costs a fifth."""
    gc.set_threshold(_ALLOCATIONS)


def _begin() -> None:
    """End with the parent, also when it is killed; leave Ctrl-C to the parent."""
    from ivigilant.supervisor import end_with_parent

    signal.signal(signal.SIGINT, signal.SIG_IGN)
    collect_seldom()
    end_with_parent()
