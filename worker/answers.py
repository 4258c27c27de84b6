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
from store.assessments import AssessmentMark, NewAnswer
from store.charts import Charts
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


def store_answers(
    connection: sa.Connection, people: Sequence[PersonAnswers], charts: Charts, now: datetime
) -> list[StoredPerson]:
    """Write the orders of these people, and the answers that differ from the last; the people must be locked.

    `charts` are what is stored about them.
    """
    placed = _place_orders(connection, people, charts.orders)
    last = {(mark.order_id, mark.stream): mark for mark in charts.marks}
    answers = [answer for each in people for answer in each.answers]
    keys = [(answer.order.patient_id, answer.order.key) for answer in answers]
    before = [placed.ids.get(key) for key in keys]
    new = [
        index
        for index, (order_id, answer) in enumerate(zip(before, answers, strict=True))
        if order_id is None or not _is_stored(last.get((order_id, answer.stream)), answer)
    ]
    news = [NewAnswer(keys[index], before[index], _assessment_row(answers[index], now)) for index in new]
    made, appended = assessments.write(connection, placed.changed, news)
    everything = placed.ids | made
    ids = [everything[key] for key in keys]
    written = dict(zip(new, appended, strict=True))
    same = [index for index in range(len(ids)) if index not in written]
    _hold(connection, last, {(ids[index], answers[index].stream): answers[index] for index in same})
    stored = iter(
        StoredAnswer(order_id, written.get(index) or last[order_id, answer.stream].id, answer)
        for index, (order_id, answer) in enumerate(zip(ids, answers, strict=True))
    )
    return [
        StoredPerson(each.person, list(islice(stored, len(each.answers))), gone)
        for each, gone in zip(people, placed.gone, strict=True)
    ]


def _hold(connection: sa.Connection, last: Mapping[Key, AssessmentMark], same: Mapping[Key, OrderAnswer]) -> None:
    """Extend an unchanged answer to the newer moment; otherwise it would depend on the order of arrival."""
    moments = {last[key].id: answer.case.at for key, answer in same.items() if last[key].as_of != answer.case.at}
    assessments.hold_as_of(connection, moments)


def _is_stored(last: AssessmentMark | None, answer: OrderAnswer) -> bool:
    now = answer.order.version, answer.conclusion.signature
    return last is not None and (last.order_version, last.signature) == now


def _assessment_row(answer: OrderAnswer, now: datetime) -> Json:
    return {
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


@dataclass(frozen=True, slots=True)
class _PlacedOrders:
    """The rows of the orders of some people."""

    ids: dict[tuple[int, str], int]  # of those stored, by patient and key
    changed: list[OrderRow]  # those to write
    gone: list[dict[int, str]]  # of each person, those that are no longer orders of their own, with their keys


def _place_orders(
    connection: sa.Connection, people: Sequence[PersonAnswers], stored: Sequence[MedicationOrder]
) -> _PlacedOrders:
    """Find the rows of the orders; one with a new number or identity keeps its row, which is moved."""
    existing: dict[int, list[MedicationOrder]] = defaultdict(list)
    for row in stored:
        existing[row.patient_id].append(row)
    own = [[row for member in sorted(each.person.members) for row in existing[member]] for each in people]
    judged = [[answer for answer in each.answers if answer.stream == ABOUT_ORDER] for each in people]
    placed = _PlacedOrders({}, [], [])
    for rows, ones in zip(own, judged, strict=True):
        of_row: dict[int, OrderRow] = {}
        by_key: dict[str, list[MedicationOrder]] = defaultdict(list)
        for row in rows:
            by_key[row.key].append(row)
        for one in ones:
            _place(connection, placed, of_row, _row_of(one.order, by_key), _order_row(one))
    current = set(placed.ids.values())
    placed.gone.extend(
        {row.id: row.key for row in rows if not row.is_absorbed and row.id not in current} for rows in own
    )
    orders.absorb(connection, {order_id for each in placed.gone for order_id in each})
    return placed


def _place(
    connection: sa.Connection,
    placed: _PlacedOrders,
    of_row: dict[int, OrderRow],
    had: MedicationOrder | None,
    order: OrderRow,
) -> None:
    """Give an order the row it had, moved to its key if that is another; who had that row before gets a new one."""
    key = order.patient_id, order.key
    holder = of_row.get(had.id) if had is not None else None
    if had is None or (holder is not None and (had.patient_id, had.key) == key):
        placed.changed.append(order)
        return
    if (had.patient_id, had.key) != key:
        orders.move(connection, had.id, *key)
    if holder is not None:
        del placed.ids[holder.patient_id, holder.key]
        placed.changed.append(holder)
    placed.ids[key], of_row[had.id] = had.id, order
    if not order.is_stored_as(had):
        placed.changed.append(order)


def _row_of(order: OrderState, existing: Mapping[str, Sequence[MedicationOrder]]) -> MedicationOrder | None:
    """Return the existing row of an order: its own, else the oldest with a number that proved to be its own."""
    same = [row for number in order.numbers for row in existing.get(number, ())]
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
