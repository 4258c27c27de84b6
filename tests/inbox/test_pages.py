"""What the pages show, and what acting on them does."""

from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from litestar.testing import TestClient

from rules.knowledge import Rule
from store import tables
from tests.inbox.builders import (
    NOW,
    PROBLEM,
    a_case,
    a_conclusion,
    a_fact,
    a_finding,
    a_person,
    a_problem_message,
    an_event,
    the_log,
)
from tests.inbox.conftest import Client, Site, form, sign_in
from tests.store.builders import a_message


@pytest.fixture
def page(client: Client, site: Site) -> Client:
    """The browser of Els, a pharmacist who reads English."""
    site.add_user("els")
    return sign_in(client, "els")


@pytest.fixture
def one_page(one_client: Client, one_site: Site) -> Client:
    """The same, on SQLite."""
    one_site.add_user("els")
    return sign_in(one_client, "els")


def with_case(site: Site, **columns: Any) -> int:
    """Raise one alert and give its number."""
    with site.engine.begin() as connection:
        return a_case(connection, **columns)


def order_of(text: str, *words: str) -> list[str]:
    """Give the words in the order in which they appear."""
    return sorted(words, key=text.index)


def test_the_inbox_is_grouped_by_patient_the_gravest_first_then_the_soonest(page: Client, site: Site) -> None:
    def told(name: str, hour: int) -> dict[str, Any]:
        made = a_conclusion()
        made["patient"] |= {"name": name}
        made["order"] |= {"start": f"2026-11-21T{hour}:00:00+00:00"}
        return made

    with site.engine.begin() as connection:
        late, soon, grave = (a_person(connection, str(n), str(n)) for n in (1, 2, 3))
        a_case(connection, patient=late, number="1", told=told("Late", 20), tier="high")
        a_case(connection, patient=soon, number="2", told=told("Soon", 14), tier="high")
        a_case(connection, patient=grave, number="3", told=told("Grave", 22))
        a_case(connection, patient=grave, number="4", told=told("Grave", 15), tier="moderate")

    shown = page.get("/").text

    assert order_of(shown, ">Late<", ">Soon<", ">Grave<") == [">Grave<", ">Soon<", ">Late<"]
    assert shown.count(">Grave<") == 1
    assert "3 patients, 4 alerts" in shown


def test_the_orders_of_a_merged_patient_stand_together(page: Client, site: Site) -> None:
    with site.engine.begin() as connection:
        one, two = a_person(connection, "1", "1"), a_person(connection, "2", "2")
        a_case(connection, patient=one, number="1")
        a_case(connection, patient=two, number="2")
        connection.execute(sa.update(tables.patient).where(tables.patient.c.id == one).values(merged_into=two))

    assert "1 patient, 2 alerts" in page.get("/").text


def test_the_inbox_is_filtered_by_status_tier_and_ward(one_page: Client, one_site: Site) -> None:
    elsewhere = a_conclusion()
    elsewhere["patient"] |= {"name": "Elsewhere", "ward": "B2INT"}
    with one_site.engine.begin() as connection:
        a_case(connection)
        other = a_person(connection, "2", "2")
        a_case(connection, patient=other, number="2", told=elsewhere, tier="high", status="acknowledged")

    def names(query: str) -> tuple[bool, bool]:
        shown = one_page.get(f"/?{query}").text
        return "Jansen, Willem" in shown, "Elsewhere" in shown

    assert names("") == (True, False)
    assert names("status=acknowledged") == (False, True)
    assert names("status=open&status=acknowledged") == (True, True)
    assert names("status=open&status=acknowledged&tier=high") == (False, True)
    assert names("status=open&status=acknowledged&ward=C4NEU") == (True, False)
    assert "No alerts match these filters" in one_page.get("/?ward=NOWHERE").text


def test_an_empty_inbox_says_that_somebody_is_listening(one_page: Client, one_site: Site) -> None:
    with one_site.engine.begin() as connection:
        a_message(connection, received_at=NOW - timedelta(seconds=4))

    shown = one_page.get("/").text

    assert "No open alerts" in shown
    assert "The last message was heard on" in shown
    assert "21 Nov 2026 14:04:56" in shown
    assert "EPD" in shown


def test_a_feed_that_is_silent_is_said_also_when_the_inbox_is_empty(one_page: Client, one_site: Site) -> None:
    one_site.now = NOW + timedelta(minutes=20)

    assert "is silent" in one_page.get("/").text
    banners = one_page.get("/banners").text
    assert "Feed EPD is silent since" in banners
    assert "New orders are not being judged now." in banners


