"""A dump of the whole state as text, equal for databases with equal content: no row ids, no clock.

It holds what must not depend on the order of arrival: history, orders, the latest answer for each, and the
current alerts. An alert raised and resolved on the way stays in the record, and out of the dump.
"""

import hashlib
from collections.abc import Iterator
from typing import Any

import msgspec
import sqlalchemy as sa

from store import merges, tables

Line = dict[str, Any]


def dump(connection: sa.Connection) -> Iterator[bytes]:
    """Yield one JSON line for everything stored, in a fixed order."""
    yield from sorted(_lines(connection))


def digest(connection: sa.Connection) -> str:
    """Return a number for everything stored, in hexadecimals: the sum of the SHA-256 of the lines, in any order.

    No line is kept, so the memory it takes does not grow with the history.
    """
    total = 0
    for line in _lines(connection):
        total += int.from_bytes(hashlib.sha256(line).digest())
    return f"{total % 2**256:064x}"


def _lines(connection: sa.Connection) -> Iterator[bytes]:
    names = _names(connection)
    for read in (_people, _merges, _facts, _orders, _answers, _alerts):
        for line in read(connection, names):
            yield msgspec.json.encode(line, order="sorted") + b"\n"


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
    # There may be millions: they are read as they come.
    for row in connection.execute(sa.select(tables.fact), execution_options={"yield_per": 1000}):
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
    for row in connection.execute(query, execution_options={"yield_per": 1000}).mappings():
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
    for row in connection.execute(query, execution_options={"yield_per": 1000}).mappings():
        yield {"a": "alert", "patient": names[row["patient_id"]], **{name: row[name] for name in columns}}
