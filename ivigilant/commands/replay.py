"""`ivigilant replay`: send messages to a listener, as a hospital's systems do."""

import asyncio
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated

import typer

from ivigilant.commands.options import Config, DataDir, database_explained, read_settings
from ivigilant.errors import UnusableSettings

_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


def add_to(app: typer.Typer) -> None:
    """Add this command."""
    app.command(rich_help_panel="Messages")(replay)


def replay(
    paths: Annotated[list[str] | None, typer.Argument(help="Files, folders, batches, or - for standard input.")] = None,
    to: Annotated[str, typer.Option("--to", help="HOST:PORT of the listener.")] = "127.0.0.1:2575",
    rate: Annotated[float | None, typer.Option("--rate", min=0.01, help="Messages a second, at most.")] = None,
    links: Annotated[int, typer.Option("--links", min=1, max=500, help="Connections side by side.")] = 1,
    patience: Annotated[float, typer.Option("--patience", min=0, help="Seconds to try an unanswered message.")] = 10,
    from_store: Annotated[
        str | None, typer.Option("--from-store", help="What was stored since: 2h, 3d, 2026-03-01.")
    ] = None,
    tls: Annotated[bool, typer.Option("--tls", help="Speak TLS.")] = False,
    tls_ca: Annotated[Path | None, typer.Option("--tls-ca", help="Who signed the listener's certificate.")] = None,
    tls_cert: Annotated[Path | None, typer.Option("--tls-cert", help="Our certificate, with --tls-key.")] = None,
    tls_key: Annotated[Path | None, typer.Option("--tls-key", help="Its key.")] = None,
    config: Config = None,
    data_dir: DataDir = None,
) -> None:
    """Send messages and count the answers. Exit code 1 when any was refused or left unanswered.

    Example: ivigilant replay samples/ --to 127.0.0.1:2575 --links 4
    """
    messages: list[bytes] | Iterator[bytes]


def moment(text: str, now: datetime) -> datetime:
    """Read `2h`, `3d` or an ISO date or time; without a zone it is UTC."""
    if found := re.fullmatch(r"(\d+)([smhd])", text):
        return now - timedelta(**{_UNITS[found[2]]: int(found[1])})
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise UnusableSettings(f"--from-store {text}: write 90m, 2h, 3d or 2026-03-01T08:00") from None
    return at if at.tzinfo else at.replace(tzinfo=UTC)
