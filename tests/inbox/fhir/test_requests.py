"""What a FHIR client may send, and how it is answered when that is wrong."""

import httpx
import pytest

from tests.inbox.fhir.conftest import Reader, with_three
from tests.inbox.sites import Client, Site

FHIR = "application/fhir+json"
ELSEWHERE = {"Origin": "https://elsewhere.example"}


@pytest.mark.parametrize(
    ("accept", "status", "kind"),
    [
        ("", 200, FHIR),
        ("*/*", 200, FHIR),
        ("application/json", 200, "application/json"),
        ("application/fhir+json; fhirVersion=4.0", 200, FHIR),
        ("application/fhir+xml;q=0.9, application/json;q=0.1", 200, "application/json"),
        ("text/html, */*;q=0.1", 200, FHIR),
        ("application/fhir+json;q=0", 406, FHIR),
        ("application/fhir+json; fhirVersion=3.0", 406, FHIR),
        ("application/fhir+xml", 406, FHIR),
        ("text/turtle", 406, FHIR),
    ],
)
def test_answers_are_json_and_nothing_else(
    one_reader: Reader, one_site: Site, accept: str, status: int, kind: str
) -> None:
    for path in ("DetectedIssue", "metadata"):
        answer = one_reader.asks(path, headers={"Accept": accept})

        assert (answer.status_code, answer.headers["content-type"]) == (status, kind)


@pytest.mark.parametrize(
    ("named", "status"),
    [("json", 200), ("application/fhir%2Bjson", 200), ("application/fhir+json", 200), ("text/json", 200), ("xml", 406)],
)
def test_the_format_that_is_named_goes_before_the_header(one_reader: Reader, named: str, status: int) -> None:
    answer = one_reader.asks(f"DetectedIssue?_format={named}", headers={"Accept": "application/fhir+xml"})

    assert answer.status_code == status


def test_an_answer_can_be_laid_out_for_a_reader(one_reader: Reader) -> None:
    assert "\n  " in one_reader.asks("DetectedIssue?_pretty=true").text


@pytest.mark.parametrize(
    "asked",
    [
        "patient=",
        "patient=Practitioner/1",
        "patient=a/b",
        "patient:identifier=ZKHA|",
        "patient:identifier=|",
        "patient:missing=false",
        "patient.name=Jansen",
        "patient.birthdate=1948-11-03",
        "patientt=1",
        "pateint=1",
        "Patient=1",
        "subject=Patient/1",
        "implicated=Patient/1",
        "nonsense=Patient/1",
        "name=Jansen",
        "bsn=999900018",
        "pati%C3%ABnt=1000001",
        "cli%C3%ABnt=Jansen",
        "patnr=1000001",
        "dob=1948-11-03",
        "birth-date=1948-11-03",
        "achternaam=Jansen",
        "order=EPD|900001",
        "lastUpdated=ge2026-11-01",
        "object=1",
        "encounter=Encounter/7",
        "nonsense=https://fhir.example/r4/Encounter/7",
        "patient:identifier=",
        "identifier=",
        "_id=",
        "implicated=",
        "implicated:identifier=EPD|",
        "implicated=Encounter/7",
        "author:missing=true",
        "_has:Observation:patient:code=1",
        "_filter=patient eq 1",
        "_query=mine",
        "_list=7",
        "_text=jansen",
    ],
)
def test_what_would_narrow_to_a_patient_never_gives_everybody(one_reader: Reader, one_site: Site, asked: str) -> None:
    with_three(one_site)

    answer = one_reader.asks(f"DetectedIssue?{asked}")

    assert (answer.status_code, answer.headers["content-type"]) == (400, FHIR)
    assert answer.json()["resourceType"] == "OperationOutcome"


