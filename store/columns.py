"""The column types that the tables share."""

from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.types import TypeDecorator

from clinical.conclusions import StoredConclusion, read_conclusion

metadata = sa.MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)


class UtcTime(TypeDecorator[datetime]):
    """A moment in UTC; refuses a time without a zone."""

    impl = sa.DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: sa.Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"a time without a zone cannot be stored: {value!r}")
        return value.astimezone(UTC)

    def process_result_value(self, value: Any, dialect: sa.Dialect) -> datetime | None:
        if value is None:
            return None
        moment: datetime = value
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


Id = sa.BigInteger().with_variant(sa.Integer(), "sqlite")  # SQLite numbers rows only by an INTEGER key
SortedText = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")  # byte order, whatever the server's language


def row_id() -> sa.Column[int]:
    """Return the key column of a table whose rows are numbered in order of arrival."""
    return sa.Column("id", Id, primary_key=True, autoincrement=True)


class ConclusionText(TypeDecorator[StoredConclusion]):
    """A stored conclusion: JSON text in the database, a typed value in Python."""

    impl = sa.Text
    cache_ok = True

    def process_result_value(self, value: Any, dialect: sa.Dialect) -> StoredConclusion | None:
        return None if value is None else read_conclusion(value)
