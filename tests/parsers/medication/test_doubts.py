"""Every doubt the order parsers can raise has words."""

import ast
from pathlib import Path

import pytest

import parsers.medication
from parsers.medication.doubts import DOUBTS

FOLDER = Path(parsers.medication.__file__).parent
ABOUT_ORDERS = [
    "administrations",
    "amounts",
    "courses",
    "doses",
    "drug_lines",
    "frequencies",
    "orders",
    "rates",
    "schedules",
    "units",
]


@pytest.mark.parametrize("module", ABOUT_ORDERS)
def test_every_flag_of_a_module_has_words(module: str) -> None:
    tree = ast.parse((FOLDER / f"{module}.py").read_text())

    texts = {node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str)}
    flags = {text for text in texts if "_" in text and text.islower() and text.isidentifier()}

    assert flags <= set(DOUBTS)


def test_every_doubt_is_said_in_two_languages() -> None:
    assert all(dutch and english for dutch, english in DOUBTS.values())
