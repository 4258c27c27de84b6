"""A hospital on each kind of database."""

import pytest
import sqlalchemy as sa

from rules.knowledge import Knowledge
from rules.load import load_knowledge
from tests.journeys.hospital import Hospital


@pytest.fixture(scope="session")
def knowledge() -> Knowledge:
    return load_knowledge()


@pytest.fixture
def hospital(engine: sa.Engine, knowledge: Knowledge) -> Hospital:
    return Hospital(engine, knowledge)
