"""Answers into alerts: one per order, with its line in the record and its deliveries, in the caller's transaction."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from history.alerting import ALERTING, Act, Answer, Standing, decide, got_worse
from history.choices import Site
from history.conclude import STREAM
from history.orders import ON_HOLD, REPLACE_PENDING, STOP_PENDING
from rules.assessment import Priority, Tier
from store import alerts, assessments, decisions, deliveries
from store.alerts import SETTLED, Alert, Happening
from store.assessments import StoredAssessment
from store.deliveries import NewDelivery
from worker.answers import Kept, Remaining, tier_word

RISK_WINDOW = timedelta(days=30)  # after the last dose a thrombosis may still come of it (KNOWLEDGE part 4)
_UNPUSHED = frozenset({"test", "replay", "deceased", "on_hold"})
_STATE_BADGES = {ON_HOLD: "on_hold", STOP_PENDING: "stop_requested", REPLACE_PENDING: "stop_requested"}


@dataclass(slots=True)
class Raised:
    """What changed, for whoever must be told after the commit."""

    alerts: list[int] = field(default_factory=list)
    deliveries: list[int] = field(default_factory=list)


def raise_alerts(connection: sa.Connection, site: Site, people: Sequence[Remaining], now: datetime) -> Raised:
    """Bring the alerts of these people in line with the answers; the people must be locked."""
    raised = Raised()
    everything = [one for remaining in people for one in remaining.kept]
    known = alerts.of_orders(connection, [one.order_id for one in everything])
    last = _last_answers(connection, known, everything)
    settled = _settled_elsewhere(connection, site, people, now)
    for remaining in people:
        badges = remaining.person.badges
        elsewhere = [pair for member in sorted(remaining.person.members) for pair in settled[member]]
        for one in remaining.kept:
            row = known.get((one.order_id, one.answered.stream))
            standing = _standing(connection, row, last.get(row.assessment_id, one.answer)) if row else None
            after = one.answered.stream == STREAM
            covering = _covering(elsewhere, one) if one.answer.tier >= ALERTING and not after else None
            covered = covering is not None
            act = decide(standing, one.answered.order, one.answer, covered=covered, ends_with_order=not after)
            if act is None and row is not None:
                act = _marked(row, _badges(one, badges))
            if act is not None:
                _apply(connection, site, one, row, act, covering, badges, now, raised)
    raised.alerts += _withdraw(connection, known, everything, now)
    return raised


def _withdraw(
    connection: sa.Connection, known: dict[tuple[int, str], Alert], kept: Sequence[Kept], now: datetime
) -> list[int]:
    """Close what was said of an event that is no longer on record, or followed another order; give the alerts."""
    watched = {one.order_id for one in kept if one.answered.stream == STREAM}
    rows = [
        row
        for (order_id, stream), row in sorted(known.items())
        if stream == STREAM and order_id not in watched and not row.is_resolved
    ]
    for row in rows:
        alerts.update(connection, row.id, Happening("resolved", now, reason="event_withdrawn"), status="resolved")
    return [row.id for row in rows]


def resolve_unanswered(connection: sa.Connection, reasons: Mapping[int, str], now: datetime) -> list[int]:
    """Close the alerts of orders that get no answer of their own any more, with the reason; give their ids."""
    if not reasons:
        return []
    rows = [row for row in alerts.of_orders(connection, reasons).values() if not row.is_resolved]
    for row in rows:
        happening = Happening("resolved", now, reason=reasons[row.order_id])
        alerts.update(connection, row.id, happening, status="resolved")
    return [row.id for row in rows]


def _last_answers(
    connection: sa.Connection, known: Mapping[tuple[int, str], Alert], kept: Sequence[Kept]
) -> dict[int, Answer]:
    """What the alerts last said, by answer; without those that say it still, for they are at hand."""
    said = {row.assessment_id for row in known.values()} - {one.assessment_id for one in kept}
    rows = assessments.of_ids(connection, said) if said else {}
    return {id_: _answer(row) for id_, row in rows.items()}


def _standing(connection: sa.Connection, row: Alert, last: Answer) -> Standing:
    settled = None
    if row.settled_signature:
        settled = assessments.with_signature(connection, row.order_id, row.settled_signature)
    return Standing(row.status, last, _answer(settled) if settled is not None else None)


def _answer(row: StoredAssessment) -> Answer:
    return Answer(Tier[row.tier.upper()], row.signature, row.conclusion)


def _settled_elsewhere(
    connection: sa.Connection, site: Site, people: Sequence[Remaining], now: datetime
) -> dict[int, list[tuple[Alert, Answer]]]:
    """What pharmacists settled at other orders, and still stands, by patient; asked only where it can matter."""
    settled: dict[int, list[tuple[Alert, Answer]]] = defaultdict(list)
    alerting = [each for each in people if any(one.answer.tier >= ALERTING for one in each.kept)]
    members = {member for each in alerting for member in each.person.members}
    if not members:
        return settled
    rows = [
        row
        for row in alerts.of_patients(connection, members, SETTLED)
        if row.is_about_order and row.changed_at + site.covers_for > now
    ]
    lapsed = _lapsed(connection, members, rows, now)
    answers = assessments.of_ids(connection, [row.assessment_id for row in rows]) if rows else {}
    for row in rows:
        if row.id not in lapsed:
            settled[row.patient_id].append((row, _answer(answers[row.assessment_id])))
    return settled


def _lapsed(connection: sa.Connection, members: Collection[int], rows: Sequence[Alert], now: datetime) -> set[int]:
    """Overridden alerts whose decision no longer stands."""
    overridden = {row.id for row in rows if row.status == "overridden"}
    if not overridden:
        return set()
    return overridden - {decision.alert_id for decision in decisions.valid(connection, members, now)}


def _covering(settled: Sequence[tuple[Alert, Answer]], one: Kept) -> int | None:
    """The alert whose settled findings say all that this order's would."""
    for row, answer in settled:
        same = row.order_id == one.order_id
        if not same and not got_worse(answer.told, answer.tier, one.answer.told, one.answer.tier):
            return row.id
    return None