@pytest.mark.parametrize(
    "asked",
    [
        "status=open",
        "status:exact=final",
        "status:=final",
        "status=final,",
        "severity=grave",
        "identified=yesterday",
        "identified=2026-13",
        "identified=2026-02-30",
        "identified=xx2026",
        "identified=2026-11-21T25:00:00Z",
        "identified=2026-11-21T12",
        "identified=0000",
        "identified=9999",
        "code=a|b|c",
        "_count=-1",
        "_count=many",
        "_sort=name",
        "_sort=identified,_id",
        "_summary=true",
        "_total=some",
        "_cursor=x",
        "_cursor=1795266300000000.3",
        "_cursor=1795266300000000.3.0123456789abcdef0123",
        "_cursor=%C3%A9.3.x",
        "_count=1&_count=2",
        "status=%00",
        "status=%ff",
    ],
)
def test_a_value_that_is_not_served_is_refused(one_reader: Reader, asked: str) -> None:
    answer = one_reader.asks(f"DetectedIssue?{asked}")

    assert (answer.status_code, answer.headers["content-type"]) == (400, FHIR)
    assert answer.json()["issue"][0]["severity"] == "error"


def test_a_parameter_that_there_is_not_is_left_out_or_refused_as_the_client_prefers(one_reader: Reader) -> None:
    left_out = one_reader.asks("DetectedIssue?nonsense=7&status=final")
    refused = one_reader.asks("DetectedIssue?nonsense=7", headers={"Prefer": "respond-async, handling=strict"})

    assert left_out.json()["link"][0]["url"].endswith("/fhir/DetectedIssue?status=final")
    assert refused.status_code == 400
    assert refused.json()["issue"][0]["location"] == ["http.nonsense"]


def test_a_search_by_form_finds_what_one_by_address_does(reader: Reader, site: Site) -> None:
    with_three(site)

    posted = reader.asks("DetectedIssue/_search?status=preliminary", "POST", data={"severity": "high", "_count": "1"})
    empty = reader.asks("DetectedIssue/_search", "POST")
    wrong = reader.asks("DetectedIssue/_search", "POST", json={"severity": "high"})

    assert (posted.json()["total"], len(posted.json()["entry"])) == (2, 1)
    assert empty.json()["total"] == 3
    assert (wrong.status_code, wrong.json()["resourceType"]) == (415, "OperationOutcome")


@pytest.mark.parametrize("path", ["metadata", "DetectedIssue", "DetectedIssue/1", "Provenance/1"])
def test_only_the_head_of_an_answer_can_be_asked(one_reader: Reader, one_site: Site, path: str) -> None:
    one_site.with_case()

    whole, head = one_reader.asks(path), one_reader.asks(path, "HEAD")

    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["content-type"] == whole.headers["content-type"]
    assert head.headers.get("etag") == whole.headers.get("etag")


@pytest.mark.parametrize("number", ["7", "0", "x", "9" * 30, "1/_history/1", "%00", "-1", "1.0"])
@pytest.mark.parametrize("kind", ["DetectedIssue", "Provenance"])
def test_what_is_not_there_is_not_found(one_reader: Reader, one_site: Site, kind: str, number: str) -> None:
    one_site.with_case()

    answer = one_reader.asks(f"{kind}/{number}")

    assert (answer.status_code, answer.headers["content-type"]) == (404, FHIR)
    assert answer.json()["issue"][0]["code"] == "not-found"


@pytest.mark.parametrize("path", ["", "/", "/Patient", "/Patient/1", "/DetectedIssue/1/_history", "/$everything"])
def test_every_address_below_fhir_answers_as_fhir(one_client: Client, one_site: Site, path: str) -> None:
    answer = one_client.get(f"/fhir{path}", headers=one_site.token("viewer"))

    assert (answer.status_code, answer.headers["content-type"]) == (404, FHIR)
    assert answer.json()["resourceType"] == "OperationOutcome"


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
@pytest.mark.parametrize("path", ["metadata", "DetectedIssue/1", "DetectedIssue", "AuditEvent/1"])
def test_nothing_can_be_written(one_reader: Reader, method: str, path: str) -> None:
    answer = one_reader.asks(path, method)

    assert (answer.status_code, answer.headers["content-type"]) == (405, FHIR)
    assert {"GET", "HEAD"} <= set(answer.headers["allow"].split(", "))


