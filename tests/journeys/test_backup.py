"""A backup: one encrypted file, made while everything runs, that comes back as it was or says what is different."""

import errno
import gzip
import hashlib
import os
import sqlite3
import tarfile
import tracemalloc
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import msgspec
import pyrage
import pytest
import sqlalchemy as sa

from ivigilant.backup import AgeKey, BackupManifest, back_up, new_key, read_key, restore
from ivigilant.errors import BackupRefused, UnusableSettings
from ivigilant.ledger import Signer, verify
from rules.knowledge import Knowledge
from store import migrate, tables
from store.dump import digest, dump
from store.engine import connect, reading
from synthetic.stream import hospital_messages
from tests.ivigilant.processes import ivigilant
from tests.journeys.hospital import Clock, Hospital
from tests.services import Databases
from tests.store.test_earlier_schemas import KEPT_UNTIL, SCHEMAS


@pytest.fixture
def hospital(engine: sa.Engine, knowledge: Knowledge) -> Hospital:
    """A hospital with one alert."""
    hospital = Hospital(engine, knowledge)
    hospital.sends(*list(hospital_messages(now=hospital.clock()))[:9])
    hospital.clock.passes(hours=1)
    return hospital


@pytest.fixture
def key(tmp_path: Path) -> AgeKey:
    return key_of(tmp_path, new_key())


@pytest.fixture
def empty_url(engine: sa.Engine, postgres_databases: Databases, tmp_path: Path) -> str:
    """Where a database of the same kind may be restored."""
    if engine.dialect.name == "sqlite":
        return f"sqlite:///{tmp_path / 'another' / 'ivigilant.sqlite3'}"
    return postgres_databases.make().render_as_string(hide_password=False)


def key_of(folder: Path, text: str) -> AgeKey:
    path = folder / "backup.key"
    path.write_text(text)
    return read_key(path)


def url_of(engine: sa.Engine) -> str:
    return engine.url.render_as_string(hide_password=False)


def rewrite(file: Path, key: AgeKey, change: Callable[[BackupManifest], BackupManifest]) -> None:
    """Change what a backup says of itself, as nobody without its key can."""
    folder = file.parent / "opened"
    folder.mkdir()
    pyrage.decrypt_file(str(file), str(folder / "tar"), list(key.identities))
    with tarfile.open(folder / "tar") as archive:
        archive.extractall(folder, filter="data")
    manifest = folder / "manifest.json"
    again = change(msgspec.json.decode(manifest.read_bytes(), type=BackupManifest))
    manifest.write_bytes(msgspec.json.encode(again))
    with tarfile.open(folder / "tar", "w") as archive:
        for name in ("manifest.json", *again.files):
            archive.add(folder / name, name)
    pyrage.encrypt_file(str(folder / "tar"), str(file), list(key.recipients))


def test_what_is_restored_is_what_was_backed_up(
    hospital: Hospital, key: AgeKey, empty_url: str, tmp_path: Path
) -> None:
    verify(hospital.engine, hospital.clock(), Signer())
    before = hospital.dump()
    made = back_up(url_of(hospital.engine), tmp_path / "backup.age", key, hospital.clock())

    again, differences = restore(empty_url, tmp_path / "backup.age", key)

    assert differences == []
    assert again == made
    assert (made.rows["message"], made.rows["alert"]) == (9, 1)
    restored = connect(empty_url)
    with reading(restored) as connection:
        assert list(dump(connection)) == before
    statement = verify(restored, hospital.clock() + timedelta(days=1), Signer())
    assert (statement.faults, statement.segment.messages) == ([], 0)  # the chain goes on where it was
    restored.dispose()


def test_nobody_has_to_stop_for_it(hospital: Hospital, key: AgeKey, empty_url: str, tmp_path: Path) -> None:
    before = hospital.dump()
    with hospital.engine.begin() as writing:
        writing.exec_driver_sql("UPDATE alert SET status = 'resolved'")  # somebody is at work, and has not committed
        back_up(url_of(hospital.engine), tmp_path / "backup.age", key, hospital.clock())
        writing.rollback()
    hospital.sends(*list(hospital_messages(now=hospital.clock()))[9:12])

    made, differences = restore(empty_url, tmp_path / "backup.age", key)

    assert differences == []
    assert made.rows["message"] == 9
    restored = connect(empty_url)
    with reading(restored) as connection:
        assert list(dump(connection)) == before
    restored.dispose()


