"""What a notice says of an alert: its tier, priority and ward, and nothing else of the patient."""

from collections.abc import Collection

import sqlalchemy as sa

from store import tables


def notice_rows(connection: sa.Connection, event_ids: Collection[int]) -> dict[int, sa.RowMapping]:
    """Give, for each line of an alert's record, what may leave the house about it."""
    event, alert, patient = tables.alert_event, tables.alert, tables.patient
    query = (
        sa.select(
            event.c.id,
            event.c.kind,
            event.c.at,
            alert.c.stream,
            alert.c.tier,
            alert.c.priority,
            sa.func.coalesce(patient.c.demographics["ward"].as_string(), "").label("ward"),
        )
        .join(alert, alert.c.id == event.c.alert_id)
        .join(patient, patient.c.id == alert.c.patient_id)
        .where(event.c.id.in_(sorted(event_ids)))
    )
    return {row["id"]: row for row in connection.execute(query).mappings()}
