"""Create the terms by which people search for a patient, and fill them for the patients that there are."""

import sqlalchemy as sa
from alembic import op

from store import patient_terms

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
SORTED = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
BATCH = 1000


def upgrade() -> None:
    """Create the table; the code before this one leaves it as it is, and `ivigilant rebuild` fills it anew."""
    op.create_table(
        "patient_term",
        sa.Column(
            "patient_id", ID, sa.ForeignKey("patient.id", name="fk_patient_term_patient_id_patient"), nullable=False
        ),
        sa.Column("term", SORTED, nullable=False),
        sa.PrimaryKeyConstraint("patient_id", "term", name="pk_patient_term"),
    )
    op.create_index("ix_patient_term_term_patient_id", "patient_term", ["term", "patient_id"])
    connection = op.get_bind()
    patient = sa.table("patient", sa.column("id", ID), sa.column("demographics", sa.JSON))
    last = 0
    while rows := connection.execute(
        sa.select(patient).where(patient.c.id > last).order_by(patient.c.id).limit(BATCH)
    ).all():
        patient_terms.replace(connection, {row.id: row.demographics for row in rows})
        last = rows[-1].id


def downgrade() -> None:
    """Drop it."""
    op.drop_table("patient_term")
