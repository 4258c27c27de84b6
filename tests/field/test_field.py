"""What hospitals send otherwise than the interface says is read as they mean it."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
import sqlalchemy as sa

from rules.knowledge import Knowledge
from tests.field.sending import Case, faults, given, of_our_own
from tests.journeys.hospital import Clock, Hospital


@pytest.fixture
def hospital(sqlite_engine: sa.Engine, knowledge: Knowledge) -> Hospital:
    return Hospital(sqlite_engine, knowledge, clock=Clock(datetime(2026, 11, 28, 21, 0, tzinfo=UTC)))


@pytest.mark.parametrize("case", [pytest.param(case, id=case.name) for case in given()])
def test_what_was_told_to_us_is_read_as_it_is_meant(case: Case, hospital: Hospital, tmp_path: Path) -> None:
    assert faults(case, hospital, tmp_path) == []


@pytest.mark.parametrize("case", [pytest.param(case, id=case.name) for case in of_our_own()])
def test_what_else_hospitals_send_of_these_kinds_is_read_so_too(case: Case, hospital: Hospital, tmp_path: Path) -> None:
    assert faults(case, hospital, tmp_path) == []
