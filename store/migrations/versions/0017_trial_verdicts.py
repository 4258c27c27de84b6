"""Create the verdicts on what rules on trial found."""

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Create the table; the code before this one does not look at it."""
    op.create_table(
        "trial_verdict",
        sa.Column(
            "order_id",
            ID,
            sa.ForeignKey("medication_order.id", name="fk_trial_verdict_order_id_medication_order"),
            nullable=False,
        ),
        sa.Column("rule", sa.Text(), nullable=False),
        sa.Column("reviewer", sa.Text(), nullable=False),
        sa.Column("verdict", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("order_id", "rule", "reviewer", name="pk_trial_verdict"),
    )


def downgrade() -> None:
    """Drop it."""
    op.drop_table("trial_verdict")
