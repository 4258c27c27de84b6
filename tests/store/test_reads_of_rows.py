"""What leaves the store is typed: outside it no row of a query is read by a string key."""

import ast
from collections.abc import Iterator

import pytest

from tests.packages import PACKAGES, ROOT

ROW_TYPES = ("RowMapping",)
ROW_METHODS = ("mappings", "_mapping")


def reads_of_rows(source: str) -> list[int]:
    """The lines that take a row with string keys from a query, or name its type."""
    return sorted({line for node in ast.walk(ast.parse(source)) for line in _faults(node)})


def _faults(node: ast.AST) -> Iterator[int]:
    match node:
        case ast.Attribute(attr=name) if name in (*ROW_TYPES, *ROW_METHODS):
            yield node.lineno
        case ast.Name(id=name) | ast.alias(name=name) if name in ROW_TYPES:
            yield node.lineno


@pytest.mark.parametrize("package", [each for each in PACKAGES if each not in ("store", "synthetic")])
def test_no_row_is_read_by_a_string_key_outside_the_store(package: str) -> None:
    files = sorted((ROOT / package).rglob("*.py"))
    found = {f"{file.relative_to(ROOT)}:{line}" for file in files for line in reads_of_rows(file.read_text("utf-8"))}

    assert files
    assert found == set()


@pytest.mark.parametrize(
    "source",
    [
        "def settle(row: sa.RowMapping) -> None: ...",
        "from sqlalchemy import RowMapping",
        "rows = connection.execute(query).mappings().all()",
        "status = row._mapping['status']",
    ],
)
def test_a_row_with_string_keys_is_noticed_in_every_shape(source: str) -> None:
    assert reads_of_rows(source) == [1]
