"""MLLP framing of a stream of bytes, whatever the sender or the network does to it.

No sockets and no clock here: bytes and times go in, parts come out. However the same bytes are divided, the
same parts come out. A frame is `<SB> payload <EB> <CR>`; if so configured, a message without SB is extracted too,
up to its EB CR, the next SB, the next `MSH|` on a line of its own, or a pause.
"""

from dataclasses import dataclass, field

SB, EB, CR = b"\x0b", b"\x1c", b"\r"
_END = EB + CR
_EB, _CR = EB[0], CR[0]
UNFRAMED = "unframed"  # the flag of a message sent without SB
_HEAD = b"MSH|"
_BLANK = b" \t\r\n\0"
_JUNK_REPORT = 64 * 1024
_JUNK_HEAD = 512


@dataclass(frozen=True, slots=True)
class FrameLimits:
    """How large and how slow a frame may be."""

    max_frame: int = 16 * 1024 * 1024
    drain_cap: int = 64 * 1024 * 1024  # a longer frame costs the sender its link
    kept_prefix: int = 64 * 1024  # how much is kept of a frame that is too large
    require_cr: bool = False
    unframed: bool = False  # extract messages sent without SB
    quiet_s: float = 0.5  # an EB without its CR ends the frame after this much silence; and an unframed message
    stalled_s: float = 30.0
    frame_cap_s: float = 120.0
    slow_after_s: float = 10.0
    slow_bytes_per_s: float = 1024.0


@dataclass(frozen=True, slots=True)
class Frame:
    """One whole payload."""

    payload: bytes
    flags: tuple[str, ...] = ()

    @property
    def unframed(self) -> bool:
        """Whether it was sent without SB."""
        return UNFRAMED in self.flags


@dataclass(frozen=True, slots=True)
class Oversized:
    """The beginning of a payload that was too large; not `ended` when draining it was abandoned."""

    prefix: bytes
    size: int
    ended: bool = True
    unframed: bool = False


@dataclass(frozen=True, slots=True)
class Truncated:
    """The part of a payload received before a new frame began, the link ended or the sender stalled."""

    payload: bytes
    stalled: bool = False
    unframed: bool = False


@dataclass(frozen=True, slots=True)
class Empty:
    """A frame with nothing in it."""


@dataclass(frozen=True, slots=True)
class Junk:
    """Bytes between frames, counted and not kept.

    `blank` when only white space and NULs, `unframed` when a message was among them.
    """

    size: int
    blank: bool
    unframed: bool
    head: bytes = field(default=b"", compare=False, repr=False)  # the first line of that message


Part = Frame | Oversized | Truncated | Empty | Junk


def as_junk(part: Frame | Oversized | Truncated) -> Junk:
    """Return what a message without SB is where its sender must frame what it sends."""
    raw, size = (part.prefix, part.size) if isinstance(part, Oversized) else (part.payload, len(part.payload))
    return Junk(size, blank=False, unframed=True, head=raw[:4096].split(b"\r", 1)[0])


