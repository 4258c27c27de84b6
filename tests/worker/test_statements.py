"""How many statements a batch costs: so many for the whole of it, and none for each alert."""

from collections.abc import Iterable

import sqlalchemy as sa

from bench.messages import order, thrombosis
from rules.load import load_knowledge
from tests.journeys.hospital import Hospital

MOST = 45  # of a batch of orders that all raise an alert


def test_a_batch_takes_no_statement_for_each_alert_in_it(postgres_engine: sa.Engine) -> None:
    hospital = Hospital(postgres_engine, load_knowledge())

    statements(hospital, [1])  # the first batch asks a few things once
    few, more = statements(hospital, [2, 3]), statements(hospital, range(4, 24))

    assert len(more) == len(few), set(more) - set(few)
    assert len(more) <= MOST


def statements(hospital: Hospital, patients: Iterable[int]) -> list[str]:
    """What is sent to the database for a batch with an order of each of these new patients, who had a thrombosis."""
    now = hospital.clock()
    ids = hospital.receives(*(each(patient, now) for patient in patients for each in (thrombosis, order)))
    sent: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
        sent.append(" ".join(statement.split())[:60])  # the longer rest differs with the number of rows

    sa.event.listen(hospital.engine, "before_cursor_execute", note)
    raised = hospital.processes(ids)
    sa.event.remove(hospital.engine, "before_cursor_execute", note)
    assert len(raised.alerts) == len(ids) // 2
    return sent
