"""`ivigilant backtest`: what other rules would have said of the history we have."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ivigilant.commands.options import Config, DataDir, database_explained, read_settings
from ivigilant.errors import UnreadablePath

if TYPE_CHECKING:
    from ivigilant.knowledge.backtest import Comparison
    from ivigilant.settings import Settings


def add_to(app: typer.Typer) -> None:
    """Add this command."""
    app.command(rich_help_panel="Rules")(backtest)


def backtest(
    knowledge: Annotated[Path, typer.Option("--knowledge", help="The folder with the other rules.", metavar="FOLDER")],
    since: Annotated[datetime | None, typer.Option("--since", help="Leave out orders that began before.")] = None,
    html: Annotated[Path | None, typer.Option("--html", help="Write a page here.", metavar="FILE")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    messages: Annotated[
        bool, typer.Option("--messages", help="Read every stored message again, also when value sets are the same.")
    ] = False,
    config: Config = None,
    data_dir: DataDir = None,
) -> None:
    """Judge the stored history with other rules: per rule what is new, lost or of another tier. Nothing is written.

    Example: ivigilant backtest --knowledge ./my-knowledge --since 2026-01-01 --html backtest.html
    """
    from rich.console import Console

    from ivigilant.knowledge import backtest_report as report

    settings = read_settings(config, data_dir)
    if not (knowledge / "library").is_dir():
        raise UnreadablePath(f"{knowledge} holds no knowledge: it has no folder called library")
    found = _run(settings, knowledge, since.replace(tzinfo=UTC) if since else None, messages)
    if html is not None:
        html.write_text(report.as_page(found), encoding="utf-8")
    if as_json:
        typer.echo(json.dumps(report.as_json(found), ensure_ascii=False, indent=1))
    else:
        report.show(found, Console())


def _run(settings: "Settings", knowledge: Path, since: datetime | None, messages: bool) -> "Comparison":
    from rich.console import Console
    from rich.progress import Progress

    from ivigilant.knowledge.backtest import backtest as run
    from ivigilant.knowledge.backtest import needs_messages
    from ivigilant.site_file import load_site
    from ivigilant.site_parts import site_knowledge, worker_site
    from store.engine import connect, reading
    from worker.local_codes import with_mapped
    from worker.past import Past

    file = load_site(settings.site_file)
    old = site_knowledge(settings, file)
    new = site_knowledge(settings.model_copy(update={"knowledge_dir": knowledge}), file)
    with database_explained(), reading(connect(settings.database())) as connection:
        old, new = with_mapped(old, connection), with_mapped(new, connection)
        past = Past(connection, worker_site(file, settings), messages or needs_messages(old, new))
        with Progress(console=Console(stderr=True), transient=True) as progress:
            task = progress.add_task("judging", total=past.size())
            return run(past, old, new, since, lambda size: progress.advance(task, size))
