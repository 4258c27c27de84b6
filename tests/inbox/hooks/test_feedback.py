"""What a prescriber did with a card stands in the record of the alert, whichever came first."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest
import sqlalchemy as sa

from history.choices import Site
from parsers.defaults import Defaults
from rules.knowledge import Knowledge
from store.alerts import AlertEvent, events_of
from tests.inbox.builders import the_lines
from tests.inbox.hooks.clients import FEED, HookClient, a_request, hooked
from tests.inbox.sites import Site as Inbox
from tests.inbox.sites import sign_in
from tests.journeys.hospital import Hospital
from tests.parsers.builders import a_patient_message
from tests.parsers.fhir.builders import a_dosage, a_patient, an_order, concept, quantity
from tests.parsers.medication.order_builders import IVIG, ORC, rxe

Json = dict[str, Any]
SITE = Site(defaults={FEED: Defaults(authorities={"urn:oid:9.9": "ZKHA"})}, shows_cards=True)
THROMBOSIS = a_patient_message("DG1|1||I80.2^DVT^I10|||F")
PLACED = ORC.replace("20250310120000", "20261122080000").replace("20250310091400", "20261121110000")
ORDER = a_patient_message(PLACED, rxe("32", "g"), kind="RDE^O11").replace(b"|C1|", b"|C2|")
SENT = b"20261121110000"
DOSE = f"RXA|0|1|20261120080000|20261120120000|{IVIG}|30|g{'|' * 13}CP|A"
GIVEN = (
    a_patient_message("ORC|RE|1^EPD", DOSE, kind="RAS^O17").replace(b"|C1|", b"|C3|").replace(b"20250310120000", SENT)
)
CLOTTED = (
    a_patient_message("DG1|1||I26.9^Longembolie^I10||20261121090000|F")
    .replace(b"|C1|", b"|C4|")
    .replace(b"20250310120000", SENT)
)
JANSEN = a_patient(identifier=[{"system": "urn:oid:9.9", "value": "1000001", "type": concept(("x", "MR"))}])
OTHER = a_patient(id="p2", identifier=[{"system": "urn:oid:9.9", "value": "1000002", "type": concept(("x", "MR"))}])
DAILY = {"boundsPeriod": {"start": "2026-11-22T08:00:00+01:00"}, "frequency": 1, "period": 1, "periodUnit": "d"}
DRAFT = an_order(
    a_dosage(quantity(32, "g"), DAILY), status="draft", identifier=[{"system": "urn:oid:1.1", "value": "1"}]
)
OVERRIDDEN = {
    "outcome": "overridden",
    "outcomeTimestamp": "2026-11-21T12:00:00Z",
    "overrideReason": {
        "reason": {"code": "benefit_outweighs_risk", "system": "urn:ivigilant:override-reason"},
        "userComment": "GBS, no alternative.",
    },
}


@pytest.fixture
def hospital(sqlite_engine: sa.Engine, knowledge: Knowledge) -> Hospital:
    return Hospital(sqlite_engine, knowledge, SITE)


@pytest.fixture
def epd(hospital: Hospital) -> Iterator[HookClient]:
    with hooked(hospital) as client:
        yield client


def card_for(epd: HookClient, draft: Json = DRAFT, patient: Json = JANSEN) -> str:
    body = a_request("order-sign", draft, prefetch={"patient": patient}, patientId=patient["id"])
    answer = epd.asks("ivig-order-sign", body)
    return str(answer.json()["cards"][0]["uuid"])


def tells(epd: HookClient, *entries: Json, **claims: Any) -> httpx.Response:
    client = epd.claiming(**claims)
    return client.asks("ivig-order-sign/feedback", {"feedback": list(entries)})


def said(hospital: Hospital) -> list[tuple[str, str, str | None, str | None]]:
    """What prescribers did, as the record of the only alert has it."""
    (alert,) = hospital.rows("SELECT id, status FROM alert")
    with hospital.engine.connect() as connection:
        events: list[AlertEvent] = events_of(connection, alert.id)
    assert alert.status == "open"
    return [(e.kind, e.actor, e.reason, e.note) for e in events if e.kind.startswith("prescriber")]


WHO = "EPD: Practitioner/COREPRACTITIONER1"


def test_an_override_after_the_alert_stands_in_its_record(engine: sa.Engine, knowledge: Knowledge) -> None:
    hospital = Hospital(engine, knowledge, SITE)
    hospital.sends(THROMBOSIS, ORDER)

    with hooked(hospital) as epd:
        answer = tells(epd, OVERRIDDEN | {"card": card_for(epd)})

    assert answer.status_code == 200
    assert said(hospital) == [("prescriber_overrode", WHO, "benefit_outweighs_risk", "GBS, no alternative.")]


def test_an_override_before_the_order_waits_for_its_alert(engine: sa.Engine, knowledge: Knowledge) -> None:
    hospital = Hospital(engine, knowledge, SITE)
    hospital.sends(THROMBOSIS)
    with hooked(hospital) as epd:
        tells(epd, OVERRIDDEN | {"card": card_for(epd)})

    hospital.sends(ORDER)

    assert said(hospital) == [("prescriber_overrode", WHO, "benefit_outweighs_risk", "GBS, no alternative.")]


def test_a_patient_who_was_unknown_then_is_found_when_her_order_comes(hospital: Hospital, epd: HookClient) -> None:
    tells(epd, OVERRIDDEN | {"card": card_for(epd)})

    hospital.sends(THROMBOSIS, ORDER)

    assert [kind for kind, *_ in said(hospital)] == ["prescriber_overrode"]


def test_a_draft_without_a_number_is_known_by_the_patient_and_its_start(hospital: Hospital, epd: HookClient) -> None:
    nameless = {name: value for name, value in DRAFT.items() if name != "identifier"}
    tells(epd, OVERRIDDEN | {"card": card_for(epd, nameless)})

    hospital.sends(THROMBOSIS, ORDER)

    assert [kind for kind, *_ in said(hospital)] == ["prescriber_overrode"]


def test_what_came_after_the_infusion_is_not_what_the_card_was_about(hospital: Hospital, epd: HookClient) -> None:
    hospital.sends(THROMBOSIS)
    tells(epd, OVERRIDDEN | {"card": card_for(epd)})

    hospital.sends(GIVEN, CLOTTED, ORDER)

    noted = hospital.rows(
        "SELECT a.stream FROM alert_event e JOIN alert a ON a.id = e.alert_id WHERE e.kind = 'prescriber_overrode'"
    )
    assert {row.stream for row in hospital.rows("SELECT stream FROM alert")} == {"order", "pharmacovigilance"}
    assert [row.stream for row in noted] == ["order"]


def test_the_order_of_another_patient_with_the_same_number_is_another(hospital: Hospital, epd: HookClient) -> None:
    tells(epd, OVERRIDDEN | {"card": card_for(epd)})

    hospital.sends(THROMBOSIS.replace(b"1000001", b"1000002"), ORDER.replace(b"1000001", b"1000002"))

    assert said(hospital) == []


def test_of_several_patients_in_one_report_each_card_reaches_only_its_own(hospital: Hospital, epd: HookClient) -> None:
    nameless = {name: value for name, value in DRAFT.items() if name != "identifier"}
    of_jansen = card_for(epd, nameless)
    hospital.sends(THROMBOSIS.replace(b"1000001", b"1000002"), ORDER.replace(b"1000001", b"1000002"))
    of_other = card_for(epd, nameless | {"subject": {"reference": "Patient/p2"}}, patient=OTHER)
    accepted = {"card": of_other, "outcome": "accepted", "outcomeTimestamp": "2026-11-21T12:00:00Z"}

    assert tells(epd, OVERRIDDEN | {"card": of_jansen}, accepted).status_code == 200

    assert said(hospital) == [("prescriber_followed", WHO, None, None)]


def test_the_token_says_who_acted_and_a_repeated_report_is_one(hospital: Hospital, epd: HookClient) -> None:
    hospital.sends(THROMBOSIS, ORDER)
    accepted = {
        "card": card_for(epd),
        "outcome": "accepted",
        "acceptedSuggestions": [{"id": "e56e1945-20b3-4393-8503-a1a20fd73152"}],
        "outcomeTimestamp": "2026-11-21T12:00:00Z",
    }

    for _ in range(2):
        assert tells(epd, accepted, sub="Practitioner/7").status_code == 200

    assert said(hospital) == [("prescriber_followed", "EPD: Practitioner/7", None, None)]


def test_a_reason_of_the_clients_own_is_kept_in_words(hospital: Hospital, epd: HookClient) -> None:
    hospital.sends(THROMBOSIS, ORDER)
    own = {"reason": {"code": "d7ecf885", "system": "https://epd.example/reasons", "display": "Patient agrees"}}

    tells(epd, OVERRIDDEN | {"card": card_for(epd), "overrideReason": own})

    assert said(hospital) == [("prescriber_overrode", WHO, None, "Patient agrees")]


def test_the_inbox_shows_it(hospital: Hospital, epd: HookClient) -> None:
    hospital.sends(THROMBOSIS, ORDER)
    tells(epd, OVERRIDDEN | {"card": card_for(epd)})
    inbox = Inbox(hospital.engine, hospital.knowledge, now=hospital.clock())
    inbox.add_user("els")

    with inbox.client() as client:
        page = sign_in(client, "els").get("/alerts/1").text

    assert "Prescriber goes ahead:" in page
    assert "GBS, no alternative." in page
    assert WHO in page


def test_who_reported_what_is_recorded(hospital: Hospital, epd: HookClient) -> None:
    hospital.sends(THROMBOSIS, ORDER)
    card = card_for(epd)

    tells(epd, OVERRIDDEN | {"card": card})

    line = the_lines(hospital.engine)[-1]
    assert (line.actor, line.action, line.patient_id, line.object) == ("EPD", "card_feedback", 1, f"card {card}")


@pytest.mark.parametrize(
    ("change", "where"),
    [
        ({"card": "4e0a3a1e-3283-4575-ab82-028d55fe2719"}, "feedback[0].card: this service showed no such card"),
        ({"outcome": "ignored"}, "body: Invalid enum value 'ignored' - at `$.feedback[0].outcome`"),
        ({"outcomeTimestamp": "2026-11-21T12:00:00"}, "feedback[0].outcomeTimestamp: a time has a zone"),
        ({"outcomeTimestamp": "yesterday"}, "body: Invalid RFC3339 encoded datetime - at `$.feedback[0].outcomeTi"),
        (
            {"overrideReason": {"userComment": "x" * 4001}},
            "feedback[0].overrideReason.userComment: is longer than 4000",
        ),
    ],
)
def test_what_is_wrong_is_refused_whole(hospital: Hospital, epd: HookClient, change: Json, where: str) -> None:
    hospital.sends(THROMBOSIS, ORDER)
    right = OVERRIDDEN | {"card": card_for(epd)}

    answer = tells(epd, right | change, right)

    assert (answer.status_code, answer.json()["detail"][: len(where)]) == (400, where)
    assert said(hospital) == []


def test_who_reported_what_is_refused_is_recorded_and_has_used_the_token_up(
    hospital: Hospital, epd: HookClient
) -> None:
    token = epd.token("/ivig-order-sign/feedback")
    body = {"feedback": [OVERRIDDEN | {"card": "4e0a3a1e-3283-4575-ab82-028d55fe2719"}]}

    answers = [epd.asks("ivig-order-sign/feedback", body, token=token).status_code for _ in range(2)]

    (line,) = the_lines(hospital.engine)
    assert answers == [400, 401]
    assert (line.actor, line.action, line.outcome) == ("EPD", "card_feedback", "refused")
    assert line.object.startswith("ivig-order-sign: feedback[0].card: this service showed no such card")


def test_feedback_needs_a_token_too(epd: HookClient) -> None:
    assert epd.http.post("/cds-services/ivig-order-sign/feedback", json={"feedback": []}).status_code == 401


def test_a_card_that_was_answered_is_kept(hospital: Hospital, epd: HookClient) -> None:
    answered, ignored = card_for(epd), card_for(epd)
    tells(epd, OVERRIDDEN | {"card": answered})
    hospital.clock.passes(days=91)

    with hooked(hospital) as later:
        shown = card_for(later)

    kept = {row.uuid for row in hospital.rows("SELECT uuid FROM card")}
    assert kept == {answered, shown}
    assert ignored not in kept
