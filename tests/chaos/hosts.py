"""Hosts with a network and a name of their own, where the machine allows that; else with a loopback address.

A namespace lasts as long as a process that stands in it: a child of ours, which ends when its stdin does.
"""

import contextlib
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass

STAY = "import socket, sys; socket.sethostname(sys.argv[1]); print(flush=True); sys.stdin.read()"
NEEDED = ("unshare", "nsenter", "ip")


@dataclass(frozen=True)
class Host:
    """One host, as the others see it."""

    name: str
    address: str
    services: str  # the address at which it finds what it shares with others
    within: tuple[str, ...] = ()  # the command that runs another on it

    def cut_off(self) -> None:
        """Let nothing of it arrive any more, nor anything at it: nobody hears that its links are closed."""
        if self.within:
            _run(*self.within, "ip", "link", "set", "outside", "down")


@contextlib.contextmanager
def hosts(*names: str) -> Iterator[list[Host]]:
    """Return a host of each name, all in networks of their own, or none."""
    with contextlib.ExitStack() as until_then:
        try:
            if not all(map(shutil.which, NEEDED)):
                raise PermissionError("no command for it")
            apart = [until_then.enter_context(_apart(name)) for name in names]
        except (PermissionError, subprocess.CalledProcessError):  # not allowed here
            apart = [Host(name, f"127.0.0.{number}", "127.0.0.1") for number, name in enumerate(names, 2)]
        yield apart


@contextlib.contextmanager
def _apart(name: str) -> Iterator[Host]:
    stay = ["unshare", "--net", "--uts", sys.executable, "-c", STAY, name]
    with subprocess.Popen(stay, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as holder:
        assert holder.stdin is not None and holder.stdout is not None
        try:
            if not holder.stdout.readline():
                raise PermissionError("no namespaces")
            yield _connected(name, holder.pid)
        finally:
            holder.stdin.close()


def _connected(name: str, pid: int) -> Host:
    """Join the network of a process with ours: two addresses of 198.18.0.0/15, which is kept for such trials."""
    first = pid % (1 << 15) << 2
    here, there = (f"198.{18 + (first >> 16)}.{first >> 8 & 255}.{(first & 255) + number}" for number in (1, 2))
    within = ("nsenter", "--net", "--uts", "--target", str(pid))
    _run("ip", "link", "add", f"ivg{pid}", "type", "veth", "peer", "name", "outside", "netns", str(pid))
    _run("ip", "address", "add", f"{here}/30", "dev", f"ivg{pid}")
    _run("ip", "link", "set", f"ivg{pid}", "up")
    _run(*within, "ip", "address", "add", f"{there}/30", "dev", "outside")
    for device in ("lo", "outside"):
        _run(*within, "ip", "link", "set", device, "up")
    return Host(name, there, here, within)


def _run(*words: str) -> None:
    subprocess.run(words, check=True, capture_output=True)
