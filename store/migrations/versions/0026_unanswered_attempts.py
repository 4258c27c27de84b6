"""Count the attempts of a delivery that got no outcome: only those may have gone out twice."""

import sqlalchemy as sa
from alembic import op

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column; attempts of before count as answered."""
    op.add_column("delivery", sa.Column("unanswered", sa.Integer, nullable=False, server_default="0"))


def downgrade() -> None:
    """Drop it."""
    op.drop_column("delivery", "unanswered")
