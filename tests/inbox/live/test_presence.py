"""Who has an alert open, as the others who have it open see it."""

from datetime import timedelta

import redis

from inbox.live.presence import GONE_AFTER, KEY, SPARED_S, Presence, SharedPresence
from tests.inbox.builders import NOW
from tests.inbox.sites import Client, Site, sign_in
from tests.ports import free_port

ELS, RIK, ANN = 1, 2, 3


def accounts(presence: Presence, who: int, after: timedelta, alert: int = 1) -> list[int]:
    return [each.account for each in presence.look(alert, who, NOW + after)]


def test_two_at_one_alert_see_each_other_and_nobody_sees_herself() -> None:
    presence = Presence()

    assert accounts(presence, ELS, timedelta(0)) == []
    assert accounts(presence, RIK, timedelta(seconds=2)) == [ELS]
    assert accounts(presence, ELS, timedelta(seconds=5)) == [RIK]
    assert accounts(presence, ANN, timedelta(seconds=6), alert=2) == []


def test_since_when_somebody_looks_stays_while_she_looks() -> None:
    presence = Presence()
    for seconds in (0, 5, 10, 15, 20):
        presence.look(1, ELS, NOW + timedelta(seconds=seconds))

    (found,) = presence.look(1, RIK, NOW + timedelta(seconds=21))

    assert found.since == NOW


def test_who_left_is_forgotten_and_so_is_an_alert_that_nobody_has_open() -> None:
    presence = Presence()
    presence.look(1, ELS, NOW)

    assert accounts(presence, RIK, GONE_AFTER + timedelta(seconds=1)) == []
    presence.look(2, ANN, NOW + 3 * GONE_AFTER)
    assert list(presence.looking) == [2]


def test_who_is_served_by_another_process_is_seen_too_and_left_is_left(redis_url: str) -> None:
    one, other = Presence(SharedPresence(redis_url)), Presence(SharedPresence(redis_url))
    one.look(1, ELS, NOW)
    one.look(1, ELS, NOW + timedelta(seconds=10))

    (found,) = other.look(1, RIK, NOW + timedelta(seconds=11))

    assert (found.account, found.since) == (ELS, NOW)
    assert accounts(one, ELS, timedelta(seconds=12)) == [RIK]
    assert accounts(other, ANN, timedelta(seconds=12), alert=2) == []
    assert accounts(other, RIK, timedelta(seconds=26)) == [ELS]
    assert accounts(other, RIK, timedelta(seconds=30)) == []


def test_who_comes_to_another_process_is_there_since_she_came(redis_url: str) -> None:
    one, other = Presence(SharedPresence(redis_url)), Presence(SharedPresence(redis_url))
    one.look(1, ELS, NOW)

    other.look(1, ELS, NOW + timedelta(seconds=5))

    (found,) = other.look(1, RIK, NOW + timedelta(seconds=6))
    assert found.since == NOW


def test_redis_holds_numbers_of_who_looks_and_only_for_a_moment(redis_url: str) -> None:
    Presence(SharedPresence(redis_url)).look(7, ELS, NOW)

    with redis.Redis.from_url(redis_url, decode_responses=True) as client:
        (key,) = client.keys("*")
        stored = client.hgetall(key)
        seconds = client.ttl(key)

    at = str(round(NOW.timestamp() * 1000))
    assert (key, stored) == ("ivigilant.onlookers:7", {"1": f"{at} {at}"})
    assert 0 < int(seconds) <= GONE_AFTER.total_seconds()


def test_what_is_not_ours_in_redis_keeps_nobody_from_seeing_who_is_here(redis_url: str) -> None:
    with redis.Redis.from_url(redis_url) as client:
        client.hset(KEY.format(1), "2", "yesterday")
    presence = Presence(SharedPresence(redis_url))

    presence.look(1, ELS, NOW)

    assert accounts(presence, RIK, timedelta(seconds=1)) == [ELS]


def test_without_redis_each_process_shows_its_own_and_asks_again_later() -> None:
    ticking = iter([0.0, 0.0, 1.0, SPARED_S + 1, SPARED_S + 1])
    presence = Presence(SharedPresence(f"redis://127.0.0.1:{free_port()}/0", clock=lambda: next(ticking)))

    assert accounts(presence, ELS, timedelta(0)) == []  # asks in vain
    assert accounts(presence, RIK, timedelta(seconds=1)) == [ELS]  # spares it
    assert accounts(presence, ELS, timedelta(seconds=2)) == [RIK]  # asks again
    assert list(ticking) == []


def test_the_open_page_says_who_else_has_the_alert_open(one_client: Client, one_site: Site) -> None:
    alert = one_site.with_case()
    for name in ("els", "rik"):
        one_site.add_user(name)
    sign_in(one_client, "rik")
    assert "has this open" not in one_client.get(f"/alerts/{alert}/news").text

    sign_in(one_client, "els")

    assert "rik has this open since 14:05" in one_client.get(f"/alerts/{alert}/news").text


def test_the_list_shows_who_has_an_alert_open_and_not_the_viewer(one_site: Site, redis_url: str) -> None:
    one_site.add_user("els")
    one_site.add_user("rik")
    one_site.presence = Presence(SharedPresence(redis_url))
    alert = one_site.with_case(due_at=NOW + timedelta(minutes=25))
    with one_site.client() as one, one_site.client() as other:
        sign_in(one, "els").get(f"/alerts/{alert}/news")
        hers, his = one.get("/").text, sign_in(other, "rik").get("/").text
        other.get(f"/alerts/{alert}/news")

    assert ("has it open" in hers, "els has it open" in his) == (False, True)
    assert "before 14:30" in hers and "before 14:30" in his
    elsewhere = Presence(SharedPresence(redis_url))
    assert elsewhere.at_each([alert, 99], NOW + timedelta(seconds=1)) == {alert: [ELS, RIK]}
    assert elsewhere.at_each([alert], NOW + 2 * GONE_AFTER) == {}
