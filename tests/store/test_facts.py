"""The history of a patient."""

import threading
from collections.abc import Sequence
from dataclasses import replace

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from store import facts
from store.facts import FactRow
from tests.store.builders import a_message, a_patient


@pytest.fixture
def dvt(engine: sa.Engine) -> FactRow:
    """A diagnosis that one message told of one patient."""
    with engine.begin() as connection:
        return FactRow(
            patient_id=a_patient(connection),
            kind="condition",
            key="I80.2|2020",
            version="1",
            data=b'{"code":"I80.2"}',
            message_id=a_message(connection),
            path="PRB[1]-3",
        )


def history(connection: sa.Connection, patient_id: int) -> list[tuple[str, str, str, bool]]:
    return [(row.kind, row.key, row.version, row.deleted) for row in facts.of_patients(connection, [patient_id])]


def test_the_latest_version_stays_and_only_changes_are_news(engine: sa.Engine, dvt: FactRow) -> None:
    later = replace(dvt, version="2", data=b"new")
    with engine.begin() as connection:
        other = replace(later, message_id=a_message(connection, "M2"), data=b"again")
        news = [facts.upsert(connection, [row]) for row in (dvt, later, dvt, other)]

        (kept,) = facts.of_patients(connection, [dvt.patient_id])

    assert news == [{dvt.patient_id}, {dvt.patient_id}, set(), set()]
    assert (kept.version, kept.data) == ("2", b"new")


def test_the_same_message_read_otherwise_replaces_what_it_said(engine: sa.Engine, dvt: FactRow) -> None:
    otherwise = replace(dvt, data=b"by another site file")
    with engine.begin() as connection:
        news = [facts.upsert(connection, [row]) for row in (dvt, otherwise, otherwise)]

        (kept,) = facts.of_patients(connection, [dvt.patient_id])

    assert news == [{dvt.patient_id}, {dvt.patient_id}, set()]
    assert kept.data == b"by another site file"


def test_a_withdrawn_fact_stays_as_a_tombstone_that_an_older_one_does_not_undo(engine: sa.Engine, dvt: FactRow) -> None:
    with engine.begin() as connection:
        facts.upsert(connection, [replace(dvt, version="2", deleted=True), dvt])

        assert history(connection, dvt.patient_id) == [("condition", "I80.2|2020", "2", True)]


def test_one_batch_may_tell_a_thing_twice(engine: sa.Engine, dvt: FactRow) -> None:
    with engine.begin() as connection:
        news = facts.upsert(connection, [dvt, replace(dvt, version="3"), replace(dvt, version="2")])

        assert news == {dvt.patient_id}
        assert history(connection, dvt.patient_id) == [("condition", "I80.2|2020", "3", False)]


def test_history_is_read_by_kind_and_oldest_first(engine: sa.Engine, dvt: FactRow) -> None:
    rows = [replace(dvt, key="b", version="2"), replace(dvt, key="a", version="1"), replace(dvt, kind="allergy")]
    with engine.begin() as connection:
        facts.upsert(connection, rows)

        found = facts.of_patients(connection, [dvt.patient_id], kinds=["condition"])

    assert [row.key for row in found] == ["a", "b"]


def test_nothing_to_keep_is_no_news(engine: sa.Engine) -> None:
    with engine.begin() as connection:
        assert facts.upsert(connection, []) == set()


entries = st.lists(
    st.tuples(st.sampled_from("abc"), st.integers(0, 5), st.booleans()),
    min_size=1,
    max_size=12,
    unique_by=lambda e: e[:2],
)


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(entries=entries, data=st.data())
def test_history_is_the_same_in_whatever_order_and_batches_it_came(
    engine: sa.Engine, dvt: FactRow, entries: Sequence[tuple[str, int, bool]], data: st.DataObject
) -> None:
    rows = [replace(dvt, key=key, version=str(version), deleted=deleted) for key, version, deleted in entries]
    shuffled = data.draw(st.permutations(rows + rows[:3]))
    cut = data.draw(st.integers(0, len(shuffled)))
    seen = []
    for batches in ([rows], [shuffled[:cut], shuffled[cut:]]):
        with engine.connect() as connection:
            for batch in batches:
                facts.upsert(connection, batch)
            seen.append(history(connection, dvt.patient_id))
            connection.rollback()

    assert seen[0] == seen[1]


