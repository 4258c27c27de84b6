"""How often each rule fires: counted in the newest answers, whoever they were about."""

from collections import Counter
from collections.abc import Mapping
from datetime import datetime

import sqlalchemy as sa

from store.tables import assessment

TRIAL = "trial"  # a rule that is tried out gives no tier
NEWEST = 2_000  # answers; each is read whole, and older ones were often given by other rules


def fired_by_tier(
    connection: sa.Connection, rule: str, since: Mapping[str, datetime], newest: int = NEWEST
) -> dict[str, Counter[str]]:
    """Count the orders whose latest answer names this rule, by its tier, for each of these moments from then on."""
    latest = _latest(newest)
    query = sa.select(assessment.c.conclusion, assessment.c.concluded_at).join(latest, latest.c.id == assessment.c.id)
    counts: dict[str, Counter[str]] = {name: Counter() for name in since}
    for conclusion, concluded_at in connection.execute(query.where(assessment.c.concluded_at >= min(since.values()))):
        tiers = [finding["tier"] for finding in conclusion["findings"] if finding["rule"] == rule]
        if not tiers and rule in _held(conclusion["trace"]):
            tiers = [TRIAL]
        for name, moment in since.items():
            if concluded_at >= moment:
                counts[name].update(tiers)
    return counts


def _latest(newest: int) -> sa.Subquery:
    return (
        sa.select(sa.func.max(assessment.c.id).label("id"))
        .group_by(assessment.c.order_id, assessment.c.stream)
        .order_by(sa.desc("id"))
        .limit(newest)
        .subquery()
    )


def fired(connection: sa.Connection, newest: int = NEWEST) -> tuple[Counter[str], int]:
    """Count the orders whose latest answer names a rule, by rule; and the answers that were looked at."""
    latest = _latest(newest)
    rows = connection.execute(sa.select(assessment.c.conclusion).join(latest, latest.c.id == assessment.c.id))
    counts: Counter[str] = Counter()
    looked_at = 0
    for conclusion in rows.scalars():
        looked_at += 1
        counts.update({finding["rule"] for finding in conclusion["findings"]})
        counts.update(f"trial:{rule}" for rule in _held(conclusion["trace"]))
    return counts, looked_at


def _held(trace: list[dict[str, object]]) -> set[str]:
    """The rules all of whose conditions held, shown or not; what raises a tier further does not count."""
    held: dict[str, bool] = {}
    for step in trace:
        if " when " not in str(step["condition"]):
            held[str(step["rule"])] = held.get(str(step["rule"]), True) and bool(step["held"])
    return {rule for rule, all_held in held.items() if all_held}
