"""The role of a user who is signed in is checked again at the identity provider, without asking her anything."""

import threading
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from inbox.http.settings import SignInSettings
from inbox.people.provider import Provider
from tests.inbox.builders import the_lines
from tests.inbox.identity_provider import IdentityProvider
from tests.inbox.people.provider_clients import accounts, begins, begun_cookies, comes_back, is_in
from tests.inbox.sites import Client, Site


def works(client: Client, site: Site, minutes: int) -> None:
    """Let her work for so long, with a look every twenty minutes in a part of an open page."""
    for _ in range(minutes // 20):
        site.now += timedelta(minutes=20)
        is_in(client)


def goes_to(client: Client, page: str) -> httpx.Response:
    """Go to a page as a browser does."""
    return client.get(page, headers={"Sec-Fetch-Mode": "navigate"}, follow_redirects=False)


def test_while_somebody_works_her_role_is_checked_again_without_a_question(
    browser_of: Client, provider: IdentityProvider, one_site: Site
) -> None:
    comes_back(browser_of, provider)
    session = browser_of.cookies["ivigilant_session"]
    early = goes_to(browser_of, "/messages?state=parked").status_code
    works(browser_of, one_site, 40)
    provider.people["eva"]["groups"] = ["IVIg-leads"]

    sent = goes_to(browser_of, "/messages?state=parked").headers["location"]
    there = browser_of.get(sent, follow_redirects=False).headers["location"]
    back = browser_of.get(provider.approve(there, "eva"), follow_redirects=False)

    assert (early, sent) == (200, "/sign-in/provider?next=%2Fmessages%3Fstate%3Dparked&silent=1")
    assert parse_qs(urlsplit(there).query)["prompt"] == ["none"]
    assert back.headers["location"] == "/messages?state=parked"
    assert accounts(one_site) == [("Eva de Wit", "lead")]
    line = the_lines(one_site.engine)[-1]
    assert (line.action, line.object) == ("sign_in", "provider Hospital checked again role pharmacist to lead")
    works(browser_of, one_site, 40)  # beyond the first hour, in the same session
    assert (is_in(browser_of), browser_of.cookies["ivigilant_session"]) == (True, session)


def test_a_session_lasts_an_hour_where_nobody_goes_to_a_page(
    browser_of: Client, provider: IdentityProvider, one_site: Site
) -> None:
    comes_back(browser_of, provider)
    works(browser_of, one_site, 40)
    before = is_in(browser_of)

    one_site.now += timedelta(minutes=21)

    assert (before, is_in(browser_of)) == (True, False)


def test_a_check_makes_no_session_longer_than_any_other(one_site: Site, provider: IdentityProvider) -> None:
    known = SignInSettings(Provider(provider.settings()))
    with one_site.client(sign_in=known, session_lifetime=timedelta(minutes=90)) as client:
        comes_back(client, provider)
        works(client, one_site, 40)
        there = client.get(goes_to(client, "/messages").headers["location"], follow_redirects=False)
        client.get(provider.approve(there.headers["location"], "eva"), follow_redirects=False)
        works(client, one_site, 40)
        before = (is_in(client), goes_to(client, "/messages").status_code)  # a check would prolong nothing

        one_site.now += timedelta(minutes=11)

        assert (before, is_in(client)) == ((True, 200), False)


def test_whoever_is_not_signed_in_there_any_more_is_out_here(
    browser_of: Client, provider: IdentityProvider, one_site: Site
) -> None:
    comes_back(browser_of, provider)
    works(browser_of, one_site, 40)
    sent = goes_to(browser_of, "/codes").headers["location"]
    there = browser_of.get(sent, follow_redirects=False).headers["location"]

    answer = browser_of.get(provider.deny(there, "login_required"), follow_redirects=False)

    assert (answer.headers["location"], is_in(browser_of)) == ("/sign-in?next=%2Fcodes", False)
    line = the_lines(one_site.engine)[-1]
    assert (line.actor, line.action) == ("Eva de Wit", "sign_out")
    assert line.object == "provider Hospital no longer signed in there"


def is_sent(client: Client, page: str) -> str:
    """Go to a page when a check is due; return where the provider is asked."""
    sent = goes_to(client, page).headers["location"]
    return client.get(sent, follow_redirects=False).headers["location"]


@pytest.mark.parametrize("error", ["interaction_required", "consent_required", "account_selection_required"])
def test_whoever_would_be_asked_something_there_is_out_here(
    browser_of: Client, provider: IdentityProvider, one_site: Site, error: str
) -> None:
    comes_back(browser_of, provider)
    works(browser_of, one_site, 40)

    answer = browser_of.get(provider.deny(is_sent(browser_of, "/codes"), error), follow_redirects=False)

    assert (answer.headers["location"], is_in(browser_of)) == ("/sign-in?next=%2Fcodes", False)


@pytest.mark.parametrize("error", ["temporarily_unavailable", "server_error", ""])
def test_a_provider_in_trouble_signs_nobody_out(
    browser_of: Client, provider: IdentityProvider, one_site: Site, error: str
) -> None:
    """Its error, or a code that it cannot change at that moment, says nothing of the person."""
    comes_back(browser_of, provider)
    works(browser_of, one_site, 40)
    there = is_sent(browser_of, "/codes")
    provider.broken = set() if error else {"/token"}

    back = provider.deny(there, error) if error else provider.approve(there, "eva")
    answer = browser_of.get(back, follow_redirects=False)

    assert (answer.status_code, answer.headers["location"]) == (303, "/codes")
    assert (goes_to(browser_of, "/codes").status_code, is_in(browser_of)) == (200, True)
    assert [line.outcome for line in the_lines(one_site.engine) if line.action.startswith("sign_")] == ["done"]
    one_site.now += timedelta(minutes=21)
    assert not is_in(browser_of)


@pytest.mark.parametrize("at_the_door", [True, False])
def test_whoever_the_provider_says_no_to_is_out_here(
    browser_of: Client, provider: IdentityProvider, one_site: Site, at_the_door: bool
) -> None:
    comes_back(browser_of, provider)
    works(browser_of, one_site, 40)
    there = is_sent(browser_of, "/codes")
    provider.no_tokens = (400, {"error": "access_denied"})

    answer = browser_of.get(
        provider.deny(there) if at_the_door else provider.approve(there, "eva"), follow_redirects=False
    )

    assert (answer.headers["location"], is_in(browser_of)) == ("/sign-in?next=%2Fcodes", False)
    line = the_lines(one_site.engine)[-1]
    assert (line.actor, line.action, line.object) == ("Eva de Wit", "sign_out", "provider Hospital denied there")


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (400, {"error": "invalid_grant"}),
        (400, {"error": "invalid_request"}),
        (400, {"error": ["login_required"]}),
        (401, {"error": "invalid_client"}),
        (403, {}),
        (429, {"error": "slow_down"}),
        (503, {"error": "access_denied"}),
    ],
)
def test_a_token_endpoint_that_refuses_the_request_says_nothing_of_the_person(
    browser_of: Client, provider: IdentityProvider, one_site: Site, status: int, body: dict[str, Any]
) -> None:
    comes_back(browser_of, provider)
    works(browser_of, one_site, 40)
    provider.no_tokens = (status, body)

    answer = browser_of.get(provider.approve(is_sent(browser_of, "/codes"), "eva"), follow_redirects=False)

    assert (answer.headers["location"], is_in(browser_of)) == ("/codes", True)
    one_site.now += timedelta(minutes=21)
    assert not is_in(browser_of)


