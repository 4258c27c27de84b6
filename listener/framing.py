"""MLLP frames out of a stream of bytes, whatever the sender or the network does to it.

No sockets and no clock here: bytes and times go in, parts come out. However the same bytes are cut into pieces, the
same parts come out. A frame is `<SB> payload <EB> <CR>`.
"""

from dataclasses import dataclass

SB, EB, CR = b"\x0b", b"\x1c", b"\r"
_END = EB + CR
_EB, _CR = EB[0], CR[0]
_BLANK = b" \t\r\n\0"
_JUNK_REPORT = 64 * 1024


@dataclass(frozen=True, slots=True)
class FrameLimits:
    """How large and how slow a frame may be."""

    max_frame: int = 16 * 1024 * 1024
    drain_cap: int = 64 * 1024 * 1024  # a frame longer than this costs the sender its link
    kept_prefix: int = 64 * 1024  # what is kept of a frame that is too large
    require_cr: bool = False
    quiet_s: float = 0.5  # an EB without its CR ends the frame after this much silence
    stalled_s: float = 30.0
    frame_cap_s: float = 120.0
    slow_after_s: float = 10.0
    slow_bytes_per_s: float = 1024.0


@dataclass(frozen=True, slots=True)
class Frame:
    """One whole payload."""

    payload: bytes
    flags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Oversized:
    """The beginning of a payload that was too large; not `ended` when even draining it was given up."""

    prefix: bytes
    size: int
    ended: bool = True


@dataclass(frozen=True, slots=True)
class Truncated:
    """What came of a payload before it stopped: a new frame began, the link ended or the sender stalled."""

    payload: bytes
    stalled: bool = False


@dataclass(frozen=True, slots=True)
class Empty:
    """A frame with nothing in it."""


@dataclass(frozen=True, slots=True)
class Junk:
    """Bytes between frames: `blank` when only white space and NULs, `unframed` when a message was among them."""

    size: int
    blank: bool
    unframed: bool


Part = Frame | Oversized | Truncated | Empty | Junk