@pytest.mark.parametrize(
    ("lane", "said"), [("history", "History is 40 s behind."), ("orders", "A message has been waiting for")]
)
def test_a_message_that_waits_is_said(one_page: Client, one_site: Site, lane: str, said: str) -> None:
    waited = 40 if lane == "history" else 61
    with one_site.engine.begin() as connection:
        a_message(connection, lane=lane, received_at=NOW - timedelta(seconds=waited))

    assert said in one_page.get("/banners").text


def test_parked_messages_are_said_and_nothing_is_when_all_is_well(one_page: Client, one_site: Site) -> None:
    before = one_page.get("/banners").text.strip()
    with one_site.engine.begin() as connection:
        a_message(connection, state="parked", reason="no_patient")

    after = one_page.get("/banners").text

    assert before == ""
    assert "1 message is parked." in after


def test_an_alert_shows_its_order_its_reasons_and_where_each_was_read(one_page: Client, one_site: Site) -> None:
    alert = with_case(one_site)

    shown = one_page.get(f"/alerts/{alert}").text

    for said in (
        "Contraindication",
        "Prior venous thromboembolism",
        "Jansen, Willem",
        "3 Nov 1948",
        "C4NEU",
        "80 g · 1 g/kg",
        "9.6 g/h",
        "21 Nov 2026 16:00",
        "DVT been",
        "14 Jun 2019",
        "/messages/1?path=PRB%5B1%5D-3#marked",
        "Confirm the history.",
        "No INR in the last 14 days.",
        "Uneventful earlier course in 2025.",
        "/rules/IG-VTE-001",
        "Paran D et al.",
        "Raised",
    ):
        assert said in shown


def test_a_citizen_service_number_is_never_shown_whole(one_page: Client, one_site: Site) -> None:
    alert = with_case(one_site)

    shown = [one_page.get(path).text for path in ("/", f"/alerts/{alert}", "/messages/1")]

    assert all("999900018" not in text and "••••••018" in text for text in shown)


def test_what_a_sender_wrote_is_text_and_never_markup(one_page: Client, one_site: Site) -> None:
    evil = "<script>alert(1)</script>"
    told = a_conclusion(findings=[a_finding(facts=[a_fact(display=evil)])])
    told["patient"] |= {"name": evil}
    told["order"] |= {"product": evil}
    with one_site.engine.begin() as connection:
        alert = a_case(connection, told=told)
        raw = PROBLEM.replace(b"Willem", evil.encode())
        message = a_problem_message(connection, body_hash=b"evil" * 8, raw=raw)

    shown = [one_page.get(path).text for path in ("/", f"/alerts/{alert}", f"/messages/{message}")]

    assert all(evil not in text and "&lt;script&gt;" in text for text in shown)


def test_a_pharmacist_acknowledges_on_the_page(page: Client, site: Site) -> None:
    alert = with_case(site)

    shown = page.post(f"/alerts/{alert}/acknowledge", data=form(page, note="Ward called", seen="1"))

    assert "You have acknowledged this alert." in shown.text
    assert "Ward called" in shown.text
    assert "No open alerts" in page.get("/").text


def test_who_was_first_is_said_to_who_was_second(one_page: Client, one_site: Site) -> None:
    alert = with_case(one_site, status="acknowledged")
    with one_site.engine.begin() as connection:
        an_event(connection, alert, kind="acknowledged", actor="rik")

    answer = one_page.post(f"/alerts/{alert}/acknowledge", data=form(one_page, note="", seen="1"))

    assert answer.status_code == 409
    assert "This alert is acknowledged already." in answer.text
    assert "rik was first, on" in answer.text


def test_an_override_without_a_note_comes_back_with_what_was_filled_in(one_page: Client, one_site: Site) -> None:
    alert = with_case(one_site)
    filled = form(one_page, reason="will_monitor", note=" ", valid_until="2026-12-24", seen="1")

    answer = one_page.post(f"/alerts/{alert}/override", data=filled)

    assert answer.status_code == 422
    assert "Write why; it is required here." in answer.text
    assert 'value="will_monitor" required checked' in answer.text
    assert 'value="2026-12-24"' in answer.text


