"""What the FHIR API says that it can do is what it does."""

import json
from hashlib import sha256
from typing import Any

import pytest

from inbox.fhir.capability import STATED_ON, capability_statement
from inbox.fhir.routes import KINDS
from tests.inbox.fhir.conftest import Reader
from tests.inbox.sites import Site

# Of all that it says but the version of the release: when one changes, so does the other.
STATED = ("2026-11-30", "bc6fd51924fe8bed01f6db3bb172e6bee7399dfef1d4a73c5b5dceec2432437e")


@pytest.fixture
def statement(one_reader: Reader) -> dict[str, Any]:
    found: dict[str, Any] = one_reader.asks("metadata").json()
    return found


def test_it_says_which_fhir_and_where(statement: dict[str, Any]) -> None:
    assert (statement["fhirVersion"], statement["kind"]) == ("4.0.1", "instance")
    assert statement["implementation"]["url"] == "http://testserver.local/fhir"
    assert {each["type"] for each in statement["rest"][0]["resource"]} == {"AuditEvent", "DetectedIssue", "Provenance"}


def test_its_date_is_that_of_what_it_says_not_of_the_question(statement: dict[str, Any]) -> None:
    said = capability_statement("https://ivigilant.example/fhir", "IVIgilant", KINDS)
    del said["software"]["version"], said["date"]

    assert statement["date"] == STATED_ON
    assert (STATED_ON, sha256(json.dumps(said).encode()).hexdigest()) == STATED


def test_every_parameter_that_it_names_is_served(
    one_reader: Reader, one_auditor: Reader, statement: dict[str, Any]
) -> None:
    values = {"date": "2026", "token": "1", "reference": "1"}
    codes = {"status": "final", "severity": "high", "action": "R", "outcome": "0"}
    tried = 0
    for resource in statement["rest"][0]["resource"]:
        asking = one_auditor if resource["type"] == "AuditEvent" else one_reader
        for each in resource["searchParam"]:
            value = codes.get(each["name"], values[each["type"]])
            answer = asking.asks(f"{resource['type']}?{each['name']}={value}", headers={"Prefer": "handling=strict"})
            tried += 1
            assert answer.status_code == 200, each
            assert each["name"] in answer.json()["link"][0]["url"]
    assert tried > 20


def test_the_address_behind_a_proxy_is_the_one_that_people_use(one_site: Site) -> None:
    with one_site.client(reached_at="https://ivigilant.example") as client:
        told = client.get("/fhir/metadata").json()

    assert told["implementation"]["url"] == "https://ivigilant.example/fhir"
