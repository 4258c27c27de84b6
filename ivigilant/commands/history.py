"""`ivigilant rebuild | rejudge`: the history and its answers, derived again."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import typer

from ivigilant.commands.options import Config, DataDir, database_explained, read_settings
from ivigilant.settings import Settings


def add_to(app: typer.Typer) -> None:
    """Add these commands."""
    for command in (rebuild, rejudge):
        app.command(rich_help_panel="History")(command)


def rebuild(config: Config = None, data_dir: DataDir = None) -> None:
    """Derive the history and its answers again from the stored messages, by the knowledge and site file of now.

    For after a change of the site file that moves diagnoses, numbers or products. Workers may go on. Nothing is
    pushed, and what pharmacists did stays. Stopped, it goes on from there the next time.

    Example: ivigilant rebuild --data-dir /var/lib/ivigilant
    """
    from ivigilant import wiring
    from store import prunings, rebuilding
    from worker.rebuild import Rebuilt
    from worker.rebuild import rebuild as derive

    worker = wiring.make_quiet_worker(quiet(read_settings(config, data_dir)))
    with database_explained(), worker.engine.connect() as connection:
        patients = rebuilding.last_patient(connection)
    with database_explained(), progress("patients", patients) as advance:

        def tell(done: Rebuilt) -> None:
            advance(done.position)

        done = derive(worker, tell)
    typer.echo(f"{done.patients} patients, {done.messages} messages, {done.unreadable} that say nothing any more")
    with database_explained(), worker.engine.connect() as connection:
        pruned = prunings.total(connection)
    if pruned:
        typer.echo(f"{pruned} messages have no text any more (ivigilant prune); what they told stays as it was")


def rejudge(config: Config = None, data_dir: DataDir = None) -> None:
    """Answer open orders again that other knowledge answered; `beat` does so by itself when the knowledge changes.

    Example: ivigilant rejudge --data-dir /var/lib/ivigilant
    """
    from ivigilant import wiring
    from worker.rejudge import rejudge as answer

    worker = wiring.make_quiet_worker(quiet(read_settings(config, data_dir)))
    with database_explained():
        done = answer(worker)
    typer.echo(f"{done.answers} answers, {len(done.alerts)} alerts changed")


def quiet(settings: Settings) -> Settings:
    """Log to standard error, and only what is wrong: what the command has to say is its last line."""
    from ivigilant.logs import start_logging

    start_logging(settings.model_copy(update={"log_level": "warning"}), "history")
    return settings


@contextmanager
def progress(what: str, total: int) -> Iterator[Callable[[float], None]]:
    """Show a bar on a terminal; the function given moves it to a position."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.completed:.0f} of {task.total:.0f} {task.description}"), BarColumn())
    console = Console(stderr=True)
    with Progress(*columns, TimeRemainingColumn(), console=console, disable=not console.is_terminal) as bar:
        task = bar.add_task(what, total=total)
        yield lambda position: bar.update(task, completed=position)
