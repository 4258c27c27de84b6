"""Know people by the identity provider that vouches for them, and their sessions there."""

import sqlalchemy as sa
from alembic import op

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the columns; every account that there is stays a local one."""
    for name in ("issuer", "subject"):
        op.add_column("user", sa.Column(name, sa.Text()))
    op.create_index("ix_user_issuer_subject", "user", ["issuer", "subject"], unique=True)
    for name in ("provider_session", "id_token"):
        op.add_column("session", sa.Column(name, sa.Text()))
    op.create_index("ix_session_provider_session", "session", ["provider_session"])


def downgrade() -> None:
    """Drop them. People of a provider keep an account that no password opens."""
    op.drop_index("ix_session_provider_session", "session")
    for name in ("id_token", "provider_session"):
        op.drop_column("session", name)
    op.drop_index("ix_user_issuer_subject", "user")
    for name in ("subject", "issuer"):
        op.drop_column("user", name)
