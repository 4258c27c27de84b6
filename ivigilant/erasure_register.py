"""The register of erasures outside the database: it survives a restore, and finds whom a backup brings back.

A line holds no name, number or date of a patient: each identity is an HMAC-SHA256 under a key of its own file. Without
the key the register says nothing of anybody; without the register a backup brings everybody back.
"""

import hashlib
import hmac
import os
import secrets
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import msgspec
import sqlalchemy as sa

from clinical.identities import Name
from history.choices import Site
from ivigilant.errors import IvigilantError, UnreadablePath, UnusableSettings
from ivigilant.settings import Settings
from store import erasure, merges
from store.engine import reading
from store.erasure import Erasure
from worker.erase import ErasureObstructed, ErasureRequest, PlanChanged, erase

KEY_BYTES = 32
Record = Callable[[sa.Connection, Erasure, Collection[int]], None]  # the line of the access log


class UnwritableRegister(IvigilantError):
    """The register of erasures cannot be written; the database has the line, and `erase again` adds it."""


@dataclass(frozen=True, slots=True)
class ErasureKey:
    """The secret under which identities stand in the register."""

    secret: bytes

    @property
    def name(self) -> str:
        """What a line says of the key, to know which one it takes."""
        return hashlib.sha256(self.secret).hexdigest()[:16]

    def hash_of(self, name: Name) -> str:
        """Return what stands in the register in place of this number."""
        return hmac.new(self.secret, "|".join(name).encode(), hashlib.sha256).hexdigest()


