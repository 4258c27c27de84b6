"""`ivigilant backup | backup-key | restore`: the database in one encrypted file, and back."""

import os
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ivigilant.commands.options import Config, DataDir, database_explained, read_settings
from ivigilant.errors import BackupRefused, UnusableSettings

if TYPE_CHECKING:
    import sqlalchemy as sa

    from ivigilant.backup import AgeKey
    from ivigilant.settings import Settings

KeyFile = Annotated[
    Path | None,
    typer.Option("--key", help="The age key file; else IVIGILANT_BACKUP_KEY.", show_default=False, metavar="FILE"),
]


def add_to(app: typer.Typer) -> None:
    """Add these commands."""
    app.command("backup", rich_help_panel="Upkeep")(backup)
    app.command("backup-key", rich_help_panel="Upkeep")(backup_key)
    app.command("restore", rich_help_panel="Upkeep")(restore)


def backup(
    target: Annotated[Path, typer.Argument(metavar="FILE", help="The file to write; it must not exist.")],
    key: KeyFile = None,
    config: Config = None,
    data_dir: DataDir = None,
) -> None:
    """Write the whole database to one encrypted file, while everything runs.

    Example: ivigilant backup /backup/$(date +%F).age --key /etc/ivigilant/backup.key
    """
    from ivigilant.backup import back_up

    settings = read_settings(config, data_dir)
    with database_explained():
        made = back_up(settings.database(), target, _key(settings, key), datetime.now(UTC))
    size = target.stat().st_size / 1_000_000
    typer.echo(
        f"{target}: {made.rows['message']} messages, {made.rows['alert']} alerts, {size:.1f} MB, schema {made.schema}"
    )


def backup_key(
    target: Annotated[Path, typer.Argument(metavar="FILE", help="The file to write; it must not exist.")],
) -> None:
    """Make a key for backups. Keep a copy away from this machine: without it no backup can be read.

    Whoever has only its public line can make backups and not read them.

    Example: ivigilant backup-key /etc/ivigilant/backup.key
    """
    from ivigilant.backup import new_key

    try:
        with open(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:  # noqa: PTH123  # Path.open takes no mode of the file, and it is nobody else's from the start
            file.write(new_key())
    except FileExistsError:
        raise BackupRefused(f"{target} exists; a key is never overwritten") from None
    except OSError as error:
        raise BackupRefused(f"{target} cannot be written ({error.strerror})") from None
    typer.echo(f"{target}: keep a copy away from this machine; without it no backup can be read")


def restore(
    source: Annotated[Path, typer.Argument(metavar="FILE", help="What `ivigilant backup` wrote.")],
    key: KeyFile = None,
    erasures: Annotated[
        Path | None,
        typer.Option("--erasures", help="The register of erasures.", show_default="IVIGILANT_ERASURES", metavar="FILE"),
    ] = None,
    config: Config = None,
    data_dir: DataDir = None,
) -> None:
    """Restore a backup to an empty database, compare it with what was backed up, and verify the ledger.

    Patients who were erased since the backup are erased again, by the register and its key. Exit code 1 when something
    differs, or one of them is back. The schema stays that of the backup until `ivigilant db upgrade`.

    Example: ivigilant restore /backup/2026-11-29.age --key backup.key --data-dir /var/lib/ivigilant
    """
    from ivigilant import backup as files
    from ivigilant.ledger import read_signer, verify
    from store import migrate
    from store.engine import connect

    settings = read_settings(config, data_dir)
    with database_explained():
        made, differences = files.restore(settings.database(), source, _key(settings, key))
        typer.echo(
            f"restored what was backed up at {made.made_at:%Y-%m-%d %H:%M:%S} UTC: {made.rows['message']} messages"
        )
        for each in differences:
            typer.echo(f"WRONG  {each}")
        engine = connect(settings.database())
        if not migrate.is_current(engine):
            typer.echo(
                "the backup is of another release: run ivigilant db upgrade, then ivigilant erase again (whoever was "
                "erased since is back until then) and ivigilant ledger verify"
            )
            raise typer.Exit(1 if differences else 0)
        erased = _erase_again(settings, engine, erasures)
        statement = verify(engine, datetime.now(UTC), read_signer(settings.signing_key()))
    for fault in statement.faults:
        typer.echo(f"WRONG  ledger: {fault.what} ({fault.count}); ivigilant ledger show")
    if differences or statement.faults or not erased:
        raise typer.Exit(1)
    typer.echo("the rows, the state and the ledger are as they were")


def _erase_again(settings: "Settings", engine: "sa.Engine", named: Path | None) -> bool:
    """Erase again whoever was erased after the backup; return whether nobody of them is back as far as is known."""
    from ivigilant.commands.erase import erase_since

    file = named or settings.erasure_register()
    if file is None or not file.exists():
        if named is not None:
            raise UnusableSettings(f"--erasures {named}: there is no such file")
        typer.echo(
            "NOT CHECKED  whether patients who were erased after this backup are back: no register of erasures is "
            "named (--erasures, IVIGILANT_ERASURES). If there is one: ivigilant erase again"
        )
        return True
    return erase_since(settings, engine, file)


def _key(settings: "Settings", named: Path | None) -> "AgeKey":
    from ivigilant.backup import read_key

    path = named or settings.backup_key
    if path is None:
        raise UnusableSettings("a backup is encrypted: make a key with ivigilant backup-key FILE and name it: --key")
    return read_key(path)
