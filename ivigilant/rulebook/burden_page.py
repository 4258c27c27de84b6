"""docs/burden.md, written from a run: `make docs`, or python -m ivigilant.rulebook.burden_page FILE."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from ivigilant.hospital.population import ANTICOAGULATED, PRIOR_VTE, RATED, RISKS, USES, WEIGHED
from ivigilant.rulebook.burden import TIERS, Burden, measure
from rules.knowledge import Knowledge
from rules.load import load_knowledge
from worker.site import Site

AT = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
HEAD = """\
# How many alerts

Written by `make docs` from a run over {orders} patients who do not exist, one IVIg order each. It shows how the rules
behave on a mixture of patients, not how often a hospital will be alerted: most shares below are assumptions. A hospital
that has stored its own messages gets its own figures from `ivigilant backtest`.

Each order counts once, at its first answer. What a pharmacist settled is not said again for the further doses of a
course, nor for the next course with the same findings within 180 days (`tests/journeys/test_vignettes.py`, V28), so
with maintenance treatment the figures fall from the second order on.

## Per 100 IVIg orders

| tier | orders | where |
| --- | ---: | --- |
"""
WHERE = {"information": "shown with the order, never in the inbox", "none": "nothing is shown"}


def write_page(burden: Burden, knowledge: Knowledge) -> str:
    """The page."""
    lines = [HEAD.format(orders=burden.orders).rstrip("\n")]
    lines += [f"| {tier} | {burden.per_hundred(tier):.1f} | {WHERE.get(tier, 'inbox')} |" for tier in TIERS]
    lines += [
        "",
        "## What drives them",
        "",
        "Rules of the order's own tier, per 100 orders; one order may have several.",
        "",
    ]
    lines += ["| tier | rule | orders |", "| --- | --- | ---: |"]
    titles = {rule.id: rule.title.en for rule in knowledge.rules}
    titles[knowledge.policy.form.escalation.id] = knowledge.policy.form.escalation.title.en
    for (tier, rule), count in sorted(burden.drivers.items(), key=lambda each: (TIERS.index(each[0][0]), -each[1])):
        lines.append(f"| {tier} | {rule} {titles.get(rule, '')} | {100 * count / burden.orders:.1f} |")
    return "\n".join([*lines, *_assumptions()]) + "\n"


def _assumptions() -> list[str]:
    lines = ["", "## The patients", "", "| what | share | from |", "| --- | ---: | --- |"]
    lines += [f"| ordered for {use.code.text}, {use.g_per_kg} g/kg on {use.days} days | {use.share:.0%} | "
              "share assumed; dose: EU product information of Privigen |" for use in USES]  # fmt: skip  # one row
    lines.append(f"| earlier VTE | {PRIOR_VTE:.1%} | Kapoor 2022, UK Biobank: 14,794 of 502,492 had an event |")
    lines.append(f"| on a DOAC at treatment dose, of those | {ANTICOAGULATED:.0%} | assumed |")
    lines += [f"| {risk.code.text} ({risk.code.code}) | {risk.share:.0%} | {risk.source} |" for risk in RISKS]
    lines.append(f"| order with a recent weight | {WEIGHED:.0%} | assumed |")
    lines.append(f"| order that tells a rate | {RATED:.0%} | assumed |")
    return lines


def main(file: Path, size: Annotated[int, typer.Option("--patients", min=1)] = 10_000) -> None:
    """Run it and write the page."""
    knowledge = load_knowledge()
    file.write_text(write_page(measure(knowledge, Site(), size, AT), knowledge), encoding="utf-8")


if __name__ == "__main__":
    typer.run(main)
