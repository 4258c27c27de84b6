"""Keep how long each feed was silent in each hour, whether its link is open, and what its latest stamps said."""

import sqlalchemy as sa
from alembic import op

revision = "0029"
down_revision = "0028"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Add what begins to fill from now on; where it is empty, nothing is known yet."""
    op.add_column("feed", sa.Column("may_be_silent", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.add_column("feed", sa.Column("learned_silence_s", sa.Integer()))
    op.add_column("feed", sa.Column("linked_at", sa.DateTime(timezone=True)))
    op.add_column("feed", sa.Column("stamps", sa.JSON()))
    op.create_table(
        "feed_hour",
        sa.Column("feed_id", ID, sa.ForeignKey("feed.id", name="fk_feed_hour_feed_id"), nullable=False),
        sa.Column("hour", sa.DateTime(timezone=True), nullable=False),
        sa.Column("longest_s", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("feed_id", "hour", name="pk_feed_hour"),
    )


def downgrade() -> None:
    """Drop it."""
    op.drop_table("feed_hour")
    for name in ("stamps", "linked_at", "learned_silence_s", "may_be_silent"):
        op.drop_column("feed", name)
