"""Raising of alerts: one per order, with its line in the record and its deliveries, in the caller's transaction."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Final

import sqlalchemy as sa

from clinical.words import ABOUT_ORDER, AFTER_INFUSION, Channel, Tier
from forwarding.policy import Situation
from history.alerting import (
    AlertChange,
    Standing,
    badges_of,
    change_badges,
    decide,
    got_worse,
    is_quiet,
    may_push,
    priority_of,
)
from history.chains import ChainStep, chain_step, tells
from history.choices import Site
from history.conclusion import Conclusion
from rules.terms import Terms
from store import alerts, assessments, cards, deliveries, due
from store.alerts import Alert, AlertWrite, Columns, Happening, Raised
from store.assessments import StoredAssessment
from store.deliveries import NewDelivery
from store.due import KINDS
from store.orders import number_of
from worker.answers import StoredAnswer, StoredPerson
from worker.memory import KeptHistory
from worker.plan_due import Altered, dues_of, plan_due

INTERRUPT: Final = Channel.INTERRUPT.word


@dataclass(slots=True)
class Effects:
    """The effects of a batch, to publish after the commit."""

    alerts: list[int] = field(default_factory=list)
    deliveries: list[int] = field(default_factory=list)
    answers: int = 0
    alerted: set[int] = field(default_factory=set)  # patients who had an alert before
    ended: list[int] = field(default_factory=list)  # messages
    kept: dict[frozenset[int], KeptHistory] = field(default_factory=dict)  # for the memory of the worker

    def include(self, other: "Effects") -> None:
        """Add the effects of another batch."""
        self.alerts += other.alerts
        self.deliveries += other.deliveries
        self.answers += other.answers
        self.ended += other.ended
        self.kept |= other.kept


def raise_alerts(
    connection: sa.Connection,
    site: Site,
    terms: Terms,
    people: Sequence[StoredPerson],
    before: Sequence[Alert],
    now: datetime,
) -> Effects:
    """Bring the alerts of these people, which are all those before, in line with the answers; they must be locked."""
    writes: list[AlertWrite] = []
    altered: list[Altered] = []  # of each write: what is due after it
    everything = [one for each in people for one in each.answers]
    answered = {one.order_id for one in everything}
    raised = {(row.order_id, row.stream): row for row in before if row.order_id in answered}
    last = _last_answers(connection, raised, everything)
    settled = _settled_elsewhere(connection, site, people, before, now)
    for each in people:
        elsewhere = [pair for member in sorted(each.person.members) for pair in settled[member]]
        for one in each.answers:
            row = raised.get((one.order_id, one.answer.stream))
            standing = _standing(connection, row, last.get(row.assessment_id, one.answer.conclusion)) if row else None
            brought = _brought(site, terms, each, one, row, standing, elsewhere, now)
            if brought is not None:
                writes.append(brought[0])
                altered.append(brought[1])
    writes = _with_those_who_heard(connection, [*writes, *_withdrawn(raised, everything, now)], raised.values())
    written = alerts.write(connection, writes)
    changes = [replace(made, alert_id=line.alert_id) for made, line in zip(altered, written, strict=False)]
    plan_due(connection, changes, site.due, now)
    due.settle(connection, [each.alert_id for each in written[len(altered) :]], KINDS, "closed", now)
    sent = _enqueue(connection, writes, written, now)
    if site.shows_cards:
        about = [(each.order_id, each.stream) for each in writes]
        _take_in_feedback(connection, people, dict(zip(about, written, strict=True)))
    return Effects([each.alert_id for each in written], sent, alerted={row.patient_id for row in raised.values()})


def _brought(
    site: Site,
    terms: Terms,
    person: StoredPerson,
    one: StoredAnswer,
    row: Alert | None,
    standing: Standing | None,
    elsewhere: Sequence[tuple[Alert, Conclusion]],
    now: datetime,
) -> tuple[AlertWrite, Altered] | None:
    """Return what brings the alert in line with an answer, if anything; `elsewhere` are the decisions that stand."""
    answer, after = one.answer, one.answer.is_surveillance
    badges = badges_of(answer, person.person.badges)
    covering = _covering(elsewhere, one, terms) if answer.conclusion.reaches_inbox and not after else None
    covered = covering is not None
    change = decide(standing, answer.order, answer.conclusion, terms=terms, covered=covered, ends_with_order=not after)
    if change is None and row is not None:
        change = change_badges(row.status, row.badges, badges)
    if change is None:
        return None
    made = _altered(site, one, row, change, badges, now)
    places = made.chain.destinations if made.chain is not None else ()
    write = _write(one, row, change, covering, badges, now, places)
    return (write if row is not None else replace(write, dues=dues_of(made, site.due, now))), made


def _take_in_feedback(
    connection: sa.Connection, people: Sequence[StoredPerson], written: Mapping[tuple[int, str], Raised]
) -> None:
    """Write in the record of each alert what its prescriber did before the order came."""
    about = [
        (one.answer, each.person, written[one.order_id, ABOUT_ORDER].alert_id)
        for each in people
        for one in each.answers
        if (one.order_id, ABOUT_ORDER) in written and not one.answer.is_surveillance
    ]
    if not about:
        return
    numbers = {number_of(answer.order.placer) for answer, _, _ in about}
    starts = {answer.case.order.starts for answer, _, _ in about if answer.case.order.starts is not None}
    for feedback in cards.waiting_for(connection, numbers, starts):
        card = feedback.card
        for answer, person, alert_id in about:
            is_same = card.is_about(number_of(answer.order.placer), answer.case.order.starts)
            if is_same and card.is_of(person.members, {*person.identities, *person.numbers}):
                cards.put_in_record(connection, feedback.id, feedback, alert_id)
                break


def _with_those_who_heard(
    connection: sa.Connection, writes: Sequence[AlertWrite], before: Iterable[Alert]
) -> list[AlertWrite]:
    """Add to what closes a waiting alert, or notifies of one again, the destinations that heard of it before."""
    pending = {row.id for row in before if row.is_pending}
    follow = {
        each.alert_id
        for each in writes
        if each.alert_id is not None
        and (
            (each.happening.kind == "resolved" and each.alert_id in pending)
            or (each.happening.kind == "reopened" and alerts.DESTINATIONS in each.happening.data)
        )
    }
    heard = deliveries.heard_of(connection, follow)
    return [_also_to(each, heard.get(each.alert_id or 0, ())) for each in writes]


def _also_to(write: AlertWrite, heard: Sequence[str]) -> AlertWrite:
    if not heard:
        return write
    data = write.happening.data
    places = list(dict.fromkeys([*data.get(alerts.DESTINATIONS, ()), *heard]))
    return replace(write, happening=replace(write.happening, data={**data, alerts.DESTINATIONS: places}))


def _enqueue(
    connection: sa.Connection, writes: Sequence[AlertWrite], written: Sequence[Raised], now: datetime
) -> list[int]:
    wanted = [
        NewDelivery(line.alert_id, line.event_id, place, now)
        for write, line in zip(writes, written, strict=True)
        for place in write.happening.data.get(alerts.DESTINATIONS, ())
    ]
    return deliveries.enqueue(connection, wanted, now)


def _altered(
    site: Site, one: StoredAnswer, row: Alert | None, change: AlertChange, badges: frozenset[str], now: datetime
) -> Altered:
    """Return what becomes of the alert, but for the number of a new one."""
    answer = one.answer
    situation = Situation(
        began_at=now,
        tier=answer.tier.word,
        ward=answer.shown.get("ward", ""),
        channel=answer.assessment.channel.word,
        stream=ABOUT_ORDER if answer.stream == ABOUT_ORDER else AFTER_INFUSION,
    )
    notifies = tells(site, situation) and not is_quiet(answer.stream, badges, answer.ends_at, now)
    return Altered(
        alert_id=row.id if row is not None else 0,
        before=row,
        kind=change.kind,
        status=change.status,
        tier=answer.tier.word,
        starts_at=answer.case.order.starts,
        interrupts=may_push(answer, badges, now),
        tells=notifies,
        is_worse=change.push,
        chain=_chain(site, situation, row, change, now) if notifies else None,
    )


def _chain(site: Site, situation: Situation, row: Alert | None, change: AlertChange, now: datetime) -> ChainStep | None:
    """Return the chain that begins now: of what is new or became worse, or what was kept quiet until now."""
    was_quiet = row is not None and row.due_at is None and row.snoozed_until is None and situation.channel == INTERRUPT
    begins = change.push or (change.status == "open" and was_quiet)
    return chain_step(site, situation, None, now) if begins else None


def _withdrawn(
    raised: Mapping[tuple[int, str], Alert], answers: Sequence[StoredAnswer], now: datetime
) -> list[AlertWrite]:
    """Close alerts about an event that is no longer on record, or followed another order."""
    watched = {one.order_id for one in answers if one.answer.is_surveillance}
    return [
        _resolved(row, "event_withdrawn", now)
        for (order_id, stream), row in sorted(raised.items())
        if stream == AFTER_INFUSION and order_id not in watched and not row.is_resolved
    ]


def _resolved(row: Alert, reason: str, now: datetime) -> AlertWrite:
    happening = Happening("resolved", now, reason=reason)
    return AlertWrite(happening, {"status": "resolved"}, row.order_id, row.patient_id, row.stream, row.id)


def resolve_unanswered(connection: sa.Connection, reasons: Mapping[int, str], now: datetime) -> Effects:
    """Close the alerts of orders that get no answer of their own any more, with the reason."""
    if not reasons:
        return Effects()
    rows = [row for row in alerts.of_orders(connection, reasons).values() if not row.is_resolved]
    writes = _with_those_who_heard(connection, [_resolved(row, reasons[row.order_id], now) for row in rows], rows)
    written = alerts.write(connection, writes)
    due.settle(connection, [each.alert_id for each in written], KINDS, "closed", now)
    return Effects([each.alert_id for each in written], _enqueue(connection, writes, written, now))


def _last_answers(
    connection: sa.Connection, raised: Mapping[tuple[int, str], Alert], answers: Sequence[StoredAnswer]
) -> dict[int, Conclusion]:
    """Return the last answers of the alerts, without those still current, which are at hand."""
    answered = {row.assessment_id for row in raised.values()} - {one.assessment_id for one in answers}
    rows = assessments.of_ids(connection, answered) if answered else {}
    return {id_: _answer(row) for id_, row in rows.items()}


def _standing(connection: sa.Connection, row: Alert, last: Conclusion) -> Standing:
    settled = None
    if row.settled_signature:
        settled = assessments.with_signature(connection, row.order_id, row.settled_signature)
    return Standing(row.status, last, _answer(settled) if settled is not None else None)


def _answer(row: StoredAssessment) -> Conclusion:
    return Conclusion(Tier.named(row.tier), row.signature, row.conclusion.as_json())


def _settled_elsewhere(
    connection: sa.Connection, site: Site, people: Sequence[StoredPerson], before: Sequence[Alert], now: datetime
) -> dict[int, list[tuple[Alert, Conclusion]]]:
    """Return valid decisions at other orders, by patient; queried only where it can matter."""
    settled: dict[int, list[tuple[Alert, Conclusion]]] = defaultdict(list)
    alerting = [each for each in people if any(one.answer.conclusion.reaches_inbox for one in each.answers)]
    members = {member for each in alerting for member in each.person.members}
    if not members:
        return settled
    settled_before = (row for row in before if row.is_settled and row.patient_id in members)
    rows = [row for row in settled_before if row.is_about_order and row.changed_at + site.covers_for > now]
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


def _covering(settled: Sequence[tuple[Alert, Conclusion]], one: StoredAnswer, terms: Terms) -> int | None:
    """Return the alert whose settled findings cover all of this order's."""
    for row, settled_answer in settled:
        same = row.order_id == one.order_id
        if not same and not got_worse(settled_answer, one.answer.conclusion, terms=terms):
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