class Framer:
    """Cuts one link's bytes into parts."""

    def __init__(self, limits: FrameLimits | None = None) -> None:
        self._limits = limits or FrameLimits()
        self._buffer = bytearray()
        self._scanned = 0  # no end and no new start before this position in the buffer
        self._inside = self._unframed = False
        self._dropped = 0  # bytes of an oversized payload that are no longer in the buffer
        self._prefix = b""
        self._began_at = self._heard_at = 0.0
        self._late_cr = False
        self._junk = _JunkRun()
        self.finished = False  # this link is not read any more

    @property
    def inside(self) -> bool:
        """Whether a frame has begun and not ended."""
        return self._inside

    @property
    def held(self) -> int:
        """Bytes in memory."""
        return len(self._buffer)

    def postpone(self, seconds: float) -> None:
        """Discount time in which the sender could not send because we did not read."""
        self._began_at += seconds
        self._heard_at += seconds

    def feed(self, data: bytes, now: float) -> list[Part]:
        """Return the parts that these bytes complete."""
        parts: list[Part] = []
        if self.finished or not data:
            return parts
        self._heard_at = now
        if (payload := self._only_frame_in(data)) is not None:
            return [Frame(payload)]
        self._buffer += data
        while self._buffer and not self.finished:
            if not (self._read_inside(parts, now) if self._inside else self._skip_to_start(parts, now)):
                break
        return parts

    def _only_frame_in(self, data: bytes) -> bytes | None:
        """Return the payload when these bytes are one whole frame and nothing else, as they nearly always are."""
        if self._inside or self._buffer or self._late_cr or self._junk or len(data) > self._limits.max_frame:
            return None
        if not data.startswith(SB) or not data.endswith(_END) or data.find(SB, 1) > 0 or data.find(EB) != len(data) - 2:
            return None
        payload = data[1:-2]
        return payload if payload.strip(_BLANK) else None

    def tick(self, now: float) -> list[Part]:
        """Return the parts that silence completes; call it a few times a second."""
        parts: list[Part] = []
        silent = now - self._heard_at
        if not self._inside:
            if silent >= self._limits.quiet_s:
                self._drop(len(self._buffer), parts)
                parts.extend(self._junk.report())
        elif (self._waits_for_cr() or self._unframed) and silent >= self._limits.quiet_s:
            self._late_cr = self._buffer.endswith(EB)
            self._end_frame(parts, len(self._buffer) - self._late_cr, len(self._buffer))
        elif self._stalls(now):
            parts.append(Truncated(self._so_far(len(self._buffer)), stalled=True, unframed=self._unframed))
            self._finish()
        return parts

    def end(self) -> list[Part]:
        """Return the parts that the end of the link completes."""
        parts: list[Part] = []
        if not self._inside:
            self._drop(len(self._buffer), parts)
            parts.extend(self._junk.report())
        elif self._waits_for_cr():
            self._end_frame(parts, len(self._buffer) - 1, len(self._buffer))
        elif self._unframed and self._buffer.endswith((b"\r", b"\n")):  # after a whole segment: there is no other sign
            self._end_frame(parts, len(self._buffer), len(self._buffer))
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
        """Drop everything before the next SB."""
        buffer = self._buffer
        if self._late_cr:
            self._late_cr = False
            if buffer[0] == _CR:
                del buffer[:1]
                return True
        start = buffer.find(SB)
        head = buffer.find(_HEAD, 0, start if start >= 0 else len(buffer)) if self._limits.unframed else -1
        if start < 0 and head < 0:
            self._drop(len(buffer) - self._perhaps_a_head(), parts)
            return False
        self._drop(head if head >= 0 else start, parts)
        parts.extend(self._junk.report())
        self._begin_frame(now, unframed=head >= 0)
        return True

    def _drop(self, size: int, parts: list[Part]) -> None:
        if size:
            parts.extend(self._junk.add(bytes(memoryview(self._buffer)[:size])))
            del self._buffer[:size]

    def _perhaps_a_head(self) -> int:
        """Return how many of the last bytes may be the beginning of a message that comes without SB."""
        if not self._limits.unframed:
            return 0
        return next((size for size in (3, 2, 1) if self._buffer.endswith(_HEAD[:size])), 0)

    def _begin_frame(self, now: float, *, unframed: bool = False) -> None:
        if not unframed:
            del self._buffer[:1]
        self._inside, self._unframed, self._began_at = True, unframed, now
        self._scanned = self._dropped = 0
        self._prefix = b""

    def _read_inside(self, parts: list[Part], now: float) -> bool:
        """Look for what ends this frame: its EB CR, or the SB of the next."""
        buffer = self._buffer
        start = buffer.find(SB, self._scanned)
        end = buffer.find(_END, self._scanned, start if start >= 0 else len(buffer))
        head = self._next_head(min((place for place in (end, start) if place >= 0), default=len(buffer)))
        if head >= 0:
            self._end_frame(parts, head, head)
        elif end >= 0:
            self._end_frame(parts, end, end + 2)
        elif start >= 0:
            self._end_at_start(parts, start, now)
        else:
            self._keep_reading(parts)
            return False
        return True

    def _next_head(self, before: int) -> int:
        """Return where the next message begins that comes without SB, when this one came without."""
        if not self._unframed:
            return -1
        found = (self._buffer.find(sign + _HEAD, self._scanned, before) for sign in (b"\r", b"\n"))
        return min((place + 1 for place in found if place >= 0), default=-1)

    def _end_at_start(self, parts: list[Part], start: int, now: float) -> None:
        """The next frame begins; this one is whole only when its end was as good as there."""
        forgiven = not self._limits.require_cr and start > 0 and self._buffer[start - 1] == _EB
        if forgiven or self._unframed:
            self._end_frame(parts, start - forgiven, start)
        else:
            self._truncate(parts, start)
            if not self.finished:
                del self._buffer[:start]
                self._begin_frame(now)

    def _keep_reading(self, parts: list[Part]) -> None:
        """Remember how far we searched, and hold no more than the limit allows."""
        unsettled = len(_HEAD) if self._unframed else self._buffer.endswith(EB)
        settled = max(len(self._buffer) - unsettled, 0)
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
            parts.append(Oversized(self._so_far(end), size, unframed=self._unframed))
        else:
            payload = bytes(memoryview(self._buffer)[:end])
            if not payload.strip(_BLANK):
                parts.append(Empty())
            else:
                flags = ("eb_in_payload",) if EB in payload else ()
                parts.append(Frame(payload, (*flags, UNFRAMED) if self._unframed else flags))
        del self._buffer[:after]
        self._inside = False

    def _truncate(self, parts: list[Part], end: int) -> None:
        size = self._dropped + end
        if size > self._limits.drain_cap:
            self._give_up(parts, size)
            return
        payload = self._so_far(end)
        parts.append(Truncated(payload, unframed=self._unframed) if payload.strip(_BLANK) else Empty())

    def _give_up(self, parts: list[Part], size: int) -> None:
        size = min(size, self._limits.drain_cap + 1)
        parts.append(Oversized(self._so_far(len(self._buffer)), size, ended=False, unframed=self._unframed))
        self._finish()

    def _so_far(self, end: int) -> bytes:
        """Return the payload up to here, or its beginning when it is too large."""
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
        self._head = b""

    def __bool__(self) -> bool:
        return self._size > 0

    def add(self, data: bytes) -> list[Junk]:
        """Count these as well; a long run is reported in pieces."""
        self._size += len(data)
        self._blank = self._blank and not data.strip(_BLANK)
        if self._unframed:
            self._head += data[: _JUNK_HEAD - len(self._head)]
        elif (at := (joined := self._tail + data).find(_HEAD)) >= 0:
            self._unframed = True
            self._head = joined[at : at + _JUNK_HEAD]
        self._tail = (self._tail + data)[-3:]
        return self.report() if self._size >= _JUNK_REPORT else []

    def report(self) -> list[Junk]:
        """Report the run, if there is one, and begin another."""
        if not self._size:
            return []
        run = Junk(self._size, self._blank, self._unframed, self._head.split(b"\r", 1)[0])
        self._size, self._blank, self._unframed, self._tail, self._head = 0, True, False, b"", b""
        return [run]
