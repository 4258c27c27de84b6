"""Messages after they were saved, the feeds they came from, and who is alive."""

from datetime import timedelta

import sqlalchemy as sa

from store import feeds, heartbeats, message_queries
from store.message_queries import MessageOutcome, Waiting
from tests.store.builders import NOW, a_feed, a_message

MINUTE = timedelta(minutes=1)


def some_messages(engine: sa.Engine, count: int, **values: object) -> list[int]:
    with engine.begin() as connection:
        return [a_message(connection, f"M{number}", **values) for number in range(count)]


def states(engine: sa.Engine, ids: list[int]) -> list[str]:
    with engine.begin() as connection:
        query = sa.text("SELECT id, state FROM message")
        found = {row.id: row.state for row in connection.execute(query)}
    return [found[id_] for id_ in ids]


def test_only_messages_that_still_wait_are_taken_oldest_first(engine: sa.Engine) -> None:
    one, two, three = some_messages(engine, 3)
    with engine.begin() as connection:
        message_queries.mark(connection, [MessageOutcome(two, "processed")], NOW)

        taken = message_queries.received(connection, [three, two, one, 999])
        held = message_queries.lock_received(connection, [three, two, one, 999])

    assert held == {one: None, three: None}
    assert [(row.id, row.control_id, row.feed_name) for row in taken] == [
        (one, "M0", "ehr"),
        (three, "M2", "ehr"),
    ]


def test_two_workers_never_hold_the_same_message(postgres_engine: sa.Engine) -> None:
    ids = some_messages(postgres_engine, 3)

    with postgres_engine.begin() as mine, postgres_engine.begin() as theirs:
        held = message_queries.lock_received(mine, ids[:2])
        left = message_queries.lock_received(theirs, ids)

    assert (list(held), list(left)) == (ids[:2], ids[2:])


def test_each_message_ends_as_it_should(engine: sa.Engine) -> None:
    ids = some_messages(engine, 4)
    with engine.begin() as connection:
        outcomes = [
            MessageOutcome(ids[0], "processed"),
            MessageOutcome(ids[1], "ignored", "unknown_type"),
            MessageOutcome(ids[2], "parked", "unreadable", "PID-3 is absent"),
        ]
        message_queries.mark(connection, outcomes, NOW)

        counts = message_queries.counts(connection)

    assert states(engine, ids) == ["processed", "ignored", "parked", "received"]
    assert counts == {"received": 1, "parked": 1}


def test_what_was_left_behind_is_found_once_per_sweep(engine: sa.Engine) -> None:
    old = some_messages(engine, 2, received_at=NOW - 5 * MINUTE, lane="orders")
    with engine.begin() as connection:
        a_message(connection, "fresh")
        found = message_queries.stale_received(connection, NOW - MINUTE, 10)
        message_queries.mark_queued(connection, old[:1], NOW)

        again = message_queries.stale_received(connection, NOW - MINUTE, 10)
        later = message_queries.stale_received(connection, NOW + MINUTE, 2)

    assert found == [Waiting(id_, "orders") for id_ in old]
    assert again == [Waiting(old[1], "orders")]
    assert len(later) == 2


def test_a_parked_message_waits_again_when_asked(engine: sa.Engine) -> None:
    parked, waiting = some_messages(engine, 2)
    with engine.begin() as connection:
        message_queries.mark(connection, [MessageOutcome(parked, "parked", "unreadable", "PID-3 is absent")], NOW)

        again = message_queries.reprocess(connection, [parked, waiting], NOW)

        held = message_queries.lock_received(connection, [parked, waiting])
        row = connection.execute(sa.text("SELECT * FROM message WHERE id = :id"), {"id": parked}).mappings().one()
    assert again == [Waiting(parked, "history")]
    assert held == {parked: message_queries.AGAIN, waiting: None}
    assert (row["reason"], row["detail"], row["processed_at"], row["attempts"]) == ("again", None, None, 0)


def test_the_age_of_the_oldest_waiting_message_is_known(engine: sa.Engine) -> None:
    with engine.begin() as connection:
        nothing = message_queries.oldest_received_age(connection, NOW)
        a_message(connection, "old", received_at=NOW - 5 * MINUTE)
        a_message(connection, "order", received_at=NOW - MINUTE, lane="orders")
        a_message(connection, "again", received_at=NOW - 9 * MINUTE, lane="orders", reason=message_queries.AGAIN)

        lanes: list[tuple[str, ...]] = [(), ("orders",), message_queries.HISTORY_LANES, ("other",)]
        ages = [message_queries.oldest_received_age(connection, NOW, each) for each in lanes]

    assert (nothing, ages) == (None, [5 * MINUTE, MINUTE, 5 * MINUTE, None])