def make_key(target: Path) -> None:
    """Write a new key to a file that does not exist, for its owner alone."""
    try:
        with open(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:  # noqa: PTH123  # Path.open takes no mode of the file, and it is nobody else's from the start
            file.write(f"{secrets.token_hex(KEY_BYTES)}\n")
    except FileExistsError:
        raise UnusableSettings(f"{target} exists; a key is never overwritten") from None
    except OSError as error:
        raise UnusableSettings(f"{target} cannot be written ({error.strerror})") from None


def read_key(settings: Settings) -> ErasureKey:
    """Return the key of the settings or of the data folder, or raise UnusableSettings."""
    path = settings.erasure_key_file()
    if path is None:
        raise UnusableSettings(
            "an erasure must survive a restore, which takes a key: make one with ivigilant erase key FILE and name it "
            "in IVIGILANT_ERASURE_KEY"
        )
    return ErasureKey(read_secret(path, "IVIGILANT_ERASURE_KEY"))


def read_secret(path: Path, what: str) -> bytes:
    """Return the secret of a file that `make_key` wrote, or raise UnusableSettings."""
    try:
        secret = bytes.fromhex(path.read_text().strip())
    except (OSError, UnicodeDecodeError, ValueError) as error:
        raise UnusableSettings(f"{what}: {path} cannot be read ({type(error).__name__})") from None
    if len(secret) != KEY_BYTES:
        raise UnusableSettings(f"{what}: {path} holds no key of ivigilant")
    return secret


def register_file(settings: Settings) -> Path:
    """Return the register outside the database, or raise UnusableSettings."""
    file = settings.erasure_register()
    if file is None:
        raise UnusableSettings(
            "an erasure must survive a restore: name in IVIGILANT_ERASURES a file, best on another machine, to which "
            "each erasure is added"
        )
    return file


def read_register(file: Path) -> list[Erasure]:
    """Return the lines of a register, each erasure once; none of a file that is not there.

    Raises UnreadablePath for a line that cannot be read, unless it is the beginning of one that stands whole further
    on: whoever wrote it was killed, and the next completed the file.
    """
    lines = _lines_of(file)
    found: dict[str, Erasure] = {}
    for number, line in enumerate(lines, 1):
        each = _read_line(line)
        if each is not None:
            found.setdefault(each.name, each)
        elif not any(later.startswith(line) for later in lines[number:]):
            raise UnreadablePath(f"{file}, line {number}: not a line of the register of erasures") from None
    return list(found.values())


def _lines_of(file: Path) -> list[bytes]:
    try:
        return [line for line in file.read_bytes().splitlines() if line.strip()] if file.exists() else []
    except OSError as error:
        raise UnreadablePath(f"{file} cannot be read ({error.strerror})") from None


def _read_line(line: bytes) -> Erasure | None:
    try:
        return msgspec.json.decode(line, type=Erasure)
    except msgspec.MsgspecError:
        return None


def complete_file(engine: sa.Engine, file: Path) -> int:
    """Add to the file what the database has and it has not; return how many lines.

    A command that was killed between the two is made good by the next.
    """
    with reading(engine) as connection:
        inside = erasure.registered(connection)
    known = {each.name for each in map(_read_line, _lines_of(file)) if each is not None}
    missing = [each for each in inside if each.name not in known]
    if missing:
        try:
            with file.open("a+b") as lines:
                if lines.tell() and not file.read_bytes().endswith(b"\n"):
                    lines.write(b"\n")  # whoever wrote the last line was killed
                lines.writelines(msgspec.json.encode(each) + b"\n" for each in missing)
                lines.flush()
                os.fsync(lines.fileno())
        except OSError as error:
            raise UnwritableRegister(
                f"IVIGILANT_ERASURES: {file} cannot be written ({error.strerror}); the database has the line, and "
                "ivigilant erase again adds it"
            ) from None
    return len(missing)


def missing_inside(engine: sa.Engine, file: Path) -> list[Erasure]:
    """Return the erasures of the file that this database does not know: it is older than they are."""
    with reading(engine) as connection:
        inside = {each.name for each in erasure.registered(connection)}
    return [each for each in read_register(file) if each.name not in inside]


def missing_outside(engine: sa.Engine, file: Path | None) -> tuple[int, int]:
    """Return how many erasures of this database the file lacks, and how many there are."""
    with reading(engine) as connection:
        inside = {each.name for each in erasure.registered(connection)}
    known = {each.name for each in read_register(file)} if file is not None else set()
    return len(inside - known), len(inside)


@dataclass(frozen=True, slots=True)
class ErasedAgain:
    """What became of one erasure that a restored database did not know."""

    line: Erasure
    patients: int = 0  # identities found and erased again
    failed: str = ""  # why it could not be done; somebody must look


def erase_again(
    engine: sa.Engine,
    site: Site,
    key: ErasureKey,
    lines: Sequence[Erasure],
    now: datetime,
    record: Record,
) -> list[ErasedAgain]:
    """Carry out these erasures in a database that was restored from a time before them; each by itself."""
    with reading(engine) as connection:
        by_hash = {key.hash_of(name): number for number, name in erasure.identities(connection)}
    return [_again(engine, site, key, line, by_hash, now, record) for line in lines]


def _again(
    engine: sa.Engine,
    site: Site,
    key: ErasureKey,
    line: Erasure,
    by_hash: dict[str, int],
    now: datetime,
    record: Record,
) -> ErasedAgain:
    if line.key_name != key.name:
        return ErasedAgain(line, failed=f"it needs the key {line.key_name}, and this is {key.name}")
    members = {by_hash[each] for each in line.hashes if each in by_hash}
    if not members:
        with engine.begin() as connection:
            erasure.register(connection, msgspec.structs.replace(line, messages=0, counts={}), ())
        return ErasedAgain(line)
    with reading(engine) as connection:
        people = merges.persons(connection, members)
        newest = erasure.newest_arrival(connection, members)
    if newest is not None and newest > line.at:
        return ErasedAgain(line, failed="messages came after it: look with ivigilant erase plan, and decide anew")
    if any(not person.members <= members for person in people):
        return ErasedAgain(line, failed="the backup has the patient as one with another: un-merge them first")
    request = ErasureRequest(
        name=line.name,
        actor=line.actor,
        asked_by=line.asked_by,
        decided_by=line.decided_by,
        reason=line.reason,
        code=None,
        treatment_is_over=True,
        key_name=key.name,
        hash_of=key.hash_of,
    )
    try:
        erase(engine, site, members, request, now, lambda connection, made: record(connection, made, members))
    except ErasureObstructed as error:
        return ErasedAgain(line, failed=f"stands in the way: {error}")
    except PlanChanged:
        return ErasedAgain(line, failed="who the patient is changed meanwhile; try again")
    return ErasedAgain(line, len(members))
