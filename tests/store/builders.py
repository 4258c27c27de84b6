"""Rows for tests that are about something else."""

from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa

from store import tables

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


def insert(connection: sa.Connection, table: sa.Table, **values: Any) -> int:
    """Insert one row and give its id."""
    return int(connection.execute(sa.insert(table).values(**values).returning(table.c.id)).scalar_one())


def a_feed(connection: sa.Connection, name: str = "ehr") -> int:
    """Return the feed of this name."""
    found = connection.execute(sa.select(tables.feed.c.id).where(tables.feed.c.name == name)).scalar()
    return int(found) if found else insert(connection, tables.feed, name=name)


def a_message(connection: sa.Connection, control_id: str = "M1", **values: Any) -> int:
    """Insert a received message."""
    row = {
        "feed_id": a_feed(connection),
        "sending_application": "EHR",
        "sending_facility": "UZ",
        "control_id": control_id,
        "body_hash": bytes(32),
        "type": "ADT",
        "event": "A01",
        "hl7_version": "2.5.1",
        "received_at": NOW,
        "lane": "history",
        "state": "received",
        "ack_code": "AA",
        "raw": b"",
        "raw_size": 0,
    }
    return insert(connection, tables.message, **(row | values))


def a_patient(connection: sa.Connection, value: str = "1", authority: str = "UZ") -> int:
    """Insert a patient."""
    return insert(connection, tables.patient, authority=authority, value=value)


def an_order(connection: sa.Connection, patient_id: int | None = None, key: str = "EHR|1", **values: Any) -> int:
    """Insert an IVIg order."""
    row = {
        "patient_id": patient_id or a_patient(connection),
        "key": key,
        "placer": key,
        "product_class": "ivig",
        "state": "active",
        "version": "1",
        "data": {},
    }
    return insert(connection, tables.medication_order, **(row | values))


def an_assessment(connection: sa.Connection, order_id: int | None = None, **values: Any) -> int:
    """Insert an assessment of the order."""
    order_id = order_id or an_order(connection)
    order = tables.medication_order
    row = {
        "order_id": order_id,
        "patient_id": connection.execute(sa.select(order.c.patient_id).where(order.c.id == order_id)).scalar_one(),
        "order_version": "1",
        "signature": "s1",
        "knowledge": "2026.1",
        "tier": "high",
        "priority": "prompt",
        "conclusion": {},
        "as_of": NOW,
        "concluded_at": NOW,
    }
    return insert(connection, tables.assessment, **(row | values))


def an_alert(connection: sa.Connection, order_id: int | None = None, **values: Any) -> int:
    """Insert an open alert for the order."""
    order_id = order_id or an_order(connection)
    assessment_id = an_assessment(connection, order_id)
    patient = sa.select(tables.assessment.c.patient_id).where(tables.assessment.c.id == assessment_id)
    row = {
        "order_id": order_id,
        "patient_id": connection.execute(patient).scalar_one(),
        "assessment_id": assessment_id,
        "tier": "high",
        "priority": "prompt",
        "status": "open",
        "opened_at": NOW,
        "changed_at": NOW,
    }
    return insert(connection, tables.alert, **(row | values))
