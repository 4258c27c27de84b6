"""Say of an incident that it comes and goes, and since when it has been quiet, so that it is told once."""

import sqlalchemy as sa
from alembic import op

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the columns; what stands does not come and go yet."""
    op.add_column("incident", sa.Column("flaps", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.add_column("incident", sa.Column("calm_since", sa.DateTime(timezone=True)))


def downgrade() -> None:
    """Drop them."""
    op.drop_column("incident", "calm_since")
    op.drop_column("incident", "flaps")
