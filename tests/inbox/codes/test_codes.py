"""Codes that no value set holds, on their pages and through the API."""

from typing import Any

import pytest
import sqlalchemy as sa

from store import local_codes, tables
from store.local_codes import Sighting
from tests.inbox.builders import NOW, a_person, the_log
from tests.inbox.sites import Client, Site, form
from tests.store.builders import a_message, insert

CODES = "/api/v1/codes"
VTE = "venous-thromboembolism"


def a_code(site: Site, code: str = "T7", *, messages: int = 1, **values: str) -> int:
    """A code that was seen in so many messages of one patient who has IVIg; gives its number."""
    seen = {"kind": "diagnosis", "system": "ZKH", "display": "Aandoening", "likely": "", "path": "DG1[1]-3"} | values
    with site.engine.begin() as connection:
        patient = a_person(connection, code, f"9{code}")
        connection.execute(sa.update(tables.patient).where(tables.patient.c.id == patient).values(has_ivig=True))
        sightings = []
        for number in range(messages):
            message = a_message(connection, f"{code}-{number}", state="processed", body_hash=code.encode().ljust(32))
            connection.execute(sa.insert(tables.mention).values(message_id=message, patient_id=patient))
            sightings.append(Sighting(code=code, message_id=message, **seen))
        local_codes.record(connection, sightings, NOW)
        return int(local_codes.with_states(connection, ["open"])[-1].id)


def waiting(site: Site) -> list[str]:
    """The messages that wait again."""
    query = sa.select(tables.message.c.control_id).where(tables.message.c.state == "received")
    with site.engine.connect() as connection:
        return sorted(connection.scalars(query))


def test_codes_are_listed_most_seen_first_and_those_whose_words_say_something_before_all(
    page: Client, site: Site
) -> None:
    a_code(site, "RARE", messages=1)
    a_code(site, "OFTEN", messages=3)
    a_code(site, "TELLING", likely=VTE)

    shown = page.get("/codes").text

    assert sorted(("RARE", "OFTEN", "TELLING"), key=lambda code: shown.index(f">{code}<")) == [
        "TELLING",
        "OFTEN",
        "RARE",
    ]
    assert "text suggests: Venous thromboembolism" in shown
    assert "3 codes" in shown


def test_the_list_is_narrowed_by_state_kind_and_words(page: Client, site: Site) -> None:
    a_code(site, "D1", display="Nierstenen 100%")
    a_code(site, "P1", kind="product", display="Kuipje")

    def found(query: str) -> list[str]:
        shown = page.get(f"/codes{query}").text
        return [code for code in ("D1", "P1") if f">{code}<" in shown]

    assert found("") == ["D1", "P1"]
    assert found("?kind=product") == ["P1"]
    assert found("?state=mapped") == []
    assert found("?words=NIERSTEEN") == []
    assert found("?words=nierst") == ["D1"]
    assert found("?words=%25") == ["D1"]
    assert found("?state=nonsense&kind=nonsense") == ["D1", "P1"]


def test_a_code_leads_to_the_field_it_was_last_seen_in(one_page: Client, one_site: Site) -> None:
    code = a_code(one_site, messages=2)

    shown = one_page.get(f"/codes/{code}").text

    assert 'href="/messages/2?path=DG1%5B1%5D-3#marked"' in shown
    assert "Messages to process again: 2. Patients with IVIg in them, whose orders are judged again: 1." in shown


def test_mapping_from_the_page_lets_its_messages_wait_again(page: Client, site: Site) -> None:
    code = a_code(site, messages=2)
    a_code(site, "OTHER")
    page.get(f"/codes/{code}")

    shown = page.post(f"/codes/{code}/map", data=form(page, value_set=VTE, seen="0")).text

    assert "T7 counts as Venous thromboembolism." in shown
    assert "2 messages are being processed again." in shown
    assert waiting(site) == ["T7-0", "T7-1"]
    assert site.requeued == [1, 2]
    assert ("els", "map_code", None, f"code {code} {VTE}") in the_log(site.engine)
    with site.engine.connect() as connection:
        assert local_codes.mapped(connection) == {VTE: [("ZKH", "T7")]}
        assert local_codes.version(connection) == 1


def test_a_dismissed_code_leaves_the_list_with_who_and_why(one_page: Client, one_site: Site) -> None:
    code = a_code(one_site)
    one_page.get(f"/codes/{code}")

    shown = one_page.post(f"/codes/{code}/dismiss", data=form(one_page, reason="een maaltijd", seen="0")).text

    assert "T7 is dismissed." in shown
    assert "No codes are waiting" in shown
    assert "een maaltijd" in one_page.get(f"/codes/{code}").text
    assert waiting(one_site) == []
    assert ("els", "dismiss_code", None, f"code {code}") in the_log(one_site.engine)


