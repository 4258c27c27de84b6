"""Erasure of one patient on request: what belongs to the patient, its removal, and the register of what was erased.

The rows of the patient go. Of a message only the text and what was read from it go: its row stays as a tombstone, with
the hash, control id, times and acknowledgement by which the ledger proves that nothing was lost and a repeat is
recognised. Of an identity only the number stays, for the access log, which has a term of its own (NEN 7513).
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import msgspec
import sqlalchemy as sa

from clinical.identities import Name
from clinical.words import PENDING
from store import facts, message_queries, patient_terms, tables
from store.rowsets import among
from store.tables import access_log, erased_identity, erasure, legal_hold

ERASED: Final = "erased"  # the reason of a message whose text and content were erased on request
_AT_ONCE = 500
_TELLING: Final = 5  # characters of a number from which on a text that holds it speaks of the patient

Belongings = Mapping[str, tuple[sa.Table, sa.ColumnElement[bool]]]  # by kind, in the order in which they can go


@dataclass(frozen=True, slots=True)
class MessagesOf:
    """The messages that mention a patient."""

    own: frozenset[int]  # and nobody else
    shared: Mapping[int, frozenset[int]]  # with the identities of others that each mentions

    @property
    def ids(self) -> frozenset[int]:
        """All of them."""
        return self.own | self.shared.keys()


def messages_of(connection: sa.Connection, ids: Collection[int], unread: Collection[int]) -> MessagesOf:
    """Return the messages that mention these identities; `unread` name them as well, and nobody recorded them."""
    about = message_queries.messages_about(connection, ids)
    shared: dict[int, frozenset[int]] = {}
    for some in _some(about):
        for message_id, named in message_queries.patients_of(connection, some).items():
            if others := named.difference(ids):
                shared[message_id] = frozenset(others)
    return MessagesOf(frozenset(about).union(unread) - shared.keys(), shared)


def _some(ids: Collection[int]) -> Iterator[list[int]]:
    """Yield these in parts, for one statement each."""
    ordered = sorted(ids)
    yield from (ordered[start : start + _AT_ONCE] for start in range(0, len(ordered), _AT_ONCE))


def belongings(connection: sa.Connection, ids: Collection[int], cards: Collection[str]) -> Belongings:
    """Return the rows that go with these identities; `cards` are those that were shown about them."""
    order, alert, assessment = tables.medication_order, tables.alert, tables.assessment
    orders = sa.select(order.c.id).where(among(connection, order.c.patient_id, ids))
    of_alert = among(connection, alert.c.patient_id, ids) | alert.c.order_id.in_(orders)
    alerts = sa.select(alert.c.id).where(of_alert)
    statement, feedback = tables.merge_statement, tables.card_feedback
    return {
        "card_feedback": (feedback, feedback.c.card_uuid.in_(sorted(cards)) | feedback.c.alert_id.in_(alerts)),
        "card": (tables.card, tables.card.c.uuid.in_(sorted(cards))),
        "delivery": (tables.delivery, tables.delivery.c.alert_id.in_(alerts)),
        "due": (tables.due, tables.due.c.alert_id.in_(alerts)),
        "decision": (
            tables.decision,
            among(connection, tables.decision.c.patient_id, ids) | tables.decision.c.alert_id.in_(alerts),
        ),
        "alert_event": (tables.alert_event, tables.alert_event.c.alert_id.in_(alerts)),
        "alert": (alert, of_alert),
        "trial_verdict": (tables.trial_verdict, tables.trial_verdict.c.order_id.in_(orders)),
        "assessment": (
            assessment,
            among(connection, assessment.c.patient_id, ids) | assessment.c.order_id.in_(orders),
        ),
        "medication_order": (order, among(connection, order.c.patient_id, ids)),
        "fact": (tables.fact, among(connection, tables.fact.c.patient_id, ids)),
        "merge_statement": (
            statement,
            among(connection, statement.c.retired_id, ids) | among(connection, statement.c.survivor_id, ids),
        ),
        "identifier": (tables.identifier, among(connection, tables.identifier.c.patient_id, ids)),
        "patient_term": (tables.patient_term, among(connection, tables.patient_term.c.patient_id, ids)),
        "mention": (tables.mention, among(connection, tables.mention.c.patient_id, ids)),
    }


def counts(connection: sa.Connection, found: Belongings) -> dict[str, int]:
    """Return how many rows of each kind there are."""
    return {
        kind: int(connection.execute(sa.select(sa.func.count()).select_from(table).where(which)).scalar_one())
        for kind, (table, which) in found.items()
    }


def cards_about(connection: sa.Connection, ids: Collection[int], numbers: Collection[Name]) -> set[str]:
    """Return the cards shown about these identities, also those shown before the store knew the patient."""
    card = tables.card
    mine = among(connection, card.c.patient_id, ids)
    rows = connection.execute(
        sa.select(card.c.uuid, card.c.patient_id, card.c.numbers).where(mine | card.c.patient_id.is_(None))
    )
    wanted = set(numbers)
    return {
        row.uuid
        for row in rows
        if row.patient_id is not None or not wanted.isdisjoint((each[0], each[1]) for each in row.numbers)
    }


def remove(connection: sa.Connection, found: Belongings) -> None:
    """Remove these rows."""
    for table, which in found.values():
        connection.execute(sa.delete(table).where(which))


def forget_identities(connection: sa.Connection, ids: Collection[int]) -> None:
    """Leave no more of these identities than their number, and part them from each other and from all others."""
    patient = tables.patient
    apart: dict[str, Any] = {"merged_into": None, "merge_version": None}
    led_here = among(connection, patient.c.merged_into, ids)
    connection.execute(sa.update(patient).where(led_here).values(**apart))
    nothing = {"demographics": {}, "demographics_versions": {}, "has_ivig": False, "flags": []}
    connection.execute(sa.update(patient).where(among(connection, patient.c.id, ids)).values(**nothing, **apart))
    facts.count_change(connection, ids)  # so that no worker judges from its memory
    patient_terms.forget(connection, ids)


def erase_messages(connection: sa.Connection, messages: MessagesOf, now: datetime) -> None:
    """Leave no more of these messages than their tombstones; what was read from a shared one of others stays theirs."""
    message = tables.message
    gone: dict[str, Any] = {"raw": b"", "raw_size": 0, "reason": ERASED, "detail": None, "flags": []}
    gone |= {"patient_key": None, "pruned_at": sa.func.coalesce(message.c.pruned_at, now)}
    for ids, more in ((messages.own, {"state": "ignored"}), (messages.shared.keys(), dict[str, str]())):
        for some in _some(ids):
            connection.execute(sa.update(message).where(among(connection, message.c.id, some)).values(**gone, **more))


def waiting(connection: sa.Connection, ids: Collection[int]) -> list[int]:
    """Return the messages of these that wait for a worker."""
    message, found = tables.message, list[int]()
    for some in _some(ids):
        query = sa.select(message.c.id).where(among(connection, message.c.id, some), message.c.state == "received")
        found += connection.execute(query).scalars()
    return found


def newest_arrival(connection: sa.Connection, ids: Collection[int]) -> datetime | None:
    """Return when the last message that mentions these identities arrived."""
    message, mention = tables.message, tables.mention
    about = sa.select(mention.c.message_id).where(among(connection, mention.c.patient_id, ids))
    found: datetime | None = connection.execute(
        sa.select(sa.func.max(message.c.received_at)).where(message.c.id.in_(about))
    ).scalar()
    return found


def with_number_outside(connection: sa.Connection, ids: Collection[int], numbers: Collection[str]) -> int:
    """Return how many of these messages have one of the numbers in the control id, which stays."""
    message, found = tables.message, 0
    for some in _some(ids):
        query = sa.select(message.c.control_id).where(among(connection, message.c.id, some))
        found += sum(any(number in each for number in numbers) for each in connection.execute(query).scalars())
    return found


def unanswered_alerts(connection: sa.Connection, ids: Collection[int]) -> list[int]:
    """Return the alerts of these identities that are on the list, or that a follow-up will put back on it."""
    alert, due = tables.alert, tables.due
    mine = among(connection, alert.c.patient_id, ids)
    pending = sa.select(alert.c.id).where(mine, alert.c.status.in_(PENDING))
    returning = sa.select(due.c.alert_id).join(alert, alert.c.id == due.c.alert_id)
    returning = returning.where(mine, due.c.done_at.is_(None), due.c.kind.in_(("follow_up", "snooze")))
    return sorted(connection.execute(sa.union(pending, returning)).scalars())


def open_orders(connection: sa.Connection, ids: Collection[int], over: Collection[str], now: datetime) -> list[int]:
    """Return the IVIg orders of these identities that are not in a state in which they are over, nor past their end."""
    order = tables.medication_order
    query = sa.select(order.c.id).where(
        among(connection, order.c.patient_id, ids),
        order.c.product_class.in_(["ivig", "possible_ivig"]),
        order.c.state.not_in(sorted(over)),
        order.c.ends_at.is_(None) | (order.c.ends_at > now),
    )
    return list(connection.execute(query.order_by(order.c.id)).scalars())


def covers_others(connection: sa.Connection, ids: Collection[int]) -> list[int]:
    """Return the alerts of other patients that stand under what was settled at one of these."""
    alert, cover = tables.alert, tables.alert.alias("cover")
    query = sa.select(alert.c.id).join(cover, cover.c.id == alert.c.covered_by)
    query = query.where(among(connection, cover.c.patient_id, ids), ~among(connection, alert.c.patient_id, ids))
    return list(connection.execute(query).scalars())


def notes_elsewhere(connection: sa.Connection, ids: Collection[int], numbers: Collection[str]) -> list[int]:
    """Return the alerts of other patients with a note that holds one of the numbers."""
    event, alert = tables.alert_event, tables.alert
    telling = [number for number in numbers if len(number) >= _TELLING]
    if not telling:
        return []
    holds = sa.or_(*(event.c.note.contains(number, autoescape=True) for number in telling))
    query = sa.select(event.c.alert_id).join(alert, alert.c.id == event.c.alert_id).distinct()
    query = query.where(holds, ~among(connection, alert.c.patient_id, ids))
    return sorted(connection.execute(query).scalars())


def notices_sent(connection: sa.Connection, ids: Collection[int]) -> int:
    """Return how many notices about these patients have left for a destination."""
    delivery, alert = tables.delivery, tables.alert
    query = sa.select(sa.func.count()).select_from(delivery.join(alert, alert.c.id == delivery.c.alert_id))
    query = query.where(among(connection, alert.c.patient_id, ids), delivery.c.sent_at.is_not(None))
    return int(connection.execute(query).scalar_one())


def access_lines(connection: sa.Connection, ids: Collection[int]) -> int:
    """Return how many lines of the access log are about these identities."""
    query = sa.select(sa.func.count()).where(among(connection, access_log.c.patient_id, ids))
    return int(connection.execute(query).scalar_one())


def newest_line_at(connection: sa.Connection, ids: Collection[int]) -> datetime | None:
    """Return the time of the newest line in the records of these patients' alerts."""
    event, alert = tables.alert_event, tables.alert
    query = sa.select(sa.func.max(event.c.at)).join(alert, alert.c.id == event.c.alert_id)
    found: datetime | None = connection.execute(query.where(among(connection, alert.c.patient_id, ids))).scalar()
    return found


