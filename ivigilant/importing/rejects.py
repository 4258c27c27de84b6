"""The file of what was not stored: file, line, reason and the line itself, to be corrected and imported again.

It contains patient data, so only its owner may read it.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import msgspec

from ivigilant.errors import UnreadablePath
from ivigilant.importing.files import Found


class Rejects:
    """Creates the file at the first line."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.count = 0
        self._file: IO[bytes] | None = None

    def add(self, found: Found, reason: str) -> None:
        """Add what was not stored, and why."""
        self.count += 1
        reject = {"file": str(found.file), "line": found.line, "reason": reason}
        line = msgspec.json.encode(reject | {"raw": found.raw.decode("utf-8", "replace")})
        self._opened().write(line + b"\n")

    def _opened(self) -> IO[bytes]:
        if self._file is None:
            try:
                number = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            except OSError as error:
                raise UnreadablePath(f"{self.path} cannot be written ({type(error).__name__}); see --rejects") from None
            self._file = os.fdopen(number, "wb")
        return self._file

    def close(self) -> None:
        """Close the file."""
        if self._file is not None:
            self._file.close()


@contextmanager
def rejects_in(path: Path) -> Iterator[Rejects]:
    """Yield the file; an older one of this name stays when nothing is rejected."""
    rejects = Rejects(path)
    try:
        yield rejects
    finally:
        rejects.close()
