"""Give the roles their new names, and tokens their scopes and an end."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

ACCOUNT = sa.table("user", sa.column("role", sa.Text), sa.column("active", sa.Boolean))
TOKEN = sa.table("token", sa.column("role", sa.Text))
RENAMED = {"reader": "viewer", "admin": "lead"}


def upgrade() -> None:
    """Rename the roles. Without an active lead every pharmacist becomes one, so that somebody decides on codes."""
    op.add_column("token", sa.Column("scopes", sa.Text(), nullable=False, server_default=""))
    op.add_column("token", sa.Column("expires_at", sa.DateTime(timezone=True)))
    _rename(RENAMED)
    leads = sa.select(sa.func.count()).where(ACCOUNT.c.role == "lead", ACCOUNT.c.active)
    if not op.get_bind().scalar(leads):
        op.execute(sa.update(ACCOUNT).where(ACCOUNT.c.role == "pharmacist").values(role="lead"))


def downgrade() -> None:
    """Give the roles their old names, and drop the columns: a token without an end or scopes has all of its role.

    A role that did not exist keeps its name, which opens nothing: an operator, say, never saw a patient.
    """
    _rename({new: old for old, new in RENAMED.items()})
    op.drop_column("token", "expires_at")
    op.drop_column("token", "scopes")


def _rename(names: dict[str, str]) -> None:
    for table in (ACCOUNT, TOKEN):
        for old, new in names.items():
            op.execute(sa.update(table).where(table.c.role == old).values(role=new))