class UnreadMessage(msgspec.Struct, frozen=True):
    """A message that was stored and of which nobody recorded whom it is about."""

    id: int
    feed_name: str
    state: str
    raw: bytes  # as stored


def unread(connection: sa.Connection, after: int, limit: int) -> list[UnreadMessage]:
    """Return the next messages that wait, are parked or were ignored, in order of arrival."""
    message, feed = tables.message, tables.feed
    query = (
        sa.select(message.c.id, feed.c.name.label("feed_name"), message.c.state, message.c.raw)
        .join(feed, feed.c.id == message.c.feed_id)
        .where(message.c.id > after, message.c.state != "processed", message.c.pruned_at.is_(None))
    )
    return [
        UnreadMessage(row.id, row.feed_name, row.state, bytes(row.raw))
        for row in connection.execute(query.order_by(message.c.id).limit(limit))
    ]


def newest_message(connection: sa.Connection) -> int:
    """Return the number of the last message that arrived, 0 before the first."""
    return int(connection.execute(sa.select(sa.func.max(tables.message.c.id))).scalar() or 0)


class Erasure(msgspec.Struct, frozen=True):
    """A line of the register: no name, no number, no date of a patient."""

    name: str
    at: datetime
    actor: str
    asked_by: str
    decided_by: str
    reason: str
    messages: int
    counts: dict[str, int]
    key_name: str  # the first characters of the SHA-256 of the key
    hashes: list[str]  # HMAC-SHA256 of AUTHORITY|VALUE of each identity, hexadecimal, sorted