def _apply(
    connection: sa.Connection,
    site: Site,
    one: Kept,
    row: Alert | None,
    act: Act,
    covering: int | None,
    patient_badges: frozenset[str],
    now: datetime,
    raised: Raised,
) -> None:
    badges = _badges(one, patient_badges)
    columns = _columns(one, act, covering, badges)
    happening = Happening(
        kind=act.kind, at=now, reason=act.reason or None, assessment_id=one.assessment_id, data=act.data
    )
    if row is None:
        patient_id = one.answered.order.patient_id
        written = alerts.insert(
            connection,
            happening,
            order_id=one.order_id,
            patient_id=patient_id,
            stream=one.answered.stream,
            **columns,
        )
    else:
        written = alerts.update(connection, row.id, happening, **columns)
    raised.alerts.append(written.alert_id)
    if act.push and not badges & _unpushed(one) and not _is_over(one, now):
        raised.deliveries += _deliver(connection, site, one, written.alert_id, written.event_id, now)


def _columns(one: Kept, act: Act, covering: int | None, badges: frozenset[str]) -> dict[str, Any]:
    priority = Priority.ROUTINE if "on_hold" in badges else one.priority
    columns: dict[str, Any] = {
        "assessment_id": one.assessment_id,
        "tier": tier_word(one.answer.tier),
        "priority": priority.name.lower(),
        "status": act.status,
        "badges": sorted(badges),
    }
    if act.status == "covered" and covering is not None:
        columns |= {"covered_by": covering, "settled_signature": one.answer.signature}
    elif act.status == "open":
        columns |= {"covered_by": None, "settled_signature": None}
    return columns


def _marked(row: Alert, badges: frozenset[str]) -> Act | None:
    """The same answer under another badge: a death, or a replayed order that is now live."""
    if row.is_resolved or frozenset(row.badges) == badges:
        return None
    return Act("changed", row.status, push=False, reason="marked")


def _is_over(one: Kept, now: datetime) -> bool:
    """Whether its risk window has closed: what is found then is shown, and nobody is called for it."""
    ends = one.answered.ends_at
    return one.answered.stream == "order" and ends is not None and ends + RISK_WINDOW < now


def _unpushed(one: Kept) -> frozenset[str]:
    """Badges that keep an alert in the house; a death after an infusion is told, for it must be reported."""
    return _UNPUSHED - {"deceased"} if one.answered.stream == STREAM else _UNPUSHED


def _badges(one: Kept, patient_badges: frozenset[str]) -> frozenset[str]:
    state = one.answered.order.state
    of_state = {_STATE_BADGES[state]} if state in _STATE_BADGES and one.answered.stream != STREAM else set()
    return patient_badges | one.answered.badges | of_state


def _deliver(
    connection: sa.Connection, site: Site, one: Kept, alert_id: int, event_id: int, now: datetime
) -> list[int]:
    wanted = [place for place in site.destinations if one.answer.tier >= Tier[place.min_tier.upper()]]
    rows = [NewDelivery(alert_id, event_id, place.name, now) for place in wanted]
    return deliveries.enqueue(connection, rows, now)