@pytest.mark.parametrize(
    ("error", "shown"),
    [("invalid_grant", 400), ("access_denied", 403), ("login_required", 403), ("invalid_client", 503)],
)
def test_whoever_signs_in_sees_whether_the_provider_says_no_or_is_in_trouble(
    browser_of: Client, provider: IdentityProvider, error: str, shown: int
) -> None:
    provider.no_tokens = (400, {"error": error})

    assert (comes_back(browser_of, provider).status_code, is_in(browser_of)) == (shown, False)


def test_a_provider_that_cannot_change_a_code_signs_nobody_in(browser_of: Client, provider: IdentityProvider) -> None:
    provider.broken = {"/token"}

    assert (comes_back(browser_of, provider).status_code, is_in(browser_of)) == (503, False)


@pytest.mark.parametrize("found_by_another", [False, True])
def test_two_processes_do_not_send_a_browser_to_and_fro_while_the_provider_is_away(
    one_site: Site, provider: IdentityProvider, found_by_another: bool
) -> None:
    asked, asking = Provider(provider.settings()), Provider(provider.settings())
    with (
        one_site.client(sign_in=SignInSettings(asked)) as page,
        one_site.client(sign_in=SignInSettings(asking)) as door,
    ):
        comes_back(page, provider)
        works(page, one_site, 40)
        provider.broken = {"/.well-known/openid-configuration"}
        if found_by_another:
            asking.miss(one_site.now)
        door.cookies = page.cookies
        sent = goes_to(page, "/codes").headers["location"]

        back = door.get(sent, follow_redirects=False)
        page.cookies = door.cookies

        assert back.headers["location"] == "/codes"
        assert "HttpOnly; Max-Age=60; Path=/; SameSite=lax" in back.headers["set-cookie"]
        assert (asked.unanswered_at, goes_to(page, "/codes").status_code) == (None, 200)
        one_site.now += timedelta(minutes=21)
        assert goes_to(page, "/codes").headers["location"].startswith("/sign-in?")


