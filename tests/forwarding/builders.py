"""A notice, and what it needs."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from forwarding.notice import FaultNotice, Notice

ORDINARY = Notice(
    idempotency_key="alert-41:7:mail",
    kind="raised",
    tier="contraindication",
    priority="urgent",
    ward="C4NEU",
    link="https://ivigilant.example/alerts/AL41",
    alert="AL41",
    sequence=7,
    occurred_at=datetime(2025, 3, 10, 8, 15, tzinfo=UTC),
    language="nl",
)


def a_notice(**changes: Any) -> Notice:
    """Return an ordinary notice with some fields changed."""
    return replace(ORDINARY, **changes)


def a_fault(**changes: Any) -> FaultNotice:
    """Return a notice that a destination takes nothing, with some fields changed."""
    fault = FaultNotice(
        idempotency_key="ivigilant-incident-3-began",
        kind="began",
        fault="destination",
        subject="pager",
        link="https://ivigilant.example/",
        occurred_at=ORDINARY.occurred_at,
    )
    return replace(fault, **changes)
