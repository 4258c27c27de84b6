"""Sending of due deliveries: claimed for a while, tried once, and tried again later without an answer."""

from collections.abc import Sequence

import sqlalchemy as sa
import structlog

from forwarding.backoff import next_attempt
from forwarding.errors import Refused, Unreachable
from forwarding.notice import Notice, ward_code
from store import deliveries
from store.alerts import in_brief
from store.deliveries import Claimed
from worker.worker import Worker

log = structlog.get_logger()

ROUND = 5  # claimed at once: all may time out before their lease ends

_KINDS = {"raised": "raised", "reopened": "changed", "changed": "changed", "resolved": "resolved"}


def deliver(worker: Worker, ids: Sequence[int] | None = None) -> int:
    """Send what is due, of these or of all; return how many were delivered."""
    taken = 0
    silent: dict[str, str] = {}  # destinations that did not answer this time, with the error
    while claimed := _claim(worker, ids):
        for delivery, notice in claimed:
            if delivery.destination in silent:
                _try_later(worker, delivery, silent[delivery.destination])
            else:
                taken += _send(worker, delivery, notice, silent)
    return taken


def _claim(worker: Worker, ids: Sequence[int] | None) -> list[tuple[Claimed, Notice]]:
    with worker.engine.begin() as connection:
        claimed = deliveries.claim_due(connection, worker.clock(), worker.leases.lease, ROUND, ids)
        notices = _notices(connection, worker, claimed)
    return [(delivery, notices[delivery.id]) for delivery in claimed]


def _notices(connection: sa.Connection, worker: Worker, claimed: Sequence[Claimed]) -> dict[int, Notice]:
    rows = in_brief(connection, [delivery.event_id for delivery in claimed])
    return {
        delivery.id: Notice(
            idempotency_key=delivery.idempotency_key,
            kind=_KINDS.get(row.kind, "changed"),  # type: ignore[arg-type]  # the table holds only kinds of a notice
            tier=row.tier,
            priority=row.priority,
            ward=ward_code(row.ward),
            link=worker.link_of(delivery.alert_id),
            alert=str(delivery.alert_id),
            sequence=delivery.event_id,
            occurred_at=row.at,
            language=worker.site.language,
            stream=row.stream,
        )
        for delivery in claimed
        for row in (rows[delivery.event_id],)
    }


def _send(worker: Worker, delivery: Claimed, notice: Notice, silent: dict[str, str]) -> bool:
    """Try once, and record the outcome; a delivery that fails is neither lost nor in the way of others."""
    destination = worker.destinations.get(delivery.destination)
    try:
        if destination is None:
            raise Refused("the site file no longer names this destination")
        destination.forward(notice)
    except Unreachable as error:
        silent[delivery.destination] = str(error)
        _try_later(worker, delivery, str(error))
        return False
    except Refused as error:
        with worker.engine.begin() as connection:
            deliveries.mark_refused(connection, delivery, str(error))
        log.error("delivery.refused", delivery=delivery.id, destination=delivery.destination)
        return False
    with worker.engine.begin() as connection:
        deliveries.mark_sent(connection, delivery, worker.clock())
    log.info("delivery.sent", delivery=delivery.id, alert=delivery.alert_id, attempts=delivery.attempts)
    return True


def _try_later(worker: Worker, delivery: Claimed, error: str) -> None:
    now = worker.clock()
    again = next_attempt(delivery.idempotency_key, attempts=delivery.attempts, created_at=delivery.created_at, now=now)
    with worker.engine.begin() as connection:
        if again is None:
            deliveries.mark_refused(connection, delivery, f"gave up: {error}")
        else:
            deliveries.mark_failed(connection, delivery, error, again)
    log.warning("delivery.failed", delivery=delivery.id, attempts=delivery.attempts, gave_up=again is None)
