"""`ivigilant knowledge` and `ivigilant backtest`: what the rules say, their faults, and the effect of a change."""

import json
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from clinical.words import FALLBACK
from ivigilant.commands.options import Config, DataDir, database_explained, read_settings
from ivigilant.errors import UnreadablePath

if TYPE_CHECKING:
    from ivigilant.knowledge.backtest import Comparison
    from ivigilant.knowledge.coverage import Coverage
    from ivigilant.knowledge.review import TrialReview
    from ivigilant.settings import Settings
    from rules.knowledge import Knowledge


app = typer.Typer(help="The rules and value sets.", no_args_is_help=True)


def add_to(commands: typer.Typer) -> None:
    """Add `backtest`, which stands beside the group."""
    commands.command(rich_help_panel="Rules")(backtest)


@app.command("check")
def check(
    folder: Annotated[Path | None, typer.Argument(help="Rules to check instead of those in use.")] = None,
    config: Config = None,
) -> None:
    """Check every rule, its examples and every value set, with the site's own codes. Lists the faults, exit code 1.

    An example that fails because another rule is on trial or retired is a warning.

    Example: ivigilant knowledge check my-rules
    """
    from ivigilant.errors import UnusableKnowledge
    from ivigilant.knowledge.examples import answered

    settings = read_settings(config)
    knowledge = _load(settings if folder is None else settings.model_copy(update={"knowledge_dir": folder}))
    wrong = []
    for rule in knowledge.rules:
        for each in (each for each in answered(knowledge, rule.id) if not each.agrees):
            said = (
                f"library/{rule.id.lower()}.yaml: example {each.name!r} is answered {each.answer}, and the table says "
                f"{each.agreed}"
            )
            if each.by_others:
                typer.echo(f"warning: {said} (it depends on a rule that is on trial or retired)")
            else:
                wrong.append(f"{said} (correct the rule or the table)")
    if wrong:
        raise UnusableKnowledge("\n".join(wrong))
    typer.echo(f"knowledge {knowledge.version}: {len(knowledge.rules)} rules, no faults")


@app.command("list")
def list_rules(config: Config = None) -> None:
    """List the rules: id, status, tier and title.

    Example: ivigilant knowledge list
    """
    knowledge = _load(read_settings(config))
    for rule in sorted(knowledge.rules, key=lambda rule: (-rule.tier, rule.id)):
        typer.echo(f"{rule.id:<36} {rule.form.status:<8} {rule.tier.word:<17} {rule.title[FALLBACK]}")


@app.command("show")
def show(rule: Annotated[str, typer.Argument(help="Its id, as in `knowledge list`.")], config: Config = None) -> None:
    """Show one rule as it is written, with its evidence and examples.

    Example: ivigilant knowledge show IG-VTE-001
    """
    from ivigilant.knowledge.examples import UnknownRule
    from rules.load import HERE

    settings = read_settings(config)
    if rule not in {known.id for known in _load(settings).rules}:
        raise UnknownRule(f"there is no rule {rule}; list them with: ivigilant knowledge list")
    path = (settings.knowledge_dir or HERE) / "library" / f"{rule.lower()}.yaml"
    typer.echo(path.read_text(), nl=False)


def _load(settings: "Settings") -> "Knowledge":
    from ivigilant.knowledge.site_knowledge import site_knowledge

    return site_knowledge(settings)


Folder = Annotated[Path, typer.Argument(help="A folder with knowledge: library/, value_sets/, definitions/, ...")]


@app.command("diff")
def diff(
    old: Folder,
    new: Folder,
    language: Annotated[str, typer.Option(help="The language of the texts that are shown.")] = "en",
    every_line: Annotated[bool, typer.Option("--all", help="Every line that differs, file by file.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Every line that differs, as JSON.")] = False,
) -> None:
    """Say what one knowledge folder changes against another, what decides differently first. Always exit code 0.

    Example: ivigilant knowledge diff /etc/ivigilant/knowledge ./my-knowledge
    """
    from ivigilant.knowledge.change_note import change_note
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
    for note in () if every_line else change_note(read_files(old), read_files(new), language):
        typer.echo("\n".join([note.heading, *(f"  - {line}" for line in note.lines), ""]))
    for each in found if every_line else ():
        typer.echo(f"{each.kind:<8} {each.name}{f'  {each.title}' if each.title else ''}")
        for line in each.lines:
            typer.echo(f"           {line}")


@app.command("examples")
def examples(
    rule: Annotated[str, typer.Argument(help="Its id, as in `knowledge list`.")], config: Config = None
) -> None:
    """Show the worked examples of one rule and its answer to each. Exit code 1 when an answer differs.

    Example: ivigilant knowledge examples IG-VTE-015
    """
    from rich.console import Console
    from rich.table import Table

    from ivigilant.knowledge.examples import answered
    from ivigilant.knowledge.site_knowledge import site_knowledge

    rows = answered(site_knowledge(read_settings(config)), rule)
    columns = list(dict.fromkeys(column for row in rows for column in row.cells))
    table = Table("case", *columns, "agreed", "answer", title=rule, title_justify="left")
    for row in rows:
        style = "" if row.agrees else "bold red"
        table.add_row(row.name, *(row.cells.get(column, "") for column in columns), row.agreed, row.answer, style=style)
    Console().print(table)
    if not all(row.agrees for row in rows):
        raise typer.Exit(1)


