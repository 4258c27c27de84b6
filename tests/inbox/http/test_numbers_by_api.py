"""The citizen service number by the JSON API: its end for everybody, and all of it for whoever repairs identities."""

from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from clinical.versions import version_of
from inbox.people.credentials import create_token
from inbox.people.permissions import ROLES
from store import tables
from tests.inbox.builders import NOW, a_case, a_conclusion, a_person, a_problem_message
from tests.inbox.sites import Client, Site
from tests.store.builders import a_message, insert

BSN, SHOWN = "999900018", "••••••018"
CLINICAL = ("viewer", "pharmacist", "lead")
READ = (
    "/alerts",
    "/alerts/1",
    "/assessments",
    "/assessments/1",
    "/patients/1",
    "/handover",
    "/messages",
    "/messages/1",
)
ALSO_READ = ("/codes", "/merges", "/figures")


def with_everything(site: Site) -> int:
    """Raise an alert, and store a merge with her citizen service number, beside it; return its row."""
    with site.engine.begin() as connection:
        a_case(connection, told=a_conclusion())
        by_number = insert(connection, tables.patient, authority="NLMINBIZA", value=BSN)
        message = a_message(connection, "MERGE", body_hash=b"m" * 32)
        stated = {
            "version": version_of(NOW - timedelta(days=1), None, "1", b""),
            "undone": True,
            "message_id": message,
            "path": "PID[1]-3",
        }
        pairs = [{"retired_id": one, "survivor_id": other, **stated} for one, other in ((1, by_number), (by_number, 1))]
        connection.execute(sa.insert(tables.merge_statement), pairs)
    return by_number


@pytest.mark.parametrize("role", CLINICAL)
def test_no_answer_holds_the_whole_number_for_who_works_with_patients(
    one_client: Client, one_site: Site, role: str
) -> None:
    with_everything(one_site)
    token = one_site.token(role)

    answers = {path: one_client.get(f"/api/v1{path}", headers=token) for path in (*READ, *ALSO_READ)}

    assert {answer.status_code for answer in answers.values()} == {200}
    assert [path for path, answer in answers.items() if BSN in answer.text] == []
    shown = {path for path, answer in answers.items() if SHOWN in answer.text}
    assert shown == {"/alerts", "/alerts/1", "/patients/1", "/handover", "/messages/1", "/merges"}


def test_the_answer_to_an_act_shows_no_more(one_client: Client, one_site: Site) -> None:
    alert = one_site.with_case()

    answer = one_client.post(f"/api/v1/alerts/{alert}/take_on", headers=one_site.token("lead"))

    assert (answer.status_code, BSN in answer.text, SHOWN in answer.text) == (200, False, True)


def test_who_repairs_identities_reads_what_was_sent_whole(one_client: Client, one_site: Site) -> None:
    with_everything(one_site)

    message = one_client.get("/api/v1/messages/1", headers=one_site.token("operator")).json()

    assert f"~{BSN}^^^NLMINBIZA^NNNLD|" in message["raw"]
    assert any(BSN in field["value"] for field in message["fields"])


def test_a_token_that_was_not_given_the_scope_reads_the_end(one_client: Client, one_site: Site) -> None:
    with_everything(one_site)
    with one_site.engine.begin() as connection:
        narrow = create_token(connection, "board", "operator", NOW, scopes=["messages:read"])
        wide = create_token(connection, "repair", "operator", NOW, scopes=["messages:read", "citizen_numbers:read"])

    one, other = (
        one_client.get("/api/v1/messages/1", headers={"Authorization": f"Bearer {token}"}).text
        for token in (narrow, wide)
    )

    assert (BSN in one, BSN in other) == (False, True)


def test_one_role_alone_may_read_it_whole() -> None:
    assert [role for role, may in ROLES.items() if "citizen_numbers:read" in may] == ["operator"]


