"""Assessments: one row for every answer that differs from the previous one; and how often each rule fires."""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any, NamedTuple

import msgspec
import sqlalchemy as sa

from clinical.conclusions import StoredConclusion, StoredOrder, StoredPatient, StoredStep
from store import orders, tables
from store.engine import to_json
from store.orders import OrderRow, numbered
from store.rowsets import one_of, rowset
from store.tables import CONCLUSION

Row = Mapping[str, Any]  # the columns of assessment, without id


class AssessmentMark(msgspec.Struct, frozen=True):
    """What distinguishes one answer from another."""

    id: int
    order_id: int
    stream: str
    order_version: str
    signature: str  # equal for an equal answer
    as_of: datetime  # the moment the order was judged for


class StoredAssessment(AssessmentMark, frozen=True):
    """The answer for one version of one order, also when nothing was found."""

    patient_id: int
    knowledge: str
    tier: str
    priority: str
    conclusion: StoredConclusion
    concluded_at: datetime


COLUMNS = tuple(
    CONCLUSION if name == "conclusion" else tables.assessment.c[name] for name in StoredAssessment.__struct_fields__
)


@dataclass(frozen=True, slots=True)
class NewAnswer:
    """An answer to add: the columns of its row, of an order that is stored, or is written with it."""

    order: tuple[int, str]  # patient and key
    order_id: int | None
    row: Row  # without the order


def write(
    connection: sa.Connection, rows: Sequence[OrderRow], answers: Sequence[NewAnswer]
) -> tuple[dict[tuple[int, str], int], list[int]]:
    """Replace these orders and add these answers; return the ids of the orders, and those of the answers as given."""
    if not rows and not answers:
        return {}, []
    if connection.dialect.name == "postgresql":
        return _write_at_once(connection, rows, answers)
    ids = orders.upsert(connection, rows)
    placed = [ids[each.order] if each.order_id is None else each.order_id for each in answers]
    return ids, append(connection, [{"order_id": id_, **each.row} for id_, each in zip(placed, answers, strict=True)])


def _write_at_once(
    connection: sa.Connection, rows: Sequence[OrderRow], answers: Sequence[NewAnswer]
) -> tuple[dict[tuple[int, str], int], list[int]]:
    given = [
        {**each.row, "conclusion": to_json(each.row["conclusion"]), "place": place, "order_id": each.order_id}
        | dict(zip(("patient_id", "key"), each.order, strict=True))
        for place, each in enumerate(answers)
    ]
    ids: dict[tuple[int, str], int] = {}
    made: dict[tuple[int, str], int] = {}
    parameters = {"orders": to_json(orders.json_rows(rows)), "answers": to_json(given)}
    for what, id_, number, text in connection.execute(_write(), parameters):
        (ids if what == "order" else made)[number, text] = id_
    placed = [ids[each.order] if each.order_id is None else each.order_id for each in answers]
    return ids, [made[id_, each.row["stream"]] for id_, each in zip(placed, answers, strict=True)]


@cache
def _write() -> sa.Executable:
    """Return the statement of PostgreSQL that writes orders and answers, whose rows are two parameters."""
    assessment = tables.assessment
    written = orders.upsert_rows("orders").cte("written")
    own = {column.name: column.type for column in assessment.c if column.name not in ("id", "conclusion")}
    given = rowset("postgresql", own | {"conclusion": sa.Text(), "key": sa.Text(), "place": sa.Integer()}, "answers")
    same = (written.c.patient_id == given.c.patient_id) & (written.c.key == given.c.key)
    values = {name: given.c[name] for name in own} | {
        "order_id": sa.func.coalesce(given.c.order_id, written.c.id),
        "conclusion": sa.cast(given.c.conclusion, sa.JSON),
    }
    news = sa.select(*values.values()).join_from(given, written, same, isouter=True).order_by(given.c.place)
    insert = sa.insert(assessment).from_select(list(values), news, include_defaults=False)
    added = insert.returning(assessment.c.id, assessment.c.order_id, assessment.c.stream).cte("added")
    return sa.union_all(
        sa.select(sa.literal("order"), written.c.id, written.c.patient_id, written.c.key),
        sa.select(sa.literal("answer"), added.c.id, added.c.order_id, added.c.stream),
    )


def append(connection: sa.Connection, rows: Sequence[Row]) -> list[int]:
    """Add answers, and give their ids in the same order."""
    if not rows:
        return []
    return list(connection.execute(_APPEND, [dict(row) for row in rows]).scalars())


