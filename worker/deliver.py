"""Sending of due deliveries: claimed for a while, tried once, and tried again later without an answer.

What a destination must hear of one patient in the same minute goes out as one notice. A destination that takes nothing
is left alone, but for an attempt now and then: whoever waits for it judges no order meanwhile.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

import sqlalchemy as sa
import structlog

from clinical.words import Priority, Tier
from forwarding.backoff import next_attempt
from forwarding.contract import hand_over
from forwarding.errors import Refused, Unreachable
from forwarding.notice import CALLS, GatheredAlert, Kind, Notice, NoticeStep, ward_code
from history.chains import fallback_of, person_of
from store import deliveries, incidents
from store.alerts import AlertInBrief, in_brief
from store.deliveries import Claimed, NewDelivery
from store.engine import reading
from worker.worker import Hung, Worker

log = structlog.get_logger()

ATTEMPTS_BEFORE_FALLBACK = 3
REST: Final = timedelta(seconds=30)  # between attempts at a destination that takes nothing, whoever makes them
HANGS_AFTER: Final = timedelta(seconds=2)  # without an answer
HUNG_REST: Final = timedelta(seconds=10)  # in the process that waited
ROUND = 1  # notices claimed at once: what a sender that dies holds is free again when one lease ends

_KINDS: Final[Mapping[str, Kind]] = {  # of a line of the record
    "raised": "raised",
    "notified": "raised",
    "escalated": "escalated",
    "overdue": "overdue",
    "reopened": "reopened",
    "taken_on": "taken_on",
    "snoozed": "taken_on",  # somebody has it
    "acknowledged": "acknowledged",
    "overridden": "acknowledged",
    "followed_up": "acknowledged",
    "resolved": "resolved",
}
_UNDONE: Final[Mapping[str, Kind]] = {
    "taken_on": "taken_on",
    "acknowledged": "acknowledged",
    "overridden": "acknowledged",
}


@dataclass(frozen=True, slots=True)
class Dispatch:
    """Deliveries that go out as one notice."""

    members: Sequence[Claimed]  # the oldest first
    calls: Sequence[Claimed]  # those that call somebody, and do not say that somebody acted
    notice: Notice | None  # None: it cannot be written

    @property
    def key(self) -> str:
        """The same for every attempt."""
        return self.members[0].sent_as or self.members[0].idempotency_key

    @property
    def destination(self) -> str:
        """Where they go."""
        return self.members[0].destination

    @property
    def attempts(self) -> int:
        """How often they were tried, this time included."""
        return max(each.attempts for each in self.members)


def deliver(worker: Worker, ids: Sequence[int] | None = None) -> int:
    """Send what is due, of these or of all; return how many were delivered."""
    taken = 0
    silent: dict[str, str] = {}  # destinations that did not answer this time, with the error
    while (claimed := _claim(worker, ids)) is not None:
        for dispatch in claimed:
            error = silent.get(dispatch.destination) or _left_alone(worker, dispatch.destination)
            if error is not None:
                _try_later(worker, dispatch, error)
            else:
                taken += _send(worker, dispatch, silent)
    return taken


def _left_alone(worker: Worker, destination: str) -> str | None:
    """Return why a destination is not tried now: it takes nothing, and was tried a moment ago; None to try it."""
    now, hung = worker.clock(), worker.hung.get(destination)
    if hung is not None and now < hung.until <= now + HUNG_REST:
        return hung.error
    with reading(worker.engine) as connection:
        error = incidents.not_taking(connection).get(destination)
    if error is None:
        return None
    with worker.engine.begin() as connection:
        return None if incidents.claim_attempt(connection, destination, now, REST) else error


def _claim(worker: Worker, ids: Sequence[int] | None) -> list[Dispatch] | None:
    gather = timedelta(seconds=worker.site.telling.gather_seconds)
    with worker.engine.begin() as connection:
        groups = deliveries.claim_together(connection, worker.clock(), worker.leases.lease, ROUND, gather, ids)
        if groups is None:
            return None
        events = [each.event_id for group in groups for each in group]
        rows = in_brief(connection, events) if events else {}
    return [_dispatch(worker, group, rows) for group in groups]


def _dispatch(worker: Worker, group: Sequence[Claimed], rows: Mapping[int, AlertInBrief]) -> Dispatch:
    """Return what these go out as; what cannot be written is in the way of no other."""
    try:
        return written(worker, group, rows)
    except Exception as error:  # noqa: BLE001  # whatever is wrong with one, the others are sent
        log.error("delivery.not_written", delivery=group[0].id, error=type(error).__name__)
        return Dispatch(group, group, None)


def written(worker: Worker, group: Sequence[Claimed], rows: Mapping[int, AlertInBrief]) -> Dispatch:
    """Return the notice about what these say; of each alert its last line counts, and the gravest alert leads."""
    lines = [rows[each.event_id] for each in group]
    last = {row.alert_id: row for row in sorted(lines, key=lambda row: row.id)}
    ordered = sorted(last.values(), key=_gravity)
    first, key = ordered[0], group[0].sent_as or group[0].idempotency_key
    running = [row.runs_since for row in ordered if row.runs_since is not None and _kind(row) in CALLS]
    starts = [row.starts_at for row in ordered if row.starts_at is not None and row.starts_at > row.at]
    notice = Notice(
        idempotency_key=key,
        kind=_kind(first),
        tier=first.tier,
        priority=first.priority,
        ward=ward_code(first.ward),
        link=worker.link_of(first.alert_id),
        alert=str(first.alert_id),
        sequence=max(row.id for row in ordered),
        occurred_at=first.at,
        language=worker.site.language,
        stream=first.stream,
        step=_step(first),
        starts_at=min(starts).astimezone(worker.site.zone) if starts else None,
        runs_since=max(running).astimezone(worker.site.zone) if running else None,
        reply=_reply(worker, first, group[0].destination),
        gathered=tuple(_gathered(worker, row) for row in ordered) if len(ordered) > 1 else (),
    )
    return Dispatch(group, [each for each in group if _kind(rows[each.event_id]) in CALLS], notice)


def _reply(worker: Worker, row: AlertInBrief, destination: str) -> str:
    """Return the link by which the person who is told takes the alert on; "" when nobody needs to, or nobody can."""
    person = person_of(worker.site, destination)
    if person is None or _kind(row) not in CALLS:
        return ""
    return worker.reply_link(row.alert_id, row.id, person, row.at)


def _gravity(row: AlertInBrief) -> tuple[bool, int, int, int]:
    """Sort what calls somebody before what does not, then by tier and priority."""
    return _kind(row) not in CALLS, -Tier.named(row.tier), -Priority.named(row.priority), row.id


def _gathered(worker: Worker, row: AlertInBrief) -> GatheredAlert:
    return GatheredAlert(str(row.alert_id), _kind(row), row.tier, worker.link_of(row.alert_id), row.id)


def _kind(row: AlertInBrief) -> Kind:
    """Return what to say of a line of the record; of an act that was undone, what the alert is again."""
    if row.kind == "undone":
        return _UNDONE.get(row.data["status"], "reopened")
    return _KINDS.get(row.kind, "changed")


def _step(row: AlertInBrief) -> NoticeStep | None:
    """Return the step with which an alert is told again; the first notice needs none."""
    if row.kind != "escalated":
        return None
    return NoticeStep(number=row.data["step"], of=row.data["of"], times=row.data["times"])


def _send(worker: Worker, dispatch: Dispatch, silent: dict[str, str]) -> int:
    """Try once, and record the outcome; what fails is neither lost nor in the way of others."""
    if dispatch.notice is None:
        _try_later(worker, dispatch, "the notice cannot be written")
        return 0
    destination = worker.destinations.get(dispatch.destination)
    if destination is None:
        _refused(worker, dispatch, "the site file no longer names this destination", is_fault=False)
        return 0
    began = worker.clock()
    try:
        hand_over(destination, dispatch.notice)
    except Unreachable as error:
        silent[dispatch.destination] = str(error)
        if worker.clock() - began >= HANGS_AFTER:
            worker.hung[dispatch.destination] = Hung(worker.clock() + HUNG_REST, str(error))
        _try_later(worker, dispatch, str(error))
        return 0
    except Refused as error:
        _refused(worker, dispatch, str(error), is_fault=True)
        return 0
    with worker.engine.begin() as connection:
        for each in dispatch.members:
            deliveries.mark_sent(connection, each, worker.clock())
        was_broken = dispatch.destination in incidents.not_taking(connection)
        is_over = incidents.end(connection, "destination", dispatch.destination, worker.clock())
    if is_over:
        log.info("incident.ended", destination=dispatch.destination)
    if was_broken:  # what was left alone, or failed lately, would wait a quarter of an hour
        with worker.engine.begin() as connection:
            deliveries.hasten(connection, dispatch.destination, worker.clock())
    for each in dispatch.members:
        log.info("delivery.sent", delivery=each.id, alert=each.alert_id, attempts=each.attempts)
    return len(dispatch.members)


def _refused(worker: Worker, dispatch: Dispatch, error: str, *, is_fault: bool) -> None:
    with worker.engine.begin() as connection:
        for each in dispatch.members:
            deliveries.mark_refused(connection, each, error)
        if is_fault:
            _begin_incident(connection, worker, dispatch.destination, error)
        _fall_back(connection, worker, dispatch)
    log.error("delivery.refused", delivery=dispatch.members[0].id, destination=dispatch.destination)


def _try_later(worker: Worker, dispatch: Dispatch, error: str) -> None:
    now, attempts = worker.clock(), dispatch.attempts
    created_at = min(each.created_at for each in dispatch.members)
    again = next_attempt(dispatch.key, attempts=attempts, created_at=created_at, now=now)
    with worker.engine.begin() as connection:
        for each in dispatch.members:
            if again is None:
                deliveries.mark_refused(connection, each, f"gave up: {error}")
            else:
                deliveries.mark_failed(connection, each, error, again)
        if attempts >= ATTEMPTS_BEFORE_FALLBACK:
            _begin_incident(connection, worker, dispatch.destination, error)
        if dispatch.destination in incidents.not_taking(connection):
            _fall_back(connection, worker, dispatch)
    log.warning("delivery.failed", delivery=dispatch.members[0].id, attempts=attempts, gave_up=again is None)


def _begin_incident(connection: sa.Connection, worker: Worker, destination: str, error: str) -> None:
    """Record that the destination takes nothing."""
    if incidents.begin(connection, "destination", destination, error, worker.clock()):
        log.error("incident.began", destination=destination)


def _fall_back(connection: sa.Connection, worker: Worker, dispatch: Dispatch) -> None:
    """Send what calls somebody to another destination that takes it; attempts at this one go on."""
    now, broken = worker.clock(), incidents.not_taking(connection)
    wanted = []
    for each in dispatch.calls:
        failing = deliveries.failing_for(connection, each.event_id, ATTEMPTS_BEFORE_FALLBACK)
        other = fallback_of(worker.site, dispatch.destination, {*failing, *broken})
        if other is None:  # all others take nothing either: one of them may be the first that does again
            other = fallback_of(worker.site, dispatch.destination, failing)
        if other is not None:
            wanted.append(NewDelivery(each.alert_id, each.event_id, other, now))
    deliveries.enqueue(connection, wanted, now)
