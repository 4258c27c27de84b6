"""`ivigilant prune`: count and remove the texts of old messages."""

import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from ivigilant.commands.options import Config, DataDir, database_explained, read_settings

if TYPE_CHECKING:
    import sqlalchemy as sa

    from worker.prune import PruneTally, Run

_WHY = {
    "": "goes",
    "cited": "kept: a fact, a merge or an answer depends on it",
    "open_alert": "kept: its patient has an open alert",
    "held": "kept: a legal hold stands on its patient",
    "open_code": "kept: it holds a code that is not mapped yet",
}


def add_to(app: typer.Typer) -> None:
    """Add this command."""
    app.command(rich_help_panel="Upkeep")(prune)


def prune(
    apply: Annotated[bool, typer.Option("--apply", help="Remove the texts; otherwise they are only counted.")] = False,
    compact: Annotated[
        bool, typer.Option("--compact", help="Then return the space (VACUUM); on SQLite, writers wait meanwhile.")
    ] = False,
    config: Config = None,
    data_dir: DataDir = None,
) -> None:
    """Count the messages that are older than the site file's `retention:`, or remove their text with --apply.

    Their rows stay, so that duplicates are recognised. A message cited by a fact, order, merge, alert or answer
    is kept whole. Other processes may keep running. If stopped, it continues where it was when run again.

    Example: ivigilant prune --data-dir /var/lib/ivigilant
    """
    from ivigilant.command_user import at_the_command_line
    from ivigilant.commands.history import quiet
    from ivigilant.site import load_site
    from ivigilant.site_choices import retention_ages
    from store.engine import connect
    from worker.prune import Run
    from worker.prune import prune as remove
    from worker.prune import survey as look

    settings = quiet(read_settings(config, data_dir))
    ages = retention_ages(load_site(settings.site_file))
    run = Run(secrets.token_hex(8), at_the_command_line(), datetime.now(UTC), ages)
    with database_explained():
        engine = connect(settings.database())
        with _progress(engine) as report:
            tally = (remove if apply else look)(engine, run, report)
        _show(tally, run)
        messages, size = tally.gone()
        typer.echo(
            f"{messages} messages, {_bytes(size)}{'' if apply else ' would be removed by: ivigilant prune --apply'}"
        )
        if apply and compact:
            _compact(engine)


def _show(tally: "PruneTally", run: "Run") -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table("state", "type", "older than", "oldest", "messages", "text", "", box=None)
    for kind in sorted(tally.messages, key=lambda kind: (kind[2], kind[0], kind[1])):
        state, name, why = kind
        age = run.ages.of(state, *(name.split("^") if "^" in name else (name, "")))
        limit = f"{age.days} days" if age else ""
        cells = (state, name, limit, f"{tally.oldest[kind]:%Y-%m-%d}", str(tally.messages[kind]))
        table.add_row(*cells, _bytes(tally.size[kind]), _WHY[why])
    console = Console(highlight=False)
    if not console.is_terminal:
        console.width = max(console.width, 140)
    if tally.messages:
        console.print(table)


def _bytes(size: int) -> str:
    if size < 10_000:
        return f"{size} bytes"
    return f"{size / 1e6:.1f} MB" if size < 1e9 else f"{size / 1e9:.1f} GB"


def _compact(engine: "sa.Engine") -> None:
    """Compact the database, outside any transaction, as both require."""
    connection = engine.raw_connection()
    try:
        driver = connection.driver_connection
        assert driver is not None
        if engine.dialect.name == "postgresql":
            driver.autocommit = True
        driver.execute("VACUUM" if engine.dialect.name == "sqlite" else "VACUUM message")
        if engine.dialect.name == "postgresql":
            driver.autocommit = False
    finally:
        connection.close()


@contextmanager
def _progress(engine: "sa.Engine") -> Iterator[Callable[[int], None]]:
    import sqlalchemy as sa

    from ivigilant.commands.history import progress
    from store import tables
    from store.engine import reading

    with reading(engine) as connection:
        newest = connection.execute(sa.select(sa.func.max(tables.message.c.id))).scalar() or 0
    with progress("messages", newest) as advance:
        yield advance
