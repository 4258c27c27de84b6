"""`ivigilant explain`: what would be read from a message and what not, what would be concluded, and why."""

from contextlib import nullcontext
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperCommand

from ivigilant.commands.options import Config, DataDir, database_explained, read_settings
from ivigilant.errors import UnusableSettings

if TYPE_CHECKING:
    from ivigilant.explain.conformance import SecondOpinion
    from ivigilant.explain.explained import Explained
    from ivigilant.settings import Settings

_HISTORY = "--history"


class _SeveralAfterHistory(TyperCommand):
    """Takes every path after --history as history: a shell expands `--history admissions/*` to many words."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Put --history before each of them."""
        words: list[str] = []
        follows = False
        for word in args:
            if word.startswith("--"):
                follows = word == _HISTORY
            elif follows and words[-1] != _HISTORY:
                words.append(_HISTORY)
            words.append(word)
        return super().parse_args(ctx, words)


def add_to(app: typer.Typer) -> None:
    """Add this command."""
    app.command(cls=_SeveralAfterHistory, rich_help_panel="Messages")(explain)


def explain(
    path: Annotated[str | None, typer.Argument(help="A file, a folder, a batch, or - for standard input.")] = None,
    history: Annotated[
        list[Path] | None, typer.Option(_HISTORY, help="One or more files or folders with earlier messages.")
    ] = None,
    message: Annotated[
        str | None, typer.Option("--message", help="A stored message: its number or its control id.")
    ] = None,
    order: Annotated[
        str | None, typer.Option("--order", help="A stored order: the placer's or filler's number.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print everything as one JSON document.")] = False,
    conformance: Annotated[bool, typer.Option(help="Also check each message against the standard with hl7apy.")] = True,
    config: Config = None,
    data_dir: DataDir = None,
) -> None:
    """Show what is read from a message and what is not, and what its IVIg orders would be answered and why.

    A file is only read: nothing is sent and nothing is stored. --message and --order look in the database.
    Exit code 1 when a message would be parked.

    Example: ivigilant explain order.hl7 --history admission.hl7 results/
    """
    from ivigilant.explain.conformance import SecondOpinion

    if sum(each is not None for each in (path, message, order)) != 1:
        raise UnusableSettings("name one thing to explain: a file or folder, --message, or --order")
    settings = read_settings(config, data_dir)
    with SecondOpinion() if conformance else nullcontext() as opinion:
        explained = _explained(settings, path, history or [], message, order, opinion)
    if as_json:
        import msgspec

        typer.echo(msgspec.json.format(msgspec.json.encode(explained)).decode())
    else:
        _show(explained)
    if any(each.state == "parked" for each in explained.messages):
        raise typer.Exit(1)


def _explained(
    settings: "Settings",
    path: str | None,
    history: list[Path],
    message: str | None,
    order: str | None,
    opinion: "SecondOpinion | None",
) -> "Explained":
    now = datetime.now(UTC)
    if path is not None:
        from ivigilant.explain.dry_run import explain_files, prepare

        return explain_files(prepare(settings), [Path(path)], history, now, opinion)
    from ivigilant.explain.stored import explain_stored_message, explain_stored_order
    from store.engine import connect

    if history:
        raise UnusableSettings("--history goes with a file; what is stored has its history")
    with database_explained():
        engine = connect(settings.database())
        if message is not None:
            return explain_stored_message(engine, settings, message, now, opinion)
        return explain_stored_order(engine, settings, order or "", now)


def _show(explained: "Explained") -> None:
    from rich.console import Console

    from ivigilant.explain.terminal import show

    console = Console(highlight=False)
    if not console.is_terminal:
        console.width = max(console.width, 140)
    show(explained, console)
