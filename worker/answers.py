"""Storing of answers: people's current orders, and an assessment for every new answer.

All people of a batch at once: a statement costs the same for one as for fifty.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any

import sqlalchemy as sa

from clinical.words import ABOUT_ORDER
from history.conclusion import product_name
from history.order_answers import OrderAnswer
from history.orders import OrderState
from history.person import PersonAnswers, PersonHistory
from store import assessments, orders
from store.assessments import AssessmentMark
from store.orders import MedicationOrder, OrderRow

Json = dict[str, Any]
Key = tuple[int, str]  # order and stream


@dataclass(frozen=True, slots=True)
class StoredAnswer:
    """One order's answer, and the rows that hold them."""

    order_id: int
    assessment_id: int
    answer: OrderAnswer


@dataclass(frozen=True, slots=True)
class StoredPerson:
    """One person with the stored answers, and the orders that no longer get an answer of their own."""

    person: PersonHistory
    answers: Sequence[StoredAnswer]
    gone: Mapping[int, str]  # each with its key


def store_answers(connection: sa.Connection, people: Sequence[PersonAnswers], now: datetime) -> list[StoredPerson]:
    """Write the orders of these people, and the answers that differ from the last; the people must be locked."""
    placed = _store_orders(connection, people)
    ids = [order_id for own, _ in placed for order_id in own]
    answers = [answer for each in people for answer in each.answers]
    last = assessments.latest_marks(connection, ids)
    new = [
        index
        for index, (order_id, answer) in enumerate(zip(ids, answers, strict=True))
        if not _is_stored(last.get((order_id, answer.stream)), answer)
    ]
    rows = [_assessment_row(ids[index], answers[index], now) for index in new]
    written = dict(zip(new, assessments.append(connection, rows), strict=True))
    same = [index for index in range(len(ids)) if index not in written]
    _hold(connection, last, {(ids[index], answers[index].stream): answers[index] for index in same})
    stored = iter(
        StoredAnswer(order_id, written.get(index) or last[order_id, answer.stream].id, answer)
        for index, (order_id, answer) in enumerate(zip(ids, answers, strict=True))
    )
    return [
        StoredPerson(each.person, list(islice(stored, len(own))), gone)
        for each, (own, gone) in zip(people, placed, strict=True)
    ]


def _hold(connection: sa.Connection, last: Mapping[Key, AssessmentMark], same: Mapping[Key, OrderAnswer]) -> None:
    """Extend an unchanged answer to the newer moment; otherwise it would depend on the order of arrival."""
    moments = {last[key].id: answer.case.at for key, answer in same.items() if last[key].as_of != answer.case.at}
    assessments.hold_as_of(connection, moments)


def _is_stored(last: AssessmentMark | None, answer: OrderAnswer) -> bool:
    now = answer.order.version, answer.conclusion.signature
    return last is not None and (last.order_version, last.signature) == now


def _assessment_row(order_id: int, answer: OrderAnswer, now: datetime) -> Json:
    return {
        "order_id": order_id,
        "stream": answer.stream,
        "patient_id": answer.order.patient_id,
        "order_version": answer.order.version,
        "signature": answer.conclusion.signature,
        "knowledge": answer.assessment.knowledge,
        "tier": answer.tier.word,
        "priority": answer.assessment.priority.word,
        "conclusion": answer.conclusion.content,
        "as_of": answer.case.at,
        "concluded_at": now,
    }


def _store_orders(connection: sa.Connection, people: Sequence[PersonAnswers]) -> list[tuple[list[int], dict[int, str]]]:
    """Write the orders; one with a new number or identity keeps its row.

    Returns for each person the order of every answer, and the orders that are gone.
    """
    existing: dict[int, list[MedicationOrder]] = defaultdict(list)
    for row in orders.of_patients(connection, {member for each in people for member in each.person.members}):
        existing[row.patient_id].append(row)
    own = [[row for member in sorted(each.person.members) for row in existing[member]] for each in people]
    judged = [[answer for answer in each.answers if answer.stream == ABOUT_ORDER] for each in people]
    for rows, ones in zip(own, judged, strict=True):
        for one in ones:
            had = _row_of(one.order, rows)
            if had is not None and not _is_exactly(had, one.order):
                orders.move(connection, had.id, one.order.patient_id, one.order.key)
    ids = orders.upsert(connection, [_order_row(one) for ones in judged for one in ones])
    kept = set(ids.values())
    gone = [{row.id: row.key for row in rows if not row.is_absorbed and row.id not in kept} for rows in own]
    orders.absorb(connection, {order_id for each in gone for order_id in each})
    placed = [[ids[one.order.patient_id, one.order.key] for one in each.answers] for each in people]
    return list(zip(placed, gone, strict=True))


def _row_of(order: OrderState, existing: Sequence[MedicationOrder]) -> MedicationOrder | None:
    """Return the existing row of an order: its own, else the oldest with a number that proved to be its own."""
    same = [row for row in existing if row.key in order.numbers]
    return min(same, key=lambda row: (not _is_exactly(row, order), row.key != order.key, row.id), default=None)


def _is_exactly(row: MedicationOrder, order: OrderState) -> bool:
    return (row.patient_id, row.key) == (order.patient_id, order.key)


def _order_row(one: OrderAnswer) -> OrderRow:
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
