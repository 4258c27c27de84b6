"""Assessments: one row for every answer that differs from the previous one; and how often each rule fires."""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from functools import cache
from typing import Any

import msgspec
import sqlalchemy as sa

from clinical.conclusions import StoredConclusion, StoredStep
from store import tables
from store.orders import numbered
from store.rowsets import one_of
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


def append(connection: sa.Connection, rows: Sequence[Row]) -> list[int]:
    """Add answers, and give their ids in the same order."""
    if not rows:
        return []
    return list(connection.execute(_APPEND, [dict(row) for row in rows]).scalars())


_APPEND = sa.insert(tables.assessment).returning(tables.assessment.c.id, sort_by_parameter_order=True)


def latest(connection: sa.Connection, order_ids: Collection[int]) -> dict[tuple[int, str], StoredAssessment]:
    """Return the newest answer for each of these orders, by order and stream."""
    rows = connection.execute(_latest(connection.dialect.name, StoredAssessment), {"ids": order_ids})
    return {(answer.order_id, answer.stream): answer for answer in (StoredAssessment(*row) for row in rows)}


def latest_marks(connection: sa.Connection, order_ids: Collection[int]) -> dict[tuple[int, str], AssessmentMark]:
    """Return the marks of the same answers, without their conclusions, which are large."""
    rows = connection.execute(_latest(connection.dialect.name, AssessmentMark), {"ids": order_ids})
    return {(mark.order_id, mark.stream): mark for mark in (AssessmentMark(*row) for row in rows)}


@cache
def _latest(dialect: str, wanted: type[AssessmentMark]) -> sa.Executable:
    assessment = tables.assessment
    newest = sa.select(sa.func.max(assessment.c.id)).where(one_of(dialect, assessment.c.order_id))
    newest = newest.group_by(assessment.c.order_id, assessment.c.stream)
    columns = [CONCLUSION if name == "conclusion" else assessment.c[name] for name in wanted.__struct_fields__]
    return sa.select(*columns).where(assessment.c.id.in_(newest))


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
