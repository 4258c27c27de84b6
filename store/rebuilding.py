"""Removal of what was derived about patients, so that it can be derived again; what people did stays.

Facts, merges, numbers and demographics go. Orders, answers, alerts and their record stay: a rebuild finds its orders
again by their keys. What came from a pruned message cannot be read again, so it stays.
"""

from collections.abc import Collection

import sqlalchemy as sa

from store import facts, patient_terms, tables
from store.message_queries import AGAIN, BEGUN, StoredMessage, read_work, select_work, wait_again
from store.rowsets import among


def last_patient(connection: sa.Connection) -> int:
    """Return the newest identity; 0 when there is none."""
    return connection.execute(sa.select(sa.func.max(tables.patient.c.id))).scalar() or 0


def patients_after(connection: sa.Connection, position: int, limit: int) -> list[int]:
    """Return the next identities, in order of creation."""
    patient = tables.patient
    query = sa.select(patient.c.id).where(patient.c.id > position).order_by(patient.c.id).limit(limit)
    return list(connection.execute(query).scalars())


def read_at_last(connection: sa.Connection, kinds: Collection[tuple[str, str]]) -> int:
    """Let workers process messages ignored for their type, if that type (MSH-9.1, 9.2) is read now; return how many."""
    message = tables.message
    left = (message.c.state == "ignored") & (message.c.reason == "unknown_type") & message.c.pruned_at.is_(None)
    of_kind = sa.tuple_(message.c.type, message.c.event).in_(sorted(kinds))
    return len(wait_again(connection, left & of_kind, None))


def readable_about(connection: sa.Connection, ids: Collection[int]) -> list[StoredMessage]:
    """Return the processed messages that mention these identities and have their text, in order of arrival."""
    mention, message = tables.mention, tables.message
    about = sa.select(mention.c.message_id).where(among(connection, mention.c.patient_id, ids))
    processed = sa.or_(
        message.c.state == "processed", (message.c.state == "received") & message.c.reason.in_([AGAIN, BEGUN])
    )
    query = select_work().where(message.c.id.in_(about), processed, message.c.pruned_at.is_(None))
    return read_work(connection.execute(query))


def _is_readable(message_id: sa.ColumnElement[int]) -> sa.ColumnElement[bool]:
    """Return whether a message was processed and has its text; a waiting one is recorded when its turn comes."""
    message = tables.message.alias("source")
    done = sa.or_(message.c.state != "received", message.c.reason.in_([AGAIN, BEGUN]))
    return sa.exists().where(message.c.id == message_id, done, message.c.pruned_at.is_(None))


def forget(connection: sa.Connection, ids: Collection[int]) -> None:
    """Remove what came from readable messages about these patients, who must be locked."""
    fact, statement, mention = tables.fact, tables.merge_statement, tables.mention
    for table, whose in (
        (fact, fact.c.patient_id),
        (statement, statement.c.retired_id),
        (mention, mention.c.patient_id),
    ):
        mine = among(connection, whose, ids)
        connection.execute(sa.delete(table).where(mine, _is_readable(table.c.message_id)))
    facts.count_change(connection, ids)
    # The rest is not stored per message: it stays while any of the patient's messages cannot be read.
    _forget_who(connection, set(ids) - _with_mentions(connection, ids))


def _with_mentions(connection: sa.Connection, ids: Collection[int]) -> set[int]:
    mention = tables.mention
    query = sa.select(mention.c.patient_id).where(among(connection, mention.c.patient_id, ids)).distinct()
    return set(connection.execute(query).scalars())


def _forget_who(connection: sa.Connection, ids: Collection[int]) -> None:
    patient, identifier = tables.patient, tables.identifier
    connection.execute(sa.delete(identifier).where(among(connection, identifier.c.patient_id, ids)))
    patient_terms.forget(connection, ids)
    unknown = {"demographics": {}, "demographics_versions": {}, "has_ivig": False, "flags": []}
    connection.execute(sa.update(patient).where(among(connection, patient.c.id, ids)).values(**unknown))
