"""`ivigilant knowledge check | list | show | …`: what the rules say, and whether their files are in order."""

from typing import TYPE_CHECKING, Annotated

import typer

from ivigilant.commands import knowledge_changes, knowledge_coverage
from ivigilant.commands.options import Config, read_settings

if TYPE_CHECKING:
    from ivigilant.settings import Settings
    from rules.knowledge import Knowledge

app = typer.Typer(help="The rules and value sets.", no_args_is_help=True)
knowledge_changes.add_to(app)
knowledge_coverage.add_to(app)


@app.command("check")
def check(config: Config = None) -> None:
    """Check every rule, its examples and every value set, with the site's own codes. Exit code 1, and each fault.

    Example: ivigilant knowledge check
    """
    from ivigilant.errors import UnusableKnowledge
    from ivigilant.knowledge.examples import answered

    knowledge = _load(read_settings(config))
    wrong = [
        f"library/{rule.id.lower()}.yaml: example {each.name!r} is answered {each.answer}, and the table says "
        f"{each.agreed} (correct the rule or the table)"
        for rule in knowledge.rules
        for each in answered(knowledge, rule.id)
        if not each.agrees
    ]
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
        typer.echo(f"{rule.id:<36} {rule.form.status:<8} {rule.tier.name.lower():<17} {rule.title.en}")


@app.command("show")
def show(rule: Annotated[str, typer.Argument(help="Its id, as in `knowledge list`.")], config: Config = None) -> None:
    """Show one rule as it is written, with its evidence and examples.

    Example: ivigilant knowledge show IG-VTE-001
    """
    from ivigilant.knowledge.examples import UnknownRule
    from rules.load import HERE

    settings = read_settings(config)
    if rule not in {known.id for known in _load(settings).rules}:
        raise UnknownRule(f"no rule is called {rule}; they are: ivigilant knowledge list")
    path = (settings.knowledge_dir or HERE) / "library" / f"{rule.lower()}.yaml"
    typer.echo(path.read_text(), nl=False)


def _load(settings: "Settings") -> "Knowledge":
    from ivigilant.site_parts import site_knowledge

    return site_knowledge(settings)
