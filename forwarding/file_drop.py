"""Notices written as JSON files to a folder, for an integration engine or a watched share.

A file appears complete or not at all, under a name ending in `.json`. The same notice, sent again, has the same name
and the same content.
"""

import os
import tempfile
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from forwarding.contract import DestinationForm, ProcessSettings
from forwarding.errors import OddDestination, Refused, Unreachable
from forwarding.notice import AnyNotice, as_json

_FOR_THE_GROUP = 0o640  # whoever collects the files shares our group and needs no more


class FileDropForm(DestinationForm):
    """A folder to write files to."""

    kind: Literal["file_drop"]
    folder: Path

    def open(self, settings: ProcessSettings) -> "FileDrop":
        """Return the folder; it need not exist yet, for a share may be mounted later."""
        return FileDrop(self.name, self.folder)


@dataclass(frozen=True, slots=True)
class FileDrop:
    """One folder."""

    name: str
    folder: Path

    def __post_init__(self) -> None:
        """Reject a relative folder: it would depend on the working directory."""
        if not self.folder.is_absolute():
            raise OddDestination(f"file drop {self.name}: the folder must be an absolute path: {self.folder}")

    def forward(self, notice: AnyNotice) -> None:
        """Write one file to the folder, on disk before this returns."""
        try:
            _put(self.folder, file_name(notice), as_json(notice))
        except (PermissionError, NotADirectoryError) as error:
            raise Refused(f"the folder cannot be written to: {type(error).__name__}") from error
        except OSError as error:  # a share that is not mounted, a full disk
            raise Unreachable(f"the folder cannot be written to now: {type(error).__name__}") from error


def file_name(notice: AnyNotice) -> str:
    """Return the file name; no two keys give the same name, because none contains a plus sign."""
    return f"notice-{notice.idempotency_key.replace(':', '+')}.json"


def _put(folder: Path, name: str, content: bytes) -> None:
    """Write a temporary file, then rename it, so that nobody sees an incomplete file."""
    handle, beside = tempfile.mkstemp(prefix=".notice-", suffix=".part", dir=folder)
    try:
        with os.fdopen(handle, "wb") as file:
            os.fchmod(file.fileno(), _FOR_THE_GROUP)
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        Path(beside).replace(folder / name)
    except OSError:
        with suppress(OSError):
            Path(beside).unlink()
        raise
    _sync_folder(folder)


def _sync_folder(folder: Path) -> None:
    opened = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        with suppress(OSError):  # some shares cannot; the file itself is written
            os.fsync(opened)
    finally:
        os.close(opened)
