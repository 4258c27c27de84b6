"""Ask an account for the codes of an authenticator beside its password."""

import sqlalchemy as sa
from alembic import op

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Add the columns and the table: nobody is asked for codes."""
    op.add_column("user", sa.Column("totp_secret", sa.Text()))
    op.add_column("user", sa.Column("totp_step", sa.BigInteger()))
    op.create_table(
        "recovery_code",
        sa.Column("user_id", ID, sa.ForeignKey("user.id", name="fk_recovery_code_user_id_user"), nullable=False),
        sa.Column("code_hash", sa.LargeBinary(32), nullable=False),
        sa.PrimaryKeyConstraint("user_id", "code_hash", name="pk_recovery_code"),
    )


def downgrade() -> None:
    """Drop them: a password alone signs in again."""
    op.drop_table("recovery_code")
    for name in ("totp_step", "totp_secret"):
        op.drop_column("user", name)