def test_without_the_key_it_says_nothing_and_nobody_else_may_read_it(
    hospital: Hospital, key: AgeKey, empty_url: str, tmp_path: Path
) -> None:
    file = tmp_path / "backup.age"
    back_up(url_of(hospital.engine), file, key, hospital.clock())

    assert file.stat().st_mode & 0o077 == 0
    assert b"PID|" not in file.read_bytes()
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".backup")] == []
    with pytest.raises(BackupRefused, match="is not a backup for this key, or was changed"):
        restore(empty_url, file, key_of(tmp_path, new_key()))


def test_who_has_only_the_public_line_makes_backups_and_does_not_read_them(
    hospital: Hospital, key: AgeKey, empty_url: str, tmp_path: Path
) -> None:
    public = key_of(tmp_path, f"{key.recipients[0]}\n")
    back_up(url_of(hospital.engine), tmp_path / "backup.age", public, hospital.clock())

    with pytest.raises(UnusableSettings, match="only encrypts"):
        restore(empty_url, tmp_path / "backup.age", public)
    assert restore(empty_url, tmp_path / "backup.age", key)[1] == []


def test_a_byte_that_changed_is_noticed_and_nothing_is_restored(
    hospital: Hospital, key: AgeKey, empty_url: str, tmp_path: Path
) -> None:
    file = tmp_path / "backup.age"
    back_up(url_of(hospital.engine), file, key, hospital.clock())
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)

    with pytest.raises(BackupRefused, match="was changed"):
        restore(empty_url, file, key)
    if empty_url.startswith("sqlite"):
        assert not Path(empty_url.removeprefix("sqlite:///")).exists()


def test_what_differs_after_the_restoration_is_named(
    hospital: Hospital, key: AgeKey, empty_url: str, tmp_path: Path
) -> None:
    file = tmp_path / "backup.age"
    back_up(url_of(hospital.engine), file, key, hospital.clock())
    rewrite(file, key, lambda told: msgspec.structs.replace(told, rows=told.rows | {"fact": 1}, state="0" * 64))

    _, differences = restore(empty_url, file, key)

    assert [line.partition(" has ")[0] for line in differences] == [
        "fact",
        "the state differs (ivigilant doctor --dump)",
    ]


def test_the_state_is_the_same_whatever_the_order_of_its_lines(hospital: Hospital) -> None:
    with reading(hospital.engine) as connection:
        total = sum(int(hashlib.sha256(line).hexdigest(), 16) for line in reversed(list(dump(connection))))

        assert digest(connection) == f"{total % 2**256:064x}"


def test_the_state_of_a_long_history_takes_little_memory(sqlite_engine: sa.Engine, knowledge: Knowledge) -> None:
    hospital = Hospital(sqlite_engine, knowledge)
    hospital.sends(*list(hospital_messages(now=hospital.clock()))[:9])
    with sqlite_engine.begin() as connection:
        (row, *_) = connection.execute(sa.select(tables.fact)).mappings()
        many = [{**row, "id": None, "key": f"copy {number}"} for number in range(10_000)]
        connection.execute(sa.insert(tables.fact), many)
    with reading(sqlite_engine) as connection:
        tracemalloc.start()
        digest(connection)
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()

    assert most < 4 * 1024 * 1024  # bytes; all lines at once are more than twice that


@pytest.fixture
def older_url(engine: sa.Engine, postgres_databases: Databases, tmp_path: Path) -> str:
    """A database at the schema of an earlier release."""
    if engine.dialect.name == "sqlite":
        database = sqlite3.connect(tmp_path / "older.db")
        database.executescript(gzip.decompress((SCHEMAS / "0007.sql.gz").read_bytes()).decode())
        database.close()
        return f"sqlite:///{tmp_path / 'older.db'}"
    url = postgres_databases.make().render_as_string(hide_password=False)
    older = connect(url)
    migrate.upgrade(older, "0007")
    older.dispose()
    return url


