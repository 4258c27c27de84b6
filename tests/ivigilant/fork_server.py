"""Our commands, started in milliseconds: forked from a process that has imported everything and run nothing.

A start from nothing takes seconds of processor, the most of it for imports and for the knowledge; the tests start many
hundred. What is forked runs `python -m ivigilant` as a start from nothing does, with arguments, environment, folder,
files, session and process number of its own, and its end is its own too. The tests of the start itself, of a full disk
and of two hosts start from nothing, and so does `ivigilant up` its roles.
"""

import atexit
import gc
import importlib
import json
import os
import pkgutil
import runpy
import selectors
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import IO, Any, Final
from unittest import mock

from ivigilant.settings import without_settings
from tests.packages import PACKAGES, ROOT

LEFT_OUT = {
    "ivigilant.__main__",
    "synthetic.__main__",
    "ivigilant.tracing",
}  # what runs when imported; what only a site with traces loads
# What Celery, Kombu, SQLAlchemy and uvicorn load by name when they start.
BY_NAME = (
    "celery.app.amqp",
    "celery.app.control",
    "celery.app.events",
    "celery.apps.worker",
    "celery.backends.base",
    "celery.concurrency.prefork",
    "celery.fixups.django",
    "celery.loaders.app",
    "celery.worker.components",
    "celery.worker.consumer",
    "celery.worker.strategy",
    "kombu.transport.redis",
    "sqlalchemy.dialects.postgresql.psycopg",
    "sqlalchemy.dialects.sqlite.pysqlite",
    "uvicorn.lifespan.on",
    "uvicorn.loops.uvloop",
    "uvicorn.protocols.http.h11_impl",
    "uvloop",
)
MOST_BYTES: Final = 1 << 17  # of one request: the arguments and the environment
STREAMS: Final = 3

Request = Mapping[str, Any]


class Forked:
    """A command that runs, with the words of `subprocess.Popen` for it; it ends at the latest when the tests do."""

    def __init__(self, report: socket.socket, stdin: IO[bytes] | None) -> None:
        self.stdin = stdin
        self.returncode: int | None = None
        self._report = report
        self.pid = int(self._read())

    def poll(self) -> int | None:
        """Return the exit code, or None while it runs."""
        if self.returncode is None:
            self._report.setblocking(False)
            with suppress(BlockingIOError):
                self._end()
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """Return the exit code when it has ended, or raise subprocess.TimeoutExpired."""
        if self.returncode is None:
            self._report.settimeout(timeout)
            try:
                self._end()
            except TimeoutError:
                raise subprocess.TimeoutExpired(f"process {self.pid}", timeout or 0) from None
        assert self.returncode is not None
        return self.returncode

    def send_signal(self, number: int) -> None:
        """Send it a signal, if it runs."""
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        """End it at once."""
        self.send_signal(signal.SIGKILL)

    def _end(self) -> None:
        self.returncode = int(self._read())
        self._report.close()  # nobody may have its number before

    def _read(self) -> bytes:
        text = self._report.recv(64)
        assert text, "the fork server has ended"
        return text


def fork(
    words: Sequence[str],
    environment: Mapping[str, str],
    *,
    stdin: IO[Any] | None = None,
    stdout: IO[Any],
    stderr: IO[Any],
    own_session: bool = False,
) -> Forked:
    """Start one of our commands; without `stdin` its input is a pipe, of which the other end is ours."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    ending, writing = os.pipe() if stdin is None else (os.dup(stdin.fileno()), None)
    request = {
        "words": list(words),
        "environment": dict(environment),
        "folder": str(Path.cwd()),
        "own_session": own_session,
    }
    try:
        files = [ending, stdout.fileno(), stderr.fileno(), theirs.fileno()]
        socket.send_fds(_server(), [json.dumps(request).encode()], files)
    finally:
        os.close(ending)
        theirs.close()
    return Forked(ours, None if writing is None else os.fdopen(writing, "wb"))


@cache
def _server() -> socket.socket:
    """Start the server of this process of the tests, and return the way to it; it ends when that is closed."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with theirs:
        process = subprocess.Popen(
            [sys.executable, "-m", __name__, str(theirs.fileno())],
            stdin=subprocess.DEVNULL,
            env=without_settings(os.environ) | {"PYTHONPATH": str(ROOT)},
            cwd=ROOT,
            pass_fds=[theirs.fileno()],
            start_new_session=True,
        )

    def end() -> None:
        ours.close()
        process.wait(timeout=30)

    atexit.register(end)
    return ours


