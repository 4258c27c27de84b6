"""The tables of what people do beside the alerts: codes of a house and what became of each, and texts removed."""

import sqlalchemy as sa

from store.columns import Id, UtcTime, metadata, row_id

local_code = sa.Table(
    "local_code",
    metadata,
    # A code that no value set holds, in a system that our value sets do not speak (docs/decisions/0007).
    row_id(),
    sa.Column("kind", sa.Text, nullable=False),  # product | diagnosis
    sa.Column("system", sa.Text, nullable=False),
    sa.Column("code", sa.Text, nullable=False),
    sa.Column("display", sa.Text, nullable=False),  # the sender's words for the code
    sa.Column("likely", sa.Text, nullable=False),  # a value set that these words name, or ""
    sa.Column("first_seen", UtcTime, nullable=False),
    sa.Column("state", sa.Text, nullable=False),  # open | mapped | dismissed | known: a value set holds it by now
    sa.Column("value_set", sa.Text),  # it is mapped to
    sa.Column("reason", sa.Text),  # why it was dismissed
    sa.Column("decided_by", sa.Text),
    sa.Column("decided_at", UtcTime),
    sa.Column(
        "decisions", sa.Integer, nullable=False, default=0
    ),  # how many there were: who decides says which she saw
    sa.UniqueConstraint("kind", "system", "code"),
    sa.Index("ix_local_code_state_id", "state", "id"),
)

local_code_seen = sa.Table(
    "local_code_seen",
    metadata,
    # Where each code was seen. No foreign key to the message: a row is written for every such code of every message.
    sa.Column("code_id", Id, sa.ForeignKey("local_code.id"), primary_key=True, autoincrement=False),
    sa.Column("message_id", Id, primary_key=True, autoincrement=False),
    sa.Column("path", sa.Text, nullable=False),
)

local_code_version = sa.Table(
    "local_code_version",
    metadata,
    # One row: its number rises when a mapping changes, so that workers notice.
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("number", Id, nullable=False),
)

pruning = sa.Table(
    "pruning",
    metadata,
    # Append-only: a transaction that removes the text of messages says here who asked for it, and how much went.
    row_id(),
    sa.Column("run", sa.Text, nullable=False),  # the same for every transaction of one command
    sa.Column("actor", sa.Text, nullable=False),
    sa.Column("at", UtcTime, nullable=False),
    sa.Column("messages", sa.Integer, nullable=False),
    sa.Column("bytes", sa.BigInteger, nullable=False),  # of text, as it was stored
    sa.Column("ages", sa.JSON, nullable=False),  # the days after which each kind went
    sa.Index("ix_pruning_run", "run"),
)
