"""What pharmacists decided for a patient, and for how long it stands."""

from collections.abc import Collection
from datetime import datetime

import msgspec
import sqlalchemy as sa

from store import tables
from store.rowsets import among


class NewDecision(msgspec.Struct, frozen=True, kw_only=True):
    """An alert overridden for a coded reason, which stands for the patient."""

    patient_id: int
    alert_id: int
    signature: str  # the findings it covers
    reason: str
    note: str
    made_by: str
    made_at: datetime
    valid_until: datetime | None


class Decision(NewDecision, frozen=True, kw_only=True):
    """One that was made."""

    id: int


def insert(connection: sa.Connection, new: NewDecision) -> None:
    """Keep what a pharmacist decided for a patient."""
    connection.execute(sa.insert(tables.decision).values(msgspec.structs.asdict(new)))


def valid(connection: sa.Connection, patient_ids: Collection[int], now: datetime) -> list[Decision]:
    """Give the decisions that stand for these patients, newest first."""
    decision = tables.decision
    query = sa.select(decision).where(
        among(connection, decision.c.patient_id, patient_ids),
        sa.or_(decision.c.valid_until.is_(None), decision.c.valid_until > now),
    )
    return [Decision(**row) for row in connection.execute(query.order_by(decision.c.id.desc())).mappings()]
