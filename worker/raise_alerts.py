"""Raising of alerts: one per order, with its line in the record and its deliveries, in the caller's transaction."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial

import sqlalchemy as sa

from clinical.words import AFTER_INFUSION, SETTLED, Tier
from history.alerting import (
    AlertChange,
    Standing,
    badges_of,
    change_badges,
    decide,
    got_worse,
    may_push,
    priority_of,
)
from history.choices import Site
from history.conclusion import Conclusion
from store import alerts, assessments, deliveries, due
from store.alerts import Alert, AlertWrite, Columns, Happening
from store.assessments import StoredAssessment
from store.deliveries import NewDelivery
from store.due import KINDS
from worker.answers import StoredAnswer, StoredPerson
from worker.plan_due import Altered, plan_due


@dataclass(slots=True)
class Effects:
    """The effects of a batch, to publish after the commit."""

    alerts: list[int] = field(default_factory=list)
    deliveries: list[int] = field(default_factory=list)
    answers: int = 0
    alerted: set[int] = field(default_factory=set)  # patients who had an alert before

    def include(self, other: "Effects") -> None:
        """Add the effects of another batch."""
        self.alerts += other.alerts
        self.deliveries += other.deliveries
        self.answers += other.answers


def raise_alerts(connection: sa.Connection, site: Site, people: Sequence[StoredPerson], now: datetime) -> Effects:
    """Bring the alerts of these people in line with the answers; the people must be locked."""
    writes: list[AlertWrite] = []
    pushed: list[Sequence[str]] = []  # of each write: the destinations to notify
    altered: list[partial[Altered]] = []  # of each write: what is due after it, but for the number of a new alert
    everything = [one for each in people for one in each.answers]
    known = alerts.of_orders(connection, [one.order_id for one in everything])
    last = _last_answers(connection, known, everything)
    settled = _settled_elsewhere(connection, site, people, now)
    for each in people:
        elsewhere = [pair for member in sorted(each.person.members) for pair in settled[member]]
        for one in each.answers:
            answer, row = one.answer, known.get((one.order_id, one.answer.stream))
            badges = badges_of(answer, each.person.badges)
            standing = _standing(connection, row, last.get(row.assessment_id, answer.conclusion)) if row else None
            after = answer.is_surveillance
            covering = _covering(elsewhere, one) if answer.conclusion.reaches_inbox and not after else None
            covered = covering is not None
            change = decide(standing, answer.order, answer.conclusion, covered=covered, ends_with_order=not after)
            if change is None and row is not None:
                change = change_badges(row.status, row.badges, badges)
            if change is not None:
                interrupts = may_push(answer, badges, now)
                places = destinations_of(site, answer.tier) if change.push and interrupts else ()
                writes.append(_write(one, row, change, covering, badges, now, places))
                pushed.append(places)
                altered.append(partial(_altered, one, row, change, interrupts=interrupts))
    withdrawn = _withdrawn(known, everything, now)
    written = alerts.write(connection, [*writes, *withdrawn])
    changes = [make(line.alert_id) for make, line in zip(altered, written, strict=False)]
    plan_due(connection, changes, site.due, now)
    due.settle(connection, [each.alert_id for each in written[len(writes) :]], KINDS, "closed", now)
    wanted = [
        NewDelivery(line.alert_id, line.event_id, place, now)
        for places, line in zip(pushed, written, strict=False)  # those of events withdrawn come last, and tell nobody
        for place in places
    ]
    sent = deliveries.enqueue(connection, wanted, now)
    return Effects([each.alert_id for each in written], sent, alerted={row.patient_id for row in known.values()})


def _altered(one: StoredAnswer, row: Alert | None, change: AlertChange, alert_id: int, *, interrupts: bool) -> Altered:
    start = one.answer.case.order.starts
    tier = one.answer.tier.word
    return Altered(alert_id, row, change.kind, change.status, tier, start, interrupts, is_worse=change.push)


def _withdrawn(
    known: Mapping[tuple[int, str], Alert], answers: Sequence[StoredAnswer], now: datetime
) -> list[AlertWrite]:
    """Close alerts about an event that is no longer on record, or followed another order."""
    watched = {one.order_id for one in answers if one.answer.is_surveillance}
    return [
        _resolved(row, "event_withdrawn", now)
        for (order_id, stream), row in sorted(known.items())
        if stream == AFTER_INFUSION and order_id not in watched and not row.is_resolved
    ]


def _resolved(row: Alert, reason: str, now: datetime) -> AlertWrite:
    happening = Happening("resolved", now, reason=reason)
    return AlertWrite(happening, {"status": "resolved"}, row.order_id, row.patient_id, row.stream, row.id)


def resolve_unanswered(connection: sa.Connection, reasons: Mapping[int, str], now: datetime) -> list[int]:
    """Close the alerts of orders that get no answer of their own any more, with the reason; return their ids."""
    if not reasons:
        return []
    rows = [row for row in alerts.of_orders(connection, reasons).values() if not row.is_resolved]
    written = alerts.write(connection, [_resolved(row, reasons[row.order_id], now) for row in rows])
    due.settle(connection, [each.alert_id for each in written], KINDS, "closed", now)
    return [each.alert_id for each in written]


def _last_answers(
    connection: sa.Connection, known: Mapping[tuple[int, str], Alert], answers: Sequence[StoredAnswer]
) -> dict[int, Conclusion]:
    """Return the last answers of the alerts, without those still current, which are at hand."""
    said = {row.assessment_id for row in known.values()} - {one.assessment_id for one in answers}
    rows = assessments.of_ids(connection, said) if said else {}
    return {id_: _answer(row) for id_, row in rows.items()}


def _standing(connection: sa.Connection, row: Alert, last: Conclusion) -> Standing:
    settled = None
    if row.settled_signature:
        settled = assessments.with_signature(connection, row.order_id, row.settled_signature)
    return Standing(row.status, last, _answer(settled) if settled is not None else None)


def _answer(row: StoredAssessment) -> Conclusion:
    return Conclusion(Tier.named(row.tier), row.signature, row.conclusion.as_json())


def _settled_elsewhere(
    connection: sa.Connection, site: Site, people: Sequence[StoredPerson], now: datetime
) -> dict[int, list[tuple[Alert, Conclusion]]]:
    """Return valid decisions at other orders, by patient; queried only where it can matter."""
    settled: dict[int, list[tuple[Alert, Conclusion]]] = defaultdict(list)
    alerting = [each for each in people if any(one.answer.conclusion.reaches_inbox for one in each.answers)]
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
    """overridden alerts whose decision is no longer valid."""
    overridden = {row.id for row in rows if row.status == "overridden"}
    if not overridden:
        return set()
    return overridden - {decision.alert_id for decision in alerts.valid_decisions(connection, members, now)}


def _covering(settled: Sequence[tuple[Alert, Conclusion]], one: StoredAnswer) -> int | None:
    """Return the alert whose settled findings cover all of this order's."""
    for row, settled_answer in settled:
        same = row.order_id == one.order_id
        if not same and not got_worse(settled_answer, one.answer.conclusion):
            return row.id
    return None


