"""Every fact that an alert shows opens at its segment and field, and what stands there is what is shown."""

import re
from collections.abc import Callable
from typing import Any

import pytest
import sqlalchemy as sa

from inbox.messages.reading import FieldLine, read_segments
from rules.knowledge import Knowledge
from store import tables
from store.messages import raw_of
from synthetic.stream import hospital_messages
from tests.journeys.hospital import Hospital
from tests.journeys.pharmacist import pharmacist_of
from tests.journeys.test_read_by_fhir import every

Json = dict[str, Any]


@pytest.fixture(scope="module")
def lived(fresh_engine: Callable[[], sa.Engine], knowledge: Knowledge) -> Hospital:
    """The synthetic hospital after a day; here it is only read."""
    hospital = Hospital(fresh_engine(), knowledge)
    ids = hospital.receives(*hospital_messages(now=hospital.clock()))
    for start in range(0, len(ids), 100):
        hospital.processes(ids[start : start + 100])
    return hospital


def shown(hospital: Hospital) -> list[Json]:
    """Every fact of every open alert, of both streams, and every order that one is about."""
    alert, assessment = tables.alert, tables.assessment
    query = sa.select(assessment.c.conclusion).join(alert, alert.c.assessment_id == assessment.c.id)
    with hospital.engine.connect() as connection:
        told = connection.execute(query.where(alert.c.status == "open").order_by(alert.c.id)).scalars().all()
    return [fact for each in told for finding in each["findings"] for fact in finding["facts"]] + [
        {"kind": "order", "code": "", "display": each["order"]["product"], "value": ""} | each["order"] for each in told
    ]


def opened(hospital: Hospital, fact: Json) -> tuple[str, list[FieldLine]]:
    """The segment that the page marks, as sent, and the fields that it marks."""
    message = tables.message
    with hospital.engine.connect() as connection:
        row = connection.execute(sa.select(message).where(message.c.id == int(fact["message_id"]))).one()
    assert row.control_id == fact["message"]
    marked = [each for each in read_segments(raw_of(row), row.hl7_version, fact["path"]) if each.marked]
    assert len(marked) == 1, f"{fact['path']} of {fact['message']} opens nowhere"
    text = "|".join(line.value for line in marked[0].fields)
    return text, [line for line in marked[0].fields if line.marked]


def test_every_fact_of_every_open_alert_opens_where_it_stands(lived: Hospital) -> None:
    facts = shown(lived)

    wrong = [fact for fact in facts if not stands_there(fact, *opened(lived, fact))]

    assert wrong == []
    assert len(facts) > 100
    assert {fact["kind"] for fact in facts} >= {"condition", "observation", "medication", "order"}


def stands_there(fact: Json, segment: str, fields: list[FieldLine]) -> bool:
    """Whether the marked field says what is shown: of a result its value, of all else the code or the words.

    How much was given or ordered may be worked out (0.4 g/kg of 85 kg), and a dose is called by our own words.
    """
    if len(fields) != 1:
        return False
    said = plain(fields[0].value)
    if fact["kind"] == "observation":
        return fact["code"] in segment and plain(fact["value"]) in said
    if fact["display"] in ("IVIg given", "IVIg planned"):
        return any(word in said for word in ("j06ba02", "immuunglobuline"))
    return any(plain(fact[name]) in said for name in ("code", "display") if fact[name])


def plain(text: str) -> str:
    """Without what is written differently: case, spaces, zeros at the end of a decimal."""
    return re.sub(r"(\.\d*?)0+(?!\d)", r"\1", text.casefold().replace(" ", "").replace(",", ".")).rstrip(".")


def test_every_alert_is_read_by_fhir_with_the_messages_it_came_from(lived: Hospital) -> None:
    with pharmacist_of(lived) as pharmacist:
        found = every(pharmacist, "DetectedIssue?_count=20&_revinclude=Provenance:target")

    issues = [each for each in found if each["resourceType"] == "DetectedIssue"]
    origins = [each for each in found if each["resourceType"] == "Provenance"]
    controls = {row[0] for row in lived.rows("SELECT control_id FROM message")}
    sources = [entity["what"] for each in origins for entity in each.get("entity", ())]
    assert len(issues) == lived.rows("SELECT count(*) FROM alert")[0][0] > 30
    assert len({each["id"] for each in issues}) == len(issues)
    assert {each["target"][0]["reference"] for each in origins} == {f"DetectedIssue/{each['id']}" for each in issues}
    assert all(each["evidence"] for each in issues if each["status"] == "preliminary")
    assert {each["identifier"]["value"] for each in sources} <= controls
    assert all("[" in each["extension"][0]["valueString"] for each in sources)
