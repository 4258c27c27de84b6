"""`ivigilant doctor | sweep | db upgrade`: check the installation and maintain it."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from ivigilant.commands.options import Config, DataDir, database_explained, read_settings
from ivigilant.settings import Settings, variable

if TYPE_CHECKING:
    from ivigilant.health_checks import Line

database = typer.Typer(help="The database.", no_args_is_help=True)


def add_to(app: typer.Typer) -> None:
    """Add these commands."""
    for command in (doctor, sweep):
        app.command(rich_help_panel="Upkeep")(command)


def doctor(
    only: Annotated[
        str | None, typer.Option("--only", help="listener, worker, beat or inbox: for health checks.")
    ] = None,
    dumped: Annotated[
        bool, typer.Option("--dump", help="Print the whole state, to compare databases; it names patients.")
    ] = False,
    settings_only: Annotated[bool, typer.Option("--settings", help="List every setting and its purpose.")] = False,
    config: Config = None,
    data_dir: DataDir = None,
) -> None:
    """Check the site file, database, Redis, processes, feeds and notices. Exit code 1 when something is wrong.

    Example: ivigilant doctor --data-dir /var/lib/ivigilant
    """
    from ivigilant.health_checks import print_lines, print_role

    settings = read_settings(config, data_dir)
    if settings_only:
        _list_settings()
        return
    if dumped:
        _dump(settings)
        return
    now = datetime.now(UTC)
    # A health check comes here only with other words than those that ivigilant/start.py reads.
    if not (print_role(settings, now, only) if only is not None else print_lines(_look_at_all(settings, now))):
        raise typer.Exit(1)


def _look_at_all(settings: Settings, now: datetime) -> "Iterator[Line]":
    from ivigilant.checkup import look_at

    return look_at(settings, now)


def _dump(settings: Settings) -> None:
    """Print one JSON line per record, without row numbers and times, so that it does not depend on arrival order."""
    import sys

    from store.dump import dump
    from store.engine import connect, reading

    with database_explained(), reading(connect(settings.database())) as connection:
        sys.stdout.buffer.writelines(dump(connection))


def sweep(config: Config = None, data_dir: DataDir = None) -> None:
    """Queue again every message that has waited for more than a few seconds; `beat` does so by itself.

    Example: ivigilant sweep --data-dir /var/lib/ivigilant
    """
    from ivigilant import wiring

    settings = read_settings(config, data_dir)
    with database_explained():
        typer.echo(f"{wiring.sweep_once(settings)} messages queued")


@database.command("upgrade")
def upgrade(config: Config = None, data_dir: DataDir = None) -> None:
    """Upgrade the database to the schema of this release; processes of the previous release may keep running.

    Example: DATABASE_URL=postgresql://ivigilant@db/ivigilant ivigilant db upgrade
    """
    from ivigilant.embedded import make_private
    from store import migrate
    from store.engine import connect

    settings = read_settings(config, data_dir)
    if settings.database_url is None:
        make_private(settings.data_dir)
    engine = connect(settings.database())
    with database_explained():
        migrate.upgrade(engine)
        typer.echo(f"the database is at {migrate.current(engine)}")


def _list_settings() -> None:
    for name, field in Settings.model_fields.items():
        default = "" if field.default is None else f" [{field.default}]"
        typer.echo(f"{variable(name):<30} {field.description or ''}{default}")
