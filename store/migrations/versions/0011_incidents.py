"""Create the table of incidents, and the key under which several deliveries go out as one notice."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
STANDS = sa.text("ended_at IS NULL")


def upgrade() -> None:
    """Create the table, of which one incident of each subject stands at most; and the column, empty."""
    op.create_table(
        "incident",
        sa.Column("id", ID, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.Column("began_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True)),
        sa.Column("told_at", sa.DateTime(timezone=True)),
        sa.Column("end_told_at", sa.DateTime(timezone=True)),
        sa.Column("claimed_until", sa.DateTime(timezone=True)),
        sa.PrimaryKeyConstraint("id", name="pk_incident"),
    )
    op.create_index(
        "uq_incident_standing",
        "incident",
        ["kind", "subject"],
        unique=True,
        sqlite_where=STANDS,
        postgresql_where=STANDS,
    )
    op.add_column("delivery", sa.Column("sent_as", sa.Text()))


def downgrade() -> None:
    """Drop both."""
    op.drop_column("delivery", "sent_as")
    op.drop_table("incident")
