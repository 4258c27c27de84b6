"""Create the tables of messages, patients, facts and orders."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
SORTED = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
TABLES = ("feed", "message", "patient", "identifier", "fact", "medication_order", "assessment")


def upgrade() -> None:
    """Create the tables."""
    _messages()
    _patients()
    _orders()


def downgrade() -> None:
    """Drop them: only for a database without patients."""
    for table in reversed(TABLES):
        op.drop_table(table)


def _messages() -> None:
    """Sources and what they sent."""
    op.create_table(
        "feed",
        sa.Column("id", ID, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("known", sa.Boolean(), nullable=False),
        sa.Column("last_heard_at", sa.DateTime(timezone=True)),
        sa.Column("silence_after_s", sa.Integer()),
        sa.PrimaryKeyConstraint("id", name="pk_feed"),
        sa.UniqueConstraint("name", name="uq_feed_name"),
    )
    op.create_table(
        "message",
        sa.Column("id", ID, nullable=False),
        sa.Column("feed_id", ID, nullable=False),
        sa.Column("sending_application", sa.Text(), nullable=False),
        sa.Column("sending_facility", sa.Text(), nullable=False),
        sa.Column("control_id", sa.Text(), nullable=False),
        sa.Column("body_hash", sa.LargeBinary(length=32), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("event", sa.Text(), nullable=False),
        sa.Column("hl7_version", sa.Text(), nullable=False),
        sa.Column("message_time", sa.DateTime(timezone=True)),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("lane", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text()),
        sa.Column("detail", sa.Text()),
        sa.Column("flags", sa.JSON(), nullable=False),
        sa.Column("ack_code", sa.Text(), nullable=False),
        sa.Column("raw", sa.LargeBinary(), nullable=False),
        sa.Column("raw_size", sa.Integer(), nullable=False),
        sa.Column("batch_control_id", sa.Text()),
        sa.Column("test", sa.Boolean(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("queued_at", sa.DateTime(timezone=True)),
        sa.Column("processed_at", sa.DateTime(timezone=True)),
        sa.ForeignKeyConstraint(["feed_id"], ["feed.id"], name="fk_message_feed_id"),
        sa.PrimaryKeyConstraint("id", name="pk_message"),
        sa.UniqueConstraint(
            "feed_id", "sending_application", "sending_facility", "control_id", "body_hash", name="uq_message_once"
        ),
    )
    op.create_index("ix_message_control_id", "message", ["control_id"])
    op.create_index("ix_message_state_id", "message", ["state", "id"])


def _patients() -> None:
    """Identities, their numbers and their history."""
    op.create_table(
        "patient",
        sa.Column("id", ID, nullable=False),
        sa.Column("authority", sa.Text(), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.Column("merged_into", ID),
        sa.Column("merge_version", SORTED),
        sa.Column("demographics", sa.JSON(), nullable=False),
        sa.Column("demographics_versions", sa.JSON(), nullable=False),
        sa.Column("has_ivig", sa.Boolean(), nullable=False),
        sa.Column("flags", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(["merged_into"], ["patient.id"], name="fk_patient_merged_into"),
        sa.PrimaryKeyConstraint("id", name="pk_patient"),
        sa.UniqueConstraint("value", "authority", name="uq_patient_value_authority"),
    )
    op.create_index("ix_patient_merged_into", "patient", ["merged_into"])
    op.create_table(
        "identifier",
        sa.Column("authority", sa.Text(), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.Column("patient_id", ID, nullable=False),
        sa.Column("type", SORTED, nullable=False),
        sa.ForeignKeyConstraint(["patient_id"], ["patient.id"], name="fk_identifier_patient_id"),
        sa.PrimaryKeyConstraint("value", "authority", "patient_id", name="pk_identifier"),
    )
    op.create_index("ix_identifier_patient_id", "identifier", ["patient_id"])
    op.create_table(
        "fact",
        sa.Column("id", ID, nullable=False),
        sa.Column("patient_id", ID, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("key", SORTED, nullable=False),
        sa.Column("version", SORTED, nullable=False),
        sa.Column("deleted", sa.Boolean(), nullable=False),
        sa.Column("data", sa.LargeBinary(), nullable=False),
        sa.Column("message_id", ID, nullable=False),
        sa.Column("path", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["message_id"], ["message.id"], name="fk_fact_message_id"),
        sa.ForeignKeyConstraint(["patient_id"], ["patient.id"], name="fk_fact_patient_id"),
        sa.PrimaryKeyConstraint("id", name="pk_fact"),
        sa.UniqueConstraint("patient_id", "kind", "key", name="uq_fact_patient_id_kind_key"),
    )
    op.create_index("ix_fact_message_id", "fact", ["message_id"])


def _orders() -> None:
    """Orders, and what was concluded for them."""
    op.create_table(
        "medication_order",
        sa.Column("id", ID, nullable=False),
        sa.Column("patient_id", ID, nullable=False),
        sa.Column("key", SORTED, nullable=False),
        sa.Column("placer", sa.Text(), nullable=False),
        sa.Column("filler", sa.Text(), nullable=False),
        sa.Column("placer_number", sa.Text(), nullable=False),
        sa.Column("filler_number", sa.Text(), nullable=False),
        sa.Column("product_class", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("version", SORTED, nullable=False),
        sa.Column("starts_at", sa.DateTime(timezone=True)),
        sa.Column("ends_at", sa.DateTime(timezone=True)),
        sa.Column("data", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(["patient_id"], ["patient.id"], name="fk_medication_order_patient_id"),
        sa.PrimaryKeyConstraint("id", name="pk_medication_order"),
        sa.UniqueConstraint("patient_id", "key", name="uq_medication_order_patient_id_key"),
    )
    op.create_index("ix_medication_order_filler_number", "medication_order", ["filler_number"])
    op.create_index("ix_medication_order_placer_number", "medication_order", ["placer_number"])
    op.create_table(
        "assessment",
        sa.Column("id", ID, nullable=False),
        sa.Column("order_id", ID, nullable=False),
        sa.Column("stream", sa.Text(), nullable=False),
        sa.Column("patient_id", ID, nullable=False),
        sa.Column("order_version", SORTED, nullable=False),
        sa.Column("signature", sa.Text(), nullable=False),
        sa.Column("knowledge", sa.Text(), nullable=False),
        sa.Column("tier", sa.Text(), nullable=False),
        sa.Column("priority", sa.Text(), nullable=False),
        sa.Column("conclusion", sa.JSON(), nullable=False),
        sa.Column("as_of", sa.DateTime(timezone=True), nullable=False),
        sa.Column("concluded_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["order_id"], ["medication_order.id"], name="fk_assessment_order_id"),
        sa.ForeignKeyConstraint(["patient_id"], ["patient.id"], name="fk_assessment_patient_id"),
        sa.PrimaryKeyConstraint("id", name="pk_assessment"),
    )
    op.create_index("ix_assessment_order_id_id", "assessment", ["order_id", "id"])
    op.create_index("ix_assessment_patient_id", "assessment", ["patient_id"])