@pytest.mark.parametrize("turned", [False, True])
def test_two_windows_are_checked_at_the_same_time(
    browser_of: Client, provider: IdentityProvider, one_site: Site, turned: bool
) -> None:
    comes_back(browser_of, provider)
    session = browser_of.cookies["ivigilant_session"]
    works(browser_of, one_site, 40)
    backs = [provider.approve(is_sent(browser_of, page), "eva") for page in ("/codes", "/messages")]

    answers = [browser_of.get(back, follow_redirects=False) for back in (backs[::-1] if turned else backs)]

    pages = [answer.headers["location"] for answer in answers]
    assert pages == (["/messages", "/codes"] if turned else ["/codes", "/messages"])
    assert (browser_of.cookies["ivigilant_session"], begun_cookies(browser_of)) == (session, [])
    assert {line.outcome for line in the_lines(one_site.engine)} == {"done"}


def test_a_browser_has_only_so_many_sign_ins_under_way(
    browser_of: Client, provider: IdentityProvider, one_site: Site
) -> None:
    theres = []
    for _ in range(6):
        theres.append(begins(browser_of))
        one_site.now += timedelta(seconds=1)
    kept = len(begun_cookies(browser_of))

    oldest = browser_of.get(provider.approve(theres[0], "eva"), follow_redirects=False).status_code
    others = [
        browser_of.get(provider.approve(there, "eva"), follow_redirects=False).status_code for there in theres[1:]
    ]

    assert (kept, oldest, others) == (5, 400, [303] * 5)


def test_a_check_of_another_person_begins_a_session_of_that_person(
    browser_of: Client, provider: IdentityProvider, one_site: Site
) -> None:
    comes_back(browser_of, provider)
    works(browser_of, one_site, 40)
    before = browser_of.cookies["ivigilant_session"]
    there = browser_of.get(goes_to(browser_of, "/codes").headers["location"], follow_redirects=False)

    browser_of.get(provider.approve(there.headers["location"], "leo"), follow_redirects=False)

    assert browser_of.cookies["ivigilant_session"] != before
    assert "Leo Bos" in browser_of.get("/preferences").text


def test_nobody_is_sent_to_a_provider_that_does_not_answer_and_nobody_before_it_is_time(
    one_site: Site, provider: IdentityProvider
) -> None:
    known = Provider(provider.settings())
    with one_site.client(sign_in=SignInSettings(known)) as client:
        comes_back(client, provider)
        early = client.get("/sign-in/provider?next=/codes&silent=1", follow_redirects=False).headers["location"]
        works(client, one_site, 40)
        known.settings = provider.settings(within_s=0.3)
        provider.hangs = threading.Event()

        sent = goes_to(client, "/codes").headers["location"]
        back = client.get(sent, follow_redirects=False).headers["location"]

        assert (early, back) == ("/codes", "/codes")
        assert goes_to(client, "/codes").status_code == 200
        assert is_in(client)
