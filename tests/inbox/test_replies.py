"""A reply to a notice acts as the person's own key press, and opens nothing else."""

from datetime import datetime, timedelta

import pytest
import sqlalchemy as sa
from httpx import Response

from forwarding.policy import TellingPolicy
from forwarding.reply_links import ReplyLink, read_link, sign_link
from inbox.http.settings import SignInSettings
from store import alerts, deliveries, tables
from store.alerts import Happening
from store.deliveries import NewDelivery
from tests.inbox.builders import NOW, a_case, a_person
from tests.inbox.sites import Site

SECRET = "a-secret-of-at-least-thirty-two-signs"


def the_link(alert: int, person: str = "els", until: datetime = NOW + timedelta(hours=1), event: int = 1) -> str:
    return f"/reply/{sign_link(ReplyLink(alert, event, person, until), SECRET)}"


@pytest.fixture
def alert(one_site: Site) -> int:
    one_site.add_user("els")
    one_site.add_user("rik", role="viewer")
    return one_site.with_case()


def test_following_the_link_asks_and_pressing_takes_the_alert_on_under_her_name(one_site: Site, alert: int) -> None:
    with one_site.client(secret=SECRET) as client:
        asked = client.get(the_link(alert))
        with one_site.engine.connect() as connection:
            before = alerts.get(connection, alert)
        done, again = (client.post(the_link(alert)) for _ in range(2))

    assert before is not None
    assert (asked.status_code, before.status) == (200, "open")  # a scanner of mail follows links
    assert (done.status_code, again.status_code) == (200, 200)
    assert "Jansen" not in asked.text + done.text
    with one_site.engine.connect() as connection:
        found = alerts.get(connection, alert)
        events = alerts.events_of(connection, alert)
        line, *_ = connection.execute(
            sa.select(tables.access_log).where(tables.access_log.c.action == "take_on").order_by(tables.access_log.c.id)
        )
    assert found is not None
    assert (found.status, found.assigned_to) == ("taken_on", "els")
    assert [(event.kind, event.actor) for event in events if event.kind == "taken_on"] == [("taken_on", "els")]
    assert (line.actor, line.outcome) == ("els", "done")


def test_whoever_may_no_longer_sign_in_does_not_act_by_a_link(one_site: Site, alert: int) -> None:
    with one_site.client(secret=SECRET, sign_in=SignInSettings(local_accounts=False)) as client:
        asked, pressed = client.get(the_link(alert)), client.post(the_link(alert))

    assert (asked.status_code, pressed.status_code) == (404, 404)
    with one_site.engine.connect() as connection:
        found = alerts.get(connection, alert)
    assert found is not None and found.status == "open"


def test_whoever_was_second_hears_who_was_first(one_site: Site, alert: int) -> None:
    one_site.add_user("jan")
    with one_site.client(secret=SECRET) as client:
        client.post(the_link(alert))

        asked = client.get(the_link(alert, "jan"))
        second = client.post(the_link(alert, "jan"))

    assert "Taken on by els." in asked.text
    assert second.status_code == 409
    assert "els" in second.text


def test_a_link_takes_on_what_its_notice_told_and_nothing_that_came_after(one_site: Site, alert: int) -> None:
    with one_site.client(secret=SECRET) as client:
        first = client.post(the_link(alert))
        with one_site.engine.begin() as connection:
            worse = Happening("reopened", NOW + timedelta(minutes=1), reason="tier_rose")
            told = alerts.update(connection, alert, worse, status="open", assigned_to=None).event_id

        asked, again = client.get(the_link(alert)), client.post(the_link(alert))
        with one_site.engine.connect() as connection:
            between = alerts.get(connection, alert)
        of_the_new_notice = client.post(the_link(alert, event=told))

    assert between is not None
    assert (first.status_code, again.status_code, between.status) == (200, 409, "open")
    assert "changed since this notice" in asked.text
    assert of_the_new_notice.status_code == 200


@pytest.mark.parametrize(("language", "words"), [("nl", "Ik pak dit op"), ("en", "I&#39;m on it")])
def test_the_page_is_in_the_language_of_whoever_follows_the_link(one_site: Site, language: str, words: str) -> None:
    one_site.add_user("els", language=language)
    alert = one_site.with_case()

    with one_site.client(secret=SECRET) as client:
        asked = client.get(the_link(alert), headers={"Accept-Language": "de"})

    assert f'<html lang="{language}"' in asked.text
    assert words in asked.text


