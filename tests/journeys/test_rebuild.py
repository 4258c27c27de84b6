"""A rebuild gives what is there already, or what would be there if the site file had been right from the start."""

from collections.abc import Callable
from dataclasses import replace

import pytest
import sqlalchemy as sa
from hypothesis import given

from history.choices import NoticeRoute, Site
from inbox.alerts.act import OnAlert
from inbox.alerts.settling import Acknowledgement, Override
from parsers.defaults import Defaults
from rules.knowledge import Knowledge
from store import tables
from synthetic.stream import hospital_messages
from tests.journeys.drawing import stories
from tests.journeys.hospital import Hospital
from tests.journeys.stories import Diagnosed, Happening, Merged, Ordered, Problem, messages
from tests.journeys.test_stories import checks, emptied
from worker.rebuild import Rebuilt, rebuild

TABLES_OF_PEOPLE = (tables.alert_event, tables.decision, tables.delivery, tables.assessment, tables.alert, tables.due)


def nobody(_: Rebuilt) -> None:
    """Nobody watches."""


def rows(hospital: Hospital, table: sa.Table) -> list[tuple[object, ...]]:
    with hospital.engine.connect() as connection:
        return [tuple(row) for row in connection.execute(sa.select(table).order_by(table.c.id))]


@pytest.fixture
def lived(hospital: Hospital) -> Hospital:
    """A hospital after a day, in which pharmacists settled some alerts."""
    ids = hospital.receives(*hospital_messages(now=hospital.clock()))
    for start in range(0, len(ids), 100):
        hospital.processes(ids[start : start + 100])
    standing = [row for row in hospital.alerts() if row["status"] == "open"]
    hospital.does(OnAlert(standing[0]["id"], Acknowledgement()))
    hospital.does(OnAlert(standing[1]["id"], Override("will_monitor", "plan of today")))
    return hospital


def test_a_rebuild_changes_nothing_and_keeps_what_people_did(lived: Hospital) -> None:
    before = lived.dump()
    done_by_people = {table.name: rows(lived, table) for table in TABLES_OF_PEOPLE}

    done = rebuild(lived.worker, nobody)

    assert lived.dump() == before
    assert {table.name: rows(lived, table) for table in TABLES_OF_PEOPLE} == done_by_people
    assert done.messages > 300
    assert done.unreadable == 0


@checks
@given(story=stories())
def test_a_rebuild_of_any_story_changes_nothing(story: list[Happening], hospital: Hospital) -> None:
    emptied(hospital.engine)
    hospital.sends(*messages(story))
    before = hospital.dump()

    rebuild(hospital.worker, nobody)

    assert hospital.dump() == before


STORY = [Problem(who="2"), Diagnosed(who="3"), Ordered(at=1), Merged(at=2), Ordered(who="3", number="101", at=2)]


def test_a_rebuild_that_was_stopped_goes_on(hospital: Hospital) -> None:
    hospital.sends(*messages(STORY))
    before = hospital.dump()

    with pytest.raises(KeyboardInterrupt):
        rebuild(hospital.worker, stop, together=1)
    done = rebuild(hospital.worker, nobody, together=1)

    assert done.patients == len([line for line in before if b'"a":"patient"' in line]) - 1
    assert hospital.dump() == before


def stop(_: Rebuilt) -> None:
    raise KeyboardInterrupt


def test_messages_that_come_while_it_runs_are_not_lost(
    hospital: Hospital, fresh_engine: Callable[[], sa.Engine], knowledge: Knowledge
) -> None:
    plain = Hospital(fresh_engine(), knowledge)
    plain.sends(*messages(STORY))
    later = messages(STORY)[2:]
    hospital.sends(*messages(STORY)[:2])

    def go_on(_: Rebuilt) -> None:
        hospital.sends(*later)

    rebuild(hospital.worker, go_on, together=1)

    assert hospital.dump() == plain.dump()


def test_a_corrected_site_file_reaches_what_came_before_it(
    hospital: Hospital, fresh_engine: Callable[[], sa.Engine], knowledge: Knowledge
) -> None:
    """A laboratory that names no authority was read as another hospital's until the site file said whose it is."""
    right = Site(of_unknown=Defaults(authority="ZKHA"))
    told = messages([Problem(), Ordered(at=1)])
    told[0] = told[0].replace(b"1^^^ZKHA^PI", b"1^^^^PI")
    hospital.sends(*told)
    plain = Hospital(fresh_engine(), knowledge, right)
    plain.sends(*told)

    rebuild(replace(hospital.worker, site=right), nobody)

    assert (hospital.answers(), plain.answers()) == ({"100": "contraindication"}, {"100": "contraindication"})
    assert [line for line in hospital.dump() if b'"ZKHA|1"' in line] == plain.dump()


def test_what_a_rebuild_raises_is_not_pushed(hospital: Hospital) -> None:
    pushing = Site(destinations=(NoticeRoute("mail"),))
    told = messages([Problem(), Ordered(at=1)])
    told[0] = told[0].replace(b"1^^^ZKHA^PI", b"1^^^^PI")
    hospital.sends(*told)

    rebuild(replace(hospital.worker, site=replace(pushing, of_unknown=Defaults(authority="ZKHA"))), nobody)

    assert [row["tier"] for row in hospital.alerts()] == ["contraindication"]
    assert rows(hospital, tables.delivery) == []


def test_what_a_pruned_message_told_is_kept(hospital: Hospital) -> None:
    hospital.sends(*messages(STORY))
    before = hospital.dump()
    with hospital.engine.begin() as connection:
        connection.execute(sa.update(tables.message).values(raw=b"", pruned_at=hospital.clock()))

    rebuild(hospital.worker, nobody)

    assert hospital.dump() == before


def test_messages_of_a_type_that_is_read_now_are_processed(hospital: Hospital) -> None:
    hospital.sends(*messages(STORY))
    with hospital.engine.begin() as connection:
        first = tables.message.c.control_id == "M001"
        connection.execute(sa.update(tables.message).where(first).values(state="ignored", reason="unknown_type"))

    rebuild(hospital.worker, nobody)

    assert hospital.states()["M001"] == "received"
