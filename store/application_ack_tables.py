"""The tables of application acknowledgements: how each message ended, on its way to a sender that asked to be told."""

import sqlalchemy as sa

from store.columns import Id, UtcTime, metadata, row_id

application_ack = sa.Table(
    "application_ack",
    metadata,
    # Written with the end of its message. Not a `delivery`: thousands of these must not stand before one alert.
    row_id(),  # of which its own control id is made
    sa.Column("message_id", Id, sa.ForeignKey("message.id"), nullable=False, unique=True),  # told once
    sa.Column("route", sa.Text, nullable=False),  # HOST:PORT
    sa.Column("request", sa.LargeBinary, nullable=False),  # the MSH of the message: all that the answer is made of
    sa.Column("code", sa.Text, nullable=False),  # AA | AE
    sa.Column("reason", sa.Text),  # why it is parked
    sa.Column("state", sa.Text, nullable=False),  # pending | sent | refused
    sa.Column("attempts", sa.Integer, nullable=False, default=0),  # that were answered with no
    sa.Column("next_at", UtcTime, nullable=False),
    sa.Column("last_error", sa.Text),
    sa.Column("created_at", UtcTime, nullable=False),
    sa.Column("settled_at", UtcTime),
    sa.Index("ix_application_ack_state_route_id", "state", "route", "id"),
)

application_ack_route = sa.Table(
    "application_ack_route",
    metadata,
    # Who sends over a route at the moment: one message is under way on it, however many listeners there are.
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("claimed_by", sa.Text),
    sa.Column("claimed_until", UtcTime),
    sa.Column("silences", sa.Integer, nullable=False, default=0),  # attempts in a row that nobody answered
    sa.Column("next_at", UtcTime),
)
