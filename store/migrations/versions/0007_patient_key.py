"""Let an order find what waits of its own patient: a checksum of the number a message names first."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

WAITS = sa.text("state = 'received'")


def upgrade() -> None:
    """Add the column; messages that were received before have none, and an order does not wait for them."""
    op.add_column("message", sa.Column("patient_key", sa.BigInteger()))
    op.create_index("ix_message_patient_key", "message", ["patient_key"], sqlite_where=WAITS, postgresql_where=WAITS)


def downgrade() -> None:
    """Drop it."""
    op.drop_index("ix_message_patient_key", "message")
    op.drop_column("message", "patient_key")
