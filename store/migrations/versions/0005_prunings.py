"""Create the record of removed texts, which can only be added to."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Create the table; on PostgreSQL 0002 made the function that refuses."""
    op.create_table(
        "pruning",
        sa.Column("id", ID, nullable=False),
        sa.Column("run", sa.Text(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("messages", sa.Integer(), nullable=False),
        sa.Column("bytes", sa.BigInteger(), nullable=False),
        sa.Column("ages", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_pruning"),
    )
    op.create_index("ix_pruning_run", "pruning", ["run"])
    if op.get_bind().dialect.name == "postgresql":
        op.execute(
            "CREATE TRIGGER pruning_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON pruning "
            "FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
        )
        return
    for change in ("UPDATE", "DELETE"):
        op.execute(
            f"CREATE TRIGGER pruning_no_{change.lower()} BEFORE {change} ON pruning "
            "BEGIN SELECT RAISE(ABORT, 'pruning is append-only'); END"
        )


def downgrade() -> None:
    """Drop it."""
    op.drop_table("pruning")