@pytest.mark.parametrize("header", [{}, {"Authorization": "Bearer ivg_never"}, {"Authorization": "Basic x"}])
def test_without_a_token_nothing_but_what_is_served_is_said(one_client: Client, header: dict[str, str]) -> None:
    refused = one_client.get("/fhir/DetectedIssue", headers=header)
    open_to_all = one_client.get("/fhir/metadata", headers=header)

    invalid = header.get("Authorization", "").startswith("Bearer")
    challenge = 'Bearer error="invalid_token"' if invalid else "Bearer"
    assert (refused.status_code, refused.headers["www-authenticate"]) == (401, challenge)
    assert (refused.headers["content-type"], refused.json()["issue"][0]["code"]) == (FHIR, "login")
    assert open_to_all.status_code == 200


def test_a_page_of_another_site_cannot_search(one_reader: Reader) -> None:
    answer = one_reader.asks("DetectedIssue/_search", "POST", data={"status": "final"}, headers=ELSEWHERE)

    assert (answer.status_code, answer.json()["issue"][0]["code"]) == (403, "forbidden")


def test_a_form_that_is_too_large_is_refused_as_fhir(one_reader: Reader) -> None:
    answer = one_reader.asks("DetectedIssue/_search", "POST", data={"status": "x" * 70_000})

    assert (answer.status_code, answer.json()["resourceType"]) == (413, "OperationOutcome")


def test_a_session_of_a_browser_opens_nothing(one_page: Client) -> None:
    assert one_page.get("/fhir/DetectedIssue").status_code == 401


def test_a_cursor_of_another_order_or_with_another_place_is_refused(one_reader: Reader, one_site: Site) -> None:
    with_three(one_site)
    page = one_reader.asks("DetectedIssue?_count=1").json()
    cursor = page["link"][1]["url"].rpartition("=")[2]
    changed = f"{(int(cursor[0]) + 1) % 10}{cursor[1:]}"

    good = one_reader.asks(f"DetectedIssue?_cursor={cursor}")
    wrong = [
        one_reader.asks(path).status_code
        for path in (
            f"DetectedIssue?_cursor={changed}",
            f"DetectedIssue?_sort=identified&_cursor={cursor}",
            f"Provenance?_cursor={cursor}",
        )
    ]

    assert (good.status_code, wrong) == (200, [400, 400, 400])


def test_several_headers_of_one_name_count_as_one(one_reader: Reader) -> None:
    headers = [("Accept", "application/fhir+xml"), ("Accept", "application/json"), *one_reader.token.items()]

    answer = one_reader.client.get("/fhir/DetectedIssue", headers=httpx.Headers(headers))

    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/json")


@pytest.mark.parametrize("asked", ["colour=red", "_elements=status", "projects=7", "period=2026", "utm_source=x"])
def test_what_narrows_to_nobody_is_passed_over(one_reader: Reader, one_site: Site, asked: str) -> None:
    with_three(one_site)

    assert one_reader.finds(f"DetectedIssue?{asked}&status=final") == ["3"]


def test_a_database_that_is_away_is_said_as_fhir(one_reader: Reader, one_site: Site) -> None:
    one_reader.asks("DetectedIssue")
    with one_site.engine.begin() as connection:
        connection.exec_driver_sql("ALTER TABLE alert RENAME TO away")

    answer = one_reader.asks("DetectedIssue")

    assert (answer.status_code, answer.headers["content-type"]) == (503, FHIR)
    assert (answer.json()["issue"][0]["code"], answer.headers["retry-after"]) == ("transient", "5")
