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

from ivigilant.settings import without_settings

ROOT = Path(__file__).parents[2]


def ivigilant(
    *words: str,
    environment: Mapping[str, str] | None = None,
    stdin: str = "",
    within_s: float = 120,
    largest_file: int | None = None,
) -> "subprocess.CompletedProcess[str]":
    """Run one command to its end; with `largest_file` as on a disk that takes no more than that."""
    return subprocess.run(
        command(words),
        env=surroundings(environment),
        input=stdin,
        capture_output=True,
        text=True,
        timeout=within_s,
        preexec_fn=None if largest_file is None else partial(_allow_files_of, largest_file),
    )


def _allow_files_of(size: int) -> None:
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))


@contextmanager
def running(
    *words: str, environment: Mapping[str, str] | None = None, output: Path | None = None
) -> Iterator["subprocess.Popen[str]"]:
    """Run a command that stays, and stop it as Ctrl-C does."""
    with (output or Path(os.devnull)).open("a") as file:
        process = subprocess.Popen(
            command(words), env=surroundings(environment), stdout=file, stderr=file, text=True, start_new_session=True
        )
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
