"""A long message is recorded in parts, and counts as a whole."""

from collections.abc import Callable
from dataclasses import replace

import pytest
import sqlalchemy as sa

from history.messages import ReadMessage
from rules.knowledge import Knowledge
from store import message_queries
from tests.ivigilant.site_hospital import a_message, an_order
from tests.journeys.hospital import Hospital
from worker.rebuild import rebuild
from worker.record import content_of, open_message, record_in_parts

DIAGNOSES = [
    f"DG1|{n}||{code}^x^I10||20260{n}01|F" for n, code in enumerate(("I10", "I26.9", "E11", "I50", "C50.9"), 1)
]


@pytest.fixture
def patient_with_order(hospital: Hospital) -> Hospital:
    """A hospital whose workers record two entries of a message at a time; somebody has an order."""
    hospital.worker = replace(hospital.worker, most_entries=2)
    hospital.sends(an_order())
    return hospital


@pytest.fixture
def plain(fresh_engine: Callable[[], sa.Engine], knowledge: Knowledge) -> Hospital:
    """The same hospital, whose workers record a message at once."""
    return Hospital(fresh_engine(), knowledge)


def test_a_long_message_waits_until_all_of_it_is_recorded(patient_with_order: Hospital, plain: Hospital) -> None:
    hospital = patient_with_order
    plain.sends(an_order(), a_message(*DIAGNOSES))
    ids = hospital.receives(a_message(*DIAGNOSES))
    seen: list[str] = []

    sa.event.listen(hospital.engine, "commit", lambda connection: seen.append(state_of(connection, ids[0])))
    hospital.processes(ids)

    assert seen == ["received begun", "received begun", "processed "]
    assert hospital.dump() == plain.dump()


def state_of(connection: sa.Connection, message: int) -> str:
    row = connection.execute(sa.text(f"SELECT state, reason FROM message WHERE id = {message}")).one()
    return f"{row.state} {row.reason or ''}"


def test_what_a_dead_worker_recorded_of_a_message_is_judged_though_the_rest_is_no_news(
    patient_with_order: Hospital, plain: Hospital
) -> None:
    hospital, told = patient_with_order, [a_message(*DIAGNOSES), a_message(DIAGNOSES[-1], control="C2")]
    plain.sends(an_order(), *told)
    hospital.sends(told[1])
    ids = hospital.receives(told[0])
    recorded_in_part(hospital, ids)
    before = hospital.inbox()

    hospital.processes(ids)

    assert [tier for _, tier, _ in before] != ["contraindication"] == [tier for _, tier, _ in hospital.inbox()]
    assert hospital.dump() == plain.dump()


def test_a_rebuild_loses_nothing_of_a_message_that_is_recorded_in_part(
    patient_with_order: Hospital, plain: Hospital
) -> None:
    hospital = patient_with_order
    plain.sends(an_order(), a_message(*DIAGNOSES))
    ids = hospital.receives(a_message(*DIAGNOSES))
    recorded_in_part(hospital, ids)

    rebuild(hospital.worker, lambda _: None)
    facts = hospital.rows("SELECT count(*) FROM fact WHERE kind = 'condition'")
    hospital.processes(ids)

    assert facts[0][0] == len(DIAGNOSES)
    assert hospital.dump() == plain.dump()


def recorded_in_part(hospital: Hospital, ids: list[int]) -> None:
    """What a worker leaves that dies before the last part."""
    with hospital.engine.connect() as connection:
        (row,) = message_queries.received(connection, ids)
    message = open_message(row, hospital.knowledge, hospital.site)
    assert isinstance(message, ReadMessage)
    record_in_parts(hospital.engine, content_of(message, hospital.knowledge), 1)
