"""Files as they are given to `replay`, `explain` and `history import`, packed or not: gzip, zip and tar.

The unpacked size is limited: a text export shrinks to a tenth, a zip bomb to a thousandth.
"""

import gzip
import io
import lzma
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from ivigilant.errors import UnreadablePath

GZIP, ZIP = ".gz", ".zip"
TARS = (".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tar.xz")
FAULTS = (OSError, EOFError, zlib.error, zipfile.BadZipFile, tarfile.TarError, lzma.LZMAError, NotImplementedError)
_BYTES_FOR_ANY = 64 * 1024 * 1024  # to which any file may expand
_MOST_GROWTH = 200  # a larger file may expand to this many times its own size
_MOST_MEMBERS = 1_000_000


def is_archive(file: Path) -> bool:
    """Return whether it is an archive of several files, by its name."""
    return file.name.lower().endswith((ZIP, *TARS))


def unpacked_name(file: Path) -> str:
    """Return the name of the unpacked file: `results.hl7` of `results.hl7.gz`."""
    return file.name[: -len(GZIP)] if file.name.lower().endswith(GZIP) else file.name


class Bounded(io.RawIOBase):
    """A packed stream that fails when it expands beyond its allowance, which the members of an archive share."""

    def __init__(self, inner: IO[bytes], allowance: "Allowance") -> None:
        self._inner, self._allowance = inner, allowance

    def readable(self) -> bool:
        """Return True: it can be read."""
        return True

    def readinto(self, buffer: "memoryview") -> int:  # type: ignore[override]  # the buffer that io hands out
        """Read into a buffer, and count the bytes."""
        read = self._inner.read(len(buffer))
        self._allowance.take(len(read))
        buffer[: len(read)] = read
        return len(read)


class Allowance:
    """The number of bytes to which a packed file may still expand."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._left = max(_BYTES_FOR_ANY, _MOST_GROWTH * file.stat().st_size)

    def take(self, size: int) -> None:
        """Count the bytes read, or raise UnreadablePath."""
        self._left -= size
        if self._left < 0:
            raise UnreadablePath(f"{self._file} expands to more than {_MOST_GROWTH} times its size; unpack it first")


@contextmanager
def opened(file: Path, disk: IO[bytes]) -> Iterator[IO[bytes]]:
    """Open a file that is not an archive, unpacked if its name ends in .gz."""
    if not file.name.lower().endswith(GZIP):
        yield disk
        return
    with gzip.GzipFile(fileobj=disk) as inner:
        yield io.BufferedReader(Bounded(inner, Allowance(file)))  # type: ignore[arg-type]  # reads as any other file


def members(file: Path) -> Iterator[tuple[Path, IO[bytes]]]:
    """Yield the path and content of every file in an archive, sorted by name; packed files are unpacked."""
    allowance = Allowance(file)
    for name, inner in _in_zip(file) if file.name.lower().endswith(ZIP) else _in_tar(file):
        where = file / name
        if is_archive(where):
            raise UnreadablePath(f"{where} is an archive in an archive; unpack it first")
        is_packed = name.lower().endswith(GZIP)
        content = gzip.GzipFile(fileobj=inner) if is_packed else inner
        yield where, io.BufferedReader(Bounded(content, allowance))  # type: ignore[arg-type]  # reads as any other file


def _in_zip(file: Path) -> Iterator[tuple[str, IO[bytes]]]:
    with zipfile.ZipFile(file) as archive:
        infos = [info for info in archive.infolist() if not info.is_dir()]
        for info in sorted(infos[:_MOST_MEMBERS], key=lambda info: info.filename):
            if info.flag_bits & 1:
                raise UnreadablePath(f"{file} is protected by a password; unpack it first")
            with archive.open(info) as inner:
                yield info.filename, inner


def _in_tar(file: Path) -> Iterator[tuple[str, IO[bytes]]]:
    with tarfile.open(file) as archive:
        for info in sorted((info for info in archive if info.isfile()), key=lambda info: info.name):
            inner = archive.extractfile(info)
            if inner is not None:
                with inner:
                    yield info.name, inner


def contents(file: Path) -> Iterator[tuple[Path, bytes]]:
    """Yield the whole content of a file, or of each file in an archive; raise UnreadablePath if it cannot be read."""
    try:
        if is_archive(file):
            for where, content in members(file):
                yield where, content.read()
            return
        with file.open("rb") as disk, opened(file, disk) as content:
            yield file, content.read()
    except FAULTS as error:
        raise UnreadablePath(f"{file} cannot be read ({type(error).__name__})") from None