def test_attempts_are_counted_while_a_message_waits(engine: sa.Engine) -> None:
    one, two = some_messages(engine, 2)
    with engine.begin() as connection:
        message_queries.count_attempt(connection, [one])
        message_queries.mark(connection, [MessageOutcome(two, "processed")], NOW)

        assert message_queries.count_attempt(connection, [one, two]) == {one: 2}


def test_doubts_about_a_message_add_up(engine: sa.Engine) -> None:
    (one,) = some_messages(engine, 1)
    with engine.begin() as connection:
        for flags in (["no_weight"], ["no_weight", "charset"], []):
            message_queries.add_flags(connection, {one: flags})

        (row,) = message_queries.received(connection, [one])
    assert row.flags == ["charset", "no_weight"]


def test_a_feed_is_made_when_it_is_first_heard_and_known_when_it_is_declared(engine: sa.Engine) -> None:
    with engine.begin() as connection:
        made = feeds.ids_of(connection, ["lab", "ehr", "lab"])
        feeds.declare(connection, {"ehr": 600, "pharmacy": None}, NOW)

        found = {feed.name: (feed.known, feed.silence_after_s) for feed in feeds.every(connection)}
        again = feeds.ids_of(connection, ["ehr"])

    assert found == {"ehr": (True, 600), "lab": (False, None), "pharmacy": (True, None)}
    assert again["ehr"] == made["ehr"]


def test_a_feed_that_is_not_heard_for_too_long_is_silent(engine: sa.Engine) -> None:
    with engine.begin() as connection:
        feeds.declare(connection, {"ehr": 60}, NOW)
        id_ = feeds.ids_of(connection, ["ehr"])["ehr"]
        feeds.heard(connection, id_, NOW)
        feeds.heard(connection, id_, NOW - MINUTE)

        (feed,) = feeds.every(connection)

    assert [feed.is_silent(NOW + after) for after in (MINUTE, MINUTE + timedelta(seconds=1))] == [False, True]


def test_a_feed_that_has_another_name_now_is_not_missed_under_the_old_one(engine: sa.Engine) -> None:
    with engine.begin() as connection:
        feeds.declare(connection, {"ehr": 60}, NOW)
        feeds.heard(connection, feeds.ids_of(connection, ["ehr"])["ehr"], NOW)

        feeds.declare(connection, {"epd": 60}, NOW + 2 * MINUTE)

        found = {feed.name: feed.is_silent(NOW + 2 * MINUTE) for feed in feeds.every(connection)}

    assert found == {"ehr": False, "epd": False}


def test_a_feed_that_is_declared_and_never_heard_is_silent_from_when_it_was_first_declared(engine: sa.Engine) -> None:
    with engine.begin() as connection:
        for starts in range(3):
            feeds.declare(connection, {"ehr": 60, "may be silent": None}, NOW + starts * MINUTE)

        found = {feed.name: feed for feed in feeds.every(connection)}

    late = NOW + MINUTE + timedelta(seconds=1)
    assert [found["ehr"].is_silent(at) for at in (NOW + MINUTE, late)] == [False, True]
    assert not found["ehr"].is_heard(late)
    assert not found["may be silent"].is_silent(late)


def test_a_feed_that_was_never_heard_and_has_another_name_now_is_waited_for_under_the_new_one(
    engine: sa.Engine,
) -> None:
    with engine.begin() as connection:
        feeds.declare(connection, {"ehr": 60}, NOW)
        feeds.declare(connection, {"epd": 60}, NOW + 5 * MINUTE)
        renamed = {feed.name: feed.is_silent(NOW + 6 * MINUTE) for feed in feeds.every(connection)}
        feeds.declare(connection, {"ehr": 60}, NOW + 9 * MINUTE)
        again = {feed.name: feed.is_silent(NOW + 10 * MINUTE) for feed in feeds.every(connection)}
        late = {feed.name: feed.is_silent(NOW + 11 * MINUTE) for feed in feeds.every(connection)}

    assert renamed == {"ehr": False, "epd": False}
    assert again == {"ehr": False, "epd": False}
    assert late == {"ehr": True, "epd": False}


def test_a_feed_without_a_limit_is_never_silent(engine: sa.Engine) -> None:
    with engine.begin() as connection:
        a_feed(connection, "lab")
        (feed,) = feeds.every(connection)

    assert not feed.is_silent(NOW)


def test_the_last_sign_of_life_is_kept(engine: sa.Engine) -> None:
    with engine.begin() as connection:
        for name, at in [("worker", NOW), ("beat", NOW), ("worker", NOW + MINUTE)]:
            heartbeats.beat(connection, name, at)

        assert heartbeats.last(connection) == {"worker": NOW + MINUTE, "beat": NOW}
