"""Incidents told by the second path: each once when it begins, and once when it is over."""

from datetime import timedelta

import structlog

from forwarding.contract import hand_over
from forwarding.errors import ForwardingError
from forwarding.notice import FaultNotice
from history.chains import incident_destinations
from store import deliveries, incidents
from store.engine import reading
from store.incidents import Incident
from worker.worker import Worker

log = structlog.get_logger()

LEASE = timedelta(minutes=1)


def tell_incidents(worker: Worker) -> int:
    """Tell what began or ended and was not told yet; return how many were told. What nobody takes is tried again."""
    with worker.engine.begin() as connection:
        claimed = incidents.claim_untold(connection, worker.clock(), LEASE)
    return sum(_tell(worker, each) for each in claimed)


def _tell(worker: Worker, incident: Incident) -> bool:
    """Send it to every destination of the second path; one that takes it is enough.

    Those that take nothing at the moment are only asked when no other takes it.
    """
    notice = FaultNotice(
        idempotency_key=f"ivigilant-incident-{incident.id}-{'began' if incident.stands else 'ended'}",
        kind="began" if incident.stands else "ended",
        fault=incident.kind,
        subject=incident.subject,
        link=worker.home,
        occurred_at=incident.ended_at or incident.began_at,
        language=worker.site.language,
        flaps=incident.flaps and incident.stands,
        numbers=incident.detail if incident.kind == "gap" else "",
    )
    if incident.kind == "test":
        return _test(worker, incident, notice)
    with reading(worker.engine) as connection:
        broken = incidents.not_taking(connection)
    names = incident_destinations(worker.site, incident.subject)
    taken = [name for name in names if name not in broken and _is_taken(worker, name, notice)]
    taken = taken or [name for name in names if name in broken and _is_taken(worker, name, notice)]
    if taken:
        with worker.engine.begin() as connection:
            incidents.mark_told(connection, incident, worker.clock())
        log.info("incident.told", incident=incident.id, kind=incident.kind, stands=incident.stands, by=taken)
    return bool(taken)


def _test(worker: Worker, test: Incident, notice: FaultNotice) -> bool:
    """Send a test notice once, to the destination itself."""
    taken = _is_taken(worker, test.subject, notice)
    with worker.engine.begin() as connection:
        incidents.end_test(connection, test, worker.clock(), taken=taken)
        if taken:
            incidents.end(connection, "destination", test.subject, worker.clock())
            deliveries.hasten(connection, test.subject, worker.clock())
    log.info("test_notice.sent", destination=test.subject, taken=taken)
    return taken


def _is_taken(worker: Worker, name: str, notice: FaultNotice) -> bool:
    destination = worker.destinations.get(name)
    if destination is None:
        return False
    try:
        hand_over(destination, notice)
    except ForwardingError as error:
        log.warning("incident.not_told", destination=name, error=type(error).__name__)
        return False
    return True
