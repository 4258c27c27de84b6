"""Reading in several processes: validation and reading cost more than keeping does."""

import gc
import multiprocessing
import signal
from collections.abc import Sequence
from concurrent.futures import Future, ProcessPoolExecutor

import msgspec

from clinical.events import Reading
from parsers.defaults import Defaults
from parsers.errors import UnreadableMessage
from parsers.fhir.reading import READERS, is_resource, read_resource_header
from parsers.fhir.validation import fault_of, load_models
from parsers.reading import read


class Read(msgspec.Struct, frozen=True):
    """One message as it was read, in another process."""

    reading: Reading | None = None
    reason: str = ""  # why it cannot be read as it is; the reading is what it says all the same
    path: str = ""
    fault: str = ""  # what is wrong by the standard: it is not kept

    def outcome(self) -> Reading | UnreadableMessage | None:
        """As the parsers tell it."""
        if self.reading is not None and self.reason:
            return UnreadableMessage(self.reason, self.path, self.reading)
        return self.reading


_ALLOCATIONS = 100_000
_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(list[Read])


def read_some(defaults: Defaults, messages: Sequence[bytes]) -> bytes:
    """Read them, one after another; an error of our own is the caller's to handle, for all of them."""
    return _encoder.encode([_read(raw, defaults) for raw in messages])


def decoded(answer: bytes) -> list[Read]:
    """What `read_some` read."""
    return _decoder.decode(answer)


def _read(raw: bytes, defaults: Defaults) -> Read:
    if is_resource(raw) and (fault := fault_of(read_resource_header(raw, defaults).event, raw)):
        return Read(fault=fault)
    try:
        return Read(reading=read(raw, defaults))
    except UnreadableMessage as error:
        if error.reason == "medication_elsewhere":
            return Read(fault=f"{error.path}: the Medication it points to is not among what is imported")
        return Read(reading=error.reading, reason=error.reason, path=error.path)


class Readers:
    """Processes that read; none of them where one batch is all there is."""

    def __init__(self, processes: int) -> None:
        self._processes = processes
        self._pool = _pool(processes) if processes else None

    def get_ready(self) -> None:
        """Let the processes start, and load what validates: that takes a second, in which others can work."""
        if self._pool is not None:
            for _ in range(self._processes):
                self._pool.submit(load_models, list(READERS))

    def read(self, defaults: Defaults, messages: Sequence[bytes]) -> "Future[bytes]":
        """Begin to read them."""
        if self._pool is not None:
            return self._pool.submit(read_some, defaults, messages)
        done: Future[bytes] = Future()
        done.set_result(read_some(defaults, messages))
        return done

    def close(self) -> None:
        """Let the processes go; what they have not begun is left."""
        if self._pool is not None:
            self._pool.shutdown(wait=True, cancel_futures=True)


def _pool(processes: int) -> ProcessPoolExecutor:
    # Fresh processes: a fork would share our connection to the database.
    context = multiprocessing.get_context("spawn")
    return ProcessPoolExecutor(processes, mp_context=context, initializer=_begin)


def collect_seldom() -> None:
    """Look for garbage less often: what a first load makes is freed without looking, and looking costs a fifth."""
    gc.set_threshold(_ALLOCATIONS)


def _begin() -> None:
    """End with who started us, also when it is killed; Ctrl-C is for it to act on."""
    from ivigilant.supervisor import end_with_parent

    signal.signal(signal.SIGINT, signal.SIG_IGN)
    collect_seldom()
    end_with_parent()
