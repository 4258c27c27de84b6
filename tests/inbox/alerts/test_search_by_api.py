"""Looking for alerts and answers by the API: by a body, so that no address holds a citizen service number."""

from datetime import timedelta
from typing import Any

import pytest

from clinical.words import STATUSES, STREAMS, TIERS
from inbox.http.settings import BSN_AUTHORITIES
from inbox.people.permissions import ROLES
from store import tables
from tests.inbox.builders import NOW, a_case, a_person, the_lines, the_log
from tests.inbox.sites import Client, Site, sign_in
from tests.store.builders import insert

LISTS = ("/api/v1/alerts", "/api/v1/assessments")
BSN = "999900018"


def with_two(site: Site) -> tuple[str, str]:
    """Raise an alert for each of two patients, the second one settled an hour later."""
    with site.engine.begin() as connection:
        other = a_person(connection, "2000002", "999922002")
        first = a_case(connection)
        later: dict[str, Any] = {"tier": "high", "status": "acknowledged", "changed_at": NOW + timedelta(hours=1)}
        second = a_case(connection, patient=other, number="900002", **later)
    return str(first), str(second)


def test_alerts_are_found_by_the_filters_of_the_list(client: Client, site: Site) -> None:
    one, two = with_two(site)
    token = site.token("viewer")

    def found(**wanted: object) -> list[str]:
        answer = client.post("/api/v1/alerts/search", json=wanted, headers=token)
        return [item["id"] for item in answer.json()["items"]]

    assert found() == [two, one]
    assert found(status=["open"]) == [one]
    assert found(status=["open", "acknowledged"]) == [two, one]
    assert found(tier=["high"], stream=["order"]) == [two]
    assert found(stream=["pharmacovigilance"]) == []
    assert found(order="900001") == [one]
    assert found(patient="1000001") == [one]
    assert found(patient=f"NLMINBIZA|{BSN}") == [one]
    assert found(patient="999922002") == [two]
    assert found(patient="ELSEWHERE|1000001") == []
    assert found(since=(NOW + timedelta(minutes=1)).isoformat()) == [two]
    assert found(patient=None, limit=1) == [two]
    assert found(cursor=two) == [one]


def test_answers_are_found_by_the_filters_of_the_list(one_client: Client, one_site: Site) -> None:
    with_two(one_site)
    token = one_site.token("viewer")

    def found(**wanted: object) -> list[tuple[str, bool]]:
        items = one_client.post("/api/v1/assessments/search", json=wanted, headers=token).json()["items"]
        return [(item["order"]["placer"], item["trace"] is not None) for item in items]

    assert len(found()) == 2
    assert len(found(patient=BSN)) == 1
    assert len(found(patient="2000002")) == 1
    assert len(found(order="900001")) == 1
    assert found(order="900001", trace=True)[0][1]
    assert not found(order="900001")[0][1]
    assert len(found(limit=1)) == 1


@pytest.mark.parametrize("path", LISTS)
@pytest.mark.parametrize("wanted", [{}, {"patient": "1000001"}, {"order": "900002", "limit": 1}])
def test_a_search_answers_as_the_list_does_and_is_recorded_as_it_is(
    one_client: Client, one_site: Site, path: str, wanted: dict[str, Any]
) -> None:
    with_two(one_site)
    token = one_site.token("viewer", "a dashboard")

    listed = one_client.get(path, params=wanted, headers=token)
    of_list = the_log(one_site.engine)
    searched = one_client.post(f"{path}/search", json=wanted, headers=token)

    assert (listed.status_code, searched.status_code) == (200, 200)
    assert searched.json() == listed.json()
    assert the_log(one_site.engine) == of_list * 2
    assert {line.action for line in the_lines(one_site.engine)} == {f"list_{path.rpartition('/')[2]}"}


