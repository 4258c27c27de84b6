"""Accounts for an emergency: whoever uses one is seen and heard."""

from collections.abc import Iterator
from datetime import timedelta

import pytest

from inbox.http.settings import SignInSettings
from store import incidents
from tests.inbox.builders import NOW, the_lines
from tests.inbox.sites import Client, Site, form, sign_in

EMERGENCY = SignInSettings(break_glass=frozenset({"Night safe"}))


@pytest.fixture
def emergency(site: Site) -> Iterator[Client]:
    """The browser of whoever opened the envelope."""
    site.add_user("Night safe", role="administrator")
    site.add_user("els")
    with site.client(sign_in=EMERGENCY) as client:
        yield sign_in(client, "Night safe")


def standing(site: Site) -> list[tuple[str, str, str]]:
    with site.engine.connect() as connection:
        return [(each.kind, each.subject, each.detail) for each in incidents.standing(connection)]


def test_its_use_is_an_incident_and_a_line_of_its_own(emergency: Client, site: Site) -> None:
    assert standing(site) == [("break_glass", "Night_safe", "from testclient")]
    (line,) = the_lines(site.engine)
    assert (line.actor, line.action, line.object) == ("Night safe", "sign_in", "emergency account")


def test_every_page_says_so_to_whoever_uses_it_and_to_others(emergency: Client, site: Site) -> None:
    own = [emergency.get(path).text for path in ("/accounts", "/preferences", "/password")]
    with site.client(sign_in=EMERGENCY) as colleague:
        sign_in(colleague, "els")
        banners, page = colleague.get("/banners").text, colleague.get("/").text

    assert all("You are signed in with an emergency account" in text for text in own)
    assert "Emergency account Night_safe has been in use since" in banners
    assert 'id="break-glass"' not in page


def test_each_sign_in_is_told_anew(emergency: Client, site: Site) -> None:
    with site.engine.begin() as connection:
        (first,) = incidents.claim_untold(connection, NOW, timedelta(minutes=1))
        incidents.mark_told(connection, first, NOW)
    emergency.post("/sign-out", data=form(emergency))

    sign_in(emergency, "Night safe")

    with site.engine.begin() as connection:
        (second,) = incidents.claim_untold(connection, NOW, timedelta(minutes=1))
    assert (first.id != second.id, second.stands) == (True, True)


def test_any_other_account_is_no_incident(one_site: Site) -> None:
    one_site.add_user("els")
    with one_site.client(sign_in=EMERGENCY) as client:
        sign_in(client, "els")

    assert standing(one_site) == []
