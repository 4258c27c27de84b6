"""The pages of messages: field by field, parked ones first, tried again."""

import pytest

from tests.inbox.builders import (
    a_problem_message,
)
from tests.inbox.sites import Client, Site, form
from tests.store.builders import a_message


def order_of(text: str, *words: str) -> list[str]:
    """Return the words in the order in which they appear."""
    return sorted(words, key=text.index)


def test_a_message_is_shown_field_by_field_with_the_source_of_a_fact_marked(one_page: Client, one_site: Site) -> None:
    with one_site.engine.begin() as connection:
        message = a_problem_message(connection)

    shown = one_page.get(f"/messages/{message}?path=PRB[1]-3").text

    assert '<tr class="marked" id="marked">' in shown
    marked = shown[shown.index('id="marked"') :]
    assert "Problem ID" in marked[:400]
    assert "128053003^Diepe veneuze trombose" in marked[:600]
    assert shown.count('id="marked"') == 1


@pytest.mark.parametrize("raw", [b"", b"\xff\xfe no HL7 at all", b"MSH"])
def test_a_message_that_cannot_be_read_is_shown_as_it_came(one_page: Client, one_site: Site, raw: bytes) -> None:
    with one_site.engine.begin() as connection:
        message = a_message(connection, state="parked", reason="unreadable", raw=raw)

    shown = one_page.get(f"/messages/{message}")

    assert shown.status_code == 200
    assert "This message cannot be split into segments." in shown.text


def test_a_parked_message_is_processed_again_from_its_page(one_page: Client, one_site: Site) -> None:
    with one_site.engine.begin() as connection:
        message = a_message(connection, state="parked", reason="no_patient")

    before = one_page.get(f"/messages/{message}").text
    after = one_page.post(f"/messages/{message}/reprocess", data=form(one_page)).text

    assert ("Process again" in before, "Process again" in after) == (True, False)
    assert one_site.requeued == [message]


def test_parked_messages_stand_first_and_others_are_found(page: Client, site: Site) -> None:
    with site.engine.begin() as connection:
        a_message(connection, "PARKED", state="parked", reason="no_patient", body_hash=b"1" * 32)
        a_message(connection, "NEWER", state="processed", body_hash=b"2" * 32)

    shown = page.get("/messages").text
    found = page.get("/messages?state=processed&control_id=NEWER&feed=ehr").text

    assert order_of(shown, "NEWER", "PARKED") == ["PARKED", "NEWER"]
    assert ("NEWER" in found, "PARKED" in found) == (True, False)


def test_older_messages_are_a_page_away(one_site: Site, one_page: Client) -> None:
    with one_site.engine.begin() as connection:
        for number in range(101):
            a_message(connection, f"M{number}x", state="processed", body_hash=bytes([number]) * 32)

    first = one_page.get("/messages").text
    second = one_page.get("/messages?before=2").text

    assert ("M0x" in first, "before=2" in first, "M0x" in second) == (False, True, True)


def test_of_a_message_whose_text_was_removed_the_page_says_so(page: Client, site: Site) -> None:
    with site.engine.begin() as connection:
        message = a_problem_message(connection, raw=b"", pruned_at=site.now)

    shown = page.get(f"/messages/{message}?path=PRB[1]-3").text
    listed = page.get("/messages").text
    tried = page.post(f"/messages/{message}/reprocess", data=form(page))

    assert "The text of this message was removed on" in shown
    assert "cannot be split into segments" not in shown
    assert "is marked" not in shown
    assert "text removed" in listed
    assert tried.status_code == 409
    assert site.requeued == []


def test_the_api_says_since_when_a_text_is_gone(client: Client, site: Site) -> None:
    with site.engine.begin() as connection:
        message = a_problem_message(connection, raw=b"", pruned_at=site.now)
    reads, acts = site.token("viewer"), site.token("pharmacist")

    listed = client.get("/api/v1/messages", headers=reads).json()["items"][0]
    whole = client.get(f"/api/v1/messages/{message}", headers=reads).json()
    tried = client.post(f"/api/v1/messages/{message}/reprocess", headers=acts)

    assert listed["pruned_at"] == whole["pruned_at"] == "2026-11-21T13:05:00Z"
    assert (whole["raw"], whole["fields"]) == ("", [])
    assert (tried.status_code, tried.json()["type"]) == (409, "urn:ivigilant:problem:text-removed")
