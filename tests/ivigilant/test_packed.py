"""Packed files are read by replay, explain and import alike, and a bomb is refused."""

import gzip
import io
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from ivigilant.errors import UnreadablePath
from ivigilant.importing.files import files_in, found_in
from ivigilant.replaying import named_messages, read_paths

SAMPLES = sorted((Path(__file__).parents[1] / "samples").glob("0[1-3]*.hl7"))
WHOLE = b"".join(file.read_bytes() for file in SAMPLES[:2])


def _gz(folder: Path) -> Path:
    file = folder / "two.hl7.gz"
    file.write_bytes(gzip.compress(WHOLE))
    return file


def _zip(folder: Path) -> Path:
    file = folder / "two.zip"
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("readme.pdf", b"no messages")
        archive.writestr("day/1.hl7", SAMPLES[0].read_bytes())
        archive.writestr("day/2.hl7.gz", gzip.compress(SAMPLES[1].read_bytes()))
    return file


def _tar(name: str, mode: str) -> Callable[[Path], Path]:
    def make(folder: Path) -> Path:
        file = folder / name
        with tarfile.open(file, mode) as archive:  # type: ignore[call-overload]  # the mode is one of its own
            for sample in SAMPLES[:2]:
                archive.add(sample, arcname=f"feed/{sample.name}")
        return file

    return make


PACKED = [
    pytest.param(_gz, id="gz"),
    pytest.param(_zip, id="zip"),
    pytest.param(_tar("two.tar", "w"), id="tar"),
    pytest.param(_tar("two.tar.gz", "w:gz"), id="tar.gz"),
    pytest.param(_tar("two.tgz", "w:gz"), id="tgz"),
]


@pytest.mark.parametrize("make", PACKED)
def test_the_messages_of_a_packed_file_are_those_of_the_files_in_it(
    make: Callable[[Path], Path], tmp_path: Path
) -> None:
    file = make(tmp_path)

    assert list(read_paths([file])) == list(read_paths(SAMPLES[:2]))
    assert list(read_paths([tmp_path])) == list(read_paths(SAMPLES[:2]))


@pytest.mark.parametrize("make", PACKED)
def test_a_first_load_finds_them_too(make: Callable[[Path], Path], tmp_path: Path) -> None:
    file = make(tmp_path)

    found = [each for one in files_in([file]) for each in found_in(one, lambda _: None)]

    assert [each.raw for each in found] == list(read_paths(SAMPLES[:2]))


def test_a_resource_in_an_archive_is_a_resource(tmp_path: Path) -> None:
    file = tmp_path / "export.zip"
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("Patient.ndjson", b'{"resourceType": "Patient"}\n{"resourceType": "Patient"}\n')

    found = list(found_in(file, lambda _: None))

    assert [(each.is_resource, each.line, each.file.name) for each in found] == [
        (True, 1, "Patient.ndjson"),
        (True, 2, "Patient.ndjson"),
    ]


def test_a_message_in_an_archive_is_named_by_its_place(tmp_path: Path) -> None:
    names = [name for name, _ in named_messages([_zip(tmp_path)])]

    assert names == [f"{tmp_path}/two.zip/day/1.hl7", f"{tmp_path}/two.zip/day/2.hl7.gz"]


@pytest.mark.parametrize("name", ["bomb.hl7.gz", "bomb.zip"])
def test_what_expands_beyond_all_measure_is_refused(name: str, tmp_path: Path) -> None:
    file = tmp_path / name
    zeros, size = bytes(1024 * 1024), 80
    if name.endswith(".gz"):
        with gzip.open(file, "wb", compresslevel=1) as packed:
            for _ in range(size):
                packed.write(zeros)
    else:
        with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive, archive.open("1.hl7", "w") as inner:
            for _ in range(size):
                inner.write(zeros)

    with pytest.raises(UnreadablePath, match="expands to more"):
        list(read_paths([file]))


@pytest.mark.parametrize("name", ["cut.hl7.gz", "cut.zip", "cut.tar"])
def test_a_packed_file_that_is_none_is_named(name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(b"no archive at all")

    with pytest.raises(UnreadablePath, match=name):
        list(read_paths([tmp_path / name]))


def test_an_archive_in_an_archive_is_left_to_a_person(tmp_path: Path) -> None:
    inner = io.BytesIO()
    with zipfile.ZipFile(inner, "w") as archive:
        archive.writestr("1.hl7", SAMPLES[0].read_bytes())
    with zipfile.ZipFile(tmp_path / "outer.zip", "w") as archive:
        archive.writestr("inner.zip", inner.getvalue())

    with pytest.raises(UnreadablePath, match="archive in an archive"):
        list(read_paths([tmp_path / "outer.zip"]))