@app.command("coverage")
def coverage(
    facts: Annotated[int, typer.Option(min=1, help="Number of facts to look at, the newest first.")] = 100_000,
    as_json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False,
    config: Config = None,
    data_dir: DataDir = None,
) -> None:
    """Show which rules can fire with the data received so far, which cannot and why, and the unmapped codes.

    A rule cannot fire when nothing in the history, by code or in words, is in a value set that it needs.

    Example: ivigilant knowledge coverage
    """
    from ivigilant.knowledge.coverage import cover
    from ivigilant.knowledge.site_knowledge import site_knowledge
    from ivigilant.site import load_site
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
    typer.echo(f"local codes: {house or 'none'}")
    typer.echo(f"codes that wait to be mapped: {found.waiting}, of which {found.telling} name a value set in words")


def _listed(names: tuple[str, ...], most: int = 6) -> str:
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more


@app.command("review")
def review(
    since: Annotated[datetime | None, typer.Option("--since", help="Leave out alerts raised before this date.")] = None,
    html: Annotated[
        Path | None, typer.Option("--html", help="Write an HTML page to this file.", metavar="FILE")
    ] = None,
    trial: Annotated[
        bool, typer.Option("--trial", help="Only the rules on trial, without the answers that were given.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    config: Config = None,
    data_dir: DataDir = None,
) -> None:
    """Show what pharmacists did with the alerts, per rule: kept, overridden and why, interventions.

    It proposes which rules to move to another channel, and changes nothing. With --trial it lists the orders for which
    a rule on trial would have fired and what it saw, so that each can be judged before its alert is looked at.

    Example: ivigilant knowledge review --since 2026-01-01 --html review.html
    """
    from rich.console import Console

    from inbox.figures import review as reviewing
    from ivigilant.knowledge import review as report
    from store.engine import connect, reading

    settings = read_settings(config, data_dir)
    begun = since.replace(tzinfo=UTC) if since else None
    rules = _load(settings).rules
    titles = {rule.id: rule.title[FALLBACK] for rule in rules if not trial or rule.form.status == "trial"}
    with database_explained(), reading(connect(settings.database())) as connection:
        if trial:
            _show_trials(report.on_trial(connection, titles, begun), as_json, html)
            return
        found = reviewing.review(connection, titles, begun)
    if html is not None:
        html.write_text(report.as_page(found), encoding="utf-8")
    if as_json:
        typer.echo(json.dumps(report.as_json(found), ensure_ascii=False, indent=1))
    else:
        report.show(found, Console())


def _show_trials(trials: "list[TrialReview]", as_json: bool, html: Path | None) -> None:
    from ivigilant.knowledge import review as report

    typer.echo(report.trial_as_json(trials) if as_json else report.trial_in_words(trials))
    if html is not None:
        html.write_text(report.trial_as_page(trials), encoding="utf-8")


def backtest(
    knowledge: Annotated[Path, typer.Option("--knowledge", help="The folder with the other rules.", metavar="FOLDER")],
    since: Annotated[
        datetime | None, typer.Option("--since", help="Leave out orders that began before this date.")
    ] = None,
    html: Annotated[
        Path | None, typer.Option("--html", help="Write an HTML page to this file.", metavar="FILE")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    messages: Annotated[
        bool, typer.Option("--messages", help="Read every stored message again, also when the value sets are the same.")
    ] = False,
    config: Config = None,
    data_dir: DataDir = None,
) -> None:
    """Judge the stored history with other rules: per rule, alerts gained, lost or in another tier. Writes nothing.

    Example: ivigilant backtest --knowledge ./my-knowledge --since 2026-01-01 --html backtest.html
    """
    from rich.console import Console

    from ivigilant.knowledge import backtest as report

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
    from ivigilant.knowledge.site_knowledge import site_knowledge
    from ivigilant.site import load_site
    from ivigilant.site_choices import worker_site
    from store.engine import connect, reading
    from worker.histories import StoredHistories
    from worker.local_codes import with_mapped

    file = load_site(settings.site_file)
    old = site_knowledge(settings, file)
    new = site_knowledge(settings.model_copy(update={"knowledge_dir": knowledge}), file)
    with database_explained(), reading(connect(settings.database())) as connection:
        old, new = with_mapped(old, connection), with_mapped(new, connection)
        histories = StoredHistories(connection, worker_site(file, settings), messages or needs_messages(old, new))
        with Progress(console=Console(stderr=True), transient=True) as progress:
            task = progress.add_task("judging", total=histories.size())
            return run(histories, old, new, since, lambda size: progress.advance(task, size))
