"""Everybody's history judged again, from what is stored or from the messages: the answers are those that stand."""

import pytest
import sqlalchemy as sa

from history.choices import Site
from rules.knowledge import Knowledge
from tests.journeys.hospital import Hospital
from tests.parsers.builders import a_message, a_patient_message
from tests.parsers.medication.order_builders import ORC, rxe
from worker.histories import StoredHistories

CONFIRMING = Site(stops_need_confirmation=frozenset({"default"}))
THROMBOSIS = a_patient_message("DG1|1||I80.2^DVT^I10|||W")
ORDER = a_patient_message(ORC, rxe("32", "g"), kind="RDE^O11").replace(b"|C1|", b"|C2|")
STOP = a_patient_message(ORC.replace("NW", "CA"), kind="RDE^O11").replace(b"|C1|", b"|C3|")
OF_NOBODY = a_message("PID|1||||Jansen^Willem||19481103|M", ORC.replace("|1^", "|9^"), rxe("32", "g"), kind="RDE^O11")


def judged_again(hospital: Hospital, *, from_messages: bool) -> dict[str, tuple[str, str]]:
    """State and signature of every answer, by the key of its order."""
    with hospital.engine.connect() as connection:
        histories = StoredHistories(connection, hospital.site, from_messages)
        found = [answer for _, ((*answers,),) in histories.answers([hospital.knowledge]) for answer in answers]
    return {answer.order.key: (answer.order.state, answer.conclusion.signature) for answer in found}


def that_stand(hospital: Hospital) -> dict[str, tuple[str, str]]:
    rows = hospital.rows(
        "SELECT o.key, o.state, a.signature FROM medication_order o "
        "JOIN assessment a ON a.order_id = o.id ORDER BY a.id"
    )
    return {row[0]: (row[1], row[2]) for row in rows}


@pytest.mark.parametrize("from_messages", [False, True])
def test_a_stop_that_waits_for_the_pharmacy_waits_in_a_backtest_too(
    sqlite_engine: sa.Engine, knowledge: Knowledge, from_messages: bool
) -> None:
    hospital = Hospital(sqlite_engine, knowledge, CONFIRMING)
    hospital.sends(THROMBOSIS, ORDER, STOP)

    found = judged_again(hospital, from_messages=from_messages)

    assert found == that_stand(hospital)
    assert [state for state, _ in found.values()] == ["stop_pending"]


@pytest.mark.parametrize("from_messages", [False, True])
def test_an_ivig_order_of_nobody_is_judged_in_a_backtest_too(
    sqlite_engine: sa.Engine, knowledge: Knowledge, from_messages: bool
) -> None:
    hospital = Hospital(sqlite_engine, knowledge)
    hospital.sends(OF_NOBODY)

    found = judged_again(hospital, from_messages=from_messages)

    assert found == that_stand(hospital)
    assert len(found) == 1
