"""`ivigilant rebuild | rejudge | history import`: derive the history again, or load earlier history."""

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ivigilant.commands.options import Config, DataDir, database_explained, read_settings
from ivigilant.errors import UnusableSettings
from ivigilant.settings import Settings

if TYPE_CHECKING:
    from ivigilant.importing.loading import ImportCounts
    from ivigilant.importing.readers import Readers
    from ivigilant.settings import Settings


def add_to(app: typer.Typer) -> None:
    """Add these commands."""
    for command in (rebuild, rejudge):
        app.command(rich_help_panel="History")(command)


def rebuild(config: Config = None, data_dir: DataDir = None) -> None:
    """Derive the history and its answers again from the stored messages, with the current knowledge and site file.

    Use it after a change of the site file that affects diagnoses, numbers or products. Workers may keep running. No
    notices are sent, and what pharmacists did stays. If stopped, it continues where it was the next time.

    Example: ivigilant rebuild --data-dir /var/lib/ivigilant
    """
    from ivigilant import wiring
    from store import rebuilding, retention
    from worker.rebuild import Rebuilt
    from worker.rebuild import rebuild as derive

    worker = wiring.make_quiet_worker(quiet(read_settings(config, data_dir)))
    with database_explained(), worker.engine.connect() as connection:
        patients = rebuilding.last_patient(connection)
    with database_explained(), progress("patients", patients) as advance:

        def report(done: Rebuilt) -> None:
            advance(done.position)

        done = derive(worker, report)
    typer.echo(f"{done.patients} patients, {done.messages} messages, {done.unreadable} that no longer add anything")
    with database_explained(), worker.engine.connect() as connection:
        pruned = retention.pruned_messages(connection)
    if pruned:
        typer.echo(f"{pruned} messages no longer have a text (ivigilant prune); what was read from them stays")


def rejudge(config: Config = None, data_dir: DataDir = None) -> None:
    """Judge open orders again that were judged with other knowledge; `beat` does so when the knowledge changes.

    Example: ivigilant rejudge --data-dir /var/lib/ivigilant
    """
    from ivigilant import wiring
    from worker.rejudge import rejudge as answer

    worker = wiring.make_quiet_worker(quiet(read_settings(config, data_dir)))
    with database_explained():
        done = answer(worker)
    typer.echo(f"{done.answers} answers, {len(done.alerts)} alerts changed")


def quiet(settings: Settings) -> Settings:
    """Log only warnings, to standard error: the result of the command is its last line."""
    from ivigilant.logs import start_logging

    start_logging(settings.model_copy(update={"log_level": "warning"}), "history")
    return settings


