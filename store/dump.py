"""A dump of the whole state as text, equal for databases with equal content: no row ids, no clock.

It holds what must not depend on the order of arrival: history, orders, the latest answer for each, and the
current alerts. An alert raised and resolved on the way stays in the record, and out of the dump.
"""

from collections.abc import Iterator
from typing import Any

import msgspec
import sqlalchemy as sa

from store import merges, tables

Line = dict[str, Any]


def dump(connection: sa.Connection) -> Iterator[bytes]:
    """Yield one JSON line for everything stored, in a fixed order."""
    names = _names(connection)
    lines = [
        *_people(connection, names),
        *_merges(connection, names),
        *_facts(connection, names),
        *_orders(connection, names),
        *_answers(connection, names),
        *_alerts(connection, names),
    ]
    yield from sorted(msgspec.json.encode(line, order="sorted") + b"\n" for line in lines)


def _names(connection: sa.Connection) -> dict[int, str]:
    patient = tables.patient
    rows = connection.execute(sa.select(patient.c.id, patient.c.authority, patient.c.value))
    return {row.id: f"{row.authority}|{row.value}" for row in rows}


def _people(connection: sa.Connection, names: dict[int, str]) -> Iterator[Line]:
    patient, identifier = tables.patient, tables.identifier
    roots = {
        member: names[person.root] for person in merges.persons(connection, list(names)) for member in person.members
    }
    numbers: dict[int, list[str]] = {}
    for row in connection.execute(sa.select(identifier)):
        numbers.setdefault(row.patient_id, []).append(f"{row.authority}|{row.value}|{row.type}")
    for row in connection.execute(sa.select(patient)):
        yield {
            "a": "patient",
            "name": names[row.id],
            "person": roots[row.id],
            "points_to": names.get(row.merged_into),
            "numbers": sorted(numbers.get(row.id, [])),
            "demographics": row.demographics,
            "versions": row.demographics_versions,
            "flags": row.flags,
            "has_ivig": row.has_ivig,
        }


def _merges(connection: sa.Connection, names: dict[int, str]) -> Iterator[Line]:
    for row in connection.execute(sa.select(tables.merge_statement)):
        yield {
            "a": "merge",
            "retired": names[row.retired_id],
            "survivor": names[row.survivor_id],
            "version": row.version,
            "undone": row.undone,
            "path": row.path,
        }


def _facts(connection: sa.Connection, names: dict[int, str]) -> Iterator[Line]:
    for row in connection.execute(sa.select(tables.fact)):
        yield {
            "a": "fact",
            "patient": names[row.patient_id],
            "kind": row.kind,
            "key": row.key,
            "version": row.version,
            "deleted": row.deleted,
            "path": row.path,
            "data": msgspec.Raw(row.data),
        }


def _orders(connection: sa.Connection, names: dict[int, str]) -> Iterator[Line]:
    order = tables.medication_order
    columns = ("key", "placer", "filler", "product_class", "state", "version", "starts_at", "ends_at", "data")
    for row in connection.execute(sa.select(order).where(order.c.state != "absorbed")).mappings():
        yield {"a": "order", "patient": names[row["patient_id"]], **{name: row[name] for name in columns}}


def _answers(connection: sa.Connection, names: dict[int, str]) -> Iterator[Line]:
    """Yield the latest answer for each order; the row is the last of those that said so."""
    order, assessment = tables.medication_order, tables.assessment
    of_orders = sa.select(sa.func.max(assessment.c.id)).where(assessment.c.stream == "order")
    latest = of_orders.group_by(assessment.c.order_id)  # the last word of the other stream is its alert
    query = (
        sa.select(assessment, order.c.key, order.c.patient_id.label("whose"))
        .join(order, order.c.id == assessment.c.order_id)
        .where(assessment.c.id.in_(latest), order.c.state != "absorbed")
    )
    columns = ("key", "order_version", "signature", "knowledge", "tier", "priority", "as_of")
    for row in connection.execute(query).mappings():
        yield {"a": "answer", "patient": names[row["whose"]], **{name: row[name] for name in columns}}


def _alerts(connection: sa.Connection, names: dict[int, str]) -> Iterator[Line]:
    order, alert, assessment = tables.medication_order, tables.alert, tables.assessment
    query = (
        sa.select(alert, order.c.key, assessment.c.signature)
        .join(order, order.c.id == alert.c.order_id)
        .join(assessment, assessment.c.id == alert.c.assessment_id)
        .where(alert.c.status != "resolved")
    )
    columns = ("key", "stream", "tier", "priority", "status", "badges", "signature")
    for row in connection.execute(query).mappings():
        yield {"a": "alert", "patient": names[row["patient_id"]], **{name: row[name] for name in columns}}
