"""What pharmacists did with the alerts, and the rules on trial, as a terminal, a page or JSON shows them."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import jinja2
import sqlalchemy as sa
from rich.console import Console
from rich.table import Table

from clinical.ratios import Ratio
from inbox.figures.review import FEWEST, Review
from store import assessments, trial_verdicts
from store.trial_verdicts import VerdictCounts

PAGE = Path(__file__).with_name("review.html")
TRIAL_PAGE = Path(__file__).with_name("trial.html")


@dataclass(frozen=True, slots=True)
class TrialReview:
    """One rule on trial, and the orders for which it would have fired, without what was answered for them."""

    rule: str
    title: str
    orders: tuple[assessments.HeldOnTrial, ...]
    verdicts: VerdictCounts


def on_trial(connection: sa.Connection, titles: Mapping[str, str], since: datetime | None = None) -> list[TrialReview]:
    """Return each rule on trial with its orders, so that a pharmacist judges them blind to the live answer."""
    held = [each for each in assessments.held_on_trial(connection, titles.keys()) if since is None or each.at >= since]
    counts = trial_verdicts.count(trial_verdicts.of_rules(connection, titles.keys()))
    return [
        TrialReview(rule, title, tuple(each for each in held if each.rule == rule), counts.get(rule, VerdictCounts()))
        for rule, title in titles.items()
    ]


def trial_in_words(found: Sequence[TrialReview]) -> str:
    """Return the lists for a terminal."""
    lines = [] if found else ["No rule is on trial."]
    for each in found:
        lines.append(f"{each.rule} {each.title}: would have fired for {len(each.orders)} orders")
        if any(each.verdicts):
            lines.append(f"  judged right: {each.verdicts.share_right}; unsure: {each.verdicts.unsure}")
        if each.verdicts.not_blind:
            lines.append(f"  left out, because the reviewer had opened the answer: {each.verdicts.not_blind}")
        lines += [f"  order {one.order}, {one.at:%Y-%m-%d}: {'; '.join(one.saw)}" for one in each.orders]
    if any(each.orders for each in found):
        lines.append("Judge each order by its record before you look at its alert: would this have been worth saying?")
    return "\n".join(lines)


def trial_as_json(found: Sequence[TrialReview]) -> str:
    """Return the lists as JSON."""
    rules = [
        {
            "rule": each.rule,
            "title": each.title,
            "verdicts": each.verdicts._asdict() | {"share_right": _ratio(each.verdicts.share_right)},
            "orders": [{"order": one.order, "at": one.at.isoformat(), "saw": one.saw} for one in each.orders],
        }
        for each in found
    ]
    return json.dumps(rules, ensure_ascii=False, indent=1)


def trial_as_page(found: Sequence[TrialReview]) -> str:
    """Return the lists as a page to print, with room for a verdict on each order."""
    environment = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined)
    return environment.from_string(TRIAL_PAGE.read_text(encoding="utf-8")).render(rules=found)


def as_json(found: Review) -> dict[str, Any]:
    """Return it as JSON, each share with its limits."""
    values = asdict(found)
    values["since"] = found.since.isoformat() if found.since else None
    values["interruptions"], values["worklist"] = _ratio(found.interruptions), _ratio(found.worklist)
    values["rules"] = [asdict(each) | {"intervened": _ratio(each.intervened)} for each in found.rules]
    return values


def _ratio(ratio: Ratio) -> dict[str, Any]:
    low, high = ratio.limits
    return {"count": ratio.count, "of": ratio.of, "low": round(low, 4), "high": round(high, 4)}


def as_page(found: Review) -> str:
    """Return it as a self-contained HTML page."""
    environment = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined)
    return environment.from_string(PAGE.read_text(encoding="utf-8")).render(r=found, fewest=FEWEST)


def show(found: Review, console: Console) -> None:
    """Print it."""
    console.print(
        f"{found.settled} alerts settled by {found.pharmacists} pharmacists, {found.unsettled} by nobody. "
        f"Led to an intervention: interruptions {found.interruptions}; worklist {found.worklist}. "
        f"{found.cases} thromboses after an infusion, {found.cases_unsaid} of them without an earlier alert."
    )
    table = Table(
        "rule", "channel", "alerts", "kept", "overridden, and why", "led to an intervention", "cases", "may move to"
    )
    for each in found.rules:
        why = ", ".join(f"{reason} {count}" for reason, count in each.reasons.items())
        overridden = f"{each.overridden}{f' ({why})' if why else ''}"
        name = f"{each.rule} {each.title}"
        counts = (str(each.alerts), str(each.kept), overridden, str(each.intervened), str(each.cases), each.proposal)
        table.add_row(name, each.channel, *counts)
    console.print(table)
    console.print("Nothing was changed: a pharmacist decides, and moves a rule in the site file (rule_channels).")
