"""Everything that judging some people rests on, read in one statement.

Its parts are different tables, and a statement returns rows of one shape: each part puts its columns in the places that
fit their types, and leaves the others empty.
"""

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from operator import itemgetter
from typing import Any, Final

import sqlalchemy as sa

from clinical.identities import MergeStatement
from store import facts, tables
from store.alerts import Alert
from store.assessments import AssessmentMark, newest_of
from store.columns import UtcTime
from store.facts import FactTuple
from store.message_queries import HISTORY_LANES, oldest_waiting
from store.orders import MedicationOrder
from store.patients import Number
from store.rowsets import one_of

# How many columns of each type a part may have.
_PLACES: Final[tuple[tuple[sa.types.TypeEngine[Any], int], ...]] = (
    (sa.BigInteger(), 5),
    (sa.Text(), 6),
    (UtcTime(), 4),
    (sa.Boolean(), 1),
    (sa.LargeBinary(), 1),
    (sa.JSON(), 1),
)
_NO_LIMIT: Final = 2**31 - 1
_NUMBER: Final = ("patient_id", "authority", "value", "type")
_STATEMENT: Final = ("retired_id", "survivor_id", "version", "undone")


@dataclass(slots=True)
class Charts:
    """What is stored about some people."""

    numbers: list[Number] = field(default_factory=list)
    statements: list[MergeStatement[int]] = field(default_factory=list)  # about one of them who was merged
    facts: list[FactTuple] = field(default_factory=list)  # the oldest version first
    orders: list[MedicationOrder] = field(default_factory=list)  # the oldest first
    marks: list[AssessmentMark] = field(default_factory=list)  # of the newest answer of each order and stream
    alerts: list[Alert] = field(default_factory=list)  # the oldest first
    oldest_waiting: datetime | None = None  # when the oldest history message that waits came, whoever it is about


def read_charts(
    connection: sa.Connection, ids: Collection[int], of_facts: Collection[int], most: int | None = None
) -> Charts:
    """Read the charts of these identities, and of those the facts, no more than `most` in all where it is named."""
    dialect = connection.dialect.name
    places = {name: _places(part) for name, part in _parts(dialect).items()}
    found: dict[str, list[list[Any]]] = {name: [] for name in places}
    limits = {"ids": ids, "of_facts": of_facts, "most": _NO_LIMIT if most is None else most}
    for row in connection.execute(_statement(dialect), limits):
        found[row[0]].append([row[place] for place in places[row[0]]])
    numbers = (Number(*row) for row in found["number"])
    return Charts(
        numbers=sorted(numbers, key=lambda each: (each.authority, each.value, each.patient_id)),
        statements=[MergeStatement(*row) for row in found["statement"]],
        facts=sorted(found["fact"], key=itemgetter(3, 1, 2, 0)),
        orders=sorted((MedicationOrder(*row) for row in found["order"]), key=lambda each: each.id),
        marks=[AssessmentMark(*row) for row in found["mark"]],
        alerts=sorted((Alert(*row) for row in found["alert"]), key=lambda each: each.id),
        oldest_waiting=found["waiting"][0][0] if found["waiting"] else None,
    )


@cache
def _statement(dialect: str) -> sa.Executable:
    return sa.union_all(*(_in_places(name, part) for name, part in _parts(dialect).items()))


@cache
def _parts(dialect: str) -> dict[str, sa.Select[Any]]:
    """Return the query for each part."""
    order, assessment, number = tables.medication_order, tables.assessment, tables.identifier
    fact = sa.select(tables.fact).where(one_of(dialect, tables.fact.c.patient_id, "of_facts"))
    some = fact.limit(sa.bindparam("most", type_=sa.Integer)).subquery("some")
    theirs = sa.select(order.c.id).where(one_of(dialect, order.c.patient_id))
    newest = newest_of(assessment.c.order_id.in_(theirs))
    statement, message = tables.merge_statement, tables.message
    return {
        "number": _of(number, _NUMBER).where(one_of(dialect, number.c.patient_id)),
        "statement": _of(statement, _STATEMENT).where(one_of(dialect, statement.c.retired_id)),
        "fact": _of(some, facts.ROW),
        "order": _of(order, MedicationOrder.__struct_fields__).where(one_of(dialect, order.c.patient_id)),
        "mark": _of(assessment, AssessmentMark.__struct_fields__).where(assessment.c.id.in_(newest)),
        "alert": _of(tables.alert, Alert.__struct_fields__).where(one_of(dialect, tables.alert.c.patient_id)),
        "waiting": _of(message, ["received_at"]).where(message.c.id.in_(oldest_waiting(HISTORY_LANES))),
    }


def _of(table: sa.FromClause, names: Collection[str]) -> sa.Select[Any]:
    return sa.select(*(table.c[name] for name in names))


def _in_places(name: str, part: sa.Select[Any]) -> sa.Select[Any]:
    """Return this part with its columns in the places of their types."""
    row: list[sa.ColumnElement[Any]] = [sa.cast(sa.null(), type_) for type_, many in _PLACES for _ in range(many)]
    for place, column in zip(_places(part), part.selected_columns, strict=True):
        row[place - 1] = column
    named = (each.label(f"c{place}") for place, each in enumerate(row, 1))
    return part.with_only_columns(sa.literal(name).label("part"), *named)


def _places(part: sa.Select[Any]) -> list[int]:
    """Return the place of each of its columns in a row; the name of the part is in place 0."""
    free: dict[type[Any], list[int]] = {}
    place = 1
    for type_, how_many in _PLACES:
        free[type(type_)] = list(range(place, place + how_many))
        place += how_many
    return [free[_kind(column.type)].pop(0) for column in part.selected_columns]


def _kind(type_: sa.types.TypeEngine[Any]) -> type[Any]:
    return next(type(each) for each, _ in _PLACES if isinstance(type_, type(each)))