_COLUMNS = tuple(erasure.c[name] for name in Erasure.__struct_fields__)


def register(connection: sa.Connection, line: Erasure, ids: Collection[int]) -> None:
    """Enter an erasure of these identities; only from here on may the record of their alerts go."""
    number = connection.execute(sa.insert(erasure).values(**msgspec.structs.asdict(line)).returning(erasure.c.id))
    number_of = number.scalar_one()
    rows = [{"erasure_id": number_of, "patient_id": each, "at": line.at} for each in sorted(ids)]
    if rows:
        connection.execute(sa.insert(erased_identity), rows)


def registered(connection: sa.Connection) -> Sequence[Erasure]:
    """Return the register, oldest line first."""
    return [Erasure(*row) for row in connection.execute(sa.select(*_COLUMNS).order_by(erasure.c.id))]


def erased_messages(connection: sa.Connection) -> int:
    """Return how many messages were erased on request, by the register."""
    return int(connection.execute(sa.select(sa.func.coalesce(sa.func.sum(erasure.c.messages), 0))).scalar_one())


def marked_messages(connection: sa.Connection) -> int:
    """Return how many messages are marked as erased on request."""
    query = sa.select(sa.func.count()).where(tables.message.c.reason == ERASED)
    return int(connection.execute(query).scalar_one())


