"""Why an order did not alert: every rule that was asked is told, through the API and on the command line."""

import json
from typing import Any

import pytest
import sqlalchemy as sa

from rules.knowledge import Knowledge
from synthetic.stream import hospital_messages
from tests.inbox.sites import Client, Site
from tests.ivigilant.processes import ivigilant
from tests.journeys.hospital import Hospital

Json = dict[str, Any]


@pytest.fixture
def lived(sqlite_engine: sa.Engine, knowledge: Knowledge) -> Hospital:
    """The synthetic hospital after a day."""
    hospital = Hospital(sqlite_engine, knowledge)
    ids = hospital.receives(*hospital_messages(now=hospital.clock()))
    for start in range(0, len(ids), 100):
        hospital.processes(ids[start : start + 100])
    return hospital


def silent(hospital: Hospital) -> str:
    """The number of an order that was judged and raised nothing."""
    (row, *_) = hospital.rows(
        "SELECT o.placer_number FROM medication_order o JOIN assessment a ON a.order_id = o.id "
        "WHERE o.id NOT IN (SELECT order_id FROM alert) AND a.tier IN ('none', 'information') ORDER BY o.id"
    )
    return str(row[0])


def with_both(hospital: Hospital) -> str:
    """The number of an order that was judged for itself and for what came after it."""
    (row, *_) = hospital.rows(
        "SELECT o.placer_number FROM medication_order o JOIN assessment a ON a.order_id = o.id "
        "WHERE a.stream = 'pharmacovigilance' ORDER BY o.id"
    )
    return str(row[0])


def asked(client: Client, site: Site, path: str) -> Json:
    told: Json = client.get(f"/api/v1/assessments{path}", headers=site.token("viewer")).json()
    return told


def test_the_api_tells_of_an_order_that_did_not_alert_what_each_rule_missed(lived: Hospital) -> None:
    site, number = Site(lived.engine, lived.knowledge), silent(lived)
    with site.client() as client:
        plain = asked(client, site, f"?order={number}")["items"]
        traced = asked(client, site, f"?order={number}&trace=true")["items"]
        one = asked(client, site, f"/{plain[0]['id']}")
        nothing = client.get("/api/v1/assessments/99999999", headers=site.token("viewer"))

    rules = {each["rule"]: each for each in one["trace"]}
    assert [each["trace"] for each in plain] == [None] * len(plain)
    assert traced[0] == one
    assert len(rules) > 20
    assert not rules["IG-VTE-001"]["fired"]
    assert rules["IG-VTE-001"]["failed"]["held"] is False
    assert rules["IG-VTE-001"]["failed"] in rules["IG-VTE-001"]["conditions"]
    assert nothing.status_code == 404


def test_the_command_line_tells_the_same_and_names_the_stream(lived: Hospital) -> None:
    told = explained(lived, silent(lived))
    both = explained(lived, with_both(lived), "--json")

    assert "rules that did not fire, each with the first condition that did not hold" in told
    assert "IG-VTE-001" in told
    assert {order["stream"] for order in json.loads(both)["orders"]} == {"order", "pharmacovigilance"}
    assert "pharmacovigilance: what came after the infusion" in explained(lived, with_both(lived))


def explained(hospital: Hospital, number: str, *words: str) -> str:
    environment = {"IVIGILANT_DATABASE_URL": str(hospital.engine.url)}
    run = ivigilant("explain", "--order", number, *words, environment=environment)
    assert (run.returncode, run.stderr) == (0, "")
    return run.stdout
