"""Create the table of what prescribers did with cards."""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Create it."""
    op.create_table(
        "card_feedback",
        sa.Column("id", ID, nullable=False),
        sa.Column("card_uuid", sa.Text(), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text()),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("acted_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("alert_id", ID),
        sa.PrimaryKeyConstraint("id", name="pk_card_feedback"),
        sa.ForeignKeyConstraint(["card_uuid"], ["card.uuid"], name="fk_card_feedback_card_uuid_card"),
        sa.ForeignKeyConstraint(["alert_id"], ["alert.id"], name="fk_card_feedback_alert_id_alert"),
        sa.UniqueConstraint("card_uuid", "outcome", "acted_at", name="uq_card_feedback_card_uuid_outcome_acted_at"),
    )
    op.create_index("ix_card_feedback_alert_id", "card_feedback", ["alert_id"])


def downgrade() -> None:
    """Drop it."""
    op.drop_table("card_feedback")