@pytest.mark.parametrize("path", LISTS)
@pytest.mark.parametrize("patient", [BSN, f" {BSN}", *(f"{name}|{BSN}" for name in sorted(BSN_AUTHORITIES)), "bsn|1"])
def test_an_address_with_a_citizen_service_number_is_refused_and_says_what_to_use(
    one_client: Client, one_site: Site, path: str, patient: str
) -> None:
    one_site.with_case()

    answer = one_client.get(path, params={"patient": patient}, headers=one_site.token())

    assert answer.status_code == 400
    assert answer.json()["errors"] == [{"field": "patient", "message": "a citizen service number"}]
    assert answer.json()["detail"].endswith(f"send it by POST {path}/search")
    assert BSN not in answer.text


@pytest.mark.parametrize("patient", ["999900031", "ZKHA|999900031", "999922002", "ZKHA|999900018", "999900043"])
def test_a_number_of_a_hospital_is_never_taken_for_a_citizen_service_number(
    client: Client, site: Site, patient: str
) -> None:
    """It may pass the eleven-test, be somebody else's citizen service number, or be of a patient we do not have."""
    with site.engine.begin() as connection:
        a_person(connection, "999900031", "999922002")
        insert(connection, tables.patient, authority="APOTHEEK", value="999922002")
        a_person(connection)

    answers = [client.get(path, params={"patient": patient}, headers=site.token()).status_code for path in LISTS]

    assert answers == [200, 200]


@pytest.mark.parametrize(
    "body",
    [
        {"patientt": BSN},
        {"patient": ""},
        {"patient": "1\x00"},
        {"patient": 1000001},
        {"status": []},
        {"status": "open"},
        {"status": ["lost"]},
        {"status": ["open,acknowledged"]},
        {"tier": ["grave"]},
        {"stream": [""]},
        {"since": "2026-11-21T14:05:00"},
        {"since": "yesterday"},
        {"cursor": "x"},
        {"limit": 0},
        {"limit": 201},
        {"limit": "5"},
        [],
        "open",
    ],
)
def test_a_body_that_is_not_as_described_is_refused(one_client: Client, one_site: Site, body: object) -> None:
    """Passed over, it would give everybody."""
    one_site.with_case()

    answer = one_client.post("/api/v1/alerts/search", json=body, headers=one_site.token())

    assert (answer.status_code, answer.headers["content-type"]) == (400, "application/problem+json")


@pytest.mark.parametrize("body", [b"", b"{", b"null"])
def test_a_search_without_a_body_gives_nobody(one_client: Client, one_site: Site, body: bytes) -> None:
    one_site.with_case()

    answers = [one_client.post(f"{path}/search", content=body, headers=one_site.token()).status_code for path in LISTS]

    assert answers == [400, 400]


@pytest.mark.parametrize("role", ROLES)
def test_a_token_alone_opens_the_search_for_who_may_see_alerts(one_client: Client, one_site: Site, role: str) -> None:
    """No cookie and no token of a form: a program has neither. A session opens nothing here."""
    answers = {
        one_client.post(f"{path}/search", json={"patient": BSN}, headers=one_site.token(role)).status_code
        for path in LISTS
    }

    assert answers == ({200} if role in ("viewer", "pharmacist", "lead") else {403})


def test_a_session_or_another_site_does_not_open_the_search(one_client: Client, one_site: Site) -> None:
    token, foreign = one_site.token(), {"Origin": "https://elsewhere.example"}
    one_site.add_user("els")
    sign_in(one_client, "els")

    answers = [
        one_client.post("/api/v1/alerts/search", json={}, headers=headers).status_code
        for headers in ({}, token | foreign, token)
    ]

    assert answers == [401, 403, 200]


def test_the_filters_of_a_search_are_described_with_their_words(one_client: Client, one_site: Site) -> None:
    schema = one_client.get("/schema", headers=one_site.token()).json()

    fields = schema["components"]["schemas"]["AlertSearch"]["properties"]
    lists = {name: fields[name]["oneOf"][0] for name in ("status", "tier", "stream")}
    assert {name: each["items"]["enum"] for name, each in lists.items()} == {
        "status": [*STATUSES],
        "tier": [*TIERS],
        "stream": [*STREAMS],
    }
    assert {(each["type"], each["minItems"]) for each in lists.values()} == {("array", 1)}
    assert (fields["limit"]["minimum"], fields["limit"]["maximum"], fields["limit"]["default"]) == (1, 200, 50)
