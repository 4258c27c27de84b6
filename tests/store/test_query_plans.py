"""Judging one order reads what belongs to its patient, and no table whole, however much is stored of others."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date
from typing import Any

import pytest
import sqlalchemy as sa

from rules.knowledge import Knowledge
from store import patient_terms, tables
from store.alerts import AlertFilter, list_alerts
from store.assessments import list_assessments
from store.merges import patients_named
from tests.journeys.hospital import Hospital
from tests.journeys.stories import Given, Measured, Merged, Ordered, Problem, Seen, messages

LARGE = (
    "fact",
    "medication_order",
    "assessment",
    "alert",
    "identifier",
    "message",
    "patient",
    "mention",
    "patient_term",
)
FACTS, PATIENTS, ORDERS = 100_000, 20_000, 10_000

Statement = tuple[str, Any]


@pytest.fixture
def large(engine: sa.Engine, knowledge: Knowledge) -> Hospital:
    """A hospital with a history of a hundred thousand facts of other patients, as the planner knows."""
    hospital = Hospital(engine, knowledge)
    hospital.sends(*messages([Seen(), Problem(), Merged(retired=("3",), at=1)]))
    with engine.begin() as connection:
        for table, count, values in _others(connection):
            fill(connection, table, count, values)
    if engine.dialect.name == "postgresql":  # which analyses by itself in time; nobody does on SQLite
        with engine.connect() as connection:
            connection.execute(sa.text("ANALYZE"))
            connection.commit()
    return hospital


def _others(connection: sa.Connection) -> Iterator[tuple[sa.Table, int, dict[str, str]]]:
    """The rows of the others: for each column what it holds in row `i`."""
    feed = connection.execute(sa.select(tables.feed.c.id)).scalar_one()
    message = {"feed_id": str(feed), "sending_application": "'L'", "sending_facility": "''", "type": "'ORU'"}
    message |= {"control_id": "'X' || i", "body_hash": ":empty", "event": "'R01'", "hl7_version": "'2.5'"}
    message |= {"received_at": "'2026-03-01 12:00:00'", "lane": "'history'", "state": "'processed'", "flags": "'[]'"}
    yield tables.message, FACTS, message | {"ack_code": "'AA'", "raw": ":empty", "raw_size": "0", "test": "false"}
    patient = {"authority": "'ZKHA'", "value": "'x' || i", "demographics": "'{}'", "demographics_versions": "'{}'"}
    yield tables.patient, PATIENTS, patient | {"has_ivig": "true", "flags": "'[]'"}
    whose = f"1000 + i % {PATIENTS}"
    yield tables.identifier, PATIENTS, {"authority": "'ZKHA'", "value": "'x' || i", "patient_id": whose, "type": "''"}
    yield tables.patient_term, PATIENTS, {"patient_id": whose, "term": "'jansen' || i"}
    yield tables.mention, FACTS, {"message_id": "1000 + i", "patient_id": whose}
    fact = {"patient_id": whose, "kind": "'observation'", "key": "'k' || i", "version": "'1'", "deleted": "false"}
    yield tables.fact, FACTS, fact | {"data": ":empty", "message_id": "1000 + i", "path": "'OBX[1]-5'"}
    order = {"patient_id": whose, "key": "'EPD|' || i", "placer": "'EPD|' || i", "placer_number": "'n' || i"}
    order |= {"filler": "''", "filler_number": "''", "product_class": "'ivig'", "state": "'active'"}
    yield tables.medication_order, ORDERS, order | {"version": "'1'", "data": "'{}'"}
    answer = {"order_id": "1000 + i", "stream": "'order'", "patient_id": whose, "order_version": "'1'"}
    answer |= {"signature": "'s'", "knowledge": "'k'", "tier": "'high'", "priority": "'prompt'", "conclusion": "'{}'"}
    times = {"as_of": "'2026-03-01 12:00:00'", "concluded_at": "'2026-03-01 12:00:00'"}
    yield tables.assessment, ORDERS, answer | times
    alert = {"order_id": "1000 + i", "stream": "'order'", "patient_id": whose, "assessment_id": "1000 + i"}
    alert |= {"tier": "'high'", "priority": "'prompt'", "status": "'open'", "badges": "'[]'"}
    times = {"opened_at": "'2026-03-01 12:00:00'", "changed_at": "'2026-03-01 12:00:00'"}
    yield tables.alert, ORDERS, alert | times


def fill(connection: sa.Connection, table: sa.Table, count: int, values: dict[str, str]) -> None:
    """Insert `count` rows, numbered from 1000 on."""
    numbered = values | ({"id": "1000 + i"} if "id" in table.c else {})
    if "attempts" in table.c:
        numbered["attempts"] = "0"
    types = {name: str(table.c[name].type.compile(connection.dialect)).split(" COLLATE")[0] for name in values}
    cast = {name: f"CAST({value} AS {types[name]})" for name, value in values.items()}
    if connection.dialect.name == "sqlite":
        cast = {}  # it keeps what it is given
    told = ", ".join((numbered | cast)[name] for name in numbered)
    rows = f"WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < {count - 1})"
    words = f"INSERT INTO {table.name} ({', '.join(numbered)}) {rows} SELECT {told} FROM n"
    given = {"empty": b"{}"} if ":empty" in words else {}
    connection.execute(sa.text(words), given)
    if connection.dialect.name == "postgresql" and "id" in table.c:
        connection.execute(sa.text(f"SELECT setval('{table.name}_id_seq', {count + 1000})"))


@contextmanager
def noted(engine: sa.Engine) -> Iterator[dict[str, Statement]]:
    """Every different statement that is spoken meanwhile, with what filled it."""
    said: dict[str, Statement] = {}

    def note(_c: object, _cursor: object, statement: str, parameters: Any, _context: object, _many: bool) -> None:
        if statement.lstrip().split(maxsplit=1)[0] in ("SELECT", "INSERT", "UPDATE", "DELETE", "WITH"):
            said.setdefault(statement, (statement, parameters[0] if isinstance(parameters, list) else parameters))

    sa.event.listen(engine, "before_cursor_execute", note)
    yield said
    sa.event.remove(engine, "before_cursor_execute", note)


def read_whole(engine: sa.Engine, statements: Sequence[Statement]) -> list[tuple[str, str]]:
    """The large tables that a statement reads from beginning to end, with the statement."""
    tell = _sqlite_scans if engine.dialect.name == "sqlite" else _postgresql_scans
    with engine.connect() as connection:
        return [(table, said[0]) for said in statements for table in tell(connection, said)]


def _sqlite_scans(connection: sa.Connection, said: Statement) -> Iterator[str]:
    if said[0].startswith("INSERT"):  # what it would look for in case a foreign key were broken before
        return
    rows = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {said[0]}", said[1]).all()
    for row in rows:
        words = str(row[3]).split()
        if words[0] == "SCAN" and words[1] in LARGE:
            yield words[1]


def _postgresql_scans(connection: sa.Connection, said: Statement) -> Iterator[str]:
    partial = sa.text("SELECT indexname FROM pg_indexes WHERE indexdef LIKE '% WHERE %'")  # of the few that wait
    small = set(connection.execute(partial).scalars())
    (plan,) = connection.exec_driver_sql(f"EXPLAIN (FORMAT JSON) {said[0]}", said[1]).scalar_one()
    yield from _scans_in(plan["Plan"], small)


def _scans_in(node: dict[str, Any], small: set[str]) -> Iterator[str]:
    kind, table = node["Node Type"], node.get("Relation Name", "")
    by_index = "Index Cond" in node or kind in ("Bitmap Heap Scan", "Tid Scan", "ModifyTable")
    if table in LARGE and not by_index and node.get("Index Name") not in small:
        yield table
    for inner in node.get("Plans", []):
        yield from _scans_in(inner, small)


def test_judging_an_order_and_looking_for_a_patient_reads_no_large_table_whole(large: Hospital) -> None:
    story = [Ordered(at=2), Measured(at=3), Given(at=4), Problem(event="PC2", action="UP", at=5), Seen(at=6)]
    story += [Ordered(number="200", at=7), Merged(retired=("2",), at=8)]

    with noted(large.engine) as said:
        large.sends_one_by_one(messages(story))
        with large.engine.connect() as connection:
            patients = patients_named(connection, "ZKHA|1")
            alerts = list_alerts(connection, AlertFilter(patients=patients), None, 50)
            of_order = list_alerts(connection, AlertFilter(order="100"), None, 50)
            answers = list_assessments(connection, patients, "", None, 50)
            by_name = patient_terms.find(connection, "Aalders, A.", date(1950, 1, 1), 50)
            by_name_alone = patient_terms.find(connection, "van Aalders", None, 50)
            of_one = list_assessments(connection, None, "100", None, 50)

    assert [len(rows) for rows in (of_order, alerts)] == [2, 3]  # two orders, and what came after the first
    assert by_name == by_name_alone and set(by_name) <= patients
    assert len(answers) > len(of_one) >= 2
    assert set(large.states().values()) == {"processed"}
    assert len(said) > 25
    assert read_whole(large.engine, list(said.values())) == []
