"""Els as the lead pharmacist, who decides on codes."""

import pytest

from tests.inbox.sites import Client, Site, sign_in


@pytest.fixture
def page(client: Client, site: Site) -> Client:
    """Her browser."""
    site.add_user("els", role="lead")
    return sign_in(client, "els")


@pytest.fixture
def one_page(one_client: Client, one_site: Site) -> Client:
    """The same, on SQLite."""
    one_site.add_user("els", role="lead")
    return sign_in(one_client, "els")
