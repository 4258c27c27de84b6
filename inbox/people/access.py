"""The record of who looked at which patient and who did what (NEN 7513)."""

from collections.abc import Iterable, Sequence
from datetime import datetime

import sqlalchemy as sa

from inbox.http.parts import AnyRequest, parts_of
from inbox.people.viewer import Viewer
from store.alerts import Alert
from store.assessments import StoredAssessment
from store.tables import access_log, fact


def record(
    connection: sa.Connection,
    viewer: Viewer,
    action: str,
    now: datetime,
    *,
    patients: Iterable[int | None] = (None,),
    what: str = "",
) -> None:
    """Write one line per patient, or one without a patient where none is known."""
    line = {"at": now, "actor": viewer.name, "role": viewer.role, "action": action}
    line |= {"object": what, "source": viewer.source}
    rows = [line | {"patient_id": patient} for patient in patients]
    if rows:
        connection.execute(sa.insert(access_log), rows)


def patients_in_message(connection: sa.Connection, message_id: int) -> list[int | None]:
    """Whose history the message is part of; one None when nothing of it was kept."""
    query = sa.select(fact.c.patient_id).where(fact.c.message_id == message_id).distinct()
    return [*connection.scalars(query)] or [None]


def record_list(request: AnyRequest, action: str, kind: str, rows: Sequence[Alert | StoredAssessment]) -> None:
    """Write one line per patient in a list, in a transaction of its own: no list keeps the worker waiting."""
    if not rows:
        return
    parts = parts_of(request)
    what = f"{kind} {' '.join(str(number) for number in sorted(row.id for row in rows))}"
    patients = sorted({row.patient_id for row in rows})
    with parts.engine.begin() as connection:
        record(connection, request.user, action, parts.clock(), patients=patients, what=what)
