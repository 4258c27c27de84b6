"""Health for machines, figures for administrators."""

import socket
from datetime import timedelta

import pytest
import sqlalchemy as sa

from inbox.health.knock import Place
from inbox.http.settings import DestinationShown
from rules.knowledge import Knowledge
from store import application_acks, incidents, tables
from store.application_acks import NewAck
from store.engine import connect
from tests.inbox.builders import NOW, a_case, a_person, all_is_well
from tests.inbox.sites import Client, Site, sign_in
from tests.store.builders import a_message, insert


def test_when_all_is_well_the_system_is_ready(client: Client, site: Site) -> None:
    answer = client.get("/health/ready", headers=site.token("operator"))

    assert answer.status_code == 200
    assert answer.json() == {
        "ready": True,
        "database": True,
        "redis": True,
        "listener": None,
        "worker": True,
        "worker_heartbeat_age_s": 0.0,
        "oldest_unprocessed_age_s": 0,
        "keeping_up": True,
        "canary": None,  # this inbox is not told that one is sent
        "telling": [],
    }


def test_a_listener_that_hangs_makes_it_not_ready_and_the_page_says_so(site: Site) -> None:
    site.add_user("els")
    with socket.create_server(("127.0.0.1", 0)) as hangs:
        place = Place("127.0.0.1", hangs.getsockname()[1])
        with site.client(listener=(place,), listener_within_s=0.1) as client:
            answer = client.get("/health/ready", headers=site.token("operator"))
            page = sign_in(client, "els").get("/banners")

    assert (answer.status_code, answer.json()["listener"]) == (503, False)
    assert "The listener is not answering" in page.text


def test_a_worker_without_a_sign_of_life_makes_it_not_ready(client: Client, site: Site) -> None:
    site.now = NOW + timedelta(seconds=31)

    answer = client.get("/health/ready", headers=site.token("operator"))

    assert (answer.status_code, answer.json()["worker"]) == (503, False)


def test_a_message_that_waits_too_long_makes_it_not_ready(client: Client, site: Site) -> None:
    with site.engine.begin() as connection:
        a_message(connection, received_at=NOW - timedelta(seconds=61))

    answer = client.get("/health/ready", headers=site.token("operator"))

    assert (answer.status_code, answer.json()["oldest_unprocessed_age_s"]) == (503, 61.0)


def test_without_redis_it_is_not_ready(one_site: Site) -> None:
    one_site.redis_url = "redis://127.0.0.1:1/0"
    with one_site.client() as client:
        answer = client.get("/health/ready", headers=one_site.token("operator"))

    assert (answer.status_code, answer.json()["redis"]) == (503, False)


def test_with_redis_it_is_ready(one_site: Site, redis_url: str) -> None:
    one_site.redis_url = redis_url
    with one_site.client() as client:
        assert client.get("/health/ready", headers=one_site.token("operator")).json()["redis"] is True


def test_without_its_database_it_lives_and_says_so(knowledge: Knowledge) -> None:
    engine = connect("postgresql://nobody@127.0.0.1:1/nothing")
    with Site(engine, knowledge).client() as client:
        live, ready = client.get("/health/live"), client.get("/health/ready", headers={"Authorization": "Bearer x"})
        api = client.get("/api/v1/alerts", headers={"Authorization": "Bearer x"})
        client.cookies.set("ivigilant_session", "x")
        page = client.get("/")

    assert (live.status_code, ready.status_code, ready.json()) == (200, 503, {"ready": False})
    assert (api.status_code, api.headers["content-type"]) == (503, "application/problem+json")
    assert (page.status_code, "/static/inbox.css" in page.text) == (503, True)


def test_the_figures_count_alerts_messages_and_deliveries_and_name_nobody(site: Site) -> None:
    with site.engine.begin() as connection:
        alert = a_case(connection)
        event = connection.scalar(sa.select(tables.alert_event.c.id))
        a_message(connection, "M2", state="parked", body_hash=b"2" * 32)
        a_message(connection, "M3", received_at=NOW - timedelta(seconds=7), body_hash=b"3" * 32)
        for place in ("mail", "removed"):
            row = {"alert_id": alert, "event_id": event, "destination": place, "state": "refused"}
            insert(connection, tables.delivery, **row, idempotency_key=place, next_at=NOW, created_at=NOW)
        application_acks.record(connection, [NewAck(1, "ehr:2575", b"MSH|^~\\&|", "AE")], NOW)

    with site.client(destinations=(DestinationShown("mail", "mail"),)) as client:
        figures = client.get("/metrics", headers=site.token("operator")).text

    assert 'ivigilant_alerts_open{stream="order",tier="contraindication"} 1.0' in figures
    assert 'ivigilant_alerts_open{stream="order",tier="high"} 0.0' in figures
    assert 'ivigilant_alerts_open{stream="pharmacovigilance",tier="high"} 0.0' in figures
    assert 'ivigilant_messages{state="processed"} 1.0' in figures
    assert 'ivigilant_messages{state="parked"} 1.0' in figures
    assert 'ivigilant_messages{state="received"} 1.0' in figures
    assert 'ivigilant_deliveries{destination="mail",state="refused"} 1.0' in figures
    assert 'destination="removed"' not in figures
    assert 'ivigilant_application_acks{route="ehr:2575",state="pending"} 1.0' in figures
    assert "ivigilant_oldest_received_age_seconds 7.0" in figures
    assert "Jansen" not in figures
    assert "EPD" not in figures


