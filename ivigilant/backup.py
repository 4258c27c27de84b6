"""A backup of the database in one encrypted file, and its restoration, compared with what was backed up.

The file is encrypted with age (https://age-encryption.org/v1), so its key and the `age` program open it without us.
Inside is a tar: `manifest.json`, and a copy of the SQLite file, or what PostgreSQL's COPY gives, one file per table:
`pg_dump` has to be of the server's version, and is not there in a container (decision 28).
"""

import hashlib
import os
import shutil
import sqlite3
import tarfile
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec
import psycopg
import pyrage
import sqlalchemy as sa
from psycopg import sql
from sqlalchemy.engine import make_url

from ivigilant.errors import BackupRefused, NotReady, UnusableSettings
from store import migrate
from store.dump import digest
from store.engine import connect, snapshot
from store.tables import metadata

MANIFEST, SQLITE, TABLES = "manifest.json", "database.sqlite3", "tables"
IDENTITY, RECIPIENT = "AGE-SECRET-KEY-", "age1"
LARGEST_MANIFEST = 1024 * 1024  # bytes
_PIECE = 1024 * 1024


class BackupManifest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a backup holds, to compare the restored database with."""

    made_at: datetime
    kind: str  # sqlite | postgresql
    schema: str  # the revision of the database
    rows: dict[str, int]  # per table
    columns: dict[str, list[str]]  # per table, in the order of its file; empty for SQLite
    state: str  # the digest of what `doctor --dump` prints (store.dump.digest); "" of a schema older than the release
    files: dict[str, str]  # SHA-256 of each file beside this one


@dataclass(frozen=True, slots=True)
class AgeKey:
    """What encrypts, and, where the file holds it, what decrypts."""

    recipients: Sequence[pyrage.x25519.Recipient]
    identities: Sequence[pyrage.x25519.Identity]


def new_key() -> str:
    """Return a new key in the form of `age-keygen`: a public line to encrypt with, a secret one to decrypt with."""
    identity = pyrage.x25519.Identity.generate()
    return f"# public key: {identity.to_public()}\n{identity}\n"


def read_key(path: Path) -> AgeKey:
    """Return the keys of a file of `age-keygen` or of lines age1…, or raise UnusableSettings."""
    try:
        lines = [line.strip() for line in path.read_text().splitlines()]
    except (OSError, UnicodeDecodeError) as error:
        raise UnusableSettings(f"the backup key {path} cannot be read ({type(error).__name__})") from None
    try:
        identities = [pyrage.x25519.Identity.from_str(line) for line in lines if line.startswith(IDENTITY)]
        recipients = [pyrage.x25519.Recipient.from_str(line) for line in lines if line.startswith(RECIPIENT)]
    except (pyrage.IdentityError, pyrage.RecipientError):
        raise UnusableSettings(f"the backup key {path} has a line that is not a key of age") from None
    recipients += [identity.to_public() for identity in identities]
    if not recipients:
        raise UnusableSettings(f"{path} holds no key: a line that begins with {RECIPIENT} or {IDENTITY}")
    return AgeKey(recipients, identities)


def back_up(url: str, target: Path, key: AgeKey, now: datetime) -> BackupManifest:
    """Write the database at this address to an encrypted file, which must not exist; nobody has to stop for it.

    Raise BackupRefused when the file exists, and NotReady when there is no database.
    """
    if target.exists():
        raise BackupRefused(f"{target} exists; a backup never overwrites another")
    with _private_folder(target.parent) as folder:
        content = folder / "content"
        content.mkdir()
        kind = make_url(url).get_backend_name()
        held = _copy_sqlite(url, content) if kind == "sqlite" else _copy_tables(url, content)
        files = {
            str(path.relative_to(content)): _hash_of(path) for path in sorted(content.rglob("*")) if path.is_file()
        }
        manifest = BackupManifest(now, kind, held.schema, held.rows, held.columns, held.state, files)
        (content / MANIFEST).write_bytes(msgspec.json.encode(manifest))
        with tarfile.open(folder / "backup.tar", "w") as archive:
            for name in (MANIFEST, *files):
                archive.add(content / name, name)
        shutil.rmtree(content)
        pyrage.encrypt_file(str(folder / "backup.tar"), str(folder / "backup.age"), list(key.recipients))
        _keep(folder / "backup.age", target)
    return manifest


def restore(url: str, source: Path, key: AgeKey) -> tuple[BackupManifest, list[str]]:
    """Write the content of a backup to the empty database at this address; return what differs from the manifest.

    Raise BackupRefused when the file is not a backup of ours or was changed, or the database is of another kind or not
    empty.
    """
    if not key.identities:
        raise UnusableSettings(f"this key only encrypts: the one that decrypts has a line that begins with {IDENTITY}")
    kind = make_url(url).get_backend_name()
    with _private_folder(_folder_of(url)) as folder:
        manifest = _unpack(source, key, folder)
        if manifest.kind != kind:
            raise BackupRefused(f"{source} is a backup of {manifest.kind}; name a database of that kind")
        if kind == "sqlite":
            _place_sqlite(url, folder / SQLITE)
        else:
            _load_tables(url, folder, manifest)
    return manifest, _differences(url, manifest)


@dataclass(frozen=True, slots=True)
class _Snapshot:
    """What a database holds at one moment."""

    schema: str
    rows: dict[str, int]
    state: str
    columns: dict[str, list[str]]


def _copy_sqlite(url: str, folder: Path) -> _Snapshot:
    original, copy = Path(str(make_url(url).database)), folder / SQLITE
    if not original.is_file():
        raise NotReady(f"there is no database at {original}; say where it is with --data-dir")
    # One step: many would begin anew with every commit of a listener.
    with _opened(f"file:{original}?mode=ro") as source, _opened(f"file:{copy}") as target:
        source.backup(target)
    engine = connect(f"sqlite:///{copy}")
    try:
        with snapshot(engine) as connection:
            return _content(connection)
    finally:
        engine.dispose()  # which leaves one file


@contextmanager
def _opened(address: str) -> Iterator[sqlite3.Connection]:
    connection = sqlite3.connect(address, uri=True)
    try:
        yield connection
    finally:
        connection.close()


def _copy_tables(url: str, folder: Path) -> _Snapshot:
    (folder / TABLES).mkdir()
    engine = connect(url)
    try:
        with snapshot(engine) as connection:
            connection.execute(sa.text("SET tcp_user_timeout = 0"))  # a disk that is slow here has not vanished
            held = _content(connection)
            for table, columns in held.columns.items():
                with (
                    (folder / TABLES / table).open("wb") as file,
                    _cursor(connection) as cursor,
                    cursor.copy(_copying(table, columns, "TO STDOUT")) as copied,
                ):
                    file.writelines(copied)
            return held
    finally:
        engine.dispose()


def _place_sqlite(url: str, database: Path) -> None:
    place = Path(str(make_url(url).database))
    if place.exists():
        raise BackupRefused(f"{place} exists; restore to a new place: --data-dir FOLDER")
    with _opened(f"file:{database}?mode=ro") as connection:
        if connection.execute("PRAGMA quick_check").fetchone() != ("ok",):
            raise BackupRefused("the database in the backup is damaged")
    _keep(database, place)


def _load_tables(url: str, folder: Path, manifest: BackupManifest) -> None:
    """Make the tables as they were at the revision of the backup, and fill them in one transaction."""
    engine = connect(url)
    try:
        with engine.connect() as connection:
            if sa.inspect(connection).get_table_names():
                raise BackupRefused("the database has tables already; restore to an empty one")
        migrate.upgrade(engine, manifest.schema)
        with engine.begin() as connection:
            order = [table for table in metadata.sorted_tables if table.name in manifest.columns]
            for table in reversed(order):
                if connection.execute(sa.select(sa.literal(1)).select_from(table).limit(1)).first():
                    connection.execute(table.delete())  # what the migrations wrote
            for table in order:
                with (
                    (folder / TABLES / table.name).open("rb") as file,
                    _cursor(connection) as cursor,
                    cursor.copy(_copying(table.name, manifest.columns[table.name], "FROM STDIN")) as copied,
                ):
                    while piece := file.read(_PIECE):
                        copied.write(piece)
                _go_on_counting(connection, table)
    finally:
        engine.dispose()


def _cursor(connection: sa.Connection) -> "psycopg.Cursor[Any]":
    driver = connection.connection.driver_connection
    assert isinstance(driver, psycopg.Connection)
    return driver.cursor()


def _copying(table: str, columns: Sequence[str], where: str) -> sql.Composed:
    names = sql.SQL(", ").join(map(sql.Identifier, columns))
    return sql.SQL("COPY {} ({}) ").format(sql.Identifier(table), names) + sql.SQL(where)


def _go_on_counting(connection: sa.Connection, table: sa.Table) -> None:
    """Let the next row get the number after the last."""
    key = table.autoincrement_column
    if key is None:
        return
    sequence = connection.execute(sa.select(sa.func.pg_get_serial_sequence(table.name, key.name))).scalar_one()
    last = connection.execute(sa.select(sa.func.max(key))).scalar_one()
    if sequence is not None and last is not None:
        connection.execute(sa.select(sa.func.setval(sequence, last)))


def _unpack(source: Path, key: AgeKey, folder: Path) -> BackupManifest:
    plain = folder / "backup.tar"
    try:
        pyrage.decrypt_file(str(source), str(plain), list(key.identities))
    except (OSError, pyrage.DecryptError) as error:
        if isinstance(error, OSError) and error.strerror:  # without one it is age's: a piece is not as it was sealed
            raise BackupRefused(f"{source} cannot be read ({error.strerror})") from None
        raise BackupRefused(f"{source} is not a backup for this key, or was changed") from None
    try:
        with tarfile.open(plain) as archive:
            manifest = msgspec.json.decode(_member(archive, MANIFEST).read(LARGEST_MANIFEST), type=BackupManifest)
            (folder / TABLES).mkdir()
            for name in manifest.files:
                with (folder / _plain(name)).open("wb") as file:
                    shutil.copyfileobj(_member(archive, name), file, _PIECE)
    except (tarfile.TarError, KeyError, msgspec.DecodeError):
        raise BackupRefused(f"{source} is encrypted, and holds no backup of this product") from None
    plain.unlink()
    if any(_hash_of(folder / name) != digest for name, digest in manifest.files.items()):
        raise BackupRefused(f"{source} holds another database than its manifest says")
    return manifest


def _plain(name: str) -> str:
    """Return the name of a file of ours, or raise KeyError."""
    if name != SQLITE and name.removeprefix(f"{TABLES}/") not in metadata.tables:
        raise KeyError(name)
    return name


def _member(archive: tarfile.TarFile, name: str) -> "tarfile.ExFileObject":
    member = archive.extractfile(name)
    if member is None:
        raise KeyError(name)
    return member  # type: ignore[return-value]  # what it returns is always one


def _differences(url: str, manifest: BackupManifest) -> list[str]:
    engine = connect(url)
    try:
        with snapshot(engine) as connection:
            now = _content(connection)
    finally:
        engine.dispose()
    found = [
        f"{table} has {now.rows.get(table, 0)} rows, not {manifest.rows.get(table, 0)}"
        for table in sorted(now.rows.keys() | manifest.rows.keys())
        if now.rows.get(table) != manifest.rows.get(table)
    ]
    if now.state and manifest.state and now.state != manifest.state:
        found.append("the state differs (ivigilant doctor --dump)")
    return found


def _content(connection: sa.Connection) -> _Snapshot:
    schema = connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalar_one()
    look = sa.inspect(connection)
    there = set(look.get_table_names())
    names = [table.name for table in metadata.sorted_tables if table.name in there]
    counting = {name: sa.select(sa.func.count()).select_from(sa.table(name)) for name in names}
    rows = {name: connection.execute(query).scalar_one() for name, query in counting.items()}
    columns = {name: [column["name"] for column in look.get_columns(name)] for name in names}
    state = digest(connection) if schema == migrate.head() else ""  # of another schema it cannot be read
    return _Snapshot(schema, rows, state, columns)


def _hash_of(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _folder_of(url: str) -> Path:
    address = make_url(url)
    return Path(str(address.database)).parent if address.get_backend_name() == "sqlite" else Path(tempfile.gettempdir())


@contextmanager
def _private_folder(beside: Path) -> Iterator[Path]:
    """Return a folder for what is not encrypted yet, on the same disk, which nobody else can read; it is removed."""
    try:
        beside.mkdir(parents=True, exist_ok=True, mode=0o700)
        folder = Path(tempfile.mkdtemp(prefix=".backup-", dir=beside))
    except OSError as error:
        raise BackupRefused(f"{beside} cannot be written ({error.strerror})") from None
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _keep(file: Path, place: Path) -> None:
    """Put a finished file in its place, so that it is there whole or not at all, also after a power cut."""
    file.chmod(0o600)
    with file.open("rb") as written:
        os.fsync(written.fileno())
    try:
        os.link(file, place)  # unlike a rename, never over something else
    except FileExistsError:
        raise BackupRefused(f"{place} exists; nothing is overwritten") from None
    except OSError:  # a share on the network may have no links
        if place.exists():
            raise BackupRefused(f"{place} exists; nothing is overwritten") from None
        file.rename(place)
    folder = os.open(place.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
