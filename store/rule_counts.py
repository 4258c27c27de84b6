"""How often each rule fires: counted in the newest answers, whoever they were about."""

from collections import Counter

import sqlalchemy as sa

from store.tables import assessment

NEWEST = 2_000  # answers; each is read whole, and older ones were often given by other rules


def fired(connection: sa.Connection, newest: int = NEWEST) -> tuple[Counter[str], int]:
    """Count the orders whose latest answer names a rule, by rule; and the answers that were looked at."""
    latest = (
        sa.select(sa.func.max(assessment.c.id).label("id"))
        .group_by(assessment.c.order_id, assessment.c.stream)
        .order_by(sa.desc("id"))
        .limit(newest)
        .subquery()
    )
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
