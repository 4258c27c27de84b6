"""Messages of real senders, when they are there: in ../shared/corpus, or where IVIGILANT_TEST_CORPUS says.

They are not part of the project. Where they are not, the project's own samples take their place.
"""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from ivigilant.replaying import messages_in
from parsers.errors import UnreadableHeader
from parsers.hl7.header import read_header_line

ROOT = Path(__file__).parents[2]
SAMPLES = ROOT / "tests" / "samples"
OWN = "our samples"
_NOT_MESSAGES = {"README.md", "manifest.csv"}


class Source(NamedTuple):
    """One sender: whose messages, and its files."""

    name: str
    files: tuple[Path, ...]
    folder: Path


def corpus() -> Path | None:
    """The folder, when it is there."""
    folder = Path(os.environ.get("IVIGILANT_TEST_CORPUS", ROOT.parent / "shared" / "corpus"))
    return folder if folder.is_dir() else None


def sources() -> list[Source]:
    """Our samples, and every sender of the corpus by name."""
    found = [Source(OWN, tuple(sorted(SAMPLES.glob("*.hl7"))), SAMPLES)]
    folder = corpus()
    if folder is None:
        return found
    by_sender: dict[str, list[Path]] = {}
    for path in sorted(folder.rglob("*")):
        if path.is_file() and path.name not in _NOT_MESSAGES:
            by_sender.setdefault(path.relative_to(folder).parts[0], []).append(path)
    return found + [Source(name, tuple(files), folder) for name, files in sorted(by_sender.items())]


def messages_of(source: Source) -> Iterator[tuple[str, bytes]]:
    """Every message of a sender that holds an MSH, named by its file and its number in it."""
    for path in source.files:
        for number, raw in enumerate(messages_in(path.read_bytes()), 1):
            if holds_msh(raw):
                yield f"{path.relative_to(source.folder)}#{number}", raw


def holds_msh(raw: bytes) -> bool:
    """Whether there is a header to read."""
    try:
        read_header_line(raw)
    except UnreadableHeader:
        return False
    return True
