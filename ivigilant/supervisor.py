"""Runs the processes of a stack on one machine: starts them, restarts those that die, and stops them all.

Each of our processes has one end of a pipe as its standard input and stops when the other end closes, which the
system does even when the supervisor is killed. Redis does not do that; the system is asked to end it.
"""

import ctypes
import io
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any, BinaryIO

import structlog

from ivigilant.errors import EmbeddedPartFailed, UnusableSettings
from ivigilant.logs import LARGEST_LOG, OLD_LOGS

FIRST_PAUSE_S = 0.5
LONGEST_PAUSE_S = 10.0
STEADY_AFTER_S = 30.0
STOP_WITHIN_S = 30.0
TICK_S = 0.1
TELL_AGAIN_S = 60.0
SET_PARENT_DEATH_SIGNAL = 1  # PR_SET_PDEATHSIG of <sys/prctl.h>

# Loaded before any fork: nothing should be loaded between fork and exec.
_system_library = ctypes.CDLL(None) if sys.platform.startswith("linux") else None

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Program:
    """A program to run and its name. One that is `ours` stops when its standard input closes."""

    name: str
    command: Sequence[str]
    ours: bool = True


@dataclass(slots=True)
class Running:
    """One program and its current process."""

    program: Program
    process: subprocess.Popen[bytes]
    started: float
    failures: int = 0
    start_again_at: float = 0.0

    @property
    def runs(self) -> bool:
        """Return whether it has a process."""
        return self.process.poll() is None

    def note_death(self, now: float) -> float:
        """Return the seconds to wait before the next start: longer each time, unless it ran well for a while."""
        self.failures = 0 if now - self.started > STEADY_AFTER_S else self.failures + 1
        pause: float = min(FIRST_PAUSE_S * 2**self.failures, LONGEST_PAUSE_S)
        self.start_again_at = now + pause
        return pause


@dataclass(slots=True)
class Supervisor:
    """Keeps programs running until asked to stop. `tell` prints a line for a person."""

    environment: Mapping[str, str]
    logs: Path
    tell: Callable[[str], None] = print
    stopping: threading.Event = field(default_factory=threading.Event)
    _running: list[Running] = field(default_factory=list)
    _not_before: float = 0.0  # when a full disk is reported again

    def start(self, program: Program) -> None:
        """Start a program and keep it running."""
        self._running.append(Running(program, self._spawn(program), time.monotonic()))

    def start_and_wait(self, program: Program, answers: Callable[[], bool], within_s: float = 20.0) -> None:
        """Start a program that others need, and return when it answers."""
        self.start(program)
        deadline = time.monotonic() + within_s
        process = self._running[-1].process
        while not answers():
            if process.poll() is not None or time.monotonic() > deadline:
                raise EmbeddedPartFailed(f"{program.name} did not start; {self._log(program)} says why")
            time.sleep(0.02)

    def run(self, tick: Callable[[], None] = lambda: None) -> None:
        """Watch until asked to stop; `tick` is called several times a second.

        Raise EmbeddedPartFailed when a program ends with a usage error: restarting it would not help.
        """
        while not self.stopping.wait(TICK_S):
            now = time.monotonic()
            for running in self._running:
                try:
                    self._look_after(running, now)
                except OSError as error:  # no room for a log or no descriptor for a process: try again later
                    self._cannot(running, error, now)
            tick()

    def running_for(self, name: str) -> float:
        """Return for how many seconds the process of this name has been running; 0 if it is not."""
        return max(
            (time.monotonic() - each.started for each in self._running if each.program.name == name and each.runs),
            default=0.0,
        )

    def end(self, name: str) -> None:
        """End the process of this name and its children; it is restarted like one that died."""
        for running in self._running:
            if running.program.name == name:
                log.warning("process.ended", name=name)
                _kill_session(running.process)

    def stop(self) -> None:
        """Stop our processes together and let them finish their work; then stop what they depend on."""
        ours = [running for running in self._running if running.program.ours]
        rest = [running for running in reversed(self._running) if not running.program.ours]
        _end(ours)
        for running in rest:
            _end([running])
        self._running.clear()

    def _cannot(self, running: Running, error: OSError, now: float) -> None:
        if running.process.poll() is not None:
            running.start_again_at = now + LONGEST_PAUSE_S
        if now >= self._not_before:
            self._not_before = now + TELL_AGAIN_S
            reason = os.strerror(error.errno or 0).lower()
            log.error("supervisor.hampered", name=running.program.name, error=reason)
            self._tell(f"{running.program.name}: {reason}; everything else keeps running, and this is tried again")

    def _tell(self, line: str) -> None:
        with suppress(OSError):  # its output may be on the full disk as well
            self.tell(line)

    def _look_after(self, running: Running, now: float) -> None:
        code = running.process.poll()
        name = running.program.name
        if code is None:
            shorten(self._log(running.program))
        elif code == UnusableSettings.exit_code and running.program.ours:
            raise EmbeddedPartFailed(f"{name}: {_last_line(self._log(running.program))}")  # it would never start
        elif not running.start_again_at:
            pause = running.note_death(now)
            _kill_session(running.process)
            log.warning("process.died", name=name, code=code, again_in_s=pause)
            self._tell(f"{name} stopped (code {code}); restarting in {pause:g} s")
        elif now >= running.start_again_at:
            _close_pipe(running.process)
            running.process, running.started, running.start_again_at = self._spawn(running.program), now, 0.0
            log.info("process.started_again", name=name, pid=running.process.pid)

    def _spawn(self, program: Program) -> subprocess.Popen[bytes]:
        with self._output(program) as output:
            return subprocess.Popen(  # noqa: S603  # the command is ours
                program.command,
                stdin=subprocess.PIPE if program.ours else subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                env=dict(self.environment),
                start_new_session=True,  # so that Ctrl-C reaches only the supervisor, which then stops them
                preexec_fn=None if program.ours else end_with_parent,  # noqa: PLW1509  # one thread here
            )

    def _output(self, program: Program) -> BinaryIO:
        """Open its log, or /dev/null if the log cannot be opened: running matters more than logging."""
        try:
            return self._log(program).open("ab")
        except OSError:
            return open(os.devnull, "ab")  # noqa: PTH123  # whoever asked closes it

    def _log(self, program: Program) -> Path:
        return self.logs / f"{program.name}.log"


