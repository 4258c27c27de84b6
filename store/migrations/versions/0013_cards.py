"""Create the tables of cards that prescribers were shown, and of the tokens that were used."""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Create both."""
    op.create_table(
        "card",
        sa.Column("uuid", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("client", sa.Text(), nullable=False),
        sa.Column("service", sa.Text(), nullable=False),
        sa.Column("shown_to", sa.Text(), nullable=False),
        sa.Column("patient_id", ID),
        sa.Column("numbers", sa.JSON(), nullable=False),
        sa.Column("order_number", sa.Text(), nullable=False),
        sa.Column("starts_at", sa.DateTime(timezone=True)),
        sa.Column("tier", sa.Text(), nullable=False),
        sa.Column("signature", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("uuid", name="pk_card"),
        sa.ForeignKeyConstraint(["patient_id"], ["patient.id"], name="fk_card_patient_id_patient"),
    )
    op.create_index("ix_card_created_at", "card", ["created_at"])
    op.create_index("ix_card_order_number", "card", ["order_number"])
    op.create_table(
        "spent_token",
        sa.Column("issuer", sa.Text(), nullable=False),
        sa.Column("token_id", sa.Text(), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("issuer", "token_id", name="pk_spent_token"),
    )
    op.create_index("ix_spent_token_expires_at", "spent_token", ["expires_at"])


def downgrade() -> None:
    """Drop both."""
    op.drop_table("spent_token")
    op.drop_table("card")
