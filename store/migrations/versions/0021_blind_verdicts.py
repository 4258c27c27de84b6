"""Count the first verdict on a finding of a rule on trial, and keep a later one beside it."""

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the columns; a verdict from before counts as the first, given blind."""
    op.add_column("trial_verdict", sa.Column("is_blind", sa.Boolean(), nullable=False, server_default=sa.true()))
    op.add_column("trial_verdict", sa.Column("later", sa.Text()))
    op.add_column("trial_verdict", sa.Column("later_at", sa.DateTime(timezone=True)))


def downgrade() -> None:
    """Forget the second thoughts."""
    for name in ("later_at", "later", "is_blind"):
        op.drop_column("trial_verdict", name)