def erased_with(connection: sa.Connection, ids: Collection[int]) -> set[int]:
    """Return these identities and all that were erased together with one of them: to whom the access log refers."""
    known, seen = set(ids), set[int]()
    while known != seen:
        seen = set(known)
        of = sa.select(erased_identity.c.erasure_id).where(among(connection, erased_identity.c.patient_id, known))
        query = sa.select(erased_identity.c.patient_id).where(erased_identity.c.erasure_id.in_(of))
        known |= set(connection.execute(query).scalars())
    return known


def identities(connection: sa.Connection) -> Iterator[tuple[int, Name]]:
    """Yield every identity that is stored."""
    patient = tables.patient
    query = sa.select(patient.c.id, patient.c.authority, patient.c.value).execution_options(yield_per=5_000)
    for row in connection.execute(query):
        yield row.id, (row.authority, row.value)


def remove_bare(connection: sa.Connection) -> int:
    """Remove the erased identities to which no line of the access log and nothing else refers any more.

    The newest row of all stays: SQLite would give its number to another patient.
    """
    patient, refers = tables.patient, []
    for table, columns in _REFERRING.items():
        refers += [sa.exists().where(table.c[name] == patient.c.id) for name in columns]
    erased = sa.exists().where(erased_identity.c.patient_id == patient.c.id)
    newest = sa.select(sa.func.max(patient.alias().c.id)).scalar_subquery()
    led_to = patient.alias("led")
    refers.append(sa.exists().where(led_to.c.merged_into == patient.c.id))
    which = (erased, patient.c.merged_into.is_(None), patient.c.id < newest, *(~each for each in refers))
    return connection.execute(sa.delete(patient).where(*which)).rowcount


_REFERRING: Final[Mapping[sa.Table, Sequence[str]]] = {
    access_log: ("patient_id",),
    legal_hold: ("patient_id",),
    tables.mention: ("patient_id",),
    tables.identifier: ("patient_id",),
    tables.patient_term: ("patient_id",),
    tables.merge_statement: ("retired_id", "survivor_id"),
    tables.fact: ("patient_id",),
    tables.medication_order: ("patient_id",),
    tables.assessment: ("patient_id",),
    tables.alert: ("patient_id",),
    tables.decision: ("patient_id",),
    tables.card: ("patient_id",),
}
