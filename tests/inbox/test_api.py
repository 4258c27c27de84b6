"""The JSON API: what it shows, what it lets whom do, and how it says no."""

from datetime import timedelta

import pytest
import sqlalchemy as sa

from inbox.people.credentials import revoke_token
from store import tables
from tests.inbox.builders import (
    NOW,
    a_case,
    a_conclusion,
    a_person,
    a_problem_message,
    an_answer,
)
from tests.inbox.sites import Client, Site
from tests.store.builders import a_message, insert

ALERTS = "/api/v1/alerts"


def test_an_alert_says_who_what_why_and_from_where(client: Client, site: Site) -> None:
    alert = site.with_case()

    found = client.get(f"{ALERTS}/{alert}", headers=site.token("viewer")).json()

    assert (found["id"], found["tier"], found["priority"], found["status"]) == (
        str(alert),
        "contraindication",
        "urgent",
        "open",
    )
    assert found["patient"]["identifiers"][0] == {"authority": "ZKHA", "value": "1000001"}
    assert (found["patient"]["name"], found["patient"]["ward"]) == ("Jansen, Willem", "C4NEU")
    assert (found["order"]["placer"], found["order"]["dose_g"], found["order"]["rate_g_per_h"]) == (
        "EPD|900001",
        [80.0, 80.0],
        [9.6, 9.6],
    )
    fact = found["findings"][0]["facts"][0]
    assert (fact["code"], fact["message"], fact["path"]) == ("I80.2", "EPD2600022", "PRB[1]-3")
    assert found["text"]["nl"].startswith("Voorgeschiedenis")
    assert found["opened_at"] == "2026-11-21T13:05:00Z"
    assert found["knowledge"] == "2026.1"


def test_an_alert_says_which_acts_its_advice_is_and_what_protects(one_client: Client, one_site: Site) -> None:
    does, protection = [["hold"], ["discuss-alternatives"]], {"nl": "geen", "en": "none"}
    with one_site.engine.begin() as connection:
        alert = a_case(connection, told=a_conclusion(does=does, protection=protection))
        older = a_case(connection, patient=a_person(connection, "2", "2"), number="2")

    def shown(number: int) -> tuple[object, object]:
        found = one_client.get(f"{ALERTS}/{number}", headers=one_site.token("viewer")).json()
        return found["does"], found["protection"]

    assert shown(alert) == (does, "none")
    assert shown(older) == ([], "")


@pytest.mark.parametrize(
    ("asked", "title", "advice"),
    [
        ("nl-NL", "Eerdere veneuze trombo-embolie", "Bevestig de voorgeschiedenis."),
        ("en", "Prior venous thromboembolism", "Confirm the history."),
        ("fr", "Prior venous thromboembolism", "Confirm the history."),
        ("", "Prior venous thromboembolism", "Confirm the history."),
    ],
)
def test_findings_are_told_in_the_language_that_was_asked_for(
    one_client: Client, one_site: Site, asked: str, title: str, advice: str
) -> None:
    alert = one_site.with_case()

    headers = one_site.token() | {"Accept-Language": asked}
    found = one_client.get(f"{ALERTS}/{alert}", headers=headers).json()

    assert (found["findings"][0]["title"], found["advice"][0]) == (title, advice)


def test_alerts_are_filtered_by_status_tier_order_patient_and_time(client: Client, site: Site) -> None:
    with site.engine.begin() as connection:
        other = a_person(connection, "2000002", "999922002")
        first = a_case(connection)
        second = a_case(
            connection,
            patient=other,
            number="900002",
            tier="high",
            status="acknowledged",
            changed_at=NOW + timedelta(hours=1),
        )
    token = site.token()

    def found(**wanted: str) -> list[str]:
        return [item["id"] for item in client.get(ALERTS, params=wanted, headers=token).json()["items"]]

    one, two = str(first), str(second)
    assert found() == [two, one]
    assert found(status="open") == [one]
    assert found(status="open,acknowledged") == [two, one]
    assert found(tier="high") == [two]
    assert found(order="900001") == [one]
    assert found(order="EPD|900002") == [two]
    assert found(order="APO|F77") == [two, one]
    assert found(order="0001") == []
    assert found(patient="1000001") == [one]
    assert found(patient="ZKHA|2000002") == [two]
    assert found(patient="ELSEWHERE|999900018") == []
    assert found(patient="ELSEWHERE|1000001") == []
    assert found(since=(NOW + timedelta(minutes=1)).isoformat()) == [two]


def test_a_patient_who_was_merged_is_found_by_either_number(client: Client, site: Site) -> None:
    alert = site.with_case()
    with site.engine.begin() as connection:
        old = connection.scalar(sa.select(tables.patient.c.id))
        new = insert(connection, tables.patient, authority="ZKHA", value="7")
        connection.execute(sa.update(tables.patient).where(tables.patient.c.id == old).values(merged_into=new))

    found = client.get(ALERTS, params={"patient": "ZKHA|7"}, headers=site.token()).json()

    assert [item["id"] for item in found["items"]] == [str(alert)]


def test_a_long_list_is_read_in_pages(client: Client, site: Site) -> None:
    with site.engine.begin() as connection:
        patient = a_person(connection)
        every = [a_case(connection, patient=patient, number=str(number)) for number in range(5)]
    token = site.token()

    read: list[str] = []
    cursor: str | None = None
    while True:
        params = {"limit": "2"} | ({"cursor": cursor} if cursor else {})
        answer = client.get(ALERTS, params=params, headers=token).json()
        read += [item["id"] for item in answer["items"]]
        cursor = answer["next"]
        if cursor is None:
            break

    assert read == [str(alert) for alert in reversed(every)]


