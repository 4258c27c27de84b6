"""Acting through the JSON API: who may, who was first, and what is kept of it."""

from datetime import timedelta
from typing import Any

import sqlalchemy as sa

from store import tables
from tests.inbox.builders import (
    NOW,
    a_conclusion,
    an_answer,
    the_log,
)
from tests.inbox.sites import Client, Site
from tests.store.builders import a_message

ALERTS = "/api/v1/alerts"


def test_a_pharmacist_acknowledges_and_the_second_hears_who_was_first(client: Client, site: Site) -> None:
    alert = site.with_case()

    first = client.post(
        f"{ALERTS}/{alert}/acknowledge", json={"note": "Called the ward"}, headers=site.token(name="els")
    )
    second = client.post(f"{ALERTS}/{alert}/acknowledge", json={"note": ""}, headers=site.token(name="rik"))

    assert (first.status_code, first.json()["status"]) == (200, "acknowledged")
    assert (second.status_code, second.headers["content-type"]) == (409, "application/problem+json")
    assert second.json()["settled"] == {"status": "acknowledged", "by": "els", "at": "2026-11-21T13:05:00+00:00"}
    with site.engine.connect() as connection:
        events = connection.execute(sa.select(tables.alert_event).order_by(tables.alert_event.c.id)).all()
        settled = connection.scalar(sa.select(tables.alert.c.settled_signature))
    assert [(event.kind, event.actor, event.note) for event in events] == [
        ("raised", "system", None),
        ("acknowledged", "els", "Called the ward"),
    ]
    assert settled == "s1"


def test_acknowledging_needs_no_body(client: Client, site: Site) -> None:
    alert = site.with_case()

    answer = client.post(f"{ALERTS}/{alert}/acknowledge", headers=site.token())

    assert (answer.status_code, answer.json()["status"]) == (200, "acknowledged")


def test_an_override_needs_a_known_reason_and_a_note_for_a_contraindication(client: Client, site: Site) -> None:
    alert, token = site.with_case(), site.token(name="els")
    until = NOW + timedelta(days=30)

    def override(**body: Any) -> Any:
        return client.post(f"{ALERTS}/{alert}/override", json=body, headers=token)

    unknown = override(reason="felt like it", note="x")
    silent = override(reason="will_monitor")
    past = override(reason="will_monitor", note="x", valid_until=NOW.isoformat())
    done = override(reason="will_monitor", note="Doppler on day 3", valid_until=until.isoformat())

    assert [answer.status_code for answer in (unknown, silent, past, done)] == [400, 400, 400, 200]
    assert silent.json()["errors"] == [{"field": "note", "message": "required"}]
    assert done.json()["status"] == "overridden"
    with site.engine.connect() as connection:
        decision = connection.execute(sa.select(tables.decision)).one()
    assert (decision.reason, decision.note, decision.made_by, decision.valid_until, decision.signature) == (
        "will_monitor",
        "Doppler on day 3",
        "els",
        until,
        "s1",
    )


def test_another_reason_always_needs_a_note(client: Client, site: Site) -> None:
    alert, token = site.with_case(tier="moderate"), site.token()

    bare = client.post(f"{ALERTS}/{alert}/override", json={"reason": "other"}, headers=token)
    plain = client.post(f"{ALERTS}/{alert}/override", json={"reason": "tolerated_before"}, headers=token)

    assert (bare.status_code, plain.status_code) == (400, 200)


def test_who_acts_on_an_answer_that_is_no_longer_the_latest_is_stopped(client: Client, site: Site) -> None:
    alert, token = site.with_case(), site.token()
    seen = client.get(f"{ALERTS}/{alert}", headers=token).json()["assessment"]
    with site.engine.begin() as connection:
        row = connection.execute(sa.select(tables.alert)).one()
        newer = an_answer(
            connection, row.order_id, row.patient_id, a_conclusion(), tier="high", priority="prompt", signature="s2"
        )
        connection.execute(sa.update(tables.alert).values(assessment_id=newer))

    answer = client.post(f"{ALERTS}/{alert}/acknowledge", json={"note": "", "assessment": seen}, headers=token)

    assert answer.status_code == 409
    assert answer.json()["type"] == "urn:ivigilant:problem:alert-changed"


def test_a_remark_and_an_assignment_are_kept_and_leave_the_status_alone(client: Client, site: Site) -> None:
    alert, token = site.with_case(), site.token(name="rik")
    site.add_user("els")

    client.post(f"{ALERTS}/{alert}/comment", json={"text": "Waiting for the INR"}, headers=token)
    taken = client.post(f"{ALERTS}/{alert}/assign", json={"user": "els"}, headers=token).json()
    nobody = client.post(f"{ALERTS}/{alert}/assign", json={"user": "nobody"}, headers=token)

    assert (taken["assigned_to"], taken["status"], nobody.status_code) == ("els", "open", 400)
    with site.engine.connect() as connection:
        kinds = connection.scalars(sa.select(tables.alert_event.c.kind).order_by(tables.alert_event.c.id)).all()
    assert kinds == ["raised", "comment", "assigned"]


def test_a_reader_may_look_and_not_act(client: Client, site: Site) -> None:
    alert, token = site.with_case(), site.token("viewer")

    looked = client.get(f"{ALERTS}/{alert}", headers=token)
    acted = client.post(f"{ALERTS}/{alert}/acknowledge", json={"note": ""}, headers=token)

    assert (looked.status_code, acted.status_code) == (200, 403)
    assert acted.headers["content-type"] == "application/problem+json"


def test_a_parked_message_is_processed_again_once(client: Client, site: Site) -> None:
    with site.engine.begin() as connection:
        parked = a_message(connection, "M2", state="parked", reason="no_patient", attempts=3)
    token = site.token()

    first = client.post(f"/api/v1/messages/{parked}/reprocess", headers=token)
    second = client.post(f"/api/v1/messages/{parked}/reprocess", headers=token)

    assert (first.status_code, first.json()["state"], first.json()["reason"]) == (202, "received", "again")
    assert (second.status_code, second.json()["type"]) == (409, "urn:ivigilant:problem:already-waiting")
    assert site.requeued == [parked]


def test_who_looked_and_who_acted_is_recorded(client: Client, site: Site) -> None:
    alert, reader, pharmacist = site.with_case(), site.token("viewer", "dashboard"), site.token(name="els")

    client.get(f"{ALERTS}/{alert}", headers=reader)
    client.get(ALERTS, headers=reader)
    client.post(f"{ALERTS}/{alert}/acknowledge", json={"note": ""}, headers=pharmacist)
    client.get("/api/v1/messages/1", headers=pharmacist)

    with site.engine.connect() as connection:
        patient = connection.scalar(sa.select(tables.patient.c.id))
    assert the_log(site.engine) == [
        ("dashboard", "view_alert", patient, f"alert {alert}"),
        ("dashboard", "list_alerts", patient, f"alerts {alert}"),
        ("els", "acknowledge", patient, f"alert {alert}"),
        ("els", "view_message", patient, "message 1"),
    ]
