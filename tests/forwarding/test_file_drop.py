"""Files in a real folder."""

import json
import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from forwarding.errors import OddDestination, Unreachable
from forwarding.file_drop import FileDrop, file_name
from forwarding.notice import Notice, as_json
from tests.forwarding.builders import a_notice
from tests.forwarding.contract import ForwarderContract, Received


class Engine:
    """An integration engine that collects what appears in its folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.received: list[Received] = []
        self.answers("accepted")

    def destination(self) -> "Collected":
        return Collected(FileDrop("engine", self.folder), self)

    def answers(self, kind: str) -> None:
        if kind == "accepted":
            self.folder.mkdir(exist_ok=True)
        else:
            self.hangs_up()
        if kind == "busy":  # a share that is not mounted yet
            self.folder.symlink_to(self.folder.parent / "mount")
        if kind == "refused":  # something else stands where the folder should be
            self.folder.write_text("")

    def hangs_up(self) -> None:
        self.folder.rmdir()

    def collect(self) -> None:
        for path in sorted(self.folder.glob("*.json")):
            text = path.read_text()
            self.received.append(Received(json.loads(text)["event_id"], text))
            path.unlink()


@dataclass(frozen=True)
class Collected:
    """A file drop whose folder is emptied after each notice."""

    drop: FileDrop
    engine: Engine

    @property
    def name(self) -> str:
        return self.drop.name

    def forward(self, notice: Notice) -> None:
        self.drop.forward(notice)
        self.engine.collect()


@pytest.fixture
def receiver(tmp_path: Path) -> Iterator[Engine]:
    yield Engine(tmp_path / "notices")


class TestFileDrop(ForwarderContract):
    pass


def test_a_notice_is_one_file_that_its_group_may_read_and_nothing_else_is_left(tmp_path: Path) -> None:
    FileDrop("engine", tmp_path).forward(a_notice())

    (path,) = tmp_path.iterdir()
    assert path.name == "notice-alert-41+7+mail.json"
    assert path.read_bytes() == as_json(a_notice())
    assert stat.S_IMODE(path.stat().st_mode) == 0o640


def test_a_repeated_notice_takes_the_place_of_the_first(tmp_path: Path) -> None:
    drop = FileDrop("engine", tmp_path)

    drop.forward(a_notice())
    drop.forward(a_notice())
    drop.forward(a_notice(idempotency_key="alert-41:8:mail"))

    assert len(list(tmp_path.iterdir())) == 2


def test_a_file_that_cannot_be_put_in_its_place_leaves_nothing_beside_it(tmp_path: Path) -> None:
    (tmp_path / file_name(a_notice())).mkdir()  # nothing can take the place of a folder

    with pytest.raises(Unreachable):
        FileDrop("engine", tmp_path).forward(a_notice())

    assert [path.suffix for path in tmp_path.iterdir()] == [".json"]


def test_whoever_watches_the_folder_never_reads_half_a_notice(tmp_path: Path) -> None:
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:  # writes without end until it is killed in the middle of something
        os.close(reading)
        drop = FileDrop("engine", tmp_path)
        number = 0
        while True:
            drop.forward(a_notice(idempotency_key=f"alert-41:{number}:mail", sequence=number))
            number += 1
            if number == 20:
                os.write(writing, b".")
    try:
        os.close(writing)
        assert os.read(reading, 1) == b"."
    finally:
        os.kill(child, 9)
        os.waitpid(child, 0)
        os.close(reading)

    files = list(tmp_path.glob("*.json"))
    assert len(files) >= 20
    assert all(json.loads(path.read_text())["schema_version"] == 1 for path in files)


def test_a_folder_that_depends_on_where_we_were_started_is_refused_at_the_start() -> None:
    with pytest.raises(OddDestination, match="absolute path"):
        FileDrop("engine", Path("notices"))