@pytest.fixture
def notice(one_site: Site) -> list[int]:
    """Three alerts of one patient, told to els in one notice."""
    one_site.add_user("els")
    with one_site.engine.begin() as connection:
        patient = a_person(connection)
        found = [a_case(connection, patient=patient, number=f"90000{number}") for number in range(3)]
        lines = [NewDelivery(each, raised_in(connection, each), "sms-els", NOW) for each in found]
        deliveries.enqueue(connection, lines, NOW)
        deliveries.claim_together(connection, NOW, timedelta(minutes=1), 1, timedelta(minutes=1))
    return found


def raised_in(connection: sa.Connection, alert: int) -> int:
    """Return the line of the record that says that the alert was raised."""
    return next(event.id for event in alerts.events_of(connection, alert) if event.kind == "raised")


def answered(site: Site, notice: list[int], how: str = "post") -> Response:
    with site.engine.connect() as connection:
        link = the_link(notice[1], event=raised_in(connection, notice[1]))
    telling = TellingPolicy(people={"els": "sms-els"})
    with site.client(secret=SECRET, telling=telling) as client:
        return client.get(link) if how == "get" else client.post(link)


def owners(site: Site, notice: list[int]) -> list[str | None]:
    with site.engine.connect() as connection:
        return [found.assigned_to if (found := alerts.get(connection, each)) else None for each in notice]


def test_one_reply_takes_on_every_alert_that_the_notice_told_of_and_names_them_first(
    one_site: Site, notice: list[int]
) -> None:
    asked = answered(one_site, notice, "get")
    before = owners(one_site, notice)
    done = answered(one_site, notice)
    again = answered(one_site, notice)

    first, leading, last = notice
    assert f"Alerts {leading}, {first}, {last}" in asked.text
    assert before == [None] * 3
    assert f"Alerts {leading}, {first}, {last}" in done.text
    assert owners(one_site, notice) == ["els"] * 3
    assert (done.status_code, again.status_code) == (200, 200)


def test_a_reply_leaves_alone_what_somebody_else_has_and_what_changed_since(one_site: Site, notice: list[int]) -> None:
    first, _, last = notice
    with one_site.engine.begin() as connection:
        alerts.update(connection, first, Happening("taken_on", NOW, "jan"), status="taken_on", assigned_to="jan")
        alerts.update(connection, last, Happening("reopened", NOW, reason="tier_rose"), status="open")

    answered(one_site, notice)

    assert owners(one_site, notice) == ["jan", "els", None]


def test_when_the_alert_of_the_link_is_settled_the_others_are_still_taken_on(one_site: Site, notice: list[int]) -> None:
    with one_site.engine.begin() as connection:
        alerts.update(connection, notice[1], Happening("taken_on", NOW, "jan"), status="taken_on", assigned_to="jan")

    done = answered(one_site, notice)

    assert owners(one_site, notice) == ["els", "jan", "els"]
    assert done.status_code == 200
    assert f"Alerts {notice[0]}, {notice[2]}" in done.text


def test_what_went_out_in_another_notice_is_not_taken_on(one_site: Site, notice: list[int]) -> None:
    with one_site.engine.begin() as connection:
        found = alerts.get(connection, notice[0])
        assert found is not None
        later = a_case(connection, patient=found.patient_id, number="900009")
        line = NewDelivery(later, raised_in(connection, later), "sms-els", NOW)
        deliveries.enqueue(connection, [line], NOW)

    answered(one_site, notice)

    assert owners(one_site, [*notice, later]) == ["els", "els", "els", None]


@pytest.mark.parametrize("person", ["rik", "nobody"])
def test_a_link_of_somebody_who_may_not_act_opens_nothing(one_site: Site, alert: int, person: str) -> None:
    with one_site.client(secret=SECRET) as client:
        assert client.get(the_link(alert, person)).status_code == 404
        assert client.post(the_link(alert, person)).status_code == 404


def test_a_link_that_is_old_forged_or_of_another_secret_opens_nothing(one_site: Site, alert: int) -> None:
    link = the_link(alert)
    other = f"/reply/{sign_link(ReplyLink(alert, 1, 'els', NOW + timedelta(hours=1)), 'another secret')}"
    with one_site.client(secret=SECRET) as client:
        answers = [
            client.post(each).status_code
            for each in (the_link(alert, until=NOW - timedelta(seconds=1)), other, link[:-2], "/reply/x", "/reply/é.è")
        ]

    assert answers == [404] * 5


def test_a_token_says_whom_it_was_made_for_whatever_her_name() -> None:
    link = ReplyLink(7, 12, "J. de Vries|é", NOW)

    token = sign_link(link, SECRET)

    assert read_link(token, SECRET, NOW) == link
    assert token.isascii()
    assert "Vries" not in token
