"""Create the tables of a house's own codes: what they are mapped to, and where they were seen."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
TABLES = ("local_code", "local_code_seen", "local_code_version")


def upgrade() -> None:
    """Create the tables."""
    op.create_table(
        "local_code",
        sa.Column("id", ID, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("system", sa.Text(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("display", sa.Text(), nullable=False),
        sa.Column("likely", sa.Text(), nullable=False),
        sa.Column("first_seen", sa.DateTime(timezone=True), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("value_set", sa.Text()),
        sa.Column("reason", sa.Text()),
        sa.Column("decided_by", sa.Text()),
        sa.Column("decided_at", sa.DateTime(timezone=True)),
        sa.Column("decisions", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_local_code"),
        sa.UniqueConstraint("kind", "system", "code", name="uq_local_code_kind_system_code"),
    )
    op.create_index("ix_local_code_state_id", "local_code", ["state", "id"])
    op.create_table(
        "local_code_seen",
        sa.Column("code_id", ID, nullable=False, autoincrement=False),
        sa.Column("message_id", ID, nullable=False, autoincrement=False),
        sa.Column("path", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["code_id"], ["local_code.id"], name="fk_local_code_seen_code_id"),
        sa.PrimaryKeyConstraint("code_id", "message_id", name="pk_local_code_seen"),
    )
    version = op.create_table(
        "local_code_version",
        sa.Column("id", sa.Integer(), nullable=False, autoincrement=False),
        sa.Column("number", ID, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_local_code_version"),
    )
    op.bulk_insert(version, [{"id": 1, "number": 0}])


def downgrade() -> None:
    """Drop them."""
    for table in reversed(TABLES):
        op.drop_table(table)
