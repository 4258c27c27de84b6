"""What was concluded, one row for every answer that differs from the one before."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from functools import cache
from typing import Any

import msgspec
import sqlalchemy as sa

from store import tables
from store.rowsets import one_of

Row = Mapping[str, Any]  # the columns of assessment, without id


class AssessmentMark(msgspec.Struct, frozen=True):
    """What tells one answer from another."""

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
    conclusion: dict[str, Any]
    concluded_at: datetime


COLUMNS = tuple(tables.assessment.c[name] for name in StoredAssessment.__struct_fields__)


def append(connection: sa.Connection, rows: Sequence[Row]) -> list[int]:
    """Add answers, and give their ids in the same order."""
    if not rows:
        return []
    return list(connection.execute(_APPEND, [dict(row) for row in rows]).scalars())


_APPEND = sa.insert(tables.assessment).returning(tables.assessment.c.id, sort_by_parameter_order=True)


def latest(connection: sa.Connection, order_ids: Collection[int]) -> dict[tuple[int, str], StoredAssessment]:
    """Give the newest answer for each of these orders, by order and stream."""
    rows = connection.execute(_latest(connection.dialect.name, StoredAssessment), {"ids": order_ids})
    return {(answer.order_id, answer.stream): answer for answer in (StoredAssessment(*row) for row in rows)}


def latest_marks(connection: sa.Connection, order_ids: Collection[int]) -> dict[tuple[int, str], AssessmentMark]:
    """Give of the same only what tells one answer from another: without what was concluded, which is large."""
    rows = connection.execute(_latest(connection.dialect.name, AssessmentMark), {"ids": order_ids})
    return {(mark.order_id, mark.stream): mark for mark in (AssessmentMark(*row) for row in rows)}


@cache
def _latest(dialect: str, wanted: type[AssessmentMark]) -> sa.Executable:
    assessment = tables.assessment
    newest = sa.select(sa.func.max(assessment.c.id)).where(one_of(dialect, assessment.c.order_id))
    newest = newest.group_by(assessment.c.order_id, assessment.c.stream)
    return sa.select(*(assessment.c[name] for name in wanted.__struct_fields__)).where(assessment.c.id.in_(newest))


def of_ids(connection: sa.Connection, ids: Collection[int]) -> dict[int, StoredAssessment]:
    """Give these answers by id."""
    rows = connection.execute(_of_ids(connection.dialect.name), {"ids": ids})
    return {answer.id: answer for answer in (StoredAssessment(*row) for row in rows)}


@cache
def _of_ids(dialect: str) -> sa.Executable:
    return sa.select(*COLUMNS).where(one_of(dialect, tables.assessment.c.id))


def with_signature(connection: sa.Connection, order_id: int, signature: str) -> StoredAssessment | None:
    """Give the newest answer for this order that said exactly this."""
    assessment = tables.assessment
    query = sa.select(*COLUMNS).where(assessment.c.order_id == order_id, assessment.c.signature == signature)
    row = connection.execute(query.order_by(assessment.c.id.desc()).limit(1)).one_or_none()
    return None if row is None else StoredAssessment(*row)


def hold_as_of(connection: sa.Connection, moments: Mapping[int, datetime]) -> None:
    """Note the moment up to which these answers hold: judged again, they came out the same."""
    if not moments:
        return
    change = sa.update(tables.assessment).where(tables.assessment.c.id == sa.bindparam("which"))
    rows = [{"which": id_, "moment": moment} for id_, moment in sorted(moments.items())]
    connection.execute(change.values(as_of=sa.bindparam("moment")), rows)
