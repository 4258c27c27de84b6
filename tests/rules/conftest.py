"""The knowledge as it ships, read once for all rule tests."""

import pytest

from rules.knowledge import Knowledge
from rules.load import Files, build, read_files


@pytest.fixture(scope="session")
def files() -> Files:
    return read_files()


@pytest.fixture(scope="session")
def knowledge() -> Knowledge:
    return build(read_files())
