"""A backtest as a table on the terminal, as a page and as JSON."""

from dataclasses import asdict
from pathlib import Path
from typing import Any

import jinja2
from rich.console import Console
from rich.table import Table

from ivigilant.knowledge.backtest import TIERS, Comparison

PAGE = Path(__file__).with_name("backtest.html")


def as_page(comparison: Comparison) -> str:
    """Write it as a page that stands by itself."""
    environment = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined)
    return environment.from_string(PAGE.read_text(encoding="utf-8")).render(c=comparison, tiers=TIERS)


def as_json(comparison: Comparison) -> dict[str, Any]:
    """Give it as JSON, with the alerts per 100 orders worked out."""
    told = asdict(comparison)
    told["since"] = comparison.since.isoformat() if comparison.since else None
    for name, burden in (("burden_before", comparison.burden_before), ("burden_after", comparison.burden_after)):
        told[name] = {
            "orders": burden.orders,
            "alerts_per_100_orders": {tier: burden.per_hundred(tier) for tier in TIERS},
        }
    return told


def show(comparison: Comparison, console: Console) -> None:
    """Print it."""
    source = "messages" if comparison.from_messages else "history"
    console.print(
        f"{comparison.before} beside {comparison.after}: {comparison.burden_before.orders} IVIg orders in the stored "
        f"{source}, {comparison.orders_changed} with another answer. Nothing was sent or written."
    )
    burden = Table("tier", "now", "then", "change", title="Alerts per 100 IVIg orders", title_justify="left")
    for tier in TIERS:
        one, other = comparison.burden_before.per_hundred(tier), comparison.burden_after.per_hundred(tier)
        burden.add_row(tier, f"{one:.2f}", f"{other:.2f}", f"{other - one:+.2f}")
    console.print(burden)
    if not comparison.rules:
        return
    rules = Table("rule", "new", "lost", "other tier", "for example, orders", title="By rule", title_justify="left")
    for each in comparison.rules:
        orders = ", ".join(each.orders_new + each.orders_lost + each.orders_changed)
        rules.add_row(f"{each.rule} {each.title}", str(each.new), str(each.lost), str(each.changed_tier), orders)
    console.print(rules)
