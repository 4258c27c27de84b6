"""The files of a first load, and the messages and resources in them, each with the line it stands on."""

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
_BOM = b"\xef\xbb\xbf"

# What says most of a patient before what is judged by it. The order changes nothing but how often orders are answered.
_KINDS = ("Medication", "Patient", "Condition", "AllergyIntolerance", "Procedure", "Observation")
_LATE = ("MedicationStatement", "MedicationAdministration", "MedicationRequest")

Tell = Callable[[int], None]


@dataclass(frozen=True, slots=True)
class Found:
    """One message or resource as it stands in a file, and where."""

    file: Path
    line: int  # of HL7 messages: which of the file
    raw: bytes

    @property
    def is_resource(self) -> bool:
        """Whether it is FHIR."""
        return is_resource(self.raw) or is_of_resources(self.file)


def files_in(paths: Sequence[Path]) -> list[Path]:
    """Give every file to import, history first; a path that cannot be used raises UnreadablePath."""
    found = [file for path in paths for file in _under(path)]
    if not found:
        raise UnreadablePath(f"{', '.join(map(str, paths))}: no messages (.hl7 and its kind) and no .ndjson in it")
    return sorted(dict.fromkeys(found), key=lambda file: (_rank(file), str(file)))


def kind_of_file(file: Path) -> str:
    """The ending that tells what is in it, without that of its packing."""
    return Path(unpacked_name(file)).suffix.lower()


def is_of_resources(file: Path) -> bool:
    """Whether what is in it is FHIR, by its name."""
    return kind_of_file(file) in (*LINES, *WHOLE)


def size_of(files: Sequence[Path]) -> int:
    """Bytes on disk, all of them."""
    return sum(file.stat().st_size for file in files)


def found_in(file: Path, report: Tell) -> Iterator[Found]:
    """Give what stands in it; `report` hears how many bytes on disk were read since the last time."""
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
            f"{file} cannot be read to its end ({type(error).__name__}); what came before is kept"
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
    """By the kind of resource in the name, as bulk exports call their files."""
    kind = file.name.partition(".")[0]
    if kind in _KINDS:
        return _KINDS.index(kind)
    return len(_KINDS) + 1 + _LATE.index(kind) if kind in _LATE else len(_KINDS)


def _stands(where: Path, content: IO[bytes]) -> Iterator[Found]:
    """What stands in a file of an archive."""
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
            position = disk.tell()
            if position != before:
                report(position - before)
                before = position
            if raw:
                yield Found(file, number, raw)


def _messages(file: Path, report: Tell) -> Iterator[Found]:
    """The messages of an HL7 file or batch, or the one resource of a JSON file."""
    with file.open("rb") as disk, opened(file, disk) as content:
        yield from _whole(file, content.read())
    report(file.stat().st_size)


def _whole(file: Path, whole: bytes) -> Iterator[Found]:
    if is_resource(whole.removeprefix(_BOM).lstrip()):
        yield Found(file, 1, whole.removeprefix(_BOM).strip())
    else:
        for number, raw in enumerate(messages_in(whole), 1):
            yield Found(file, number, raw)
