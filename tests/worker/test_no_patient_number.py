"""Messages without a patient number: answered when they order IVIg, left to a human when a rule could use them."""

import pytest
import sqlalchemy as sa

from history.messages import rescue
from parsers.defaults import Defaults
from parsers.errors import UnreadableMessage
from parsers.reading import read
from rules.knowledge import Knowledge
from store import tables
from tests.journeys.hospital import Hospital
from tests.parsers.builders import a_message, a_patient_message
from tests.parsers.medication.order_builders import ORC, rxe

NAMELESS = "PID|1||||Jansen^Willem||19481103|M"


@pytest.fixture
def hospital(sqlite_engine: sa.Engine, knowledge: Knowledge) -> Hospital:
    return Hospital(sqlite_engine, knowledge)


def ending(hospital: Hospital) -> tuple[str, str | None]:
    with hospital.engine.connect() as connection:
        row = connection.execute(sa.select(tables.message.c.state, tables.message.c.reason)).one()
    return row.state, row.reason


@pytest.mark.parametrize("pid", [NAMELESS, "NTE|1||geen PID"])
def test_an_ivig_order_without_a_patient_number_is_answered_with_that_doubt(hospital: Hospital, pid: str) -> None:
    hospital.sends(a_message(pid, ORC, rxe("32", "g"), kind="RDE^O11"))

    assert ending(hospital) == ("processed", None)
    assert list(hospital.answers()) == ["1"]
    with hospital.engine.connect() as connection:
        (told,) = connection.execute(sa.select(tables.assessment.c.conclusion)).scalars()
    assert "no_patient_number" in told["order"]["flags"]
    assert told["patient"]["identifiers"][0]["authority"] == "no patient number"


def test_two_orders_without_a_number_are_two_patients(hospital: Hospital) -> None:
    first = a_message(NAMELESS, ORC, rxe("32", "g"), kind="RDE^O11")
    hospital.sends(first, first.replace(b"|C1|", b"|C2|").replace(b"|1^EPD|", b"|2^EPD|"))

    with hospital.engine.connect() as connection:
        assert len(set(connection.execute(sa.select(tables.medication_order.c.patient_id)).scalars())) == 2


def test_a_thrombosis_of_nobody_is_left_to_a_human(hospital: Hospital) -> None:
    hospital.sends(a_message(NAMELESS, "DG1|1||I80.2^DVT^I10"))

    assert ending(hospital) == ("parked", "no_patient")


@pytest.mark.parametrize("rest", [(), ("DG1|1||Z00.0^Onderzoek^I10",), ("OBX|1|NM|XYZ^Ureum^L||5||||||F",)])
def test_what_no_rule_can_use_of_nobody_is_ignored(hospital: Hospital, rest: tuple[str, ...]) -> None:
    hospital.sends(a_message(NAMELESS, *rest))

    assert ending(hospital) == ("ignored", "no_patient")


def test_a_patient_with_a_number_is_read_beside_one_without(hospital: Hospital) -> None:
    hospital.sends(a_patient_message("DG1|1||I80.2^DVT^I10", "PID|2||||Niemand"))

    assert ending(hospital) == ("processed", None)
    with hospital.engine.connect() as connection:
        assert connection.execute(sa.select(sa.func.count()).select_from(tables.fact)).scalar() == 1


def test_what_is_unreadable_for_another_reason_is_left_to_a_human(knowledge: Knowledge) -> None:
    order = b'{"resourceType":"MedicationRequest","id":"m1","status":"active","intent":"order",'
    order += b'"subject":{"reference":"Patient/p1"},"medicationReference":{"reference":"Medication/elsewhere"}}'

    with pytest.raises(UnreadableMessage) as found:
        read(order, Defaults())

    assert found.value.reason == "medication_elsewhere"
    assert rescue(found.value, "m1", knowledge) is None
