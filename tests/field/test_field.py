"""What hospitals send otherwise than the interface says is read as they mean it."""

import shutil
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
import sqlalchemy as sa

from rules.knowledge import Knowledge
from store.engine import connect
from tests.field.sending import Case, faults, given, of_our_own, whole
from tests.journeys.hospital import Clock, Hospital


@pytest.fixture(scope="module")
def engine_of_all(tmp_path_factory: pytest.TempPathFactory) -> Iterator[sa.Engine]:
    """One engine for every case, as it compiles each statement once: half of the time of a case."""
    engine = connect(f"sqlite:///{tmp_path_factory.mktemp('field') / 'ivigilant.db'}", durable=False)
    yield engine
    engine.dispose()


@pytest.fixture
def hospital(engine_of_all: sa.Engine, migrated_sqlite: Path, knowledge: Knowledge) -> Hospital:
    """A hospital of which nothing is known: a fresh database under the same engine."""
    engine_of_all.dispose()
    place = Path(str(engine_of_all.url.database))
    for left in place.parent.glob(f"{place.name}*"):
        left.unlink()
    shutil.copy(migrated_sqlite, place)
    return Hospital(engine_of_all, knowledge, clock=Clock(datetime(2026, 11, 28, 21, 0, tzinfo=UTC)))


@pytest.mark.parametrize("case", [pytest.param(case, id=case.name) for case in given()])
def test_what_was_told_to_us_is_read_as_it_is_meant(case: Case, hospital: Hospital, tmp_path: Path) -> None:
    assert faults(case, hospital, tmp_path) == []


@pytest.mark.parametrize("case", [pytest.param(case, id=case.name) for case in of_our_own()])
def test_what_else_hospitals_send_of_these_kinds_is_read_so_too(case: Case, hospital: Hospital, tmp_path: Path) -> None:
    assert faults(case, hospital, tmp_path) == []


@pytest.mark.parametrize("case", [pytest.param(case, id=case.name) for case in whole()])
def test_whole_messages_of_other_senders_are_read_as_they_are_meant(
    case: Case, hospital: Hospital, tmp_path: Path
) -> None:
    hospital.clock.passes(hours=36)  # they were sent on the morning of 30 November

    assert faults(case, hospital, tmp_path) == []