_APPEND = sa.insert(tables.assessment).returning(tables.assessment.c.id, sort_by_parameter_order=True)


def latest(connection: sa.Connection, order_ids: Collection[int]) -> dict[tuple[int, str], StoredAssessment]:
    """Return the newest answer for each of these orders, by order and stream."""
    rows = connection.execute(_latest(connection.dialect.name), {"ids": order_ids})
    return {(answer.order_id, answer.stream): answer for answer in (StoredAssessment(*row) for row in rows)}


@cache
def _latest(dialect: str) -> sa.Executable:
    assessment = tables.assessment
    return sa.select(*COLUMNS).where(assessment.c.id.in_(newest_of(one_of(dialect, assessment.c.order_id))))


def newest_of(which: sa.ColumnElement[bool]) -> sa.Select[tuple[int]]:
    """Return the query for the newest answer of each order and stream, of the assessments chosen."""
    these = sa.select(sa.func.max(tables.assessment.c.id)).where(which)
    return these.group_by(tables.assessment.c.order_id, tables.assessment.c.stream)


def of_ids(connection: sa.Connection, ids: Collection[int]) -> dict[int, StoredAssessment]:
    """Return these answers by id."""
    rows = connection.execute(_of_ids(connection.dialect.name), {"ids": ids})
    return {answer.id: answer for answer in (StoredAssessment(*row) for row in rows)}


@cache
def _of_ids(dialect: str) -> sa.Executable:
    return sa.select(*COLUMNS).where(one_of(dialect, tables.assessment.c.id))


def with_signature(connection: sa.Connection, order_id: int, signature: str) -> StoredAssessment | None:
    """Return the newest answer for this order that said exactly this."""
    assessment = tables.assessment
    query = sa.select(*COLUMNS).where(assessment.c.order_id == order_id, assessment.c.signature == signature)
    row = connection.execute(query.order_by(assessment.c.id.desc()).limit(1)).one_or_none()
    return None if row is None else StoredAssessment(*row)


def hold_as_of(connection: sa.Connection, moments: Mapping[int, datetime]) -> None:
    """Record the moment up to which these answers hold: judged again, they came out the same."""
    if not moments:
        return
    change = sa.update(tables.assessment).where(tables.assessment.c.id == sa.bindparam("which"))
    rows = [{"which": id_, "moment": moment} for id_, moment in sorted(moments.items())]
    connection.execute(change.values(as_of=sa.bindparam("moment")), rows)


def list_assessments(
    connection: sa.Connection, patients: Collection[int] | None, order: str, before: int | None, limit: int
) -> list[StoredAssessment]:
    """Return every answer, also "nothing found", newest first."""
    query = (
        sa.select(*COLUMNS)
        .join(tables.medication_order, tables.medication_order.c.id == tables.assessment.c.order_id)
        .order_by(tables.assessment.c.id.desc())
        .limit(limit)
    )
    if patients is not None:
        query = query.where(tables.assessment.c.patient_id.in_(patients))
    if order:
        query = query.where(
            tables.assessment.c.order_id.in_(sa.select(tables.medication_order.c.id).where(numbered(order)))
        )
    if before is not None:
        query = query.where(tables.assessment.c.id < before)
    return [StoredAssessment(*row) for row in connection.execute(query)]


def newest_of_orders(
    connection: sa.Connection, patients: Collection[int], stream: str, limit: int
) -> tuple[list[StoredAssessment], int]:
    """Return the newest answer for each order of these patients, newest first, and how many orders have one."""
    assessment = tables.assessment
    newest = sa.select(sa.func.max(assessment.c.id)).where(
        assessment.c.patient_id.in_(patients), assessment.c.stream == stream
    )
    ids = sorted(connection.execute(newest.group_by(assessment.c.order_id)).scalars(), reverse=True)
    found = of_ids(connection, ids[:limit])
    return [found[each] for each in ids[:limit]], len(ids)


def find_assessment(connection: sa.Connection, assessment_id: int) -> StoredAssessment | None:
    """Return one answer."""
    row = connection.execute(sa.select(*COLUMNS).where(tables.assessment.c.id == assessment_id)).one_or_none()
    return None if row is None else StoredAssessment(*row)


