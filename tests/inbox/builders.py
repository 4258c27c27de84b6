"""Rows of a small hospital, inserted directly: patients, messages, orders, answers and their alerts."""

from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa

from clinical.codes import Coding
from clinical.events import Condition
from clinical.identities import Identifier
from clinical.times import Moment
from clinical.versions import version_of
from history.entries import encode
from store import tables
from store.access_log import LineFilter, WrittenLine, oldest_lines
from store.messages import pack
from tests.store.builders import a_feed, a_message, insert

NOW = datetime(2026, 11, 21, 13, 5, tzinfo=UTC)

PROBLEM = (
    rb"MSH|^~\&|EPD|ZKHA|IVIGWATCH|ZKHA|20261120150000+0100||PPR^PC1^PPR_PC1|EPD2600022|P|2.5|||||NLD|UNICODE UTF-8"
    b"\rPID|1||1000001^^^ZKHA^PI~999900018^^^NLMINBIZA^NNNLD||Jansen&&Jansen^Willem^A^^^^L||19481103|M"
    b"\rPV1|1|I|C4NEU^12^2^ZKHA||||||||||||||||V100001"
    b"\rPRB|AD|20261120145900+0100|128053003^Diepe veneuze trombose^SCT^I80.2^DVT been^I10|PRB6001^EPD|||20190614\r"
)

THE_THROMBOSIS = encode(
    "EPD2600022",
    Condition(
        patient=(Identifier(authority="ZKHA", value="1000001", type="PI"),),
        path="PRB[1]-3",
        key="PRB6001",
        category="problem",
        codings=(Coding(system="ICD10", code="I80.2", display="DVT been"),),
        onset=Moment(at=datetime(2019, 6, 14, tzinfo=UTC), precision="day"),
    ),
)
SENT = version_of(NOW - timedelta(hours=22), NOW - timedelta(hours=22), "EPD2600022", b"22".ljust(32))

VTE = {
    "kind": "condition",
    "code": "I80.2",
    "system": "ICD10",
    "display": "DVT been",
    "value": "",
    "unit": "",
    "at": "2019-06-14T00:00:00+00:00",
    "precision": "day",
    "certainty": "confirmed",
    "message": "EPD2600022",
    "message_id": "",
    "path": "PRB[1]-3",
}


def a_text(nl: str, en: str) -> dict[str, str]:
    """The same words in both languages."""
    return {"nl": nl, "en": en}


def a_fact(**values: Any) -> dict[str, Any]:
    """A thrombosis in 2019, unless told otherwise."""
    return VTE | values


def a_finding(**values: Any) -> dict[str, Any]:
    """An earlier thrombosis."""
    finding = {
        "rule": "IG-VTE-001",
        "version": 1,
        "tier": "contraindication",
        "title": a_text("Eerdere veneuze trombo-embolie", "Prior venous thromboembolism"),
        "because": a_text(
            "De patiënt heeft een veneuze trombo-embolie in de voorgeschiedenis: DVT been, juni 2019.",
            "The patient has a history of venous thromboembolism: deep-vein thrombosis of the leg, June 2019.",
        ),
        "advice": [],
        "evidence": ["Paran D et al. Blood Coagul Fibrinolysis 2005;16:313-8", "KNMP 7097"],
        "facts": [a_fact()],
    }
    return finding | values


def an_order_told(**values: Any) -> dict[str, Any]:
    """80 g of Privigen a day for a patient of 80 kg, this afternoon."""
    order = {
        "placer": "EPD|900001",
        "filler": "APO|F77",
        "product": "Privigen 100 mg/ml",
        "route": "IV",
        "dose_g": [80.0, 80.0],
        "dose_g_per_kg": [1.0, 1.0],
        "course_g_per_kg": [2.0, 2.0],
        "rate_g_per_h": [9.6, 9.6],
        "weight_kg": "80",
        "start": "2026-11-21T15:00:00+00:00",
        "state": "active",
        "flags": [],
        "message": "EPD2600021",
        "message_id": "",
        "path": "RXO[1]-1",
    }
    return order | values


def a_patient_told(**values: Any) -> dict[str, Any]:
    """Willem Jansen of ward C4NEU."""
    patient = {
        "identifiers": [
            {"authority": "ZKHA", "value": "1000001"},
            {"authority": "NLMINBIZA", "value": "999900018"},
        ],
        "name": "Jansen, Willem",
        "birth_date": "1948-11-03",
        "sex": "M",
        "ward": "C4NEU",
    }
    return patient | values


def a_conclusion(**values: Any) -> dict[str, Any]:
    """What was concluded about an order of a patient with an earlier thrombosis."""
    told: dict[str, Any] = {
        "text": a_text(
            "Voorgeschiedenis van trombose en IVIg 1 g/kg per dag. Bevestig de voorgeschiedenis en overleg met de "
            "voorschrijver over noodzaak en alternatieven.",
            "History of thrombosis, and IVIg 1 g/kg per day. Confirm the history and discuss need and alternatives "
            "with the prescriber.",
        ),
        "advice": [
            a_text("Bevestig de voorgeschiedenis.", "Confirm the history."),
            a_text("Laagste dosis, laagste snelheid, vooraf vocht.", "Lowest dose, slowest rate, hydrate first."),
        ],
        "missing": [a_text("Geen INR in de laatste 14 dagen.", "No INR in the last 14 days.")],
        "mitigating": [a_text("Eerdere kuur in 2025 zonder problemen.", "Uneventful earlier course in 2025.")],
        "findings": [a_finding()],
        "order": an_order_told(),
        "patient": a_patient_told(),
        "trace": [{"rule": "IG-VTE-001", "condition": "diagnosed: vte", "held": True, "saw": "I80.2"}],
        "history_as_of": "2026-11-21T12:59:00+00:00",
    }
    return told | values


