"""Answers into rows: people's orders as they stand, and an assessment for every answer that is new.

All the people of a batch at once: a statement costs the same for one of them as for fifty.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any

import sqlalchemy as sa

from history.alerting import Answer
from history.conclude import Answered
from history.conclusion import conclusion, product_name, signature
from history.orders import OrderState
from rules.assessment import Priority, Tier
from store import assessments, orders
from store.assessments import AssessmentMark
from store.orders import MedicationOrder, OrderRow

Json = dict[str, Any]
Key = tuple[int, str]  # order and stream


@dataclass(frozen=True, slots=True)
class Kept:
    """One order's answer as it is stored."""

    order_id: int
    assessment_id: int
    answered: Answered
    answer: Answer
    priority: Priority


@dataclass(frozen=True, slots=True)
class Judged:
    """One person's orders with their answers, and how an alert shows the person."""

    members: frozenset[int]
    answered: Sequence[Answered]
    shown: Json
    badges: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Remaining:
    """What is stored of one person now, and the orders that get no answer of their own any more, each with its key."""

    person: Judged
    kept: Sequence[Kept]
    gone: Mapping[int, str]


def keep_answers(connection: sa.Connection, people: Sequence[Judged], now: datetime) -> list[Remaining]:
    """Write the orders of these people, and the answers that differ from the last; the people must be locked."""
    placed = _keep_orders(connection, people)
    ids = [order_id for own, _ in placed for order_id in own]
    answered = [one for person in people for one in person.answered]
    answers = [_answer(one, person.shown) for person in people for one in person.answered]
    last = assessments.latest_marks(connection, ids)
    new = [
        index
        for index, (order_id, one) in enumerate(zip(ids, answered, strict=True))
        if not _said_already(last.get((order_id, one.stream)), one, answers[index])
    ]
    rows = [_assessment_row(ids[index], answered[index], answers[index], now) for index in new]
    written = dict(zip(new, assessments.append(connection, rows), strict=True))
    same = [index for index in range(len(ids)) if index not in written]
    _hold(connection, last, {(ids[index], answered[index].stream): answered[index] for index in same})
    kept = iter(
        Kept(
            order_id,
            written.get(index) or last[order_id, one.stream].id,
            one,
            answers[index],
            one.assessment.priority,
        )
        for index, (order_id, one) in enumerate(zip(ids, answered, strict=True))
    )
    return [
        Remaining(person, list(islice(kept, len(own))), gone)
        for person, (own, gone) in zip(people, placed, strict=True)
    ]


def _answer(one: Answered, shown: Json) -> Answer:
    told = conclusion(one.assessment, one.case, one.order, shown)
    return Answer(one.assessment.tier, signature(one.assessment, one.order, told), told)


def _hold(connection: sa.Connection, last: Mapping[Key, AssessmentMark], same: Mapping[Key, Answered]) -> None:
    """An answer that came out the same holds up to the newer moment; otherwise it would tell who arrived first."""
    moments = {last[key].id: one.case.at for key, one in same.items() if last[key].as_of != one.case.at}
    assessments.hold_as_of(connection, moments)


def _said_already(last: AssessmentMark | None, one: Answered, answer: Answer) -> bool:
    return last is not None and (last.order_version, last.signature) == (one.order.version, answer.signature)


def _assessment_row(order_id: int, one: Answered, answer: Answer, now: datetime) -> Json:
    return {
        "order_id": order_id,
        "stream": one.stream,
        "patient_id": one.order.patient_id,
        "order_version": one.order.version,
        "signature": answer.signature,
        "knowledge": one.assessment.knowledge,
        "tier": tier_word(one.assessment.tier),
        "priority": one.assessment.priority.name.lower(),
        "conclusion": answer.told,
        "as_of": one.case.at,
        "concluded_at": now,
    }


def tier_word(tier: Tier) -> str:
    """The tier as it is stored and sent."""
    return tier.name.lower()


def _keep_orders(connection: sa.Connection, people: Sequence[Judged]) -> list[tuple[list[int], dict[int, str]]]:
    """Write the orders; one that goes by another number now, or by another identity, keeps its row.

    Gives for each person the order of every answer, and the orders that are gone.
    """
    existing: dict[int, list[MedicationOrder]] = defaultdict(list)
    for row in orders.of_patients(connection, {member for person in people for member in person.members}):
        existing[row.patient_id].append(row)
    own = [[row for member in sorted(person.members) for row in existing[member]] for person in people]
    judged = [[one for one in person.answered if one.stream == "order"] for person in people]
    for rows, ones in zip(own, judged, strict=True):
        for one in ones:
            had = _row_of(one.order, rows)
            if had is not None and not _is_exactly(had, one.order):
                orders.move(connection, had.id, one.order.patient_id, one.order.key)
    ids = orders.upsert(connection, [_order_row(one) for ones in judged for one in ones])
    kept = set(ids.values())
    gone = [{row.id: row.key for row in rows if not row.is_absorbed and row.id not in kept} for rows in own]
    orders.absorb(connection, {order_id for each in gone for order_id in each})
    placed = [[ids[one.order.patient_id, one.order.key] for one in person.answered] for person in people]
    return list(zip(placed, gone, strict=True))


def _row_of(order: OrderState, existing: Sequence[MedicationOrder]) -> MedicationOrder | None:
    """The row an order has had: its own, else that of a number that turned out to be one of its, the oldest first."""
    same = [row for row in existing if row.key in order.numbers]
    return min(same, key=lambda row: (not _is_exactly(row, order), row.key != order.key, row.id), default=None)


def _is_exactly(row: MedicationOrder, order: OrderState) -> bool:
    return (row.patient_id, row.key) == (order.patient_id, order.key)


def _order_row(one: Answered) -> OrderRow:
    judged = one.case.order
    return OrderRow(
        patient_id=one.order.patient_id,
        key=one.order.key,
        product_class=one.product.product_class,
        state=one.order.state,
        version=one.order.version,
        placer=one.order.placer,
        filler=one.order.filler,
        starts_at=one.starts_at,
        ends_at=one.ends_at,
        data={"product": product_name(one.order), "route": judged.route, "flags": list(judged.flags)},
    )
