"""Which feeds have an open link, in the database."""

import asyncio
from datetime import UTC, datetime, timedelta

import sqlalchemy as sa

from listener.feeds import FeedProfile, Origin
from listener.open_links import OpenLinks
from store import feeds
from store.feeds import LINKED_WITHIN, Feed
from tests.store.builders import a_feed

NOW = datetime(2026, 11, 2, 12, tzinfo=UTC)


def found(engine: sa.Engine) -> dict[str, Feed]:
    with engine.connect() as connection:
        return {feed.name: feed for feed in feeds.every(connection)}


def test_it_says_of_which_feeds_a_link_is_open_until_a_minute_after_it_closed(engine: sa.Engine) -> None:
    with engine.begin() as connection:
        a_feed(connection, "cpoe")
        a_feed(connection, "lab")
    asked: list[int] = []

    async def said() -> None:
        def linked() -> set[str]:
            asked.append(1)
            return {"cpoe"} if len(asked) == 1 else set()

        links = OpenLinks(engine, linked, lambda: NOW, every_s=0.01)
        links.start()
        while len(asked) < 3:
            await asyncio.sleep(0.01)
        await links.stop()

    asyncio.run(said())

    assert found(engine)["cpoe"].is_linked(NOW + LINKED_WITHIN)
    assert not found(engine)["cpoe"].is_linked(NOW + LINKED_WITHIN + timedelta(seconds=1))
    assert not found(engine)["lab"].is_linked(NOW)


def test_a_database_that_is_away_is_asked_again(engine: sa.Engine) -> None:
    with engine.begin() as connection:
        a_feed(connection, "cpoe")
    away = sa.create_engine("sqlite:////nowhere/at/all.db")
    asked: list[int] = []

    async def said() -> None:
        def linked() -> set[str]:
            asked.append(1)
            return {"cpoe"}

        links = OpenLinks(away, linked, lambda: NOW, every_s=0.01)
        links.start()
        while len(asked) < 3:
            await asyncio.sleep(0.01)
        await links.stop()

    asyncio.run(said())

    assert not found(engine)["cpoe"].is_linked(NOW)


def test_an_origin_without_a_name_belongs_to_the_feed_of_its_port_before_it_says_anything() -> None:
    from listener.feeds import LinkFeeds

    cpoe = FeedProfile(1, "cpoe")
    unknown = FeedProfile(-1, "A|B", known=False, declared=False)
    by_port = LinkFeeds(lambda source: cpoe if source.port == 2599 else unknown, Origin(2599, "10.1.2.3"))
    by_nothing = LinkFeeds(lambda source: cpoe if source.port == 2599 else unknown, Origin(2575, "10.1.2.3"))
    before = (by_port.names, by_nothing.names)
    by_nothing.of("A", "B")

    assert before == ({"cpoe"}, set())
    assert by_nothing.names == {"A|B"}
