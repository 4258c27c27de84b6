"""`ivigilant knowledge coverage`: which rules the codes of a site reach, and which they cannot."""

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from ivigilant.commands.options import Config, DataDir, database_explained, read_settings

if TYPE_CHECKING:
    from ivigilant.knowledge.coverage import Coverage


def add_to(app: typer.Typer) -> None:
    """Add this command."""
    app.command("coverage")(coverage)


def coverage(
    facts: Annotated[int, typer.Option(min=1, help="How many of the newest facts to look at.")] = 100_000,
    as_json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False,
    config: Config = None,
    data_dir: DataDir = None,
) -> None:
    """Tell which rules what has come in can reach, which it cannot and why, and how many codes wait to be mapped.

    A rule that lacks a value set stays silent: nothing in the history, by code or by words, is in that set.

    Example: ivigilant knowledge coverage
    """
    from ivigilant.knowledge.coverage import cover
    from ivigilant.site_file import load_site
    from ivigilant.site_parts import site_knowledge
    from store.engine import connect, reading

    settings = read_settings(config, data_dir)
    file = load_site(settings.site_file)
    knowledge = site_knowledge(settings, file)
    with database_explained(), reading(connect(settings.database())) as connection:
        found = cover(connection, knowledge, file, facts)
    if as_json:
        typer.echo(json.dumps(asdict(found), ensure_ascii=False, indent=1))
    else:
        _show(found)


def _show(found: "Coverage") -> None:
    typer.echo(f"knowledge {found.knowledge}; {found.facts} facts, {found.ivig_orders} IVIg orders")
    for rule in found.rules:
        if not rule.lacks:
            typer.echo(f"reached    {rule.id:<12} {rule.title}")
    for rule in found.silent:
        typer.echo(f"not so far {rule.id:<12} {rule.title}: nothing is in {_listed(rule.lacks)}")
    house = ", ".join(f"{name} ({count})" for name, count in found.house.items())
    typer.echo(f"codes of the house: {house or 'none'}")
    typer.echo(f"codes that wait to be mapped: {found.waiting}, of which {found.telling} name a value set in words")


def _listed(names: tuple[str, ...], most: int = 6) -> str:
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more
