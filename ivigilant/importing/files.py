"""The files of a first load, and the messages and resources in them, each with its line."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from ivigilant.errors import UnreadablePath
from ivigilant.packed import FAULTS, is_archive, members, opened, unpacked_name
from ivigilant.replaying import SUFFIXES, messages_in
from parsers.fhir.reading import is_resource

LINES = {".ndjson", ".jsonl"}  # a resource on every line
WHOLE = {".json"}  # one resource, or a bundle
LONGEST_LINE = 16 * 1024 * 1024  # bytes, as of a frame
_REPORTED = 256  # lines, for every report of how far it is
_BOM = b"\xef\xbb\xbf"

# History before the orders that are judged by it. The order affects only how often an order is judged.
_KINDS = ("Medication", "Patient", "Condition", "AllergyIntolerance", "Procedure", "Observation")
_LATE = ("MedicationStatement", "MedicationAdministration", "MedicationDispense", "MedicationRequest")

Tell = Callable[[int], None]


@dataclass(frozen=True, slots=True)
class Found:
    """One message or resource as it stands in a file, with its place."""

    file: Path
    line: int  # of an HL7 message: its number in the file
    raw: bytes

    @property
    def is_resource(self) -> bool:
        """Return whether it is FHIR."""
        return is_resource(self.raw) or is_of_resources(self.file)


def files_in(paths: Sequence[Path]) -> list[Path]:
    """Return every file to import, history first; raise UnreadablePath for a path that cannot be used."""
    found = [file for path in paths for file in _under(path)]
    if not found:
        raise UnreadablePath(f"{', '.join(map(str, paths))}: it holds no HL7 messages and no .ndjson")
    return sorted(dict.fromkeys(found), key=lambda file: (_rank(file), str(file)))


def kind_of_file(file: Path) -> str:
    """Return the ending that tells what it contains, without that of a packed file."""
    return Path(unpacked_name(file)).suffix.lower()


def is_of_resources(file: Path) -> bool:
    """Return whether it contains FHIR, by its name."""
    return kind_of_file(file) in (*LINES, *WHOLE)


def size_of(files: Sequence[Path]) -> int:
    """Return their total size on disk in bytes."""
    return sum(file.stat().st_size for file in files)


def found_in(file: Path, report: Tell) -> Iterator[Found]:
    """Yield what it contains; `report` is called with the bytes on disk read since the last call."""
    try:
        if is_archive(file):
            for where, content in members(file):
                if _is_ours(where):
                    yield from _stands(where, content)
            report(file.stat().st_size)
        else:
            yield from _lines(file, report) if kind_of_file(file) in LINES else _messages(file, report)
    except FAULTS as error:
        raise UnreadablePath(
            f"{file} cannot be read to its end ({type(error).__name__}); everything before this place was imported"
        ) from None


def _under(path: Path) -> list[Path]:
    if path.is_dir():
        return sorted(file for file in path.rglob("*") if _is_ours(file) and file.is_file())
    if not path.exists():
        raise UnreadablePath(f"{path} does not exist")
    return [path]


def _is_ours(file: Path) -> bool:
    return is_archive(file) or kind_of_file(file) in SUFFIXES | LINES | WHOLE


def _rank(file: Path) -> int:
    """Return the rank by the kind of resource in the name, as in a FHIR bulk export."""
    kind = file.name.partition(".")[0]
    if kind in _KINDS:
        return _KINDS.index(kind)
    return len(_KINDS) + 1 + _LATE.index(kind) if kind in _LATE else len(_KINDS)


def _stands(where: Path, content: IO[bytes]) -> Iterator[Found]:
    """Return what a file of an archive contains."""
    if kind_of_file(where) in LINES:
        for number, line in enumerate(iter(lambda: content.readline(LONGEST_LINE), b""), 1):
            if raw := line.removeprefix(_BOM).strip():
                yield Found(where, number, raw)
    else:
        yield from _whole(where, content.read())


def _lines(file: Path, report: Tell) -> Iterator[Found]:
    with file.open("rb") as disk, opened(file, disk) as lines:
        before = 0
        for number, line in enumerate(iter(lambda: lines.readline(LONGEST_LINE), b""), 1):
            raw = line.removeprefix(_BOM).strip() if number == 1 else line.strip()
            if raw:
                yield Found(file, number, raw)
            if number % _REPORTED == 0:
                position = disk.tell()
                report(position - before)
                before = position
        report(disk.tell() - before)


def _messages(file: Path, report: Tell) -> Iterator[Found]:
    """Return the messages of an HL7 file or batch, or the one resource of a JSON file."""
    with file.open("rb") as disk, opened(file, disk) as content:
        yield from _whole(file, content.read())
    report(file.stat().st_size)


def _whole(file: Path, whole: bytes) -> Iterator[Found]:
    if is_resource(whole.removeprefix(_BOM).lstrip()):
        yield Found(file, 1, whole.removeprefix(_BOM).strip())
    else:
        for number, raw in enumerate(messages_in(whole), 1):
            yield Found(file, number, raw)
