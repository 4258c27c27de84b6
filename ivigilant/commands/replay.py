"""`ivigilant replay`: send messages to a listener, as a hospital's systems do."""

import asyncio
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ivigilant.commands.options import Config, DataDir, database_explained, read_settings
from ivigilant.errors import UnusableSettings

if TYPE_CHECKING:
    from ivigilant.replaying import ReplyCounts

_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


def add_to(app: typer.Typer) -> None:
    """Add this command."""
    app.command(rich_help_panel="Messages")(replay)


def replay(
    paths: Annotated[list[str] | None, typer.Argument(help="Files, folders, batches, or - for standard input.")] = None,
    to: Annotated[str, typer.Option("--to", help="HOST:PORT of the listener.")] = "127.0.0.1:2575",
    rate: Annotated[float | None, typer.Option("--rate", min=0.01, help="Most messages per second.")] = None,
    links: Annotated[int, typer.Option("--links", min=1, max=500, help="Number of connections at the same time.")] = 1,
    window: Annotated[int, typer.Option("--window", min=1, max=64, help="Most unanswered messages on a link.")] = 1,
    from_store: Annotated[
        str | None, typer.Option("--from-store", help="Send stored messages since: 2h, 3d, 2026-03-01.")
    ] = None,
    tls: Annotated[bool, typer.Option("--tls", help="Speak TLS.")] = False,
    tls_ca: Annotated[Path | None, typer.Option("--tls-ca", help="The certificate authority of the listener.")] = None,
    tls_cert: Annotated[Path | None, typer.Option("--tls-cert", help="Our certificate, with --tls-key.")] = None,
    tls_key: Annotated[Path | None, typer.Option("--tls-key", help="Its key.")] = None,
    config: Config = None,
    data_dir: DataDir = None,
) -> None:
    """Send messages and count the answers. Exit code 1 when any was refused or not answered.

    Example: ivigilant replay samples/ --to 127.0.0.1:2575 --links 4
    """
    from ivigilant.certificates import sending_context
    from ivigilant.replaying import send
    from listener.client import Target

    host, port = address(to)
    messages = _source(paths or [], from_store, config, data_dir)
    context = sending_context(tls_ca, tls_cert, tls_key) if tls or tls_ca or tls_cert else None
    with _progress() as report:
        target = Target(host, port, context)
        tally = asyncio.run(send(messages, target, links=links, window=window, rate=rate, report=report))
    answers = ", ".join(f"{how_many} {answer}" for answer, how_many in sorted(tally.answers.items()))
    typer.echo(f"{tally.sent} messages: {answers or 'nothing to send'}")
    if not tally.all_accepted:
        raise typer.Exit(1)


def address(text: str) -> tuple[str, int]:
    """Read HOST:PORT, also [::1]:2575."""
    host, separator, port = text.rpartition(":")
    if not separator or not host.strip("[]") or not port.isdigit() or not 0 < int(port) < 65536:
        raise UnusableSettings(f"--to {text}: write HOST:PORT")
    return host.strip("[]") or "127.0.0.1", int(port)


def _source(paths: list[str], since: str | None, config: Path | None, data_dir: Path | None) -> Iterator[bytes]:
    from ivigilant.replaying import pruned_since, read_paths, read_store

    if bool(paths) == bool(since):
        raise UnusableSettings("name files or folders to send, or --from-store SINCE")
    if since is None:
        return read_paths([Path(path) for path in paths])
    from store.engine import connect

    with database_explained():
        engine, begun = connect(read_settings(config, data_dir).database()), moment(since, datetime.now(UTC))
        if pruned := pruned_since(engine, begun):
            typer.echo(f"{pruned} messages of that time have no text any more and are left out", err=True)
        return read_store(engine, begun)


@contextmanager
def _progress() -> Iterator[Callable[["ReplyCounts"], None]]:
    """Show progress on a terminal, without a total: it is not known before the last file is read."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.completed:.0f} sent"), BarColumn(), TextColumn("{task.description}"))
    console = Console(stderr=True)
    with Progress(*columns, TimeElapsedColumn(), console=console, disable=not console.is_terminal) as bar:
        task = bar.add_task("", total=None)

        def report(tally: "ReplyCounts") -> None:
            refused = tally.sent - tally.accepted
            progress = f"{tally.accepted} accepted" + (f", {refused} not" if refused else "")
            bar.update(task, completed=tally.sent, description=progress)

        yield report


def moment(text: str, now: datetime) -> datetime:
    """Read `2h`, `3d` or an ISO date or time; without a zone it is UTC."""
    if found := re.fullmatch(r"(\d+)([smhd])", text):
        return now - timedelta(**{_UNITS[found[2]]: int(found[1])})
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise UnusableSettings(f"--from-store {text}: write 90m, 2h, 3d or 2026-03-01T08:00") from None
    return at if at.tzinfo else at.replace(tzinfo=UTC)
