"""Everything that is stored about some people, read in one statement."""

from datetime import UTC

import sqlalchemy as sa

from clinical.identities import MergeStatement
from store import facts, merges, patients
from store.charts import Charts, read_charts
from store.facts import FactRow
from store.merges import Statement
from store.patients import Number
from tests.store.builders import a_message, a_patient


def test_a_chart_holds_what_is_stored_of_these_and_nothing_of_others(engine: sa.Engine) -> None:
    with engine.begin() as connection:
        one, other, apart = (a_patient(connection, value) for value in "123")
        message = a_message(connection)
        merges.record(
            connection, [Statement(one, other, "5", message, "MRG[1]-1"), Statement(apart, other, "6", message, "")]
        )
        for patient in (one, other, apart):
            patients.link_identifiers(connection, [("UZ", f"n{patient}", "PI", patient)])
        entries = [
            FactRow(patient, kind, f"k{patient}", version, b'{"a":1}', message, "OBX[1]-5")
            for patient in (apart, other, one)
            for kind, version in (("observation", "2"), ("condition", "1"))
        ]
        facts.upsert(connection, entries)

        chart = read_charts(connection, [one, other], [one])

    assert chart.numbers == [Number(one, "UZ", f"n{one}", "PI"), Number(other, "UZ", f"n{other}", "PI")]
    assert chart.statements == [MergeStatement(one, other, "5")]
    assert [(row[0], row[1], row[3], bytes(row[5]), row[6]) for row in chart.facts] == [
        (one, "condition", "1", b'{"a":1}', message),
        (one, "observation", "2", b'{"a":1}', message),
    ]
    assert (chart.orders, chart.marks, chart.alerts) == ([], [], [])


def test_a_chart_says_since_when_history_waits_and_reads_no_more_facts_than_asked(engine: sa.Engine) -> None:
    with engine.begin() as connection:
        patient = a_patient(connection)
        empty = read_charts(connection, [patient], [patient])
        message = a_message(connection)
        rows = [FactRow(patient, "observation", f"k{number}", "1", b"{}", message, "") for number in range(5)]
        facts.upsert(connection, rows)

        some = read_charts(connection, [patient], [patient], 3)

    assert empty == Charts()
    assert len(some.facts) == 3
    assert some.oldest_waiting is not None and some.oldest_waiting.tzinfo is UTC
