"""An inbox on a real database, and people and programs who use it."""

from collections.abc import Iterator

import pytest
import sqlalchemy as sa
from playwright.sync_api import Browser, expect

from rules.knowledge import Knowledge
from tests.inbox.browser import browsing, leave_out_without_browser
from tests.inbox.builders import all_is_well
from tests.inbox.desks import Desk, at_desk
from tests.inbox.serving import serving
from tests.inbox.sites import Client, Site, sign_in


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what this machine cannot run."""
    leave_out_without_browser(config, items)


@pytest.fixture
def site(engine: sa.Engine, knowledge: Knowledge) -> Site:
    """An inbox on each kind of database, where all is well."""
    with engine.begin() as connection:
        all_is_well(connection)
    return Site(engine, knowledge)


@pytest.fixture
def one_site(sqlite_engine: sa.Engine, knowledge: Knowledge) -> Site:
    """An inbox on SQLite, for what has nothing to do with the database."""
    with sqlite_engine.begin() as connection:
        all_is_well(connection)
    return Site(sqlite_engine, knowledge)


@pytest.fixture
def client(site: Site) -> Iterator[Client]:
    """A program or a browser that knows nobody yet."""
    with site.client() as client:
        yield client


@pytest.fixture
def one_client(one_site: Site) -> Iterator[Client]:
    """The same, on SQLite."""
    with one_site.client() as client:
        yield client


@pytest.fixture
def page(client: Client, site: Site) -> Client:
    """The browser of Els, a pharmacist who reads English."""
    site.add_user("els")
    return sign_in(client, "els")


@pytest.fixture
def one_page(one_client: Client, one_site: Site) -> Client:
    """The same, on SQLite."""
    one_site.add_user("els")
    return sign_in(one_client, "els")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    expect.set_options(timeout=60_000)  # the machine may be busy with other tests
    with browsing() as browser:
        yield browser


@pytest.fixture
def address(one_site: Site) -> Iterator[str]:
    for name, role, language in (("els", "lead", "en"), ("rik", "pharmacist", "en"), ("nel", "pharmacist", "nl")):
        one_site.add_user(name, role=role, language=language)
    with serving(one_site, sign_ins_per_minute=100) as address:
        yield address


@pytest.fixture
def desk(browser: Browser, address: str) -> Iterator[Desk]:
    """Els, the lead pharmacist, at her desk, on a screen of 1024 pixels."""
    yield from at_desk(browser, address, "els")


@pytest.fixture
def second_desk(browser: Browser, address: str) -> Iterator[Desk]:
    """Rik at his."""
    yield from at_desk(browser, address, "rik")


@pytest.fixture
def dutch_desk(browser: Browser, address: str) -> Iterator[Desk]:
    """Nel, who reads Dutch."""
    yield from at_desk(browser, address, "nel")