@dataclass(frozen=True)
class Child:
    """A process that was forked, and the way to who asked for it."""

    pid: int
    pidfd: int
    report: socket.socket
    leads: bool  # a session of its own

    def tell_end(self) -> None:
        """Tell how it ended; its number stays its own until that was read."""
        ended = os.waitid(os.P_PID, self.pid, os.WEXITED | os.WNOWAIT)
        assert ended is not None
        code = ended.si_status if ended.si_code == os.CLD_EXITED else -ended.si_status
        with suppress(OSError):  # nobody asks any more
            self.report.send(str(code).encode())

    def bury(self) -> None:
        """Give its number back; if nobody saw it end, nobody can reach it any more: it ends now."""
        with suppress(ProcessLookupError):
            if os.waitid(os.P_PID, self.pid, os.WEXITED | os.WNOWAIT | os.WNOHANG) is None:
                (os.killpg if self.leads else os.kill)(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)
        self.close()

    def close(self) -> None:
        """Let go of what a process has of it."""
        os.close(self.pidfd)
        self.report.close()


class Server:
    """Forks for every request that comes through the door."""

    def __init__(self, door: socket.socket) -> None:
        self._door = door
        self._children: list[Child] = []
        self._looking = selectors.DefaultSelector()
        self._looking.register(door, selectors.EVENT_READ)

    def serve(self) -> Request | None:
        """Return a request in what was forked for it, and None here when the door is closed and everything ended."""
        while True:
            for key, _ in self._looking.select():
                if key.fileobj is self._door:
                    content, files, _, _ = socket.recv_fds(self._door, MOST_BYTES, STREAMS + 1)
                    if not content:
                        self._end()
                        return None
                    request: Request = json.loads(content)
                    if (pid := os.fork()) == 0:
                        self._leave(files, leads=request["own_session"])
                        return request
                    self._note(pid, files, leads=request["own_session"])
                elif key.data in self._children:
                    self._look_after(key.data, key.fd)

    def _note(self, pid: int, files: list[int], *, leads: bool) -> None:
        *streams, report = files
        for file in streams:
            os.close(file)
        child = Child(pid, os.pidfd_open(pid), socket.socket(fileno=report), leads)
        self._children.append(child)
        for each in (child.pidfd, child.report):
            self._looking.register(each, selectors.EVENT_READ, child)

    def _look_after(self, child: Child, file: int) -> None:
        self._looking.unregister(file)
        if file == child.pidfd:
            child.tell_end()
            return
        if child.pidfd in self._looking.get_map():
            self._looking.unregister(child.pidfd)
        self._children.remove(child)
        child.bury()

    def _end(self) -> None:
        for child in self._children:
            child.bury()

    def _leave(self, files: list[int], *, leads: bool) -> None:
        """In what was forked: keep nothing of the server, take on the files of the request, and say who we are."""
        for child in self._children:
            child.close()
        self._looking.close()
        self._door.close()
        *streams, report = files
        for place, file in enumerate(streams):
            os.dup2(file, place)
            os.close(file)
        if leads:
            os.setsid()  # before anybody can send a signal to the session
        with socket.socket(fileno=report) as asking:
            asking.send(str(os.getpid()).encode())


def prepare() -> None:
    """Import everything, and read the knowledge of this release, as every role would when it starts."""
    for package in map(importlib.import_module, PACKAGES):
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            if module.name not in LEFT_OUT:
                importlib.import_module(module.name)
    for name in BY_NAME:
        importlib.import_module(name)
    from ivigilant.knowledge import site_knowledge
    from rules.load import load_knowledge

    ours = load_knowledge()

    def load(directory: Path | None, local: Mapping[str, Any], chosen: Mapping[str, Any]) -> object:
        return load_knowledge(directory, local, chosen) if directory or local or chosen else ours

    mock.patch.object(site_knowledge, "load_knowledge", load).start()
    gc.collect()
    gc.freeze()


def run(request: Request) -> None:
    """Be the process that was asked for."""
    os.chdir(request["folder"])
    os.environ.clear()
    os.environ.update(request["environment"])
    time.tzset()
    sys.argv[1:] = request["words"]
    runpy.run_module("ivigilant", run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    prepare()
    asked = Server(socket.socket(fileno=int(sys.argv[1]))).serve()
    if asked is not None:
        run(asked)
