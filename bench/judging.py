"""One order judged: the rules alone, and with everything around them while the store is small and large."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from statistics import median
from time import perf_counter

import sqlalchemy as sa

from bench.messages import order, results, thrombosis
from bench.report import Table, ms, us
from bench.services import DATABASES, surroundings
from bench.timing import seconds_of
from history.entries import decode
from history.order_answers import OrderAnswer
from history.person import PersonHistory, judge
from rules.evaluate import evaluate
from rules.knowledge import Knowledge
from rules.load import load_knowledge
from store import facts
from store.engine import connect, reading
from tests.journeys.hospital import Clock, Hospital
from worker.raise_alerts import Effects

FACTS = 50
PATIENT = 1
REPEATS = 40
TABLES = ("patient", "identifier", "fact", "medication_order", "assessment", "alert")


def measure(sizes: tuple[int, ...]) -> list[Table]:
    """Judge an order of a patient with 50 facts."""
    knowledge = load_knowledge()
    rows = []
    rules: Table | None = None
    for database in DATABASES:
        with surroundings(database) as place:
            engine = connect(place.database_url)
            hospital = Hospital(engine, knowledge, clock=Clock(datetime.now(UTC)))
            tell(hospital)
            rules = rules or _rules(engine, knowledge)
            for size in sizes:
                fill(engine, size)
                rows.append(_judged(database, size, hospital, engine))
            engine.dispose()
    assert rules is not None
    notes = ["a changed order: message read, recorded, judged against 50 facts, answer and alert committed, alone"]
    columns = ("database", "facts in the store", "p50 ms", "most ms", "tables read whole")
    return [rules, Table("One order, with the store around it", columns, rows, notes)]


def tell(hospital: Hospital) -> None:
    now = hospital.clock()
    hospital.sends(thrombosis(PATIENT, now), results(PATIENT, now, FACTS - 2), order(PATIENT, now))


def _rules(engine: sa.Engine, knowledge: Knowledge) -> Table:
    """Return the rules alone, on the case that the history makes."""
    answered, entries = _answered(engine, knowledge)
    took = seconds_of(lambda: evaluate(answered.case, knowledge))
    whole = seconds_of(lambda: _answered(engine, knowledge))
    found = [finding.rule for finding in answered.assessment.findings]
    rows = [
        ["the rules", str(len(answered.case.facts)), us(took), "≤ 200"],
        ["history read from the store, orders folded, courses and doses, the rules", str(entries), us(whole), ""],
    ]
    notes = [f"findings: {', '.join(found)}; {len(knowledge.rules)} rules"]
    return Table("Evaluate one order", ("what", "facts", "µs", "target"), rows, notes)


def _answered(engine: sa.Engine, knowledge: Knowledge) -> tuple[OrderAnswer, int]:
    from history.choices import Site

    with reading(engine) as connection:
        entries = decode(facts.of_patients(connection, [PATIENT]))
    person = PersonHistory([("ZKHA", "1")], entries, history_received=True)
    (answered,) = judge(person, knowledge, Site()).answers
    return answered, len(entries)


def fill(engine: sa.Engine, size: int) -> None:
    """Give other patients the same facts, until the store holds so many."""
    with engine.begin() as connection:
        there = connection.execute(sa.text("SELECT count(*) FROM fact")).scalar_one()
        last = connection.execute(sa.text("SELECT max(id) FROM patient")).scalar_one()
        more = (size - there) // FACTS
        new = [{"number": f"{8_000_000 + last + index}"} for index in range(more)]
        if new:
            connection.execute(sa.text(_PATIENT), new)
            connection.execute(sa.text(_FACTS), {"last": last, "source": PATIENT})


_PATIENT = """
INSERT INTO patient (authority, value, demographics, demographics_versions, has_ivig, flags)
VALUES ('ZKHA', :number, '{}', '{}', false, '[]')
"""
_FACTS = """
INSERT INTO fact (patient_id, kind, key, version, deleted, data, message_id, path)
SELECT p.id, f.kind, f.key, f.version, f.deleted, f.data, f.message_id, f.path
FROM fact f CROSS JOIN patient p WHERE f.patient_id = :source AND p.id > :last
"""


def _judged(database: str, size: int, hospital: Hospital, engine: sa.Engine) -> list[str]:
    took = []
    now = hospital.clock()
    with _watching_reads(engine, database) as whole:
        for number in range(REPEATS):
            hospital.clock.passes(seconds=1)
            ids = hospital.receives(order(PATIENT, hospital.clock(), change=size + number + 1))
            began = perf_counter()
            done: Effects = hospital.processes(ids)
            took.append(perf_counter() - began)
            assert done.answers
    assert hospital.clock() > now
    return [database, f"{size:,}", ms(median(took)), ms(max(took)), ", ".join(sorted(whole)) or "none"]


@contextmanager
def _watching_reads(engine: sa.Engine, database: str) -> Iterator[set[str]]:
    """Note which tables a statement reads from beginning to end."""
    whole: set[str] = set()
    if database == "PostgreSQL":
        before = _sequential_scans(engine)
        yield whole
        whole |= {name for name, scans in _sequential_scans(engine).items() if scans > before[name]}
        return

    def explain(
        connection: sa.Connection, cursor: object, statement: str, parameters: object, context: object, many: bool
    ) -> None:
        # Of an INSERT the plan names the tables that refer to it, which are looked at only when a key was left open.
        if not many and statement.lstrip().upper().startswith(("SELECT", "UPDATE", "DELETE", "WITH")):
            driver = connection.connection.driver_connection
            assert driver is not None
            plan = driver.execute(f"EXPLAIN QUERY PLAN {statement}", parameters).fetchall()
            whole.update(name for step in plan for name in TABLES if step[3] == f"SCAN {name}")

    sa.event.listen(engine, "before_cursor_execute", explain)
    yield whole
    sa.event.remove(engine, "before_cursor_execute", explain)


def _sequential_scans(engine: sa.Engine) -> dict[str, int]:
    with engine.begin() as connection:
        connection.exec_driver_sql("SELECT pg_stat_force_next_flush()")
    with engine.connect() as connection:
        rows = connection.exec_driver_sql("SELECT relname, seq_scan FROM pg_stat_user_tables")
        return {row[0]: row[1] for row in rows if row[0] in TABLES}