def test_a_database_of_an_earlier_release_is_backed_up_and_its_rows_are_compared(
    older_url: str, key: AgeKey, empty_url: str, tmp_path: Path
) -> None:
    file = tmp_path / "backup.age"
    made = back_up(older_url, file, key, KEPT_UNTIL)
    rewrite(file, key, lambda told: msgspec.structs.replace(told, rows=told.rows | {"fact": 999}))

    again, differences = restore(empty_url, file, key)

    assert (made.schema, made.state, again.files) == ("0007", "", made.files)
    assert [line.partition(" has ")[0] for line in differences] == ["fact"]


def test_it_refuses_what_would_overwrite_something(
    hospital: Hospital, key: AgeKey, sqlite_url: str, postgres_url: str, tmp_path: Path
) -> None:
    file = tmp_path / "backup.age"
    back_up(url_of(hospital.engine), file, key, hospital.clock())
    same, other = (sqlite_url, postgres_url) if hospital.engine.dialect.name == "sqlite" else (postgres_url, sqlite_url)

    with pytest.raises(BackupRefused, match="exists; a backup never overwrites another"):
        back_up(url_of(hospital.engine), file, key, hospital.clock())
    with pytest.raises(BackupRefused, match=r"exists; restore to a new place|has tables already"):
        restore(same, file, key)
    with pytest.raises(BackupRefused, match="is a backup of"):
        restore(other, file, key)


def test_a_share_without_links_takes_backups_too(
    sqlite_engine: sa.Engine, key: AgeKey, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_source: Path, _target: Path) -> None:
        raise OSError(errno.EOPNOTSUPP, os.strerror(errno.EOPNOTSUPP))

    monkeypatch.setattr(os, "link", refuse)

    back_up(url_of(sqlite_engine), tmp_path / "backup.age", key, Clock()())

    assert restore(f"sqlite:///{tmp_path / 'another' / 'new.sqlite3'}", tmp_path / "backup.age", key)[1] == []


@pytest.mark.parametrize(("text", "told"), [("", "holds no key"), ("age1nothing", "is not a key of age")])
def test_a_file_without_a_key_is_said_to_be_so(text: str, told: str, tmp_path: Path) -> None:
    with pytest.raises(UnusableSettings, match=told):
        key_of(tmp_path, text)


def test_what_is_encrypted_and_no_backup_is_said_to_be_so(key: AgeKey, tmp_path: Path) -> None:
    file = tmp_path / "backup.age"
    file.write_bytes(pyrage.encrypt(b"a letter", list(key.recipients)))

    with pytest.raises(BackupRefused, match="holds no backup of this product"):
        restore(f"sqlite:///{tmp_path / 'new.sqlite3'}", file, key)


def test_the_drill_back_up_wipe_restore(sqlite_engine: sa.Engine, knowledge: Knowledge, tmp_path: Path) -> None:
    hospital = Hospital(sqlite_engine, knowledge)
    hospital.sends(*list(hospital_messages(now=hospital.clock()))[:9])
    settings = {"IVIGILANT_BACKUP_KEY": str(tmp_path / "key"), "IVIGILANT_DATABASE_URL": url_of(sqlite_engine)}
    said = [
        ivigilant("backup-key", str(tmp_path / "key")),
        ivigilant("backup", str(tmp_path / "backup.age"), environment=settings),
    ]
    sqlite_engine.dispose()
    for path in tmp_path.glob("ivigilant.db*"):
        path.unlink()
    said += [
        ivigilant("restore", str(tmp_path / "backup.age"), environment=settings),
        ivigilant("restore", str(tmp_path / "backup.age"), environment=settings),
    ]

    assert [each.returncode for each in said] == [0, 0, 0, 1], [each.stderr for each in said]
    assert "9 messages, 1 alerts" in said[1].stdout
    assert said[2].stdout.endswith("the rows, the state and the ledger are as they were\n")
    assert said[3].stderr.count("\n") == 1
