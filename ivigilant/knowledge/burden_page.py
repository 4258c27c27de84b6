"""docs/burden.md, written from a run: `make docs`, or python -m ivigilant.knowledge.burden_page FILE."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from clinical.words import ALERT_TIERS, TIERS
from ivigilant.knowledge.burden import PATIENTS, Burden, measure_apart
from ivigilant.knowledge.burden_stored import keep
from ivigilant.knowledge.sensitivity import Varied, vary
from rules.knowledge import Knowledge
from rules.load import load_knowledge

HEAD = """\
# How many alerts

Written by `make docs` from a run of the rules {knowledge} over {orders} patients who do not exist, one IVIg order each.
It shows how the rules behave on a mixture of patients, not how often a hospital will be alerted: most shares below are
assumptions of ours [D]. A hospital that has stored its own messages gets its own figures from `ivigilant backtest`.

Each order counts once, at its first answer. What a pharmacist settled is not said again for the further doses of a
course, nor for the next course with the same findings within 180 days: repeats add none
(`tests/journeys/test_burden_of_repeats.py` gives the doses and the next course to forty of these patients, and counts).

## Per 100 IVIg orders

{pushed:.1f} reach the inbox; {shown:.1f} are only shown with the order; for {nothing:.1f} there is nothing to say.

| tier | orders | where |
| --- | ---: | --- |
"""
WHERE = {"information": "shown with the order, never in the inbox", "none": "nothing is shown"}
CHOICE = """\
## When one risk factor is not enough

The knowledge counts a patient as at risk from one risk factor. A hospital may ask for more (`policy: at_risk_from` in
its site file, decision 0010); a thrombosis, thrombophilia, thick blood and arterial disease count alone in any case.

| risk factors | reach the inbox | contraindication | high | moderate | shown with the order |
| ---: | ---: | ---: | ---: | ---: | ---: |
"""
VARIED = """\
## The patients, and what another share would change

"Reach the inbox" is per 100 orders, at half and at double the share, over {size} patients each; as it is: {usual:.1f}.
A figure that moves by less than 1.5 is within the noise of so few.

| what | share | from | at half | at double |
| --- | ---: | --- | ---: | ---: |
"""


def write_page(
    burden: Burden, knowledge: Knowledge, others: Sequence[tuple[int, Burden]], varied: Sequence[Varied], size: int
) -> str:
    """The page."""
    head = HEAD.format(
        orders=burden.orders,
        knowledge=knowledge.version,
        pushed=burden.per_hundred(*ALERT_TIERS),
        shown=burden.per_hundred("information"),
        nothing=burden.per_hundred("none"),
    )
    lines = [head.rstrip("\n")]
    lines += [f"| {tier} | {burden.per_hundred(tier):.1f} | {WHERE.get(tier, 'inbox')} |" for tier in TIERS]
    lines += ["", *_drivers(burden, knowledge), "", CHOICE.rstrip("\n")]
    lines += [_chosen(enough, each) for enough, each in [(1, burden), *others]]
    lines += ["", VARIED.format(size=size, usual=varied[0].usual).rstrip("\n")]
    lines += [
        f"| {each.share.what} | {each.share.value:.1%} | {each.share.source} | {each.half:.1f} | {each.double:.1f} |"
        for each in varied
    ]
    return "\n".join(lines) + "\n"


def _drivers(burden: Burden, knowledge: Knowledge) -> list[str]:
    lines = [
        "## What drives them",
        "",
        "Rules of the order's own tier, per 100 orders; one order may have several.",
        "",
    ]
    lines += ["| tier | rule | orders |", "| --- | --- | ---: |"]
    titles = {rule.id: rule.title["en"] for rule in knowledge.rules}
    titles[knowledge.policy.form.escalation.id] = knowledge.policy.form.escalation.title.text["en"]
    for (tier, rule), count in sorted(burden.drivers.items(), key=lambda each: (TIERS.index(each[0][0]), -each[1])):
        lines.append(f"| {tier} | {rule} {titles.get(rule, '')} | {100 * count / burden.orders:.1f} |")
    return lines


def _chosen(enough: int, burden: Burden) -> str:
    by_tier = " | ".join(f"{burden.per_hundred(tier):.1f}" for tier in (*ALERT_TIERS, "information"))
    return f"| {enough} | {burden.per_hundred(*ALERT_TIERS):.1f} | {by_tier} |"


def main(
    file: Path,
    size: Annotated[int, typer.Option("--patients", min=1)] = PATIENTS,
    varied: Annotated[int, typer.Option("--varied", min=1)] = 1_000,
) -> None:
    """Run it, write the page, and keep the figures for the demonstration."""
    knowledge = load_knowledge()
    burden = measure_apart(size)
    others = [(enough, measure_apart(size, at_risk_from=enough)) for enough in (2, 3)]
    file.write_text(write_page(burden, knowledge, others, vary(varied), varied), encoding="utf-8")
    keep(burden, knowledge.version)


if __name__ == "__main__":
    typer.run(main)
