"""`ivigilant knowledge diff | examples`: what differs between two folders, and the cases a rule is held to."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from ivigilant.commands.options import Config, read_settings
from ivigilant.errors import UnreadablePath

Folder = Annotated[Path, typer.Argument(help="A folder with knowledge: library/, value_sets/, definitions/, ...")]


def add_to(app: typer.Typer) -> None:
    """Add these commands."""
    app.command("diff")(diff)
    app.command("examples")(examples)


def diff(
    old: Folder,
    new: Folder,
    as_json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False,
) -> None:
    """Say what differs between two knowledge folders, rule by rule. Exit code 0, also when nothing does.

    Example: ivigilant knowledge diff /etc/ivigilant/knowledge ./my-knowledge
    """
    from ivigilant.knowledge.differences import differences
    from rules.load import read_files

    for folder in (old, new):
        if not (folder / "library").is_dir():
            raise UnreadablePath(f"{folder} holds no knowledge: it has no folder called library")
    found = differences(read_files(old), read_files(new))
    if as_json:
        typer.echo(json.dumps([asdict(each) for each in found], ensure_ascii=False, indent=1))
        return
    if not found:
        typer.echo("no difference")
    for each in found:
        typer.echo(f"{each.kind:<8} {each.name}{f'  {each.title}' if each.title else ''}")
        for line in each.lines:
            typer.echo(f"           {line}")


def examples(
    rule: Annotated[str, typer.Argument(help="Its id, as in `knowledge list`.")], config: Config = None
) -> None:
    """Show the worked examples of one rule, and what the rule answers to each. Exit code 1 when one differs.

    Example: ivigilant knowledge examples IG-VTE-015
    """
    from rich.console import Console
    from rich.table import Table

    from ivigilant.knowledge.examples import answered
    from ivigilant.site_parts import site_knowledge

    rows = answered(site_knowledge(read_settings(config)), rule)
    columns = list(dict.fromkeys(column for row in rows for column in row.cells))
    table = Table("case", *columns, "agreed", "answer", title=rule, title_justify="left")
    for row in rows:
        style = "" if row.agrees else "bold red"
        table.add_row(row.name, *(row.cells.get(column, "") for column in columns), row.agreed, row.answer, style=style)
    Console().print(table)
    if not all(row.agrees for row in rows):
        raise typer.Exit(1)