@pytest.mark.parametrize(
    "sent",
    [
        f"PID|1|{BSN}|1000001^^^ZKHA^PI~{BSN}^^^NLMINBIZA^NNNLD||Jansen||19481103|M|||||||||||{BSN}",
        f"PID|1||1000001^^^ZKHA^PI~{BSN}^2^M11^NLMINBIZA^NNNLD||Jansen",
        f"PID|1||1000001^^^ZKHA^PI~{BSN}^^^^NNNLD||Jansen\rZNR|{BSN}",
        "PID|1||1000001^^^ZKHA^PI~9999.00.018^^^&2.16.840.1.113883.2.4.6.3&ISO||Jansen",
    ],
)
def test_a_number_that_is_named_once_is_masked_everywhere_in_the_message(
    one_client: Client, one_site: Site, sent: str
) -> None:
    raw = f"MSH|^~\\&|EPD|ZKHA|||20261121||ADT^A08|1|P|2.5\r{sent}\r".encode()
    with one_site.engine.begin() as connection:
        message = a_problem_message(connection, raw=raw)

    shown: dict[str, Any] = one_client.get(f"/api/v1/messages/{message}", headers=one_site.token()).json()

    for text in (shown["raw"], *(field["value"] for field in shown["fields"])):
        assert BSN not in text
        assert "9999.00" not in text
    assert "1000001^^^ZKHA^PI" in shown["raw"]


@pytest.mark.parametrize(
    "raw",
    [
        f"MSH|^~\\&|EPD|ZKHA|||20261121||ADT^A08|1|P|2.5\rPID|1||1000001^^^ZKHA^PI||Jansen||||||||||||||{BSN}\r".encode(),
        f'{{"resourceType":"Patient","identifier":[{{"system":"urn:oid:9","value":"{BSN}"}}]}}'.encode(),
        f"no HL7 at all, of {BSN}".encode(),
    ],
)
def test_a_number_that_stands_alone_is_masked_when_it_is_known_of_the_patient(
    one_page: Client, one_site: Site, raw: bytes
) -> None:
    with one_site.engine.begin() as connection:
        patient = a_person(connection)
        message = a_problem_message(connection, raw=raw)
        connection.execute(sa.insert(tables.mention).values(message_id=message, patient_id=patient))

    by_api = one_page.get(f"/api/v1/messages/{message}", headers=one_site.token()).text
    by_page = one_page.get(f"/messages/{message}").text

    assert (BSN in by_api, BSN in by_page) == (False, False)
    assert (SHOWN in by_api, SHOWN in by_page) == (True, True)


@pytest.mark.parametrize("named", ["as shown", "whole", "by id"])
def test_the_number_that_stays_is_named_as_it_was_shown(one_client: Client, one_site: Site, named: str) -> None:
    two = f"1-{with_everything(one_site)}"
    token = one_site.token("pharmacist")
    (merge,) = one_client.get("/api/v1/merges", headers=token).json()["items"]
    sides = {merge[side]["authority"]: (merge[side], merge[f"{side}_id"]) for side in ("retired", "survivor")}
    shown, number = sides["NLMINBIZA"]
    said: dict[str, Any] = {
        "as shown": {"survivor": shown},
        "whole": {"survivor": {"authority": "NLMINBIZA", "value": BSN}},
        "by id": {"survivor_id": number},
    }

    answer = one_client.post(f"/api/v1/merges/{two}/merge", headers=token, json={"reason": "one", **said[named]})

    assert (shown["value"], answer.status_code, BSN in answer.text) == (SHOWN, 202, False)
    assert [len(one_site.requeued), merge["id"]] == [1, two]


@pytest.mark.parametrize(
    ("survivor", "fault"),
    [
        ({}, "required"),
        ({"survivor": {"authority": "NLMINBIZA", "value": "••••••019"}}, "unknown"),
        ({"survivor": {"authority": "ZKHA", "value": "••••001"}}, "unknown"),
        ({"survivor_id": "x"}, "unknown"),
        ({"survivor_id": "99"}, "required"),
    ],
)
def test_a_number_of_neither_stays(one_client: Client, one_site: Site, survivor: dict[str, object], fault: str) -> None:
    two = f"1-{with_everything(one_site)}"

    answer = one_client.post(
        f"/api/v1/merges/{two}/merge", headers=one_site.token(), json={"reason": "one", **survivor}
    )

    assert answer.status_code == 400
    assert answer.json()["errors"] == [{"field": "survivor", "message": fault}]
