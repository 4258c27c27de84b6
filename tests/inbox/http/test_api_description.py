"""The API is what its description says: parameters, bodies, answers and problems, for every call at once."""

from collections.abc import Iterator
from typing import Any

import pytest

from clinical.words import CHANNELS, STATUSES, TIERS
from tests.inbox.sites import Client, Site

PROBLEM = "application/problem+json"
ENDLESS = "/api/v1/events"
Call = tuple[str, str, dict[str, Any]]  # method, path, what the schema says of it


@pytest.fixture
def described(one_client: Client, one_site: Site) -> dict[str, Any]:
    found: dict[str, Any] = one_client.get("/schema", headers=one_site.token("viewer")).json()
    return found


def calls_of(described: dict[str, Any]) -> Iterator[Call]:
    for path, item in described["paths"].items():
        if path.startswith("/api/v1/"):
            for method, operation in item.items():
                yield method, path, operation


def asked(client: Client, site: Site, call: Call, **options: Any) -> Any:
    """Ask for the first thing there is, without anything that was not given."""
    method, path, _ = call
    there = path.replace("{merge_id}", "1-2")
    for name in ("alert_id", "assessment_id", "message_id", "code_id", "patient_id"):
        there = there.replace(f"{{{name}}}", "1")
    return client.request(method.upper(), there, headers=site.token("lead", "a lead"), **options)


def test_every_problem_is_described_as_the_document_it_is(described: dict[str, Any]) -> None:
    calls = list(calls_of(described))

    for method, path, operation in calls:
        refusals = {status: each for status, each in operation["responses"].items() if int(status) >= 400}
        expected = {"400", "401", "403", "500", "503"} | ({"404"} if "{" in path else set())
        expected |= {"404", "409"} if method == "post" and not path.endswith("/search") else set()  # that only reads
        assert set(refusals) == expected, path
        for each in refusals.values():
            assert each["content"] == {PROBLEM: {"schema": {"$ref": "#/components/schemas/ProblemShape"}}}
    assert len(calls) > 30


def test_what_is_one_of_a_few_words_says_which(described: dict[str, Any]) -> None:
    shapes = described["components"]["schemas"]
    asked_for = {each["name"]: each["schema"] for each in described["paths"]["/api/v1/alerts"]["get"]["parameters"]}

    alert = shapes["AlertShape"]["properties"]
    assert [alert[name]["enum"] for name in ("tier", "status", "channel")] == [[*TIERS], [*STATUSES], [*CHANNELS]]
    assert asked_for["status"]["items"]["enum"] == [*STATUSES]
    assert "order_stopped" in shapes["Acknowledgement"]["properties"]["done_as"]["enum"]
    assert "will_monitor" in shapes["Override"]["properties"]["reason"]["enum"]


def test_a_body_that_may_be_left_out_is_described_so(described: dict[str, Any]) -> None:
    left_out = {
        path.rpartition("/")[2]
        for _, path, operation in calls_of(described)
        if "requestBody" in operation and not operation["requestBody"].get("required", False)
    }

    assert left_out == {"take_on", "acknowledge", "reopen"}


def test_no_call_passes_over_a_parameter_that_it_does_not_have(
    one_client: Client, one_site: Site, described: dict[str, Any]
) -> None:
    one_site.with_case()
    for call in calls_of(described):
        answer = asked(one_client, one_site, call, params={"patientt": "1000001"})

        assert (answer.status_code, answer.headers["content-type"]) == (400, PROBLEM), call[1]
        assert answer.json()["errors"] == [{"field": "patientt", "message": "unknown"}]


def test_a_parameter_of_another_call_is_refused_and_says_which_are_known(one_client: Client, one_site: Site) -> None:
    token = one_site.token()

    answer = one_client.get("/api/v1/messages", params={"patient": "1000001"}, headers=token)

    assert answer.status_code == 400
    assert answer.json()["detail"].endswith("known are: control_id, cursor, feed, limit, state")


