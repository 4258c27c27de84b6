"""What a notice says of an alert: its tier, priority and ward, and nothing else of the patient."""

from collections.abc import Collection
from datetime import datetime

import msgspec
import sqlalchemy as sa

from clinical.words import PriorityWord, Stream, TierWord
from store import tables


class AlertInBrief(msgspec.Struct, frozen=True):
    """What may leave the house about one line of an alert's record."""

    id: int  # of the line
    kind: str
    at: datetime
    stream: Stream
    tier: TierWord
    priority: PriorityWord
    ward: str


def in_brief(connection: sa.Connection, event_ids: Collection[int]) -> dict[int, AlertInBrief]:
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
    return {row.id: AlertInBrief(*row) for row in connection.execute(query)}