@pytest.mark.parametrize("headers", [{}, {"Authorization": "Bearer ivg_made_up"}, {"Authorization": "Basic eDp5"}])
def test_without_a_valid_token_nothing_is_told(client: Client, headers: dict[str, str]) -> None:
    answer = client.get(ALERTS, headers=headers)

    assert (answer.status_code, answer.headers["www-authenticate"]) == (401, "Bearer")
    assert answer.json()["status"] == 401


def test_a_revoked_token_opens_nothing(client: Client, site: Site) -> None:
    token = site.token(name="old system")

    with site.engine.begin() as connection:
        ended = revoke_token(connection, "old system", NOW)

    assert (ended, client.get(ALERTS, headers=token).status_code) == (1, 401)


@pytest.mark.parametrize(
    ("path", "status"),
    [
        (f"{ALERTS}/999", 404),
        (f"{ALERTS}/no-number", 404),
        (f"{ALERTS}/99999999999999999999999", 404),
        ("/api/v1/messages/999", 404),
        ("/api/v1/nothing", 404),
        (f"{ALERTS}?status=sleepy", 400),
        (f"{ALERTS}?since=yesterday", 400),
        (f"{ALERTS}?since=2026-11-21T13:05:00", 400),
        (f"{ALERTS}?cursor=elsewhere", 400),
        (f"{ALERTS}?limit=100000", 400),
    ],
)
def test_whatever_is_wrong_is_answered_with_a_problem_document(
    one_client: Client, one_site: Site, path: str, status: int
) -> None:
    answer = one_client.get(path, headers=one_site.token())

    problem = answer.json()
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")
    assert {"type", "title", "status"} <= problem.keys()
    assert problem["status"] == status


def test_a_body_that_is_not_as_described_is_a_problem_that_names_the_field(one_client: Client, one_site: Site) -> None:
    alert = one_site.with_case()

    answer = one_client.post(f"{ALERTS}/{alert}/override", json={"note": "x"}, headers=one_site.token())

    assert (answer.status_code, answer.headers["content-type"]) == (400, "application/problem+json")
    assert "reason" in answer.text


def test_a_method_that_is_not_there_is_a_problem_too(one_client: Client, one_site: Site) -> None:
    answer = one_client.delete(f"{ALERTS}/1", headers=one_site.token())

    assert (answer.status_code, answer.headers["content-type"]) == (405, "application/problem+json")


def test_every_answer_is_listed_also_when_nothing_was_found(client: Client, site: Site) -> None:
    site.with_case()
    with site.engine.begin() as connection:
        row = connection.execute(sa.select(tables.alert)).one()
        nothing = a_conclusion(findings=[], missing=[])
        an_answer(connection, row.order_id, row.patient_id, nothing, tier="none", priority="none", signature="s2")

    found = client.get("/api/v1/assessments", params={"order": "900001"}, headers=site.token()).json()["items"]

    assert [item["tier"] for item in found] == ["none", "contraindication"]
    assert found[0]["findings"] == []
    assert found[1]["order"]["placer"] == "EPD|900001"
    assert found[1]["missing"] == ["No INR in the last 14 days."]


def test_messages_are_listed_without_their_text_and_shown_with_it(client: Client, site: Site) -> None:
    with site.engine.begin() as connection:
        read = a_problem_message(connection, a_person(connection))
        a_message(connection, "M2", state="parked", reason="no_patient", body_hash=b"2" * 32)
    token = site.token()

    parked = client.get("/api/v1/messages", params={"state": "parked"}, headers=token).json()["items"]
    named = client.get("/api/v1/messages", params={"control_id": "EPD2600022"}, headers=token).json()["items"]
    whole = client.get(f"/api/v1/messages/{read}", headers=token).json()

    assert [(item["control_id"], item["state"], item["reason"]) for item in parked] == [("M2", "parked", "no_patient")]
    assert [(item["id"], item["type"], item["feed"]) for item in named] == [(str(read), "PPR^PC1", "ehr")]
    assert "raw" not in named[0]
    assert whole["raw"].startswith("MSH|^~\\&|EPD|ZKHA")
    assert {
        "path": "PRB[1]-3",
        "name": "Problem ID",
        "value": "128053003^Diepe veneuze trombose^SCT^I80.2^DVT been^I10",
    } in (whole["fields"])


def test_the_description_names_every_path(one_client: Client, one_site: Site) -> None:
    described = one_client.get("/schema", headers=one_site.token("viewer")).json()

    assert set(described["paths"]) >= {
        "/api/v1/alerts",
        "/api/v1/alerts/{alert_id}",
        "/api/v1/alerts/{alert_id}/acknowledge",
        "/api/v1/alerts/{alert_id}/override",
        "/api/v1/alerts/{alert_id}/comment",
        "/api/v1/alerts/{alert_id}/assign",
        "/api/v1/assessments",
        "/api/v1/messages",
        "/api/v1/messages/{message_id}",
        "/api/v1/messages/{message_id}/reprocess",
        "/api/v1/events",
        "/health/live",
        "/health/ready",
    }
    assert described["components"]["securitySchemes"]["bearer"]["scheme"] == "bearer"
