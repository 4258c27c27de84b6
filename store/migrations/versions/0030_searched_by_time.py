"""Index alerts, their records and the access log by what other systems search them by."""

import sqlalchemy as sa
from alembic import op

revision = "0030"
down_revision = "0029"
branch_labels = None
depends_on = None

BEHALF = sa.text("on_behalf <> ''")
INDEXES = {
    "ix_alert_opened_at": ("alert", ["opened_at"]),
    "ix_alert_tier_opened_at": ("alert", ["tier", "opened_at"]),
    "ix_alert_changed_at": ("alert", ["changed_at"]),
    "ix_alert_event_at": ("alert_event", ["at"]),
    "ix_alert_event_actor_at": ("alert_event", ["actor", "at"]),
    "ix_access_log_actor_at": ("access_log", ["actor", "at"]),
    "ix_access_log_action_at": ("access_log", ["action", "at"]),
    "ix_access_log_outcome_at": ("access_log", ["outcome", "at"]),
}


def upgrade() -> None:
    """Make the indexes; the old code does not notice them."""
    for name, (table, columns) in INDEXES.items():
        op.create_index(name, table, columns)
    op.create_index(
        "ix_access_log_on_behalf", "access_log", ["on_behalf"], sqlite_where=BEHALF, postgresql_where=BEHALF
    )


def downgrade() -> None:
    """Drop them."""
    op.drop_index("ix_access_log_on_behalf", "access_log")
    for name, (table, _) in INDEXES.items():
        op.drop_index(name, table)
