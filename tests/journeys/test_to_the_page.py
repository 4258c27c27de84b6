"""From bytes on a socket to what a pharmacist sees on the page, through the real parts of every process."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from history.choices import Site as HospitalSite
from rules.knowledge import Knowledge
from store import feeds, tables
from tests.inbox.sites import Client, Site, sign_in
from tests.ivigilant.site_hospital import a_message, an_order
from tests.listener.builders import a_hospital, run
from worker.tasks import process_messages
from worker.worker import Worker

THROMBOSIS = "DG1|1||I80.2^DVT been^I10||20190614|F"


def send(engine: sa.Engine, knowledge: Knowledge, *messages: bytes) -> None:
    """Over a link, each answered before the next; then processed."""

    async def main() -> None:
        async with a_hospital(engine) as hospital, hospital.link() as link:
            for raw in messages:
                assert b"MSA|AA|" in await link.ask(raw)

    run(main())
    with engine.connect() as connection:
        ids = list(connection.scalars(sa.select(tables.message.c.id)))
    process_messages(Worker(engine, knowledge, HospitalSite(), lambda: datetime.now(UTC)), ids)


@contextmanager
def at_the_desk(engine: sa.Engine, knowledge: Knowledge, now: datetime) -> Iterator[Client]:
    """Els, who reads English, at the inbox at this moment."""
    site = Site(engine, knowledge, now=now)
    site.add_user("els")
    with site.client() as client:
        yield sign_in(client, "els")


@pytest.mark.parametrize(
    ("charset", "codec"),
    [("8859/1", "latin-1"), ("UNICODE UTF-8", "utf-8"), ("", "utf-8"), ("", "latin-1"), ("8859/15", "iso8859-15")],
)
@pytest.mark.parametrize(
    "name",
    ["Müller-Čapek", "d'Hôôghe^Zoë^Ångström", "Nuñez de Græve^Chloé", "Šimková^Žofie"],
    ids=lambda name: name[:2],
)
def test_a_name_is_shown_as_the_hospital_wrote_it(
    engine: sa.Engine, knowledge: Knowledge, name: str, charset: str, codec: str
) -> None:
    try:
        name.encode(codec)
    except UnicodeEncodeError:
        name = "Müller^Zoë^Ångström"  # what the character set has no letters for cannot be written in it
    pid = f"PID|1||1000001^^^ZKHA^PI||{name}||19481103|F"
    words = {"charset": charset, "codec": codec, "pid": pid}

    send(engine, knowledge, a_message(THROMBOSIS, **words), an_order(**words))

    with at_the_desk(engine, knowledge, datetime.now(UTC)) as client:
        page, alert = client.get("/").text, client.get("/alerts/1").text
    for part in name.replace("'", "&#39;").split("^")[:2]:
        assert part in page
        assert part in alert
    assert "\N{REPLACEMENT CHARACTER}" not in page + alert


def test_a_feed_that_falls_silent_is_told_on_the_page_until_it_is_heard_again(
    engine: sa.Engine, knowledge: Knowledge
) -> None:
    with engine.begin() as connection:
        feeds.declare(connection, {"default": 900, "never heard": 1800, "may be silent": None}, datetime.now(UTC))
    send(engine, knowledge, a_message(control="C1"))
    heard = heard_at(engine)

    with at_the_desk(engine, knowledge, heard + timedelta(seconds=899)) as client:
        assert "is silent" not in told_to(client)
    site = Site(engine, knowledge, now=heard + timedelta(seconds=901))
    with site.client() as client:
        told = told_to(sign_in(client, "els"))
        assert "Feed default has been silent since" in told
        assert "Feed never heard" not in told
        assert "Feed may be silent" not in told

        send(engine, knowledge, a_message(control="C2"))
        site.now = heard_at(engine) + timedelta(seconds=1)
        assert "is silent" not in told_to(client)

        site.now = heard + timedelta(seconds=1801)
        assert "Feed never heard has never been heard, and has been expected since" in told_to(client)


def told_to(client: Client) -> str:
    """The page and the banners above it, which it fetches by itself."""
    return client.get("/banners").text + client.get("/").text


def heard_at(engine: sa.Engine) -> datetime:
    with engine.connect() as connection:
        (at,) = (feed.last_heard_at for feed in feeds.every(connection) if feed.name == "default")
    assert at is not None
    return at
