"""Running our commands as a user does."""

import os
import resource
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO

from ivigilant.settings import without_settings
from tests.ivigilant.fork_server import Forked, fork
from tests.packages import ROOT


def ivigilant(
    *words: str,
    environment: Mapping[str, str] | None = None,
    stdin: str = "",
    within_s: float = 120,
    largest_file: int | None = None,
    from_nothing: bool = False,
) -> "subprocess.CompletedProcess[str]":
    """Run one command to its end; with `largest_file` as on a disk that takes no more than that, from nothing."""
    if not from_nothing and largest_file is None:
        return _forked(words, surroundings(environment), stdin, within_s)
    return subprocess.run(
        command(words),
        env=surroundings(environment),
        input=stdin,
        capture_output=True,
        text=True,
        timeout=within_s,
        preexec_fn=None if largest_file is None else partial(_allow_files_of, largest_file),
    )


def _forked(
    words: Sequence[str], environment: Mapping[str, str], stdin: str, within_s: float
) -> "subprocess.CompletedProcess[str]":
    with TemporaryFile() as given, TemporaryFile() as output, TemporaryFile() as errors:
        given.write(stdin.encode())
        given.seek(0)
        process = fork(words, environment, stdin=given, stdout=output, stderr=errors)
        try:
            code = process.wait(within_s)
        finally:
            process.kill()
        shown = [_text(file) for file in (output, errors)]
    return subprocess.CompletedProcess(command(words), code, *shown)


def _text(file: IO[bytes]) -> str:
    file.seek(0)
    return file.read().decode()


def _allow_files_of(size: int) -> None:
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))


@contextmanager
def running(*words: str, environment: Mapping[str, str] | None = None, output: Path | None = None) -> Iterator[Forked]:
    """Run a command that stays, and stop it as Ctrl-C does."""
    with (output or Path(os.devnull)).open("ab") as file, Path(os.devnull).open("rb") as nothing:
        process = fork(words, surroundings(environment), stdin=nothing, stdout=file, stderr=file, own_session=True)
        try:
            yield process
        finally:
            if process.poll() is None:
                process.send_signal(signal.SIGINT)
            try:
                process.wait(timeout=120)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()


def command(words: Sequence[str]) -> list[str]:
    return [sys.executable, "-m", "ivigilant", *words]


def surroundings(more: Mapping[str, str] | None) -> dict[str, str]:
    """Our environment without any setting of ours, and able to import us."""
    return without_settings(os.environ) | {"PYTHONPATH": str(ROOT)} | dict(more or {})
