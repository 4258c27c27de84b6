"""Keep when an incident that comes and goes last came back, so that one that stays is told as standing."""

import sqlalchemy as sa
from alembic import op

revision = "0028"
down_revision = "0027"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column; where it is empty, the incident counts from when it began."""
    op.add_column("incident", sa.Column("again_at", sa.DateTime(timezone=True)))


def downgrade() -> None:
    """Drop it."""
    op.drop_column("incident", "again_at")
