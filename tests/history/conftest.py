"""The knowledge as it ships, read once for all tests of histories."""

import pytest

from rules.knowledge import Knowledge
from rules.load import load_knowledge


@pytest.fixture(scope="session")
def knowledge() -> Knowledge:
    return load_knowledge()