@contextmanager
def progress(what: str, total: int) -> Iterator[Callable[[float], None]]:
    """Show a progress bar on a terminal; yield a function that moves it to a position."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.completed:.0f} of {task.total:.0f} {task.description}"), BarColumn())
    console = Console(stderr=True)
    with Progress(*columns, TimeRemainingColumn(), console=console, disable=not console.is_terminal) as bar:
        task = bar.add_task(what, total=total)
        yield lambda position: bar.update(task, completed=position)


app = typer.Typer(help="Load history from before the feed.", no_args_is_help=True)

_SMALL = 256 * 1024  # bytes below which one process is faster than starting several
_SHOWN = 8  # kinds listed in the last line


@app.callback()
def history() -> None:
    """Load history from before the feed."""


@app.command("import")
def import_history(
    paths: Annotated[list[Path], typer.Argument(help="HL7 files and batches, FHIR .ndjson and .json, .gz, folders.")],
    source: Annotated[str, typer.Option("--source", help="The system it comes from, if there are several.")] = "",
    rejects: Annotated[
        Path, typer.Option("--rejects", help="File for lines that are not valid FHIR.", metavar="FILE")
    ] = Path("import-rejects.ndjson"),
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only read and count; store nothing.")] = False,
    processes: Annotated[
        int | None, typer.Option("--processes", min=0, help="Processes that read; by default one per core.")
    ] = None,
    config: Config = None,
    data_dir: DataDir = None,
) -> None:
    """Store, read and judge a hospital's earlier data: HL7 messages and FHIR R4 resources. No notices are sent.

    Every message and resource is stored unchanged, like those of the feed; what is stored already is skipped, so a
    stopped load continues when it is started again. Exit code 1 when anything was rejected or parked.

    Example: ivigilant history import export/ adt-2019.hl7.gz --dry-run
    """
    from ivigilant.importing.files import files_in, size_of

    settings, name = _quiet(read_settings(config, data_dir)), _feed(source)
    files = files_in(paths)
    size = size_of(files)
    readers = (os.cpu_count() or 1) if processes is None else processes
    with ExitStack() as stack:
        if not dry_run:
            stack.enter_context(database_explained())
        report = stack.enter_context(_progress(size))
        tally = _run(settings, files, name, rejects, report, 0 if size < _SMALL else readers, dry_run)
    typer.echo(_summary(tally, rejects, dry_run))
    if tally.rejected or tally.loaded.parked:
        raise typer.Exit(1)


def _feed(source: str) -> str:
    from history.messages import IMPORT

    if source != source.strip() or len(source) > 60:
        raise UnusableSettings(f"--source {source!r}: a short name, as `epd`")
    return f"{IMPORT} {source}" if source else IMPORT


def _run(
    settings: "Settings",
    files: list[Path],
    name: str,
    rejects: Path,
    report: Callable[[int, "ImportCounts"], None],
    processes: int,
    dry_run: bool,
) -> "ImportCounts":
    from ivigilant.importing.files import is_of_resources
    from ivigilant.importing.readers import Readers, collect_seldom

    collect_seldom()
    with closing(Readers(processes)) as readers:
        if any(map(is_of_resources, files)):
            readers.get_ready()
        return _load(settings, files, name, rejects, report, readers, dry_run)


def _load(
    settings: "Settings",
    files: list[Path],
    name: str,
    rejects: Path,
    report: Callable[[int, "ImportCounts"], None],
    readers: "Readers",
    dry_run: bool,
) -> "ImportCounts":
    from ivigilant import wiring
    from ivigilant.importing.arrivals import Arrivals, feed_named
    from ivigilant.importing.loading import FirstLoad, medications_in
    from ivigilant.importing.rejects import rejects_in
    from ivigilant.receiving import feed_id
    from ivigilant.site import load_site
    from ivigilant.site_choices import worker_site

    worker = None if dry_run else wiring.make_quiet_worker(settings)
    site = worker.site if worker is not None else worker_site(load_site(settings.site_file), settings)
    feed = feed_named(name, feed_id(worker.engine, name) if worker is not None else 0, site.defaults_of(name))
    arrivals = Arrivals(feed, datetime.now(UTC), medications_in(files))
    with rejects_in(rejects) as rejected:
        return FirstLoad(worker, feed, readers, rejected, report).run(files, arrivals)


def _quiet(settings: "Settings") -> "Settings":
    """Log only warnings, to standard error: the result of the command is its last line."""
    from ivigilant.logs import start_logging

    start_logging(settings.model_copy(update={"log_level": "warning"}), "import")
    return settings


@contextmanager
def _progress(size: int) -> Iterator[Callable[[int, "ImportCounts"], None]]:
    """Show a progress bar on a terminal: bytes read, messages stored per second, time left."""
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        Progress,
        TaskProgressColumn,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    console = Console(stderr=True)
    columns = (TaskProgressColumn(), BarColumn(), TextColumn("{task.description}"), TimeRemainingColumn())
    with Progress(*columns, TimeElapsedColumn(), console=console, disable=not console.is_terminal) as bar:
        task = bar.add_task("", total=size)
        began = datetime.now(UTC)

        def report(more: int, tally: "ImportCounts") -> None:
            done = tally.loaded.messages + tally.loaded.known
            rate = done / max((datetime.now(UTC) - began).total_seconds(), 0.001)
            bar.update(task, advance=more, description=f"{done:,} done, {rate:,.0f}/s, {tally.rejected:,} rejected")

        yield report


def _summary(tally: "ImportCounts", rejects: Path, dry_run: bool) -> str:
    loaded = tally.loaded
    kinds = ", ".join(f"{count:,} {kind or 'unreadable'}" for kind, count in tally.kinds.most_common(_SHOWN))
    left = ", ".join(f"{count:,} {kind}" for kind, count in tally.unread.most_common(_SHOWN))
    parts = [f"{tally.kinds.total():,} read ({kinds})" if kinds else "nothing to read"]
    if not dry_run:
        parts.append(f"{loaded.messages:,} new, {loaded.known:,} stored before")
        parts.append(f"{loaded.answers:,} answers, {loaded.alerts:,} alerts changed")
        parts += [f"{loaded.parked:,} parked (in the inbox)"] if loaded.parked else []
        parts += [f"{loaded.ignored:,} ignored"] if loaded.ignored else []
    parts += [f"{tally.rejected:,} rejected (in {rejects})"] if tally.rejected else []
    parts += [f"not read: {left}"] if left else []
    return "; ".join(parts)