def a_person(connection: sa.Connection, value: str = "1000001", bsn: str = "999900018") -> int:
    """A patient known by a hospital number and a citizen service number."""
    patient = insert(connection, tables.patient, authority="ZKHA", value=value)
    numbers = [("ZKHA", value, "PI"), ("NLMINBIZA", bsn, "NNNLD")]
    rows = [{"authority": a, "value": v, "type": t, "patient_id": patient} for a, v, t in numbers]
    connection.execute(sa.insert(tables.identifier), rows)
    return patient


def a_problem_message(connection: sa.Connection, patient: int | None = None, **values: Any) -> int:
    """The message that told of the thrombosis, and the fact that was kept of it."""
    stored: dict[str, Any] = {
        "raw": pack(PROBLEM),
        "raw_size": len(PROBLEM),
        "type": "PPR",
        "event": "PC1",
        "hl7_version": "2.5",
    }
    stored |= {"control_id": "EPD2600022", "state": "processed", "received_at": NOW - timedelta(hours=22)}
    message = a_message(connection, **(stored | values))
    if patient is not None:
        row = {
            "patient_id": patient,
            "kind": "condition",
            "key": f"PRB{message}",
            "version": SENT,
            "data": THE_THROMBOSIS,
        }
        insert(connection, tables.fact, **row, message_id=message, path="PRB[1]-3")
    return message


def a_case(
    connection: sa.Connection,
    *,
    patient: int | None = None,
    number: str = "900001",
    told: dict[str, Any] | None = None,
    **columns: Any,
) -> int:
    """One order with its answer and the alert it raised; gives the alert."""
    patient = patient or a_person(connection)
    message = a_problem_message(connection, patient, body_hash=number.encode().ljust(32))
    told = told or a_conclusion()
    for finding in told["findings"]:
        finding["facts"] = [fact | {"message_id": str(message)} for fact in finding["facts"]]
    told["order"] |= {"message_id": str(message), "placer": f"EPD|{number}"}
    order = an_order_row(connection, patient, number, told)
    tier = columns.get("tier", "contraindication")
    priority = columns.get("priority", "urgent")
    assessment = an_answer(connection, order, patient, told, tier=tier, priority=priority)
    row = {"tier": tier, "priority": priority, "status": "open", "opened_at": NOW, "changed_at": NOW, "badges": []}
    alert = insert(
        connection,
        tables.alert,
        order_id=order,
        patient_id=patient,
        assessment_id=assessment,
        **(row | columns),
    )
    an_event(connection, alert, kind="raised", assessment_id=assessment)
    return alert


def an_order_row(connection: sa.Connection, patient: int, number: str, told: dict[str, Any]) -> int:
    return insert(
        connection,
        tables.medication_order,
        patient_id=patient,
        key=f"EPD|{number}",
        placer=f"EPD|{number}",
        placer_number=number,
        filler=told["order"]["filler"],
        filler_number=told["order"]["filler"].rpartition("|")[2],
        product_class="ivig",
        state=told["order"]["state"],
        version="1",
        data={},
    )


def an_answer(connection: sa.Connection, order: int, patient: int, told: dict[str, Any], **columns: Any) -> int:
    """What was concluded about an order."""
    row = {"signature": "s1", "knowledge": "2026.1", "order_version": "1", "as_of": NOW, "concluded_at": NOW}
    return insert(
        connection,
        tables.assessment,
        order_id=order,
        patient_id=patient,
        conclusion=told,
        **(row | columns),
    )


def an_event(connection: sa.Connection, alert: int, kind: str = "changed", **columns: Any) -> int:
    """A line in the alert's record."""
    row = {"at": NOW, "actor": "system", "data": {}}
    return insert(connection, tables.alert_event, alert_id=alert, kind=kind, **(row | columns))


def all_is_well(connection: sa.Connection, now: datetime = NOW) -> None:
    """A worker that is alive and a feed that was heard."""
    connection.execute(sa.insert(tables.heartbeat).values(name="worker", at=now))
    feed = tables.feed
    a_feed(connection, "EPD")
    connection.execute(sa.update(feed).values(last_heard_at=now - timedelta(seconds=4), silence_after_s=600))


def the_log(engine: sa.Engine) -> list[tuple[str, str, int | None, str]]:
    """Who did what to whom: actor, action, patient, object."""
    log = tables.access_log
    with engine.connect() as connection:
        rows = connection.execute(
            sa.select(log.c.actor, log.c.action, log.c.patient_id, log.c.object).order_by(log.c.id)
        )
        return [(row[0], row[1], row[2], row[3]) for row in rows]


def the_lines(engine: sa.Engine) -> list[WrittenLine]:
    """Return the access log, oldest first."""
    with engine.connect() as connection:
        return list(oldest_lines(connection, LineFilter()))