@pytest.mark.parametrize(
    ("path", "parameters"),
    [
        ("/api/v1/alerts", {"status": ""}),
        ("/api/v1/alerts", {"status": "open,"}),
        ("/api/v1/alerts", {"tier": "grave"}),
        ("/api/v1/alerts", {"since": "null"}),
        ("/api/v1/alerts", {"since": "0.5"}),
        ("/api/v1/alerts", {"since": "2026-11-21T14:05:00"}),
        ("/api/v1/alerts", {"cursor": "null"}),
        ("/api/v1/alerts", {"limit": "0"}),
        ("/api/v1/alerts", {"patient": "1\0"}),
        ("/api/v1/assessments", {"order": "\0"}),
        ("/api/v1/messages", {"feed": "a\0b"}),
        ("/api/v1/codes", {"kind": "drug"}),
        ("/api/v1/messages", {"state": "lost"}),
        ("/api/v1/merges", {"unclear": "perhaps"}),
        ("/api/v1/figures", {"step": "year"}),
        ("/api/v1/events", {"after": "null"}),
        ("/api/v1/events", {"after": "-1"}),
    ],
)
def test_a_value_that_is_not_as_described_is_refused(
    one_client: Client, one_site: Site, path: str, parameters: dict[str, str]
) -> None:
    answer = one_client.get(path, params=parameters, headers=one_site.token())

    assert (answer.status_code, answer.headers["content-type"]) == (400, PROBLEM)


def test_a_value_in_a_body_has_the_type_that_is_described(
    one_client: Client, one_site: Site, described: dict[str, Any]
) -> None:
    one_site.with_case()
    wrong: dict[str, Any] = {"string": 7, "boolean": 0, "integer": "0", "array": {}, "object": [], "": 7.5}
    tried = 0
    for call in calls_of(described):
        for name, kind in _fields(call, described["components"]["schemas"]):
            answer = asked(one_client, one_site, call, json={name: wrong[kind]})
            tried += 1

            assert (answer.status_code, answer.headers["content-type"]) == (400, PROBLEM), (call[1], name)
            assert answer.json()["errors"][0]["field"].startswith(name)
    assert tried > 30


def _fields(call: Call, shapes: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield the fields of the body of a call, with the type of each that has just one."""
    content = call[2].get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema", {})
    for each in content.get("oneOf", [content]):
        shape = shapes.get(each.get("$ref", "").rpartition("/")[2], {})
        for name, field in shape.get("properties", {}).items():
            yield name, field.get("type", "")


@pytest.mark.parametrize("body", [b"", b"{", b"null", b"7", b"[]", b'"open"', b"\xff", b'{"note": "\\ud800"}'])
def test_a_body_that_is_none_is_never_a_fault_of_ours(
    one_client: Client, one_site: Site, described: dict[str, Any], body: bytes
) -> None:
    one_site.with_case()
    for call in calls_of(described):
        if call[0] == "post":
            answer = asked(one_client, one_site, call, content=body)

            assert answer.status_code < 500, call[1]


def test_a_method_that_a_call_does_not_have_names_those_it_has(
    one_client: Client, one_site: Site, described: dict[str, Any]
) -> None:
    for path, item in described["paths"].items():
        answer = asked(one_client, one_site, ("delete", path, {}))

        assert (answer.status_code, answer.headers["content-type"]) == (405, PROBLEM)
        assert {method.upper() for method in item} <= set(answer.headers["allow"].split(", "))


def test_a_text_that_is_looked_for_is_described_without_what_no_database_holds(described: dict[str, Any]) -> None:
    asked_for = [
        (path, each)
        for method, path, operation in calls_of(described)
        for each in operation.get("parameters", ())
        if each["in"] == "query" and each["schema"].get("type") == "string"
    ]

    open_to_anything = {
        (path, each["name"]) for path, each in asked_for if not {"pattern", "format", "enum"} & set(each["schema"])
    }
    assert len(asked_for) > 5
    assert open_to_anything == set()
