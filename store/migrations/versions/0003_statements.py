"""Keep what was said of merges, which identities a message speaks of, and how far a long work has come."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
SORTED = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
TABLES = ("merge_statement", "mention", "progress")


def upgrade() -> None:
    """Create the tables."""
    op.create_table(
        "merge_statement",
        sa.Column("retired_id", ID, nullable=False),
        sa.Column("survivor_id", ID, nullable=False),
        sa.Column("version", SORTED, nullable=False),
        sa.Column("undone", sa.Boolean(), nullable=False),
        sa.Column("message_id", ID, nullable=False),
        sa.Column("path", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["retired_id"], ["patient.id"], name="fk_merge_statement_retired_id"),
        sa.ForeignKeyConstraint(["survivor_id"], ["patient.id"], name="fk_merge_statement_survivor_id"),
        sa.ForeignKeyConstraint(["message_id"], ["message.id"], name="fk_merge_statement_message_id"),
        sa.PrimaryKeyConstraint("retired_id", "survivor_id", name="pk_merge_statement"),
    )
    op.create_index("ix_merge_statement_survivor_id", "merge_statement", ["survivor_id"])
    op.create_index("ix_merge_statement_message_id", "merge_statement", ["message_id"])
    op.create_table(
        "mention",
        sa.Column("message_id", ID, nullable=False, autoincrement=False),
        sa.Column("patient_id", ID, nullable=False, autoincrement=False),
        sa.PrimaryKeyConstraint("message_id", "patient_id", name="pk_mention"),
    )
    op.create_index("ix_mention_patient_id", "mention", ["patient_id"])
    op.create_table(
        "progress",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("begun_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_progress"),
    )
    op.create_index("ix_medication_order_ends_at", "medication_order", ["ends_at"])
    op.add_column("message", sa.Column("pruned_at", sa.DateTime(timezone=True)))


def downgrade() -> None:
    """Drop them."""
    op.drop_column("message", "pruned_at")
    op.drop_index("ix_medication_order_ends_at")
    for table in reversed(TABLES):
        op.drop_table(table)
