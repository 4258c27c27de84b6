"""Let an account wait after wrong passwords, and change at first the password that another gave it."""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the columns: nobody has failed, waits or must change."""
    op.add_column("user", sa.Column("must_change", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.add_column("user", sa.Column("failures", sa.Integer(), nullable=False, server_default="0"))
    op.add_column("user", sa.Column("waits_until", sa.DateTime(timezone=True)))


def downgrade() -> None:
    """Drop them."""
    for name in ("waits_until", "failures", "must_change"):
        op.drop_column("user", name)
