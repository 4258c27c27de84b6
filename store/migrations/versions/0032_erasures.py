"""Create the legal holds and the register of erasures, and let the record of an erased patient's alerts go."""

import sqlalchemy as sa
from alembic import op

revision = "0032"
down_revision = "0031"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
# A line of the record goes only after its patient stands in the register, which can only be added to, as erased since.
ERASED = (
    "SELECT 1 FROM alert JOIN erased_identity ON erased_identity.patient_id = alert.patient_id "
    "WHERE alert.id = OLD.alert_id AND erased_identity.at >= OLD.at"
)


def upgrade() -> None:
    """Create the tables, and replace the trigger that refused every removal; the old code does not notice them."""
    op.create_table(
        "legal_hold",
        sa.Column("id", ID, nullable=False),
        sa.Column("patient_id", ID, nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("set_by", sa.Text(), nullable=False),
        sa.Column("set_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("review_at", sa.DateTime(timezone=True)),
        sa.Column("lifted_at", sa.DateTime(timezone=True)),
        sa.Column("lifted_by", sa.Text()),
        sa.Column("lift_reason", sa.Text()),
        sa.PrimaryKeyConstraint("id", name="pk_legal_hold"),
    )
    op.create_index("ix_legal_hold_patient_id", "legal_hold", ["patient_id"])
    op.create_table(
        "erasure",
        sa.Column("id", ID, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("asked_by", sa.Text(), nullable=False),
        sa.Column("decided_by", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("messages", sa.Integer(), nullable=False),
        sa.Column("counts", sa.JSON(), nullable=False),
        sa.Column("key_name", sa.Text(), nullable=False),
        sa.Column("hashes", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_erasure"),
        sa.UniqueConstraint("name", name="uq_erasure_name"),
    )
    op.create_table(
        "erased_identity",
        sa.Column("erasure_id", ID, nullable=False),
        sa.Column("patient_id", ID, nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["erasure_id"], ["erasure.id"], name="fk_erased_identity_erasure_id_erasure"),
        sa.PrimaryKeyConstraint("erasure_id", "patient_id", name="pk_erased_identity"),
    )
    op.create_index("ix_erased_identity_patient_id", "erased_identity", ["patient_id"])
    if op.get_bind().dialect.name == "postgresql":
        _refuse_on_postgresql()
    else:
        _refuse_on_sqlite()


def _refuse_on_postgresql() -> None:
    """0002 made the function that refuses."""
    op.execute("DROP TRIGGER alert_event_append_only ON alert_event")
    op.execute(
        "CREATE FUNCTION refuse_loss_of_record() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
        f"IF NOT EXISTS ({ERASED}) THEN "
        "RAISE EXCEPTION 'alert_event is append-only'; END IF; RETURN OLD; END $$"
    )
    for table, changes in {
        "alert_event": "UPDATE OR TRUNCATE",
        "erasure": "UPDATE OR DELETE OR TRUNCATE",
        "erased_identity": "UPDATE OR DELETE OR TRUNCATE",
    }.items():
        op.execute(
            f"CREATE TRIGGER {table}_append_only BEFORE {changes} ON {table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
        )
    op.execute(
        "CREATE TRIGGER alert_event_no_delete BEFORE DELETE ON alert_event FOR EACH ROW "
        "EXECUTE FUNCTION refuse_loss_of_record()"
    )


def _refuse_on_sqlite() -> None:
    op.execute("DROP TRIGGER alert_event_no_delete")
    conditions = {
        ("alert_event", "DELETE"): f"WHEN NOT EXISTS ({ERASED})",
        ("erasure", "UPDATE"): "",
        ("erasure", "DELETE"): "",
        ("erased_identity", "UPDATE"): "",
        ("erased_identity", "DELETE"): "",
    }
    for (table, change), condition in conditions.items():
        op.execute(
            f"CREATE TRIGGER {table}_no_{change.lower()} BEFORE {change} ON {table} {condition} "
            f"BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END"
        )


def downgrade() -> None:
    """Drop them; nothing is removed from the record again."""
    if op.get_bind().dialect.name == "postgresql":
        for trigger in ("alert_event_append_only", "alert_event_no_delete"):
            op.execute(f"DROP TRIGGER {trigger} ON alert_event")
        op.execute(
            "CREATE TRIGGER alert_event_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON alert_event "
            "FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
        )
        op.execute("DROP FUNCTION refuse_loss_of_record()")
    else:
        op.execute("DROP TRIGGER alert_event_no_delete")
        op.execute(
            "CREATE TRIGGER alert_event_no_delete BEFORE DELETE ON alert_event "
            "BEGIN SELECT RAISE(ABORT, 'alert_event is append-only'); END"
        )
    for table in ("erased_identity", "erasure", "legal_hold"):
        op.drop_table(table)