def _write(
    one: StoredAnswer,
    row: Alert | None,
    change: AlertChange,
    covering: int | None,
    badges: frozenset[str],
    now: datetime,
    places: Sequence[str],
) -> AlertWrite:
    data = change.data | ({alerts.DESTINATIONS: list(places)} if places else {})  # the ledger holds deliveries to it
    happening = Happening(
        kind=change.kind, at=now, reason=change.reason or None, assessment_id=one.assessment_id, data=data
    )
    return AlertWrite(
        happening,
        _columns(one, change, covering, badges),
        one.order_id,
        one.answer.order.patient_id,
        one.answer.stream,
        row.id if row is not None else None,
    )


def _columns(one: StoredAnswer, change: AlertChange, covering: int | None, badges: frozenset[str]) -> Columns:
    columns: Columns = {
        "assessment_id": one.assessment_id,
        "tier": one.answer.tier.word,
        "priority": priority_of(one.answer, badges).word,
        "status": change.status,
        "badges": sorted(badges),
    }
    if change.status == "covered" and covering is not None:
        columns |= {"covered_by": covering, "settled_signature": one.answer.conclusion.signature}
    elif change.status == "open":
        columns |= {"covered_by": None, "settled_signature": None}
        if change.kind == "reopened":
            columns["assigned_to"] = None  # it is nobody's: whoever had it saw another answer
    return columns


def destinations_of(site: Site, tier: Tier) -> list[str]:
    """Return the destinations that want an alert of this tier."""
    return [place.name for place in site.destinations if tier >= Tier.named(place.min_tier)]