def stop_with_stdin(grace_s: float = STOP_WITHIN_S) -> None:
    """Stop this process when its standard input closes, by force after a while."""

    def watch() -> None:
        while os.read(0, 1024):
            pass
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(grace_s)
        os.killpg(0, signal.SIGKILL)  # the process leads a session of its own, with its children

    threading.Thread(target=watch, name="stop-with-stdin", daemon=True).start()


def stop_on_signals(stopping: threading.Event) -> None:
    """Let Ctrl-C and SIGTERM request a stop; a second one ends the process at once."""

    def ask(_number: int, _frame: object) -> None:
        if stopping.is_set():
            signal.signal(signal.SIGINT, signal.SIG_DFL)
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
        stopping.set()

    signal.signal(signal.SIGINT, ask)
    signal.signal(signal.SIGTERM, ask)


def show_at_once() -> None:
    """Flush every line when it is printed, also into a pipe."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(line_buffering=True)


def end_with_parent() -> None:
    """Ask the system to end this process when its parent ends; possible on Linux only."""
    if _system_library is not None:
        _system_library.prctl(SET_PARENT_DEATH_SIGNAL, signal.SIGTERM)


def _end(group: Sequence[Running]) -> None:
    for running in group:
        if running.process.poll() is None:
            running.process.terminate()
    deadline = time.monotonic() + STOP_WITHIN_S
    for running in group:
        try:
            running.process.wait(max(0.0, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            log.warning("process.killed", name=running.program.name)
        _kill_session(running.process)
        _close_pipe(running.process)


def _kill_session(process: subprocess.Popen[Any]) -> None:
    """End what is left of a process and its children."""
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        return
    process.wait()


def _close_pipe(process: subprocess.Popen[Any]) -> None:
    if process.stdin is not None:
        process.stdin.close()


def _last_line(path: Path) -> str:
    """Return the last line that a stopped program wrote."""
    try:
        lines = path.read_text(errors="replace").strip().splitlines()
    except OSError:
        lines = []
    return lines[-1].removeprefix("ivigilant: ") if lines else "it gave no reason"


def shorten(path: Path) -> None:
    """Rotate a large log by copying and emptying it: its writers append, so they can go on with the emptied file.

    Without room for the copy the log is emptied all the same, since it would only grow.
    """
    if not path.exists() or path.stat().st_size <= LARGEST_LOG:
        return
    old = [path.with_suffix(f".log.{number}") for number in range(1, OLD_LOGS + 1)]
    try:
        for newer, older in reversed(list(pairwise(old))):
            if newer.exists():
                newer.replace(older)
        shutil.copyfile(path, old[0])
    finally:
        os.truncate(path, 0)
