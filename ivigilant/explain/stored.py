"""Stored messages and orders explained, with their latest answer. Each look is recorded."""

from collections.abc import Collection, Iterator
from datetime import datetime

import sqlalchemy as sa

from inbox.people import access
from inbox.people.viewer import Viewer
from ivigilant.command_user import at_the_command_line
from ivigilant.errors import IvigilantError
from ivigilant.explain.conformance import SecondOpinion
from ivigilant.explain.explained import Explained, OrderExplained, explain_answer
from ivigilant.explain.messages import ReceivedText, explain_any
from ivigilant.knowledge.site_knowledge import site_knowledge
from ivigilant.settings import Settings
from ivigilant.site import load_site
from ivigilant.site_choices import worker_site
from rules.knowledge import Knowledge
from store import assessments, merges, orders, tables
from store.canary import of_senders
from store.messages import raw_of
from worker.local_codes import with_mapped


class NotStored(IvigilantError):
    """There is no message or order with this number; the inbox searches by patient and by number."""


def explain_stored_message(
    engine: sa.Engine, settings: Settings, name: str, now: datetime, opinion: SecondOpinion | None
) -> Explained:
    """Explain a stored message by its row number or its control id, with the answers for its patients."""
    file = load_site(settings.site_file)
    knowledge, site = site_knowledge(settings, file), worker_site(file, settings)
    with engine.begin() as connection:
        rows = _messages(connection, name)
        if not rows:
            raise NotStored(f"there is no message {name}; use its number or its control id")
        if all(row.pruned_at for row in rows):
            when = f"{rows[-1].pruned_at:%Y-%m-%d}"
            raise NotStored(f"the text of message {rows[-1].id} was removed on {when} (ivigilant prune)")
        knowledge = with_mapped(knowledge, connection)
        explained, people = [], set()
        for row in (each for each in rows if not each.pruned_at):
            patients = access.patients_in_message(connection, row.id)
            access.record(connection, _somebody(), "view_message", now, patients=patients, what=f"message {row.id}")
            people |= {patient for patient in patients if patient is not None}
            known = ReceivedText(
                name=f"message {row.id}",
                raw=raw_of(row),
                feed=row.feed_name,
                defaults=site.defaults_of(row.feed_name),
                answer=row.ack_code,
                state=row.state,
                reason=row.reason or "",
                detail=row.detail or "",
                flags=tuple(row.flags),
                body_hash=row.body_hash,
            )
            explained.append(explain_any(known, knowledge, opinion).explained)
        members = {member for person in merges.persons(connection, people) for member in person.members}
        found = orders.of_patients(connection, members)
        answers = tuple(_answers(connection, [order.id for order in found], knowledge))
    return Explained(tuple(explained), 0, answers)


def explain_stored_order(engine: sa.Engine, settings: Settings, key: str, now: datetime) -> Explained:
    """Explain the latest answer for the orders with this number, the placer's or the filler's."""
    knowledge = site_knowledge(settings)
    order = tables.medication_order
    with engine.begin() as connection:
        query = sa.select(order.c.id, order.c.patient_id).where(orders.numbered(key) | (order.c.key == key))
        rows = connection.execute(query.order_by(order.c.id)).all()
        patients = {row.patient_id for row in rows}
        access.record(connection, _somebody(), "list_assessments", now, patients=patients, what=f"order {key}")
        answers = tuple(_answers(connection, [row.id for row in rows], knowledge))
    if not answers:
        raise NotStored(f"there is no IVIg order {key}; use the placer's or the filler's number")
    return Explained(orders=answers)


def _messages(connection: sa.Connection, name: str) -> list[sa.Row[tuple[object, ...]]]:
    message, feed = tables.message, tables.feed
    query = sa.select(message, feed.c.name.label("feed_name")).join(feed, feed.c.id == message.c.feed_id)
    query = query.where(of_senders())
    if name.isdecimal() and len(name) < 19:
        row = connection.execute(query.where(message.c.id == int(name))).one_or_none()
        if row is not None:
            return [row]
    return list(connection.execute(query.where(message.c.control_id == name).order_by(message.c.id)).all())


def _answers(connection: sa.Connection, ids: Collection[int], knowledge: Knowledge) -> Iterator[OrderExplained]:
    """Return the latest answer of each order that has one; today's knowledge only provides the names of its rules."""
    for _, row in sorted(assessments.latest(connection, ids).items()):
        yield explain_answer(
            row.conclusion.as_json(),
            knowledge,
            tier=row.tier,
            priority=row.priority,
            version=row.knowledge,
            as_of=row.as_of,
            concluded_at=row.concluded_at,
            stream=row.stream,
        )


def _somebody() -> Viewer:
    return Viewer(at_the_command_line(), "command line", "local")
