"""Statements that SQLite and PostgreSQL both take: many rows or ids in one parameter, and INSERT … ON CONFLICT.

The text of such a statement is constant, so it is prepared and planned once. On PostgreSQL a statement with a
parameter per value costs three times as much as one with a rowset.
"""

from collections.abc import Collection, Mapping
from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.types import TypeDecorator

PARAMETER = "rows"

Types = Mapping[str, sa.types.TypeEngine[Any]]


def rowset(dialect: str, types: Types, name: str = PARAMETER) -> sa.FromClause:
    """Return the rows of a parameter as a table with its name; they are a JSON array of objects with these columns."""
    rows = sa.bindparam(name, type_=sa.Text)
    if dialect == "postgresql":
        columns = [sa.column(name, type_) for name, type_ in types.items()]
        table = sa.func.json_to_recordset(sa.cast(rows, sa.JSON)).table_valued(*columns)
        return table.render_derived(name=name, with_types=True)
    each = sa.func.json_each(rows).table_valued("value")
    fields = [_field(each.c.value, name, type_) for name, type_ in types.items()]
    return sa.select(*fields).select_from(each).subquery(name)


def _field(row: sa.ColumnElement[Any], name: str, type_: sa.types.TypeEngine[Any]) -> sa.ColumnElement[Any]:
    path: sa.ColumnElement[str] = sa.literal_column(f"'$.{name}'")
    return sa.type_coerce(sa.func.json_extract(row, path), type_).label(name)


class _Several(TypeDecorator[Collection[Any]]):
    """Many values in one parameter: an array, or on SQLite a JSON text."""

    impl = sa.Text
    cache_ok = True

    def __init__(self, each: sa.types.TypeEngine[Any]) -> None:
        super().__init__()
        self.each = each

    def load_dialect_impl(self, dialect: sa.Dialect) -> sa.types.TypeEngine[Any]:
        return dialect.type_descriptor(ARRAY(self.each) if dialect.name == "postgresql" else sa.Text())

    def process_bind_param(self, value: Collection[Any] | None, dialect: sa.Dialect) -> Any:
        wanted = sorted(value or ())
        return wanted if dialect.name == "postgresql" else msgspec.json.encode(wanted).decode()


def one_of(dialect: str, column: sa.ColumnElement[Any], name: str = "ids") -> sa.ColumnElement[bool]:
    """Return the condition that the column is one of a parameter's values, for a cached statement."""
    values = sa.bindparam(name, type_=_Several(column.type))
    if dialect == "postgresql":
        return column == sa.any_(values)
    return column.in_(sa.select(sa.func.json_each(values).table_valued("value").c.value))


def among(connection: sa.Connection, column: sa.ColumnElement[Any], values: Collection[Any]) -> sa.ColumnElement[bool]:
    """Return the condition that the column is one of the values."""
    wanted = sorted(values)
    if connection.dialect.name == "postgresql":
        return column == sa.any_(sa.bindparam(None, wanted, type_=ARRAY(column.type)))
    return column.in_(wanted)


def insert_or(dialect: str, table: sa.Table) -> postgresql.Insert | sqlite.Insert:
    """Return an INSERT that knows `on_conflict_do_nothing` and `on_conflict_do_update`."""
    return postgresql.insert(table) if dialect == "postgresql" else sqlite.insert(table)