class Framer:
    """Cuts one link's bytes into parts."""

    def __init__(self, limits: FrameLimits | None = None) -> None:
        self._limits = limits or FrameLimits()
        self._buffer = bytearray()
        self._scanned = 0  # no end and no new start lies before this place in the buffer
        self._inside = False
        self._dropped = 0  # bytes of an oversized payload that are no longer in the buffer
        self._prefix = b""
        self._began_at = self._heard_at = 0.0
        self._late_cr = False
        self._junk = _JunkRun()
        self.finished = False  # nothing more is read from this link

    @property
    def inside(self) -> bool:
        """Whether a frame has begun and not ended."""
        return self._inside

    def feed(self, data: bytes, now: float) -> list[Part]:
        """The parts that these bytes complete."""
        parts: list[Part] = []
        if self.finished or not data:
            return parts
        self._heard_at = now
        self._buffer += data
        while self._buffer and not self.finished:
            if not (self._read_inside(parts, now) if self._inside else self._skip_to_start(parts, now)):
                break
        return parts

    def tick(self, now: float) -> list[Part]:
        """The parts that silence completes; call it a few times a second."""
        parts: list[Part] = []
        silent = now - self._heard_at
        if not self._inside:
            if silent >= self._limits.quiet_s:
                self._junk.report(parts)
        elif self._waits_for_cr() and silent >= self._limits.quiet_s:
            self._end_frame(parts, len(self._buffer) - 1, len(self._buffer))
            self._late_cr = True
        elif self._stalls(now):
            parts.append(Truncated(self._so_far(len(self._buffer)), stalled=True))
            self._finish()
        return parts

    def end(self) -> list[Part]:
        """The parts that the end of the link completes."""
        parts: list[Part] = []
        if not self._inside:
            self._junk.report(parts)
        elif self._waits_for_cr():
            self._end_frame(parts, len(self._buffer) - 1, len(self._buffer))
        elif not self.finished:
            self._truncate(parts, len(self._buffer))
        self._finish()
        return parts

    def _waits_for_cr(self) -> bool:
        return not self._limits.require_cr and self._buffer.endswith(EB)

    def _stalls(self, now: float) -> bool:
        limits, lasted = self._limits, now - self._began_at
        slow = lasted > limits.slow_after_s and self._dropped + len(self._buffer) < lasted * limits.slow_bytes_per_s
        return slow or now - self._heard_at > limits.stalled_s or lasted > limits.frame_cap_s

    def _finish(self) -> None:
        self._buffer.clear()
        self._inside = False
        self.finished = True

    def _skip_to_start(self, parts: list[Part], now: float) -> bool:
        """Drop what stands before the next SB."""
        buffer = self._buffer
        if self._late_cr:
            self._late_cr = False
            if buffer[0] == _CR:
                del buffer[:1]
                return True
        start = buffer.find(SB)
        if start:
            self._junk.add(bytes(buffer) if start < 0 else bytes(buffer[:start]), parts)
        if start < 0:
            buffer.clear()
            return False
        self._junk.report(parts)
        self._begin_frame(start, now)
        return True

    def _begin_frame(self, start: int, now: float) -> None:
        del self._buffer[: start + 1]
        self._inside, self._began_at = True, now
        self._scanned = self._dropped = 0
        self._prefix = b""

    def _read_inside(self, parts: list[Part], now: float) -> bool:
        """Look for what ends this frame: its EB CR, or the SB of the next."""
        buffer = self._buffer
        start = buffer.find(SB, self._scanned)
        end = buffer.find(_END, self._scanned, start if start >= 0 else len(buffer))
        if end >= 0:
            self._end_frame(parts, end, end + 2)
        elif start >= 0:
            if not self._limits.require_cr and start and buffer[start - 1] == _EB:
                self._end_frame(parts, start - 1, start)
            else:
                self._truncate(parts, start)
                if not self.finished:
                    self._begin_frame(start, now)
        else:
            self._keep_reading(parts)
            return False
        return True

    def _keep_reading(self, parts: list[Part]) -> None:
        """Remember how far we looked, and hold no more than the limit allows."""
        settled = len(self._buffer) - self._buffer.endswith(EB)
        self._scanned = settled
        if self._dropped + settled > self._limits.max_frame:
            self._prefix = self._so_far(settled)
            self._dropped += settled
            del self._buffer[:settled]
            self._scanned = 0
            if self._dropped > self._limits.drain_cap:
                self._give_up(parts, self._dropped)

    def _end_frame(self, parts: list[Part], end: int, after: int) -> None:
        size = self._dropped + end
        if size > self._limits.drain_cap:
            self._give_up(parts, size)
            return
        if size > self._limits.max_frame:
            parts.append(Oversized(self._so_far(end), size))
        else:
            payload = bytes(memoryview(self._buffer)[:end])
            if not payload.strip(_BLANK):
                parts.append(Empty())
            else:
                parts.append(Frame(payload, ("eb_in_payload",) if EB in payload else ()))
        del self._buffer[:after]
        self._inside = False

    def _truncate(self, parts: list[Part], end: int) -> None:
        size = self._dropped + end
        if size > self._limits.drain_cap:
            self._give_up(parts, size)
            return
        payload = self._so_far(end)
        parts.append(Truncated(payload) if payload.strip(_BLANK) else Empty())

    def _give_up(self, parts: list[Part], size: int) -> None:
        parts.append(Oversized(self._so_far(len(self._buffer)), min(size, self._limits.drain_cap + 1), ended=False))
        self._finish()

    def _so_far(self, end: int) -> bytes:
        """The payload up to here, or its beginning when it is too large."""
        if self._prefix:
            return self._prefix
        if self._dropped + end > self._limits.max_frame:
            end = min(self._limits.kept_prefix, self._limits.max_frame)
        return bytes(memoryview(self._buffer)[:end])


class _JunkRun:
    """Counts a run of bytes between frames without keeping them."""

    def __init__(self) -> None:
        self._size = 0
        self._blank = True
        self._unframed = False
        self._tail = b""

    def add(self, data: bytes, parts: list[Part]) -> None:
        self._size += len(data)
        self._blank = self._blank and not data.strip(_BLANK)
        self._unframed = self._unframed or b"MSH|" in self._tail + data
        self._tail = (self._tail + data)[-3:]
        if self._size >= _JUNK_REPORT:
            self.report(parts)

    def report(self, parts: list[Part]) -> None:
        if self._size:
            parts.append(Junk(self._size, self._blank, self._unframed))
            self._size, self._blank, self._unframed, self._tail = 0, True, False, b""
