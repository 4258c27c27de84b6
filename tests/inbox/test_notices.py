"""The page of notices: whether they arrive, who was told of an alert, and what comes next."""

from datetime import timedelta

import pytest
import sqlalchemy as sa

from forwarding.policy import TellingPolicy
from inbox.http.settings import DestinationShown
from store import deliveries, due, incidents, tables
from store.deliveries import NewDelivery
from tests.inbox.builders import NOW
from tests.inbox.sites import Site, form, sign_in

NAMED = (DestinationShown("pager", "webhook"), DestinationShown("post", "mail"))


@pytest.fixture
def alert(one_site: Site) -> int:
    """An alert that was told to a pager that took nothing and to a mailbox, and goes on in a quarter."""
    one_site.add_user("els")
    alert = one_site.with_case()
    with one_site.engine.begin() as connection:
        event = connection.scalar(sa.select(tables.alert_event.c.id).where(tables.alert_event.c.alert_id == alert))
        assert event is not None
        both = [NewDelivery(alert, event, name, NOW) for name in ("pager", "post")]
        refused, sent = deliveries.enqueue(connection, both, NOW)
        for id_, state in ((refused, "refused"), (sent, "sent")):
            change = sa.update(tables.delivery).where(tables.delivery.c.id == id_)
            connection.execute(change.values(state=state, attempts=3, sent_at=NOW if state == "sent" else None))
        due.plan(connection, [due.NewDue(alert, "step", NOW + timedelta(minutes=15), NOW)])
        incidents.begin(connection, "destination", "pager", "HTTP 500", NOW)
    return alert


def test_the_page_says_which_destination_takes_nothing_and_who_was_told(one_site: Site, alert: int) -> None:
    policy = TellingPolicy(dead_mans_switch="https://switch.example/ping")
    with one_site.client(destinations=NAMED, telling=policy) as client:
        shown = sign_in(client, "els").get("/notices").text

    for text in ("has taken nothing since", "HTTP 500", "pager: refused, 3 attempts", "post: arrived"):
        assert text in shown
    assert f"Chain of alert {alert}" in shown
    assert "Next step" in shown
    assert "hears from us every minute" in shown
    assert "until somebody takes it on" in shown  # the policy, in sentences
    assert "Jansen" not in shown


def test_the_button_to_send_again_says_what_it_does_with_notices_of_days_ago(one_site: Site, alert: int) -> None:
    with one_site.engine.begin() as connection:
        old = sa.update(tables.delivery).where(tables.delivery.c.state == "refused")
        connection.execute(old.values(created_at=NOW - timedelta(days=3)))

    one_site.add_user("olga", role="operator")
    with one_site.client(destinations=NAMED) as client:
        shown = sign_in(client, "olga").get("/notices").text

    assert "1 refused notice from 18 Nov 2026 14:05:00 goes out as it was then" in shown
    assert "older than a day is tried once" in shown


def test_what_was_refused_is_sent_again_and_a_test_is_sent_once(one_site: Site, alert: int) -> None:
    with one_site.client(destinations=NAMED) as client:
        one_site.add_user("olga", role="operator")
        page = sign_in(client, "olga")
        token = form(client)
        answers = [page.post(f"/notices/pager/{what}", data=token) for what in ("again", "test", "test")]
        unknown = page.post("/notices/other/test", data=token)

    assert [answer.status_code for answer in answers] == [200, 200, 200]
    assert unknown.status_code == 404
    with one_site.engine.connect() as connection:
        assert {each.destination: each.state for each in deliveries.of_alert(connection, alert)}["pager"] == "pending"
        assert list(incidents.last_tests(connection)) == ["pager"]
    assert "test on its way" in answers[-1].text


def test_a_reader_looks_and_sends_nothing(one_site: Site, alert: int) -> None:
    one_site.add_user("rik", role="viewer")
    with one_site.client(destinations=NAMED) as client:
        page = sign_in(client, "rik")

        shown, refused = page.get("/notices"), page.post("/notices/pager/test")

    assert (shown.status_code, refused.status_code) == (200, 403)
    assert "/notices/pager/test" not in shown.text
