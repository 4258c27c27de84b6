"""The outcome of a stream of messages: orders assessed, alerts raised."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from clinical.words import ALERT_TIERS
from store import tables

IVIG = ("ivig", "possible_ivig")


@dataclass(frozen=True, slots=True)
class OpenAlert:
    """One open alert, for display on one line."""

    id: int
    tier: str
    priority: str
    titles: tuple[str, ...]
    product: str


def waiting(connection: sa.Connection) -> int:
    """Count the messages that are not processed yet."""
    message = tables.message
    return _count(connection, sa.select(sa.func.count()).where(message.c.state == "received"))


def open_alerts(connection: sa.Connection, unchanged_since: datetime) -> list[OpenAlert]:
    """Return the open alerts unchanged since then: an order often comes just before its history."""
    alert, assessment = tables.alert, tables.assessment
    query = (
        sa.select(alert.c.id, alert.c.tier, alert.c.priority, tables.CONCLUSION)
        .join(assessment, assessment.c.id == alert.c.assessment_id)
        .where(alert.c.status == "open", alert.c.changed_at <= unchanged_since)
        .order_by(alert.c.changed_at, alert.c.id)
    )
    return [
        OpenAlert(
            id=row.id,
            tier=row.tier,
            priority=row.priority,
            titles=tuple(finding.title["en"] for finding in row.conclusion.findings),
            product=row.conclusion.order.product,
        )
        for row in connection.execute(query)
    ]


def count_outcomes(connection: sa.Connection) -> dict[str, Any]:
    """Count the parked messages, IVIg orders, assessments and alerts about orders."""
    message, order = tables.message, tables.medication_order
    assessment, alert = tables.assessment, tables.alert
    orders = sa.select(sa.func.count()).select_from(order).where(order.c.product_class.in_(IVIG))
    # A case after an infusion is not an alert about its order, so it is not counted among them.
    by_tier = sa.select(alert.c.tier, sa.func.count()).where(alert.c.stream == "order").group_by(alert.c.tier)
    raised = {row[0]: row[1] for row in connection.execute(by_tier)}
    return {
        "parked": _count(connection, sa.select(sa.func.count()).where(message.c.state == "parked")),
        "ivig_orders": _count(connection, orders),
        "assessed": _count(connection, orders.where(order.c.id.in_(sa.select(assessment.c.order_id)))),
        "alerts": {tier: raised.get(tier, 0) for tier in ALERT_TIERS},
    }


def per_hundred_orders(found: dict[str, Any]) -> str:
    """Return the alerts per hundred orders by tier, in words."""
    orders = found["ivig_orders"] or 1
    return ", ".join(f"{tier} {100 * count / orders:.0f}" for tier, count in found["alerts"].items())


def _count(connection: sa.Connection, query: sa.Select[int]) -> int:
    return connection.execute(query).scalar_one()
