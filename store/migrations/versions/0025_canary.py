"""Create the tables of the canary: its runs, and the messages that it announces before it sends them."""

import sqlalchemy as sa
from alembic import op

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Create both, empty."""
    op.create_table(
        "canary_run",
        sa.Column("id", ID, nullable=False),
        sa.Column("began_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("standing", sa.Boolean()),
        sa.Column("claimed_until", sa.DateTime(timezone=True)),
        sa.Column("accepted_at", sa.DateTime(timezone=True)),
        sa.Column("raised_at", sa.DateTime(timezone=True)),
        sa.Column("notified_at", sa.DateTime(timezone=True)),
        sa.Column("resolved_at", sa.DateTime(timezone=True)),
        sa.Column("ended_at", sa.DateTime(timezone=True)),
        sa.Column("outcome", sa.Text()),
        sa.Column("detail", sa.Text()),
        sa.PrimaryKeyConstraint("id", name="pk_canary_run"),
        sa.UniqueConstraint("standing", name="uq_canary_run_standing"),
    )
    op.create_table(
        "canary_message",
        sa.Column("body_hash", sa.LargeBinary(32), nullable=False),
        sa.Column("run_id", ID, nullable=False),
        sa.Column("part", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("body_hash", name="pk_canary_message"),
        sa.ForeignKeyConstraint(["run_id"], ["canary_run.id"], name="fk_canary_message_run_id"),
    )
    op.create_index("ix_canary_message_run_id", "canary_message", ["run_id"])


def downgrade() -> None:
    """Drop both."""
    op.drop_table("canary_message")
    op.drop_table("canary_run")
