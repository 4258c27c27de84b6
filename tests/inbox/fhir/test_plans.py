"""A page is read by an index, however many alerts and lines of the log there are."""

from collections.abc import Iterator
from typing import Any

import pytest
import sqlalchemy as sa

from inbox.fhir.searching import COUNTED
from store import tables
from store.access_log import REFUSED
from tests.inbox.builders import NOW, an_event
from tests.inbox.fhir.conftest import Reader, with_three
from tests.inbox.sites import Site
from tests.store.builders import insert
from tests.store.test_query_plans import fill, noted

MANY = 3000
LONG_AGO = "'2026-03-01 12:00:00.000000'"
LARGE = ("alert", "alert_event", "access_log")
NARROWED = (
    "DetectedIssue?status=preliminary",
    "DetectedIssue?severity=moderate",
    "DetectedIssue?code=contraindication",
    "DetectedIssue?patient=1",
    "DetectedIssue?patient:identifier=ZKHA|1000001",
    "DetectedIssue?identified=ge2026-11",
    "DetectedIssue?_lastUpdated=ge2026-11&_sort=_lastUpdated",
    "DetectedIssue?implicated:identifier=EPD|900001",
    "DetectedIssue?_id=1&_revinclude=Provenance:target",
    "Provenance?patient=1",
    "Provenance?target=1",
    "Provenance?agent=els",
    "Provenance?recorded=2026-11",
    "AuditEvent?patient=1",
    "AuditEvent?agent=els",
    "AuditEvent?type=110114",
    "AuditEvent?type=110110&date=ge2026-11",
    "AuditEvent?subtype=sign_in",
    "AuditEvent?outcome=4",
    "AuditEvent?date=2026-11-21",
    "AuditEvent?entity=DetectedIssue/1",
)
OF_ALL = (  # whatever is not narrowed, or by what most of it is: the order alone finds the page
    "DetectedIssue?_total=none",
    "DetectedIssue?_total=none&_sort=_id",
    "Provenance?_total=none",
    "AuditEvent?_total=none",
)


@pytest.fixture
def large(site: Site) -> Site:
    """A site with thousands of alerts and lines of other patients, as the planner knows."""
    with_three(site)
    order = {"patient_id": "2", "key": "'x' || i", "placer": "''", "placer_number": "''", "filler": "''"}
    order |= {"filler_number": "''", "product_class": "'ivig'", "state": "'active'", "version": "'1'", "data": "'{}'"}
    alert = {"order_id": "1000 + i", "stream": "'order'", "patient_id": "2", "assessment_id": "1", "tier": "'high'"}
    alert |= {"priority": "'prompt'", "status": "'resolved'", "badges": "'[]'", "opened_at": LONG_AGO}
    event = {"alert_id": "1000 + i", "at": LONG_AGO, "kind": "'raised'", "actor": "'system'", "data": "'{}'"}
    line = {"at": LONG_AGO, "actor": "'a' || i % 100", "role": "'viewer'", "action": "'view_alert'"}
    line |= {"patient_id": "10 + i % 100", "object": "''", "source": "''", "outcome": "'done'", "purpose": "''"}
    with site.engine.begin() as connection:
        fill(connection, tables.medication_order, MANY, order)
        fill(connection, tables.alert, MANY, alert | {"changed_at": LONG_AGO})
        fill(connection, tables.alert_event, MANY, event)
        fill(connection, tables.access_log, MANY, line | {"on_behalf": "''"})
        an_event(connection, 1, kind="acknowledged", actor="els")
        for action, outcome, patient in (("sign_in", "done", None), ("view_alert", REFUSED, 1)):
            row = {"at": NOW, "actor": "els", "role": "lead", "action": action, "patient_id": patient}
            insert(connection, tables.access_log, **row, outcome=outcome, object="alert 1")
    if site.engine.dialect.name == "postgresql":  # which analyses by itself in time
        with site.engine.connect() as connection:
            connection.execute(sa.text("ANALYZE"))
            connection.commit()
    return site


def test_more_than_can_be_counted_in_passing_is_counted_for_who_asks(one_site: Site, one_auditor: Reader) -> None:
    line = {"at": LONG_AGO, "actor": "'els'", "role": "'lead'", "action": "'view_alert'", "object": "''"}
    with one_site.engine.begin() as connection:
        fill(connection, tables.access_log, COUNTED + 1, line | {"source": "''", "outcome": "'done'", "purpose": "''"})

    totals = [
        one_auditor.asks(f"AuditEvent?_count=1{more}").json().get("total")
        for more in ("", "&_total=accurate", "&date=ge2026-11", "&_total=none")
    ]

    assert totals == [None, COUNTED + 2, 2, None]


def asking(reader: Reader, auditor: Reader, path: str) -> Reader:
    return auditor if path.startswith("AuditEvent") else reader


def test_what_is_narrowed_is_found_by_what_narrows_it(large: Site, reader: Reader, auditor: Reader) -> None:
    for path in NARROWED:
        with noted(large.engine) as said:
            found = asking(reader, auditor, path).asks(path).json()

        assert 0 < found["total"] < MANY, path
        assert read_whole(large.engine, said, by_order=False) == [], path


def test_a_page_of_all_is_found_by_its_order(large: Site, reader: Reader, auditor: Reader) -> None:
    for path in OF_ALL:
        with noted(large.engine) as said:
            found = asking(reader, auditor, path).asks(path).json()
            following = found["link"][1]["url"].rpartition("/fhir/")[2]
            after = asking(reader, auditor, path).asks(following).json()

        assert found["entry"] and after["entry"], path
        assert read_whole(large.engine, said, by_order=True) == [], path


def read_whole(engine: sa.Engine, said: dict[str, Any], *, by_order: bool) -> list[str]:
    """The steps of the plans that read a large table from beginning to end."""
    plan = _sqlite_steps if engine.dialect.name == "sqlite" else _postgresql_steps
    with engine.connect() as connection:
        return [
            step for one in said.values() if one[0][:4] in ("SELE", "WITH") for step in plan(connection, one, by_order)
        ]


def _sqlite_steps(connection: sa.Connection, one: tuple[str, Any], by_order: bool) -> Iterator[str]:
    steps = [str(row[3]) for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {one[0]}", one[1])]
    is_sorted = any(step.startswith("USE TEMP B-TREE") for step in steps)
    for step in steps:
        words = step.split()
        if words[0] == "SCAN" and words[1] in LARGE and (is_sorted or not by_order):
            yield f"{step}: {one[0]}"


def _postgresql_steps(connection: sa.Connection, one: tuple[str, Any], by_order: bool) -> Iterator[str]:
    (plan,) = connection.exec_driver_sql(f"EXPLAIN (FORMAT JSON) {one[0]}", one[1]).scalar_one()
    yield from _nodes(plan["Plan"], by_order)


def _nodes(node: dict[str, Any], by_order: bool) -> Iterator[str]:
    kind, table = node["Node Type"], node.get("Relation Name", "")
    by_index = "Index Cond" in node or kind == "Bitmap Heap Scan" or (by_order and kind.startswith("Index"))
    if (table in LARGE and not by_index) or (by_order and kind == "Sort" and node["Plan Rows"] > MANY / 2):
        yield str(node)
    is_first = kind == "Limit" and node["Plan Rows"] == 1  # the first of an index, such as a smallest value
    for inner in () if is_first else node.get("Plans", ()):
        yield from _nodes(inner, by_order)
