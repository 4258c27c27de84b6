"""What stands between frames: counted, never kept but for the beginning of a message, which names its sender."""

from dataclasses import dataclass, field

HEAD = b"MSH|"
BLANK = b" \t\r\n\0"
_REPORT = 64 * 1024
_HEAD_BYTES = 512


@dataclass(frozen=True, slots=True)
class Junk:
    """Bytes between frames: `blank` when only white space and NULs, `unframed` when a message was among them."""

    size: int
    blank: bool
    unframed: bool
    head: bytes = field(default=b"", compare=False, repr=False)  # the first line of that message


class JunkRun:
    """Counts a run of bytes between frames without keeping them."""

    def __init__(self) -> None:
        self._size = 0
        self._blank = True
        self._unframed = False
        self._tail = b""
        self._head = b""

    def add(self, data: bytes) -> list[Junk]:
        """Count these as well; a long run is told in pieces."""
        self._size += len(data)
        self._blank = self._blank and not data.strip(BLANK)
        if self._unframed:
            self._head += data[: _HEAD_BYTES - len(self._head)]
        elif (at := (joined := self._tail + data).find(HEAD)) >= 0:
            self._unframed = True
            self._head = joined[at : at + _HEAD_BYTES]
        self._tail = (self._tail + data)[-3:]
        return self.report() if self._size >= _REPORT else []

    def report(self) -> list[Junk]:
        """Tell of the run, if there is one, and begin another."""
        if not self._size:
            return []
        told = Junk(self._size, self._blank, self._unframed, self._head.split(b"\r", 1)[0])
        self._size, self._blank, self._unframed, self._tail, self._head = 0, True, False, b"", b""
        return [told]