def test_an_override_stands_until_the_end_of_the_day_that_was_chosen(page: Client, site: Site) -> None:
    alert = with_case(site)
    filled = form(page, reason="will_monitor", note="Doppler on day 3", valid_until="2026-12-24", seen="1")

    shown = page.post(f"/alerts/{alert}/override", data=filled).text

    assert "the patient will be monitored" in shown
    assert "valid until 24 Dec 2026" in shown
    with site.engine.connect() as connection:
        until = connection.scalar(sa.select(tables.decision.c.valid_until))
    assert until is not None
    assert until.isoformat() == "2026-12-24T22:59:59+00:00"


@pytest.mark.parametrize("day", ["2026-02-30", "tomorrow", "2026-11-20"])
def test_a_day_that_is_none_or_is_over_is_refused(one_page: Client, one_site: Site, day: str) -> None:
    alert = with_case(one_site)
    filled = form(one_page, reason="will_monitor", note="x", valid_until=day, seen="1")

    assert one_page.post(f"/alerts/{alert}/override", data=filled).status_code == 422


def test_an_open_page_hears_what_others_did_to_its_alert(page: Client, site: Site) -> None:
    alert = with_case(site)
    with site.engine.begin() as connection:
        heard = an_event(connection, alert, kind="changed", actor="system")
        an_event(connection, alert, kind="comment", actor="els", note="mine")
        an_event(connection, alert, kind="acknowledged", actor="rik")

    news = page.get(f"/alerts/{alert}/news?heard={heard}").text

    assert "Acknowledged (rik" in news
    assert "Remark" not in news


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


def test_every_rule_can_be_read(one_page: Client, one_site: Site) -> None:
    rules: tuple[Rule, ...] = one_site.knowledge.rules

    for rule in rules:
        shown = one_page.get(f"/rules/{rule.id}")
        assert shown.status_code == 200
        assert rule.form.title.en.split()[0] in shown.text

    assert one_page.get("/rules/IG-NONE-1").status_code == 404


@pytest.mark.parametrize("path", ["/nothing", "/alerts/999", "/alerts/x", "/messages/999"])
def test_what_is_not_there_is_a_page_in_the_same_dress(one_page: Client, path: str) -> None:
    answer = one_page.get(path)

    assert answer.status_code == 404
    assert "There is nothing here" in answer.text
    assert "/static/inbox.css" in answer.text


def test_a_page_may_run_no_script_but_ours_and_is_kept_nowhere(one_client: Client) -> None:
    headers = one_client.get("/sign-in").headers

    assert "script-src 'self'" in headers["content-security-policy"]
    assert "unsafe" not in headers["content-security-policy"]
    assert headers["cache-control"] == "no-store"
    assert headers["x-content-type-options"] == "nosniff"


def test_who_looked_at_which_patient_is_recorded(page: Client, site: Site) -> None:
    alert = with_case(site)

    page.get("/")
    page.get(f"/alerts/{alert}")
    page.post(f"/alerts/{alert}/comment", data=form(page, text="hello"), follow_redirects=False)
    page.get("/messages/1")

    with site.engine.connect() as connection:
        patient = connection.scalar(sa.select(tables.patient.c.id))
    assert the_log(site.engine)[1:] == [
        ("els", "list_alerts", patient, f"alerts {alert}"),
        ("els", "view_alert", patient, f"alert {alert}"),
        ("els", "comment", patient, f"alert {alert}"),
        ("els", "view_message", patient, "message 1"),
    ]


def test_a_list_that_is_brought_up_to_date_records_only_who_is_new(one_page: Client, one_site: Site) -> None:
    with_case(one_site)
    with one_site.engine.begin() as connection:
        heard = connection.scalar(sa.select(sa.func.max(tables.alert_event.c.id)))
        new = a_person(connection, "2", "2")
        alert = a_case(connection, patient=new, number="2")

    shown = one_page.get(f"/alerts?after={heard}", headers={"HX-Request": "true"})

    assert "2 patients, 2 alerts" in shown.text
    assert the_log(one_site.engine)[1:] == [("els", "list_alerts", new, f"alerts {alert}")]


def test_when_there_are_more_open_alerts_than_room_the_gravest_are_shown(one_site: Site) -> None:
    one_site.add_user("els")
    with one_site.engine.begin() as connection:
        patient = a_person(connection)
        a_case(connection, patient=patient, number="1")
        for number in range(2, 5):
            a_case(connection, patient=patient, number=str(number), tier="moderate")
    with TestClient(app=one_site.app(alerts_per_page=2)) as client:
        shown = sign_in(client, "els").get("/").text

    assert "Not all are shown" in shown
    assert 'href="/alerts/1"' in shown
