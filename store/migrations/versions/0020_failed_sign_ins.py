"""Count wrong passwords for each source of an account, so that one machine cannot keep its owner out elsewhere."""

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Make the table, and drop the counts of whole accounts: who waited does no longer."""
    op.create_table(
        "failed_sign_in",
        sa.Column("user_id", ID, sa.ForeignKey("user.id", name="fk_failed_sign_in_user_id_user"), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("failed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("waits_until", sa.DateTime(timezone=True)),
        sa.PrimaryKeyConstraint("user_id", "source", name="pk_failed_sign_in"),
    )
    for name in ("waits_until", "failures"):
        op.drop_column("user", name)


def downgrade() -> None:
    """Count for whole accounts again, from nothing."""
    op.add_column("user", sa.Column("failures", sa.Integer(), nullable=False, server_default="0"))
    op.add_column("user", sa.Column("waits_until", sa.DateTime(timezone=True)))
    op.drop_table("failed_sign_in")
