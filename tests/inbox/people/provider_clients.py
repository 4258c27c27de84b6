"""What a browser does at an inbox and at the hospital's identity provider, without a page."""

import httpx
import sqlalchemy as sa

from store import tables
from tests.inbox.identity_provider import IdentityProvider
from tests.inbox.sites import Client, Site

INBOX = "http://testserver.local"


def begins(client: Client, **asked: str) -> str:
    answer = client.get("/sign-in/provider", params=asked, follow_redirects=False)
    assert answer.status_code == 303
    return answer.headers["location"]


def comes_back(client: Client, provider: IdentityProvider, person: str = "eva", **asked: str) -> httpx.Response:
    return client.get(provider.approve(begins(client, **asked), person), follow_redirects=False)


def begun_cookies(client: Client) -> list[str]:
    return [name for name in client.cookies if name.startswith("ivigilant_provider")]


def is_in(client: Client) -> bool:
    return client.get("/preferences", follow_redirects=False).status_code == 200


def accounts(site: Site) -> list[tuple[str, str]]:
    with site.engine.connect() as connection:
        rows = connection.execute(sa.select(tables.user.c.name, tables.user.c.role).order_by(tables.user.c.id))
        return [(row.name, row.role) for row in rows]
