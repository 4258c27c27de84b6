"""Cards that prescribers were shown before an order was placed, what they did with them, and the tokens that asked."""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Any

import msgspec
import sqlalchemy as sa

from clinical.identities import Name
from store import alerts
from store.alerts import Happening
from store.rowsets import insert_or
from store.tables import card, card_feedback, spent_token

FOLLOWED, PASSED_OVER = "prescriber_followed", "prescriber_overrode"  # kinds of lines in an alert's record
KEPT = timedelta(days=90)  # how long a card may wait for what became of it


class ShownCard(msgspec.Struct, frozen=True, kw_only=True):
    """One card, whom it was shown to and what it was about."""

    uuid: str
    created_at: datetime
    client: str
    service: str
    shown_to: str
    patient_id: int | None
    numbers: list[Name]
    order_number: str
    starts_at: datetime | None
    tier: str
    signature: str

    def is_of(self, members: Collection[int], numbers: Collection[Name]) -> bool:
        """Return whether it was about this person."""
        return self.patient_id in members or not set(self.numbers).isdisjoint(numbers)

    def is_about(self, order_number: str, starts_at: datetime | None) -> bool:
        """Return whether it was about this order of the person: by its number, of a draft without one by its start."""
        if self.order_number:
            return order_number == self.order_number
        return self.starts_at is not None and starts_at == self.starts_at


def add(connection: sa.Connection, cards: Sequence[ShownCard], now: datetime) -> None:
    """Store cards, and clear away those that nobody answered for long."""
    answered = sa.exists().where(card_feedback.c.card_uuid == card.c.uuid)
    connection.execute(sa.delete(card).where(card.c.created_at < now - KEPT, ~answered))
    if cards:
        connection.execute(sa.insert(card), [msgspec.structs.asdict(each) for each in cards])


def spend(connection: sa.Connection, issuer: str, token_id: str, expires_at: datetime, now: datetime) -> bool:
    """Record that a token was used, and return whether it is the first time; expired ones are cleared away."""
    connection.execute(sa.delete(spent_token).where(spent_token.c.expires_at < now))
    insert = insert_or(connection.dialect.name, spent_token).on_conflict_do_nothing()
    row = {"issuer": issuer, "token_id": token_id, "expires_at": expires_at}
    return connection.execute(insert.values(row).returning(spent_token.c.token_id)).first() is not None


class NewFeedback(msgspec.Struct, frozen=True, kw_only=True):
    """What a prescriber did with a card."""

    card_uuid: str
    outcome: str  # accepted | overridden
    reason: str | None
    note: str
    actor: str
    acted_at: datetime
    received_at: datetime


class WaitingFeedback(NewFeedback, frozen=True, kw_only=True):
    """The same with its card; it stands in no record yet."""

    id: int
    card: ShownCard


def find(connection: sa.Connection, uuid: str, client: str, service: str) -> ShownCard | None:
    """Return a card that this service showed to this client."""
    query = sa.select(*_CARD).where(card.c.uuid == uuid, card.c.client == client, card.c.service == service)
    row = connection.execute(query).one_or_none()
    return None if row is None else _card(row)


def record_feedback(connection: sa.Connection, new: NewFeedback) -> int | None:
    """Store what somebody did; return its row, or None when it was reported before."""
    insert = insert_or(connection.dialect.name, card_feedback).on_conflict_do_nothing()
    values = msgspec.structs.asdict(new)
    found: int | None = connection.execute(insert.values(values).returning(card_feedback.c.id)).scalar_one_or_none()
    return found


def waiting_for(
    connection: sa.Connection, numbers: Collection[str], starts: Collection[datetime]
) -> list[WaitingFeedback]:
    """Return what stands in no record yet of orders with these numbers; of a draft without one, with these starts."""
    by_number = card.c.order_number.in_(sorted(set(numbers) - {""}))
    by_start = (card.c.order_number == "") & card.c.starts_at.in_(sorted(set(starts)))
    query = (
        sa.select(*_FEEDBACK, *_CARD)
        .join(card, card.c.uuid == card_feedback.c.card_uuid)
        .where(card_feedback.c.alert_id.is_(None), by_number | by_start)
    )
    rows = connection.execute(query.order_by(card_feedback.c.id)).all()
    size = len(_FEEDBACK)
    return [WaitingFeedback(**dict(zip(_NAMES, row[:size], strict=True)), card=_card(row[size:])) for row in rows]


def put_in_record(connection: sa.Connection, feedback_id: int, feedback: NewFeedback, alert_id: int) -> None:
    """Write what a prescriber did in the record of the alert about the same order; its status stays."""
    kind = FOLLOWED if feedback.outcome == "accepted" else PASSED_OVER
    at = min(feedback.acted_at, feedback.received_at)
    line = Happening(
        kind, at, feedback.actor, feedback.reason, feedback.note or None, data={"card": feedback.card_uuid}
    )
    alerts.record(connection, alert_id, line)
    mine = card_feedback.c.id == feedback_id
    connection.execute(sa.update(card_feedback).where(mine).values(alert_id=alert_id))


_CARD = tuple(card.c[name] for name in ShownCard.__struct_fields__)
_NAMES = tuple(name for name in WaitingFeedback.__struct_fields__ if name != "card")
_FEEDBACK = tuple(card_feedback.c[name] for name in _NAMES)


def _card(row: Sequence[Any]) -> ShownCard:
    shown = ShownCard(**dict(zip(ShownCard.__struct_fields__, row, strict=True)))
    return msgspec.structs.replace(shown, numbers=[(authority, value) for authority, value in shown.numbers])
