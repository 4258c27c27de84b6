"""The record of who looked at which patient, who did what, and what was refused (NEN 7513)."""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime

import sqlalchemy as sa

from inbox.http.parts import AnyRequest, Parts, parts_of
from inbox.people.viewer import Viewer
from store import access_log, tables
from store.access_log import DONE, AccessLine
from store.alerts import Alert
from store.assessments import StoredAssessment
from store.tables import fact, mention


def record(
    connection: sa.Connection,
    viewer: Viewer,
    action: str,
    now: datetime,
    *,
    patients: Iterable[int | None] = (None,),
    what: str = "",
    outcome: str = DONE,
    purpose: str = "",
) -> None:
    """Write one line per patient, or one without a patient where none is known; the last thing in a transaction."""
    lines = [
        AccessLine(
            at=now,
            actor=viewer.name,
            role=viewer.role,
            action=action,
            patient_id=patient,
            object=what,
            source=viewer.source,
            outcome=outcome,
            purpose=purpose,
            on_behalf=viewer.on_behalf,
        )
        for patient in patients
    ]
    access_log.write(connection, lines)


def record_alone(
    parts: Parts,
    viewer: Viewer,
    action: str,
    *,
    patients: Iterable[int | None] = (None,),
    what: str = "",
    outcome: str = DONE,
    purpose: str = "",
) -> None:
    """The same in a transaction of its own, for what was only read or was refused."""
    with parts.engine.begin() as connection:
        now = parts.clock()
        record(connection, viewer, action, now, patients=patients, what=what, outcome=outcome, purpose=purpose)


def has_viewed(connection: sa.Connection, who: str, alert: Alert, *, since: datetime) -> bool:
    """Return whether somebody has had this alert open since a moment."""
    log = tables.access_log
    looked = sa.exists().where(
        log.c.patient_id == alert.patient_id,
        log.c.action == "view_alert",
        log.c.object == f"alert {alert.id}",
        log.c.actor == who,
        log.c.at >= since,
    )
    return bool(connection.execute(sa.select(looked)).scalar())


def has_opened_answers(connection: sa.Connection, who: str, patients: Collection[int], *, since: datetime) -> bool:
    """Return whether somebody has had an alert, an answer or the page of one of these patients open since a moment."""
    log = tables.access_log
    opened = sa.exists().where(
        log.c.patient_id.in_(patients),
        log.c.action.in_(("view_alert", "view_assessment", "view_patient")),
        log.c.actor == who,
        log.c.at >= since,
    )
    return bool(connection.execute(sa.select(opened)).scalar())


def patients_in_message(connection: sa.Connection, message_id: int) -> list[int | None]:
    """Return whom the message mentions or whose history it is part of; one None when it names nobody."""
    stated = sa.select(fact.c.patient_id).where(fact.c.message_id == message_id)
    mentioned = sa.select(mention.c.patient_id).where(mention.c.message_id == message_id)
    return sorted(connection.scalars(stated.union(mentioned))) or [None]


def record_list(request: AnyRequest, action: str, kind: str, rows: Sequence[Alert | StoredAssessment]) -> None:
    """Write one line per patient in a list, or one when it is empty; no list keeps the worker waiting."""
    what = f"{kind} {' '.join(str(number) for number in sorted(row.id for row in rows))}".strip()
    patients = sorted({row.patient_id for row in rows})
    record_alone(parts_of(request), request.user, action, patients=patients or [None], what=what)
