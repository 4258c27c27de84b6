"""Keep until when a destination that takes nothing is left alone, so that one sender at a time tries it."""

import sqlalchemy as sa
from alembic import op

revision = "0031"
down_revision = "0030"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column; the old code does not notice it."""
    op.add_column("incident", sa.Column("rests_until", sa.DateTime(timezone=True)))


def downgrade() -> None:
    """Drop it."""
    op.drop_column("incident", "rests_until")
