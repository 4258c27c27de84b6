"""Rebuilding, answering again and dumping from the command line."""

import pytest
import sqlalchemy as sa

from rules.knowledge import Knowledge
from store import tables
from tests.ivigilant.processes import ivigilant
from tests.journeys.hospital import Hospital
from tests.journeys.stories import Diagnosed, Merged, Ordered, messages


@pytest.fixture
def hospital(sqlite_engine: sa.Engine, knowledge: Knowledge) -> Hospital:
    """A hospital whose messages have all been processed."""
    lived = Hospital(sqlite_engine, knowledge)
    lived.sends(*messages([Diagnosed(who="2"), Ordered(at=1), Merged(at=2)]))
    return lived


def run(hospital: Hospital, *words: str) -> str:
    done = ivigilant(*words, environment={"IVIGILANT_DATABASE_URL": str(hospital.engine.url)})
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def test_a_dump_tells_everything_without_row_numbers(hospital: Hospital) -> None:
    assert run(hospital, "doctor", "--dump").encode().splitlines(keepends=True) == hospital.dump()


def test_a_rebuild_tells_what_it_did_and_leaves_the_dump_as_it_was(hospital: Hospital) -> None:
    before = hospital.dump()

    told = run(hospital, "rebuild")

    assert told == "2 patients, 3 messages, 0 that no longer add anything\n"
    assert hospital.dump() == before


def test_open_orders_are_answered_again_when_other_knowledge_answered_them(hospital: Hospital) -> None:
    nothing = run(hospital, "rejudge")
    with hospital.engine.begin() as connection:
        connection.execute(sa.update(tables.assessment).values(knowledge="an older one", signature=""))

    again = run(hospital, "rejudge")

    assert nothing == "0 answers, 0 alerts changed\n"
    assert int(again.split()[0]) > 0
