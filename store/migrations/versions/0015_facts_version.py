"""Count the changes of a patient's facts, so that a history can be judged without a lock and the answer checked."""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column: nobody is counted yet."""
    op.add_column("patient", sa.Column("facts_version", sa.BigInteger(), nullable=False, server_default="0"))


def downgrade() -> None:
    """Drop it."""
    op.drop_column("patient", "facts_version")
