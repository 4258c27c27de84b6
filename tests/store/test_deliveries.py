"""Deliveries: claimed by one, sent once, tried again, or refused."""

import threading
from datetime import timedelta

import pytest
import sqlalchemy as sa

from store import deliveries, tables
from store.deliveries import Claimed, NewDelivery
from tests.store.builders import NOW, an_alert, insert

LEASE = timedelta(minutes=1)


@pytest.fixture
def new(engine: sa.Engine) -> NewDelivery:
    """A line of an alert's record that must go to the ward's webhook."""
    with engine.begin() as connection:
        alert = an_alert(connection)
        event = insert(connection, tables.alert_event, alert_id=alert, at=NOW, kind="raised", actor="system")
    return NewDelivery(alert, event, "webhook", NOW)


def enqueue(engine: sa.Engine, *wanted: NewDelivery) -> list[int]:
    with engine.begin() as connection:
        return deliveries.enqueue(connection, wanted, NOW)


def claim(engine: sa.Engine, after: timedelta = timedelta(0), limit: int = 10) -> list[Claimed]:
    with engine.begin() as connection:
        return deliveries.claim_due(connection, NOW + after, LEASE, limit)


def test_a_delivery_is_noted_once(engine: sa.Engine, new: NewDelivery) -> None:
    mail = NewDelivery(new.alert_id, new.event_id, "mail", NOW)

    first, second, none = enqueue(engine, new), enqueue(engine, new, mail), enqueue(engine)

    assert (len(first), len(second), none) == (1, 1, [])
    with engine.begin() as connection:
        assert [row.destination for row in deliveries.of_alert(connection, new.alert_id)] == ["webhook", "mail"]


def test_what_is_claimed_is_nobody_elses_until_the_lease_ends(engine: sa.Engine, new: NewDelivery) -> None:
    enqueue(engine, new)

    first, second, after_the_lease = claim(engine), claim(engine), claim(engine, LEASE)

    assert [claimed.attempts for claimed in first] == [1]
    assert second == []
    assert [claimed.attempts for claimed in after_the_lease] == [2]
    assert first[0].idempotency_key == after_the_lease[0].idempotency_key == new.idempotency_key


def test_what_is_not_due_yet_is_left(engine: sa.Engine, new: NewDelivery) -> None:
    enqueue(engine, NewDelivery(new.alert_id, new.event_id, "mail", NOW + timedelta(minutes=5)))

    assert claim(engine) == []
    assert len(claim(engine, timedelta(minutes=5))) == 1


def test_a_claim_takes_no_more_than_asked_and_only_what_is_named(engine: sa.Engine, new: NewDelivery) -> None:
    ids = enqueue(engine, *(NewDelivery(new.alert_id, new.event_id, name, NOW) for name in "abcd"))

    with engine.begin() as connection:
        named = deliveries.claim_due(connection, NOW, LEASE, 10, ids=[ids[3]])

    assert [claimed.id for claimed in named] == [ids[3]]
    assert [claimed.id for claimed in claim(engine, limit=2)] == ids[:2]


def test_many_senders_share_the_work_without_overlap(engine: sa.Engine, new: NewDelivery) -> None:
    ids = enqueue(engine, *(NewDelivery(new.alert_id, new.event_id, f"d{n}", NOW) for n in range(40)))
    taken: list[int] = []

    def work() -> None:
        while mine := claim(engine, limit=3):
            taken.extend(claimed.id for claimed in mine)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(taken) == ids


def test_what_failed_is_tried_again_at_its_time(engine: sa.Engine, new: NewDelivery) -> None:
    enqueue(engine, new)
    (claimed,) = claim(engine)
    with engine.begin() as connection:
        deliveries.mark_failed(connection, claimed, "connection refused", NOW + timedelta(minutes=2))

    early, due = claim(engine, timedelta(minutes=1)), claim(engine, timedelta(minutes=2))

    assert (early, [again.attempts for again in due]) == ([], [2])


def test_what_was_sent_or_refused_is_never_claimed_again(engine: sa.Engine, new: NewDelivery) -> None:
    enqueue(engine, new, NewDelivery(new.alert_id, new.event_id, "mail", NOW))
    sent, refused = claim(engine)
    with engine.begin() as connection:
        assert deliveries.mark_sent(connection, sent, NOW)
        assert deliveries.mark_refused(connection, refused, "unknown address")
        assert not deliveries.mark_sent(connection, sent, NOW)

    assert claim(engine, timedelta(days=1)) == []
    with engine.begin() as connection:
        assert deliveries.counts(connection) == {("mail", "refused"): 1}
        assert deliveries.retry(connection, refused.id, NOW)
    assert [again.id for again in claim(engine)] == [refused.id]


def test_a_sender_that_lost_its_lease_does_not_undo_the_work_of_the_next(engine: sa.Engine, new: NewDelivery) -> None:
    enqueue(engine, new)
    (slow,) = claim(engine)
    (quick,) = claim(engine, LEASE)

    with engine.begin() as connection:
        failed = deliveries.mark_failed(connection, slow, "timed out", NOW)
        refused = deliveries.mark_refused(connection, slow, "no")
        sent = deliveries.mark_sent(connection, quick, NOW + LEASE)

        (row,) = deliveries.of_alert(connection, new.alert_id)
    assert (failed, refused, sent) == (False, False, True)
    assert (row.state, row.last_error) == ("sent", None)


def test_how_long_the_oldest_has_been_due_is_known(engine: sa.Engine, new: NewDelivery) -> None:
    with engine.begin() as connection:
        nothing = deliveries.oldest_due(connection, NOW)
    enqueue(engine, new)

    with engine.begin() as connection:
        assert (nothing, deliveries.oldest_due(connection, NOW)) == (None, NOW)


def test_what_was_told_in_one_notice_is_found_by_any_line_of_it(engine: sa.Engine, new: NewDelivery) -> None:
    with engine.begin() as connection:
        second = insert(connection, tables.alert_event, alert_id=new.alert_id, at=NOW, kind="escalated", actor="system")
    for destination in ("webhook", "mail"):
        enqueue(engine, NewDelivery(new.alert_id, new.event_id, destination, NOW))
    enqueue(engine, NewDelivery(new.alert_id, second, "webhook", NOW))

    with engine.begin() as connection:
        deliveries.claim_together(connection, NOW, LEASE, 10, timedelta(minutes=1))
        by_webhook = deliveries.told_together(connection, new.alert_id, new.event_id, "webhook")
        never_there = deliveries.told_together(connection, new.alert_id, new.event_id, "pager")
        by_mail = deliveries.told_together(connection, new.alert_id, new.event_id, "mail")

    assert by_webhook == [(new.alert_id, second)]
    assert by_mail == [(new.alert_id, new.event_id)]
    assert never_there == [(new.alert_id, new.event_id)]