def test_workers_with_the_same_facts_in_another_order_do_not_block_each_other(engine: sa.Engine, dvt: FactRow) -> None:
    rows = [replace(dvt, key=f"k{number}") for number in range(300)]
    faults: list[BaseException] = []

    def work(shift: int) -> None:
        try:
            for version in range(5):
                batch = [replace(row, version=f"{version}{shift}") for row in rows[shift:] + rows[:shift]]
                with engine.begin() as connection:
                    facts.upsert(connection, batch)
        except sa.exc.SQLAlchemyError as error:
            faults.append(error)

    threads = [threading.Thread(target=work, args=(shift,)) for shift in (0, 100, 200)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert faults == []
    with engine.begin() as connection:
        assert {row[2] for row in history(connection, dvt.patient_id)} == {"4200"}


def test_five_hundred_facts_are_kept_in_one_statement(engine: sa.Engine, dvt: FactRow) -> None:
    rows = [replace(dvt, key=f"k{number}", data=b'{"text":"' + b"x" * 400 + b'"}') for number in range(500)]
    statements: list[str] = []
    with engine.begin() as connection:
        facts.upsert(connection, rows)
        sa.event.listen(connection, "before_cursor_execute", lambda *given: statements.append(given[2]))

        facts.upsert(connection, [replace(row, version="2") for row in rows])

        assert {row[0] for row in connection.execute(sa.text("SELECT DISTINCT version FROM fact"))} == {"2"}
    counts = engine.dialect.name == "sqlite"  # the change, in a statement of its own
    assert len(statements) == (3 if counts else 2)  # the last one asked which versions there are


ROWS = st.builds(
    FactRow,
    patient_id=st.just(1),
    kind=st.sampled_from(["condition", "observation"]),
    key=st.sampled_from(["a", "b"]),
    version=st.sampled_from(["1", "2", "3"]),
    data=st.sampled_from([b"x", b"y"]),
    message_id=st.sampled_from([1, 2]),
    path=st.sampled_from(["PRB[1]-3", "PRB[2]-3"]),
    deleted=st.booleans(),
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(before=st.lists(ROWS, max_size=5), later=st.lists(ROWS, max_size=5))
def test_facts_folded_in_memory_are_those_that_would_be_stored(
    before: list[FactRow], later: list[FactRow], engine: sa.Engine
) -> None:
    with engine.connect() as connection:
        one, ids = a_patient(connection), {1: a_message(connection), 2: a_message(connection, "M2")}
        first, more = (
            [replace(row, patient_id=one, message_id=ids[row.message_id]) for row in rows] for rows in (before, later)
        )
        facts.upsert(connection, first)
        folded = facts.folded(facts.of_patients(connection, [one]), more)
        facts.upsert(connection, more)

        assert [tuple(row) for row in folded] == [tuple(row) for row in facts.of_patients(connection, [one])]


def test_changes_of_a_patient_who_is_watched_are_counted(engine: sa.Engine, dvt: FactRow) -> None:
    with engine.begin() as connection:
        other = a_patient(connection, "2")
        facts.upsert(connection, [dvt])
        before = facts.versions(connection, [dvt.patient_id])
        facts.watch(connection, [dvt.patient_id])
        counted = []
        for row in (dvt, replace(dvt, version="2"), replace(dvt, version="2"), replace(dvt, patient_id=other)):
            facts.upsert(connection, [row])
            facts.watch(connection, [dvt.patient_id])  # again: nothing begins anew
            counted.append(facts.versions(connection, [dvt.patient_id, other]))

    assert before == {}
    assert counted == [{dvt.patient_id: 1}, *[{dvt.patient_id: 2}] * 3]


def test_whether_there_are_more_facts_than_a_number(engine: sa.Engine, dvt: FactRow) -> None:
    with engine.begin() as connection:
        facts.upsert(connection, [dvt, replace(dvt, key="2"), replace(dvt, key="3")])

        assert [facts.are_more_than(connection, [dvt.patient_id], most) for most in (2, 3)] == [True, False]
        assert not facts.are_more_than(connection, [], 0)
