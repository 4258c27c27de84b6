"""Say of a feed since when the site file names it, so that one that is never heard can be missed."""

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column; the next start fills it."""
    op.add_column("feed", sa.Column("declared_at", sa.DateTime(timezone=True)))


def downgrade() -> None:
    """Drop it."""
    op.drop_column("feed", "declared_at")