TRIAL = "trial"  # a rule in trial gives no tier
NEWEST = 2_000  # answers; each is read in full, and older ones often came from other rules


def fired_by_tier(
    connection: sa.Connection, rule: str, since: Mapping[str, datetime], newest: int = NEWEST
) -> dict[str, Counter[str]]:
    """Count the orders whose latest answer names this rule, by its tier, for each of these moments from then on."""
    latest = _newest_answers(newest)
    query = sa.select(CONCLUSION, tables.assessment.c.concluded_at).join(latest, latest.c.id == tables.assessment.c.id)
    counts: dict[str, Counter[str]] = {name: Counter() for name in since}
    for conclusion, concluded_at in connection.execute(
        query.where(tables.assessment.c.concluded_at >= min(since.values()))
    ):
        tiers = [finding.tier for finding in conclusion.findings if finding.rule == rule]
        if not tiers and rule in _held(conclusion.trace):
            tiers = [TRIAL]
        for name, moment in since.items():
            if concluded_at >= moment:
                counts[name].update(tiers)
    return counts


def _newest_answers(newest: int) -> sa.Subquery:
    return (
        sa.select(sa.func.max(tables.assessment.c.id).label("id"))
        .group_by(tables.assessment.c.order_id, tables.assessment.c.stream)
        .order_by(sa.desc("id"))
        .limit(newest)
        .subquery()
    )


def fired(connection: sa.Connection, newest: int = NEWEST) -> tuple[Counter[str], int]:
    """Count the orders whose latest answer names a rule, by rule; and the number of answers read."""
    latest = _newest_answers(newest)
    rows = connection.execute(sa.select(CONCLUSION).join(latest, latest.c.id == tables.assessment.c.id))
    counts: Counter[str] = Counter()
    looked_at = 0
    for conclusion in rows.scalars():
        looked_at += 1
        counts.update({finding.rule for finding in conclusion.findings})
        counts.update(f"trial:{rule}" for rule in _held(conclusion.trace))
    return counts, looked_at


class HeldOnTrial(NamedTuple):
    """An order for which a rule on trial would have fired, and what it saw; nothing of the answer given."""

    rule: str
    order: str  # the placer's number
    at: datetime
    saw: tuple[str, ...]
    order_id: int
    patient_id: int
    order_of: StoredOrder
    patient: StoredPatient


def held_on_trial(connection: sa.Connection, rules: Collection[str], newest: int = NEWEST) -> list[HeldOnTrial]:
    """Return, the newest first, the orders in whose latest answer one of these rules held."""
    latest, order = _newest_answers(newest), tables.medication_order
    query = (
        sa.select(CONCLUSION, tables.assessment.c.concluded_at, order.c.placer_number, order.c.id, order.c.patient_id)
        .join(latest, latest.c.id == tables.assessment.c.id)
        .join(order, order.c.id == tables.assessment.c.order_id)
        .order_by(tables.assessment.c.id.desc())
    )
    found = []
    for conclusion, at, number, order_id, patient_id in connection.execute(query):
        for rule in sorted(_held(conclusion.trace) & frozenset(rules)):
            steps = [step for step in conclusion.trace if step.rule == rule and step.held and step.saw]
            saw = tuple(dict.fromkeys(step.saw for step in steps))
            whose = (order_id, patient_id, conclusion.order, conclusion.patient)
            found.append(HeldOnTrial(rule, number, at, saw, *whose))
    return found


def first_answer_at(connection: sa.Connection, order_id: int) -> datetime:
    """Return when an order that was judged got its first answer."""
    query = sa.select(sa.func.min(tables.assessment.c.concluded_at)).where(tables.assessment.c.order_id == order_id)
    first: datetime = connection.execute(query).scalar_one()
    return first


def _held(trace: Sequence[StoredStep]) -> set[str]:
    """Return the rules whose conditions all held, shown or not; a raised tier is not a rule of its own."""
    held: dict[str, bool] = {}
    for step in trace:
        if " when " not in step.condition:
            held[step.rule] = held.get(step.rule, True) and step.held
    return {rule for rule, all_held in held.items() if all_held}


def orders_answered_since(connection: sa.Connection, since: datetime) -> int:
    """Count the orders that got an answer since then."""
    query = sa.select(sa.func.count(sa.distinct(tables.assessment.c.order_id)))
    count: int = connection.execute(query.where(tables.assessment.c.concluded_at >= since)).scalar_one()
    return count