@pytest.mark.parametrize(
    ("act", "given", "said"),
    [
        ("map", {}, "Choose a value set."),
        ("map", {"value_set": "nonsense"}, "Choose one of these value sets."),
        ("map", {"value_set": "route-intravenous"}, "Choose one of these value sets."),
        ("dismiss", {"reason": " "}, "Write a reason."),
        ("dismiss", {"reason": "x" * 401}, "This is too long."),
    ],
)
def test_what_is_not_filled_in_is_asked_for(
    one_page: Client, one_site: Site, act: str, given: dict[str, str], said: str
) -> None:
    code = a_code(one_site)
    one_page.get(f"/codes/{code}")

    answer = one_page.post(f"/codes/{code}/{act}", data=form(one_page, seen="0", **given))

    assert (answer.status_code, said in answer.text) == (422, True)
    assert waiting(one_site) == []


def test_of_two_pharmacists_one_is_first(one_page: Client, one_site: Site) -> None:
    code = a_code(one_site)
    one_page.get(f"/codes/{code}")
    one_page.post(f"/codes/{code}/dismiss", data=form(one_page, reason="een maaltijd", seen="0"))

    answer = one_page.post(f"/codes/{code}/map", data=form(one_page, value_set=VTE, seen="0"))

    assert answer.status_code == 409
    assert "This code is already dismissed." in answer.text
    assert "els got there first" in answer.text


def test_a_reader_sees_and_does_not_decide(one_client: Client, one_site: Site) -> None:
    code = a_code(one_site)
    token = one_site.token("viewer")

    seen = one_client.get(f"{CODES}/{code}", headers=token)
    refused = one_client.post(f"{CODES}/{code}/map", json={"value_set": VTE}, headers=token)

    assert (seen.status_code, refused.status_code) == (200, 403)


def test_the_api_tells_of_a_code_all_that_the_page_does(client: Client, site: Site) -> None:
    code = a_code(site, messages=2, likely=VTE)

    found = client.get(f"{CODES}/{code}", headers=site.token("viewer")).json()

    assert found == {
        "id": str(code),
        "kind": "diagnosis",
        "system": "ZKH",
        "code": "T7",
        "display": "Aandoening",
        "likely": VTE,
        "state": "open",
        "messages": 2,
        "feed": "ehr",
        "first_seen": "2026-11-21T13:05:00Z",
        "last_seen": "2026-03-01T12:00:00Z",
        "example": {"message": "T7-1", "message_id": "2", "path": "DG1[1]-3"},
        "value_set": None,
        "reason": None,
        "decided_by": None,
        "decided_at": None,
        "decisions": 0,
        "patients": 1,
        "patients_with_ivig": 1,
    }


def test_codes_are_mapped_and_taken_back_through_the_api(client: Client, site: Site) -> None:
    code = a_code(site)
    token = site.token("lead", "els")

    def does(act: str, **said: Any) -> Any:
        return client.post(f"{CODES}/{code}/{act}", json=said, headers=token)

    mapped = does("map", value_set=VTE, seen=0)
    late = does("map", value_set="malignancy", seen=0)
    site_waits = waiting(site)
    dismissed = does("dismiss", reason="een vergissing")

    assert (mapped.status_code, mapped.json()["state"], mapped.json()["value_set"]) == (200, "mapped", VTE)
    assert (late.status_code, late.json()["settled"]["by"]) == (409, "els")
    assert site_waits == ["T7-0"]
    assert (dismissed.json()["state"], dismissed.json()["value_set"], dismissed.json()["decisions"]) == (
        "dismissed",
        None,
        2,
    )
    assert client.get(CODES, params={"state": "open"}, headers=token).json()["items"] == []


def test_what_the_api_cannot_do_it_says(client: Client, site: Site) -> None:
    code = a_code(site)
    token = site.token("lead")

    missing = client.get(f"{CODES}/999", headers=token)
    unknown = client.post(f"{CODES}/{code}/map", json={"value_set": "x"}, headers=token)
    nowhere = client.post(f"{CODES}/999/dismiss", json={"reason": "x"}, headers=token)

    assert [answer.status_code for answer in (missing, unknown, nowhere)] == [404, 400, 404]
    assert unknown.json()["errors"] == [{"field": "value_set", "message": "unknown"}]


def test_a_long_list_of_codes_is_read_in_pages(client: Client, site: Site) -> None:
    every = [a_code(site, f"C{number}") for number in range(5)]
    read: list[str] = []
    cursor: str | None = ""

    while cursor is not None:
        params = {"limit": "2"} | ({"cursor": cursor} if cursor else {})
        answer = client.get(CODES, params=params, headers=site.token("lead")).json()
        read += [item["id"] for item in answer["items"]]
        cursor = answer["next"]

    assert read == [str(code) for code in reversed(every)]


def test_many_messages_are_left_to_the_sweep(one_page: Client, one_site: Site) -> None:
    code = a_code(one_site, messages=130)
    one_page.get(f"/codes/{code}")

    one_page.post(f"/codes/{code}/map", data=form(one_page, value_set=VTE, seen="0"))

    assert (len(one_site.requeued), len(waiting(one_site))) == (100, 130)


def test_a_code_that_is_not_there_is_not_found(one_page: Client, one_site: Site) -> None:
    with one_site.engine.begin() as connection:
        insert(connection, tables.patient, authority="X", value="1")

    assert [one_page.get(path).status_code for path in ("/codes/7", "/codes/x")] == [404, 404]
