"""How many statements a batch costs: so many for the whole of it, and none for each message or alert."""

from collections.abc import Callable, Collection
from datetime import datetime

import sqlalchemy as sa

from bench.messages import order, thrombosis
from tests.journeys.hospital import Hospital
from tests.knowledge_folders import our_knowledge

Message = Callable[[int, datetime], bytes]

MOST = 9  # of a batch in which every patient is new, and every order raises an alert
MOST_OF_ONE = 8  # of an order of a patient who is known
MOST_OF_HISTORY = 6  # of a batch without IVIg, of new patients


def test_a_batch_takes_no_statement_for_each_alert_in_it(postgres_engine: sa.Engine) -> None:
    hospital = Hospital(postgres_engine, our_knowledge())
    both = (thrombosis, order)

    statements(hospital, [1], both)  # the first batch asks a few things once
    few, more = statements(hospital, [2, 3], both), statements(hospital, range(4, 54), both)

    assert len(more) == len(few), set(more) - set(few)
    assert len(more) <= MOST


def test_one_order_of_a_known_patient_takes_few_statements(postgres_engine: sa.Engine) -> None:
    hospital = Hospital(postgres_engine, our_knowledge())
    statements(hospital, [1, 2], (thrombosis,))
    statements(hospital, [1], (order,))

    alone = statements(hospital, [2], (order,))

    assert len(alone) <= MOST_OF_ONE


def test_history_without_ivig_is_not_read_back(postgres_engine: sa.Engine) -> None:
    hospital = Hospital(postgres_engine, our_knowledge())
    statements(hospital, [1], (thrombosis,))

    history = statements(hospital, range(2, 22), (thrombosis,))

    assert len(history) <= MOST_OF_HISTORY


def statements(hospital: Hospital, patients: Collection[int], each_sends: Collection[Message]) -> list[str]:
    """What is sent to the database for a batch with these messages of each of these patients."""
    now = hospital.clock()
    ids = hospital.receives(*(make(patient, now) for patient in patients for make in each_sends))
    sent: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
        sent.append(" ".join(statement.split())[:60])  # the longer rest differs with the number of rows

    sa.event.listen(hospital.engine, "before_cursor_execute", note)
    raised = hospital.processes(ids)
    sa.event.remove(hospital.engine, "before_cursor_execute", note)
    assert len(raised.alerts) == (len(patients) if order in each_sends else 0)
    return sent
