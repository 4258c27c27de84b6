"""What pharmacists decided for a patient, and for how long it stands."""

from collections.abc import Collection, Sequence
from datetime import datetime

import sqlalchemy as sa

from store import tables
from store.rowsets import among


def valid(connection: sa.Connection, patient_ids: Collection[int], now: datetime) -> Sequence[sa.RowMapping]:
    """Give the decisions that stand for these patients, newest first."""
    decision = tables.decision
    query = sa.select(decision).where(
        among(connection, decision.c.patient_id, patient_ids),
        sa.or_(decision.c.valid_until.is_(None), decision.c.valid_until > now),
    )
    return connection.execute(query.order_by(decision.c.id.desc())).mappings().all()
