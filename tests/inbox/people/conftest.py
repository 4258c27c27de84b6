"""An identity provider, and a browser at an inbox that knows it."""

from collections.abc import Iterator

import pytest

from inbox.http.settings import SignInSettings
from inbox.people.provider import Provider
from tests.inbox.identity_provider import IdentityProvider, a_provider
from tests.inbox.people.provider_clients import INBOX
from tests.inbox.sites import Client, Site


@pytest.fixture
def provider(one_site: Site) -> Iterator[IdentityProvider]:
    with a_provider(lambda: one_site.now) as provider:
        provider.redirects = {f"{INBOX}/sign-in/back", f"{INBOX}/sign-in"}
        yield provider


@pytest.fixture
def browser_of(one_site: Site, provider: IdentityProvider) -> Iterator[Client]:
    """A browser at an inbox that knows the provider."""
    with one_site.client(sign_in=SignInSettings(Provider(provider.settings()))) as client:
        client.headers["Accept-Language"] = "en"
        yield client
