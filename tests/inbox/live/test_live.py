"""Live updates: with Redis at once, without it soon, and never a word about a patient."""

import asyncio
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import redis
import sqlalchemy as sa

from inbox.live.events import CHANNEL, LiveEvents
from inbox.live.stream import signal, stream_of
from rules.knowledge import Knowledge
from store import event_order
from tests.inbox.builders import a_case, a_person, an_event
from tests.inbox.serving import serving
from tests.inbox.sites import Site
from tests.ivigilant.waiting import soon

PATIENCE_S = 90.0


class Stream:
    """An open stream of events, read on the side."""

    def __init__(self, response: httpx.Response) -> None:
        self.lines: list[str] = []
        self._response = response
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def _read(self) -> None:
        try:
            for line in self._response.iter_lines():
                self.lines.append(line)
        except httpx.HTTPError:
            return

    def hears(self, alert: int) -> bool:
        """Wait until the stream tells of the alert."""
        deadline = time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline:
            for line in self.lines:
                if line.startswith("data: ") and str(alert) in json.loads(line[6:])["alerts"]:
                    return True
            time.sleep(0.01)
        return False


@contextmanager
def listening(address: str, site: Site, **headers: str) -> Iterator[Stream]:
    """Listen to the events of the API."""
    with (
        httpx.Client(timeout=90) as client,
        client.stream("GET", f"{address}/api/v1/events", headers=site.token("viewer") | headers) as response,
    ):
        assert response.headers["content-type"].startswith("text/event-stream")
        stream = Stream(response)
        soon(lambda: stream.lines)
        soon(lambda: hears_everything(site))
        yield stream


def hears_everything(site: Site) -> bool:
    """Whether the server has looked at the database for the first time, and somebody asked for what comes."""
    events = site.events
    return events._position is not None and bool(events._listeners)


def test_an_alert_that_is_raised_is_heard_without_redis(site: Site) -> None:
    with serving(site) as address, listening(address, site) as stream:
        with site.engine.begin() as connection:
            alert = a_case(connection)

        assert stream.hears(alert)


def test_the_first_event_ever_is_heard_too_and_nothing_but_ids(site: Site) -> None:
    with serving(site) as address, listening(address, site) as stream:
        with site.engine.begin() as connection:
            alert = a_case(connection)
        assert stream.hears(alert)

        told = [json.loads(line[6:]) for line in stream.lines if line.startswith("data: ")]

    assert told == [{"alerts": [str(alert)]}]


def test_with_redis_it_is_heard_long_before_the_next_look(one_site: Site, redis_url: str) -> None:
    one_site.redis_url = redis_url
    one_site.poll_s = 3600.0
    with serving(one_site) as address, listening(address, one_site) as stream:
        with one_site.engine.begin() as connection:
            alert = a_case(connection)
        with redis.Redis.from_url(redis_url) as client:
            soon(lambda: client.pubsub_numsub(CHANNEL)[0][1])
            client.publish(CHANNEL, str(alert))

        assert stream.hears(alert)


def test_when_redis_is_gone_the_page_is_still_told(one_site: Site) -> None:
    one_site.redis_url = "redis://127.0.0.1:1/0"
    with serving(one_site) as address, listening(address, one_site) as stream:
        with one_site.engine.begin() as connection:
            alert = a_case(connection)

        assert stream.hears(alert)


def test_who_connects_anew_hears_what_was_missed(one_site: Site) -> None:
    with one_site.engine.begin() as connection:
        patient = a_person(connection)
        first = a_case(connection, patient=patient, number="1")
        heard = an_event(connection, first)
        missed = a_case(connection, patient=patient, number="2")

    with (
        serving(one_site) as address,
        listening(address, one_site, **{"Last-Event-ID": str(heard)}) as stream,
    ):
        assert stream.hears(missed)
        told = [json.loads(line[6:])["alerts"] for line in stream.lines if line.startswith("data: ")]

    assert told == [[str(missed)]]


def test_what_happens_in_a_rush_is_told_to_a_page_together_and_nothing_is_left_out(one_site: Site) -> None:
    with one_site.engine.begin() as connection:
        patient = a_person(connection)
    events, numbers = LiveEvents(one_site.engine, None, poll_s=3600), iter("abc")

    async def happens() -> int:
        with one_site.engine.begin() as connection:
            alert = a_case(connection, patient=patient, number=next(numbers))
            last = an_event(connection, alert)
        await events._look()
        return last

    async def rush() -> None:
        lasts.extend([await happens(), await happens()])

    async def heard() -> list[object]:
        await events._look()
        stream = stream_of(events, None, signal, rush)
        assert (await anext(stream)).comment == "connected"
        first = asyncio.ensure_future(anext(stream))
        while not events._listeners:
            await asyncio.sleep(0)
        lasts.append(await happens())
        found: list[object] = [(await first).id, (await anext(stream)).id]
        (listener,) = events._listeners
        return [*found, listener.something.is_set()]

    lasts: list[int] = []
    first, second, is_left = asyncio.run(heard())

    assert (first, second, is_left) == (lasts[0], lasts[2], False)


def test_an_act_of_a_colleague_is_heard(one_site: Site) -> None:
    with one_site.engine.begin() as connection:
        alert = a_case(connection)
    with serving(one_site) as address, listening(address, one_site) as stream:
        httpx.post(
            f"{address}/api/v1/alerts/{alert}/acknowledge", json={"note": ""}, headers=one_site.token()
        ).raise_for_status()

        assert stream.hears(alert)


def test_publishing_where_nobody_answers_does_no_harm(one_site: Site) -> None:
    events = LiveEvents(one_site.engine, "redis://127.0.0.1:1/0")

    events.publish([1, 2])


def test_redis_hears_ids_and_nothing_else(one_site: Site, redis_url: str) -> None:
    events = LiveEvents(one_site.engine, redis_url)
    with redis.Redis.from_url(redis_url) as client, client.pubsub() as channel:
        channel.subscribe(CHANNEL)
        assert channel.get_message(timeout=60)["type"] == "subscribe"

        events.publish([12, 15])

        heard = [channel.get_message(timeout=60)["data"] for _ in range(2)]
    assert heard == [b"12", b"15"]


def test_of_two_transactions_that_commit_in_reverse_order_both_are_heard_also_by_who_connects_between(
    postgres_engine: sa.Engine, knowledge: Knowledge
) -> None:
    site = Site(postgres_engine, knowledge)
    with site.engine.begin() as connection:
        patient = a_person(connection)
        slow_one, quick_one = (a_case(connection, patient=patient, number=number) for number in ("1", "2"))
    site.add_user("els")
    with serving(site) as address, listening(address, site) as stream:
        with site.engine.connect() as slow, slow.begin():
            an_event(slow, slow_one)
            with site.engine.begin() as quick:
                an_event(quick, quick_one)
            assert stream.hears(quick_one)
            heard = [line[4:] for line in stream.lines if line.startswith("id: ")][-1]
            with site.engine.connect() as looking:
                page_heard = event_order.position(looking)

        assert stream.hears(slow_one)
        with listening(address, site, **{"Last-Event-ID": heard}) as again:
            assert again.hears(slow_one)
        with listening(address, site, **{"Last-Event-ID": str(page_heard)}) as opened_between:
            assert opened_between.hears(slow_one)
