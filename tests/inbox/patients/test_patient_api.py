"""The patient through the API: what the page shows, for a program."""

from typing import Any

import sqlalchemy as sa

from store import tables
from tests.inbox.builders import a_conclusion, a_text, the_log
from tests.inbox.sites import Client, Site

FAILED = {"rule": "IG-VTE-004", "condition": "no such condition", "held": False, "saw": "2019"}


def patient_of(client: Client, site: Site, alert: int, language: str = "en") -> dict[str, Any]:
    headers = site.token("viewer", "a dashboard") | {"Accept-Language": language}
    number = client.get(f"/api/v1/alerts/{alert}", headers=headers).json()["patient_id"]
    found: dict[str, Any] = client.get(f"/api/v1/patients/{number}", headers=headers).json()
    return found


def test_a_patient_comes_with_orders_answers_decisions_messages_and_who_looked(client: Client, site: Site) -> None:
    told = a_conclusion(trace=[FAILED], protection=a_text("geen", "none"))
    alert = site.with_case(told=told)
    with site.engine.begin() as connection:
        connection.execute(sa.insert(tables.mention).values(message_id=1, patient_id=1))
    done = {"done_as": "order_stopped", "note": "Called the ward"}
    client.post(f"/api/v1/alerts/{alert}/acknowledge", json=done, headers=site.token(name="els"))

    found = patient_of(client, site, alert)

    assert {"authority": "ZKHA", "value": "1000001"} in found["identifiers"]
    (order,) = found["orders"]
    assert (order["alert"], order["status"], order["because"]) == (str(alert), "acknowledged", "DVT been, Jun 2019")
    assert [each["condition"] for each in order["why_not"]] == ["no such condition (2019)"]
    assert [each["id"] for each in found["alerts"]] == [str(alert)]
    assert [(each["kind"], each["by"], each["reason"], each["note"]) for each in found["decisions"]] == [
        ("acknowledged", "els", "order_stopped", "Called the ward")
    ]
    assert [each["control_id"] for each in found["messages"]] == ["EPD2600022"]
    assert [(each["what"], each["path"]) for each in found["course"]] == [("DVT been", "PRB[1]-3")]
    assert {each["by"] for each in found["looked"]} == {"a dashboard"}


def test_that_a_program_looked_is_recorded(one_client: Client, one_site: Site) -> None:
    alert = one_site.with_case()

    patient_of(one_client, one_site, alert)

    assert ("a dashboard", "view_patient", 1, "patient 1") in the_log(one_site.engine)


def test_why_not_is_said_in_the_language_that_is_asked(one_client: Client, one_site: Site) -> None:
    alert = one_site.with_case()

    dutch, english = (patient_of(one_client, one_site, alert, language)["orders"] for language in ("nl", "en"))

    assert (dutch[0]["because"], english[0]["because"]) == ("DVT been, jun 2019", "DVT been, Jun 2019")


def test_there_is_nothing_of_a_number_of_nobody(one_client: Client, one_site: Site) -> None:
    answers = [one_client.get(f"/api/v1/patients/{each}", headers=one_site.token()) for each in ("7", "x")]

    assert [answer.status_code for answer in answers] == [404, 404]
