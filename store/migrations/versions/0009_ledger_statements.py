"""Create the table of signed statements about the ledger, which can only be added to."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Create the table; on PostgreSQL 0002 made the function that refuses."""
    op.create_table(
        "ledger_statement",
        sa.Column("id", ID, nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("well", sa.Boolean(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.Column("signature", sa.LargeBinary(), nullable=False),
        sa.Column("previous", sa.LargeBinary(), nullable=False),
        sa.Column("last_message", ID, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_ledger_statement"),
        sa.UniqueConstraint("previous", name="uq_ledger_statement_previous"),
    )
    if op.get_bind().dialect.name == "postgresql":
        op.execute(
            "CREATE TRIGGER ledger_statement_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON ledger_statement "
            "FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
        )
        return
    for change in ("UPDATE", "DELETE"):
        op.execute(
            f"CREATE TRIGGER ledger_statement_no_{change.lower()} BEFORE {change} ON ledger_statement "
            "BEGIN SELECT RAISE(ABORT, 'ledger_statement is append-only'); END"
        )


def downgrade() -> None:
    """Drop it."""
    op.drop_table("ledger_statement")