def test_a_destination_that_takes_nothing_stands_above_the_list_and_in_the_figures(one_site: Site) -> None:
    one_site.add_user("els")
    with one_site.engine.begin() as connection:
        incidents.begin(connection, "destination", "pager", "HTTP 500", NOW)

    with one_site.client() as client:
        banners, figures = (
            sign_in(client, "els").get("/banners").text,
            client.get("/metrics", headers=one_site.token("operator")).text,
        )

    assert "Notices to pager have not arrived since" in banners
    assert 'ivigilant_incidents{kind="destination"} 1.0' in figures


def test_a_sender_that_stopped_makes_it_not_ready_though_no_auditor_looked(one_site: Site) -> None:
    one_site.add_user("els")
    with one_site.engine.begin() as connection:
        alert = a_case(connection)
        event = connection.scalar(sa.select(tables.alert_event.c.id))
        row = {"alert_id": alert, "event_id": event, "destination": "mail", "state": "pending"}
        late = NOW - timedelta(seconds=31)
        insert(connection, tables.delivery, **row, idempotency_key="k", next_at=late, created_at=late)

    with one_site.client() as client:
        ready, banners = (
            client.get("/health/ready", headers=one_site.token("operator")),
            sign_in(client, "els").get("/banners").text,
        )

    assert (ready.status_code, ready.json()["telling"]) == (503, ["notices-not-tried"])
    assert "1 notices were not sent in time." in banners


@pytest.mark.parametrize("rounds", [1, 3])
def test_messages_counted_before_are_not_counted_twice(client: Client, site: Site, rounds: int) -> None:
    def add(number: int, state: str) -> None:
        with site.engine.begin() as connection:
            a_message(connection, f"M{number}", state=state, body_hash=bytes([number]) * 32)

    for number in range(rounds):
        add(2 * number, "processed")
        add(2 * number + 1, "ignored")
        figures = client.get("/metrics", headers=site.token("operator")).text
    add(100, "received")
    add(101, "processed")

    figures = client.get("/metrics", headers=site.token("operator")).text

    assert f'ivigilant_messages{{state="processed"}} {rounds + 1}.0' in figures
    assert f'ivigilant_messages{{state="ignored"}} {rounds}.0' in figures


def test_the_figures_of_requests_hold_no_numbers_of_alerts(one_client: Client, one_site: Site) -> None:
    with one_site.engine.begin() as connection:
        alert = a_case(connection, patient=a_person(connection, "SECRET-1", "9"))

    one_client.get(f"/api/v1/alerts/{alert}?patient=SECRET-1", headers=one_site.token())

    figures = one_client.get("/metrics", headers=one_site.token("operator")).text
    assert 'path="/api/v1/alerts/{alert_id}"' in figures
    assert "SECRET-1" not in figures


def test_a_feed_never_heard_is_no_alarm(client: Client, site: Site) -> None:
    with site.engine.begin() as connection:
        connection.execute(sa.update(tables.feed).values(last_heard_at=None))

    assert client.get("/health/ready").status_code == 200


def test_one_living_worker_of_several_is_enough(sqlite_engine: sa.Engine, knowledge: Knowledge) -> None:
    with sqlite_engine.begin() as connection:
        all_is_well(connection)
        connection.execute(sa.insert(tables.heartbeat).values(name="worker@old", at=NOW - timedelta(hours=1)))
    site = Site(sqlite_engine, knowledge)
    with site.client() as client:
        assert client.get("/health/ready", headers=site.token("operator")).json()["worker"] is True


@pytest.mark.parametrize(
    ("outcome", "minutes_ago", "well", "on_notices"),
    [
        ("passed", 2, True, "from listener to notice, at"),
        ("passed", 11, False, "from listener to notice, at"),
        ("failed", 2, False, "no alert was raised"),
        (None, 0, False, "No test order has got through yet"),
    ],
)
def test_health_and_the_page_of_notices_say_when_the_canary_last_passed(
    one_site: Site, outcome: str | None, minutes_ago: int, well: bool, on_notices: str
) -> None:
    one_site.add_user("els")
    began = NOW - timedelta(minutes=minutes_ago, seconds=3)
    ended = {"began_at": began, "ended_at": began + timedelta(seconds=3), "outcome": outcome}
    steps = dict.fromkeys(("accepted_at", "raised_at", "notified_at", "resolved_at"), began + timedelta(seconds=2.5))
    with one_site.engine.begin() as connection:
        if outcome is not None:
            insert(connection, tables.canary_run, **ended, **(steps if outcome == "passed" else {"accepted_at": began}))

    with one_site.client(canary_counts_for=timedelta(minutes=10)) as client:
        told = client.get("/health/ready", headers=one_site.token("operator"))
        page = sign_in(client, "els").get("/notices").text

    found = told.json()["canary"]
    assert told.status_code == 200  # it is a sign, and no reason to take the inbox away
    assert found["well"] is well
    assert (found["seconds"], found["missed"]) == {
        "passed": (2.5, None),
        "failed": (None, "raised"),
        None: (None, None),
    }[outcome]
    assert on_notices in page


def test_a_canary_that_does_not_arrive_stands_above_every_page(one_site: Site) -> None:
    one_site.add_user("els")
    with one_site.engine.begin() as connection:
        incidents.begin(connection, "canary", "canary", "raised: no worker did it", NOW)

    with one_site.client(canary_counts_for=timedelta(minutes=10)) as client:
        page = sign_in(client, "els").get("/banners").text
        figures = client.get("/metrics", headers=one_site.token("operator")).text

    assert "The test order has not got through since" in page
    assert 'ivigilant_incidents{kind="canary"} 1.0' in figures
