"""Chain the access log, say more in each line, and let its oldest lines go."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
YEARS = 5


def upgrade() -> None:
    """Create the seals and the roots, and replace the trigger that refused every removal."""
    op.add_column("access_log", sa.Column("outcome", sa.Text(), nullable=False, server_default="done"))
    op.add_column("access_log", sa.Column("purpose", sa.Text(), nullable=False, server_default=""))
    op.add_column("access_log", sa.Column("on_behalf", sa.Text(), nullable=False, server_default=""))
    op.create_index("ix_access_log_at", "access_log", ["at"])
    op.create_table(
        "access_seal",
        sa.Column("number", ID, nullable=False, autoincrement=False),
        sa.Column("line_id", ID, nullable=False),
        sa.Column("digest", sa.LargeBinary(32), nullable=False),
        sa.Column("hash", sa.LargeBinary(32), nullable=False),
        sa.PrimaryKeyConstraint("number", name="pk_access_seal"),
        sa.UniqueConstraint("line_id", name="uq_access_seal_line_id"),
    )
    op.create_table(
        "access_root",
        sa.Column("id", ID, nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("number", ID, nullable=False),
        sa.Column("hash", sa.LargeBinary(32), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_access_root"),
    )
    op.create_table(
        "access_removal",
        sa.Column("id", ID, nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("number", ID, nullable=False),
        sa.Column("hash", sa.LargeBinary(32), nullable=False),
        sa.Column("newest_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_access_removal"),
    )
    if op.get_bind().dialect.name == "postgresql":
        _refuse_on_postgresql()
    else:
        _refuse_on_sqlite()


def _refuse_on_postgresql() -> None:
    """A line goes when it is five years old, and its seal after it; 0002 made the function that refuses."""
    op.execute("DROP TRIGGER access_log_append_only ON access_log")
    op.execute(
        "CREATE FUNCTION refuse_loss_of_seal() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
        "IF EXISTS (SELECT 1 FROM access_log WHERE id = OLD.line_id) THEN "
        "RAISE EXCEPTION 'access_seal is append-only'; END IF; RETURN OLD; END $$"
    )
    for table, changes in {
        "access_log": "UPDATE OR TRUNCATE",
        "access_seal": "UPDATE OR TRUNCATE",
        "access_root": "UPDATE OR DELETE OR TRUNCATE",
        "access_removal": "UPDATE OR DELETE OR TRUNCATE",
    }.items():
        op.execute(
            f"CREATE TRIGGER {table}_append_only BEFORE {changes} ON {table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
        )
    op.execute(
        "CREATE TRIGGER access_log_no_delete BEFORE DELETE ON access_log FOR EACH ROW "
        f"WHEN (OLD.at > now() - interval '{YEARS} years') EXECUTE FUNCTION refuse_change()"
    )
    op.execute(
        "CREATE TRIGGER access_seal_no_delete BEFORE DELETE ON access_seal FOR EACH ROW "
        "EXECUTE FUNCTION refuse_loss_of_seal()"
    )


def _refuse_on_sqlite() -> None:
    op.execute("DROP TRIGGER access_log_no_delete")
    conditions = {
        ("access_log", "DELETE"): f"WHEN OLD.at > strftime('%Y-%m-%d %H:%M:%f', 'now', '-{YEARS} years')",
        ("access_seal", "UPDATE"): "",
        ("access_seal", "DELETE"): "WHEN EXISTS (SELECT 1 FROM access_log WHERE id = OLD.line_id)",
        ("access_root", "UPDATE"): "",
        ("access_root", "DELETE"): "",
        ("access_removal", "UPDATE"): "",
        ("access_removal", "DELETE"): "",
    }
    for (table, change), condition in conditions.items():
        op.execute(
            f"CREATE TRIGGER {table}_no_{change.lower()} BEFORE {change} ON {table} {condition} "
            f"BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END"
        )


def downgrade() -> None:
    """Drop them; nothing is removed from the access log again."""
    if op.get_bind().dialect.name == "postgresql":
        for trigger in ("access_log_append_only", "access_log_no_delete"):
            op.execute(f"DROP TRIGGER {trigger} ON access_log")
        op.execute(
            "CREATE TRIGGER access_log_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON access_log "
            "FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
        )
    else:
        op.execute("DROP TRIGGER access_log_no_delete")
        op.execute(
            "CREATE TRIGGER access_log_no_delete BEFORE DELETE ON access_log "
            "BEGIN SELECT RAISE(ABORT, 'access_log is append-only'); END"
        )
    for table in ("access_removal", "access_root", "access_seal"):
        op.drop_table(table)
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP FUNCTION refuse_loss_of_seal()")
    op.drop_index("ix_access_log_at")
    for column in ("on_behalf", "purpose", "outcome"):
        op.drop_column("access_log", column)
