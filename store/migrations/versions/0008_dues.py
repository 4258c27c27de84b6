"""Create the table of what must happen with an alert at a given time, and what the list of alerts sorts by."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
STANDS = sa.text("done_at IS NULL AND kind <> 'follow_up'")


def upgrade() -> None:
    """Create the table and add the columns; an alert from before has no due time until something happens to it."""
    op.create_table(
        "due",
        sa.Column("id", ID, nullable=False),
        sa.Column("alert_id", ID, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.Column("data", sa.JSON(), nullable=False),
        sa.Column("done_at", sa.DateTime(timezone=True)),
        sa.Column("outcome", sa.Text()),
        sa.Column("claimed_until", sa.DateTime(timezone=True)),
        sa.ForeignKeyConstraint(["alert_id"], ["alert.id"], name="fk_due_alert_id"),
        sa.PrimaryKeyConstraint("id", name="pk_due"),
    )
    op.create_index("ix_due_alert_id", "due", ["alert_id"])
    op.create_index("ix_due_done_at_due_at", "due", ["done_at", "due_at"])
    op.create_index(
        "uq_due_standing", "due", ["alert_id", "kind"], unique=True, sqlite_where=STANDS, postgresql_where=STANDS
    )
    op.add_column("alert", sa.Column("due_at", sa.DateTime(timezone=True)))
    op.add_column("alert", sa.Column("snoozed_until", sa.DateTime(timezone=True)))


def downgrade() -> None:
    """Drop them."""
    op.drop_column("alert", "snoozed_until")
    op.drop_column("alert", "due_at")
    op.drop_table("due")
