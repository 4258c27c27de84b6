"""Signing in at the hospital's identity provider, and out of it; and what is not believed."""

import asyncio
import base64
import hmac
import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
import sqlalchemy as sa
from joserfc import jwt
from joserfc.jwk import OctKey

from inbox.http.settings import SignInSettings
from inbox.people.provider import Provider, ProviderAway
from store import tables
from tests.inbox.builders import NOW, the_lines
from tests.inbox.identity_provider import KEYS, IdentityProvider, a_provider
from tests.inbox.people.provider_clients import INBOX, accounts, begins, begun_cookies, comes_back, is_in
from tests.inbox.sites import PASSWORD, Client, Site, form


def test_who_signs_in_there_is_in_here_with_the_role_of_her_group(
    browser_of: Client, provider: IdentityProvider, one_site: Site
) -> None:
    asked = browser_of.get("/sign-in?next=/codes").text

    answer = comes_back(browser_of, provider, next="/codes", language="nl")

    assert "Sign in with Hospital" in asked
    assert "/sign-in/provider?next=%2Fcodes" in asked
    assert (answer.status_code, answer.headers["location"]) == (303, "/codes")
    assert accounts(one_site) == [("Eva de Wit", "pharmacist")]
    (line,) = the_lines(one_site.engine)
    assert (line.actor, line.role, line.action, line.outcome) == ("Eva de Wit", "pharmacist", "sign_in", "done")
    assert line.object == "provider Hospital for the first time"
    shown = browser_of.get("/preferences").text
    assert "Eva de Wit" in shown
    assert '<html lang="nl"' in shown
    assert 'href="/password"' not in shown


def test_it_works_on_each_kind_of_database(site: Site) -> None:
    with a_provider(lambda: site.now) as provider:
        provider.redirects = {f"{INBOX}/sign-in/back"}
        with site.client(sign_in=SignInSettings(Provider(provider.settings()))) as client:
            answers = [comes_back(client, provider, who).headers["location"] for who in ("eva", "leo", "eva")]
            ended = client.post("/sign-out/provider", data={"logout_token": provider.logout_token("eva")})

            assert (answers, ended.status_code, is_in(client)) == (["/", "/", "/"], 200, False)
    assert accounts(site) == [("Eva de Wit", "pharmacist"), ("Leo Bos", "lead")]


def test_who_is_in_no_group_is_told_so_and_recorded_and_gets_no_account(
    browser_of: Client, provider: IdentityProvider, one_site: Site
) -> None:
    answer = comes_back(browser_of, provider, "guest")

    assert answer.status_code == 403
    assert "none of the groups" in answer.text
    (line,) = the_lines(one_site.engine)
    assert (line.actor, line.action, line.outcome) == ("", "sign_in", "refused")
    assert line.object == "provider Hospital in no group: Gast Gast"
    assert (accounts(one_site), is_in(browser_of)) == ([], False)


def test_who_is_in_no_group_any_more_is_out_everywhere(
    browser_of: Client, provider: IdentityProvider, one_site: Site
) -> None:
    comes_back(browser_of, provider)
    with one_site.client(sign_in=SignInSettings(Provider(provider.settings()))) as colleague:
        comes_back(colleague, provider, "leo")
        provider.people["eva"]["groups"] = ["Everybody"]

        with one_site.client(sign_in=SignInSettings(Provider(provider.settings()))) as elsewhere:
            answer = comes_back(elsewhere, provider)

        assert (answer.status_code, is_in(browser_of), is_in(colleague)) == (403, False, True)
    ended = [line for line in the_lines(one_site.engine) if line.action == "sign_out"]
    assert [(line.actor, line.object) for line in ended] == [("Eva de Wit", "provider Hospital in no group any more")]


def test_answers_of_the_provider_are_not_counted_with_passwords(browser_of: Client, one_site: Site) -> None:
    one_site.add_user("emergency")
    answers = {browser_of.get("/sign-in/back").status_code for _ in range(30)}
    browser_of.get("/sign-in")

    local = browser_of.post(
        "/sign-in", data=form(browser_of, name="emergency", password=PASSWORD), follow_redirects=False
    )

    assert (answers, local.status_code) == ({400}, 303)


@pytest.mark.parametrize(
    ("told", "role"),
    [
        ({"groups": "Pharmacy"}, "pharmacist"),
        ({"groups": ["IT", 7, None, "IVIg-leads"]}, "lead"),
        ({"groups": {"Pharmacy": True}}, None),
        ({"groups": 12}, None),
        ({"groups": ["pharmacy"]}, None),
        ({}, None),
    ],
)
def test_the_first_group_of_the_site_file_counts(
    browser_of: Client, provider: IdentityProvider, one_site: Site, told: dict[str, Any], role: str | None
) -> None:
    provider.people["eva"] = told | {"name": "Eva"}

    comes_back(browser_of, provider)

    assert accounts(one_site) == ([("Eva", role)] if role else [])


def test_groups_may_lie_deeper_in_the_claims(one_site: Site, provider: IdentityProvider) -> None:
    provider.people["eva"] = {"name": "Eva", "realm_access": {"roles": ["IT"]}}
    known = Provider(provider.settings(groups_claim="realm_access.roles"))

    with one_site.client(sign_in=SignInSettings(known)) as client:
        comes_back(client, provider)

    assert accounts(one_site) == [("Eva", "operator")]


def test_another_group_gives_another_role_at_the_next_sign_in(
    browser_of: Client, provider: IdentityProvider, one_site: Site
) -> None:
    comes_back(browser_of, provider)
    provider.people["eva"]["groups"] = ["IVIg-leads"]

    comes_back(browser_of, provider)

    assert accounts(one_site) == [("Eva de Wit", "lead")]
    assert the_lines(one_site.engine)[-1].object == "provider Hospital role pharmacist to lead"


def test_a_local_account_of_the_same_name_is_somebody_else(
    browser_of: Client, provider: IdentityProvider, one_site: Site
) -> None:
    one_site.add_user("eva de wit", role="auditor")
    provider.people["other"] = provider.people["eva"] | {"name": " Eva\u200b de\n Wit "}

    for who in ("eva", "other", "eva"):
        comes_back(browser_of, provider, who)

    assert accounts(one_site) == [
        ("eva de wit", "auditor"),
        ("Eva de Wit (Hospital)", "pharmacist"),
        ("Eva de Wit (Hospital 2)", "pharmacist"),
    ]


def test_no_password_opens_the_account_of_somebody_of_the_provider(
    browser_of: Client, provider: IdentityProvider
) -> None:
    comes_back(browser_of, provider)
    browser_of.post("/sign-out", data=form(browser_of))

    for password in ("", "!", PASSWORD):
        filled = form(browser_of, name="Eva de Wit", password=password)
        assert browser_of.post("/sign-in", data=filled, follow_redirects=False).status_code == 401
    assert comes_back(browser_of, provider).status_code == 303
    assert browser_of.get("/password").status_code == 404
    assert browser_of.post("/password", data=form(browser_of, old="!", new="x", again="x")).status_code == 404


def test_an_account_that_was_ended_here_stays_closed(
    browser_of: Client, provider: IdentityProvider, one_site: Site
) -> None:
    comes_back(browser_of, provider)
    with one_site.engine.begin() as connection:
        connection.execute(sa.update(tables.user).values(active=False))

    answer = comes_back(browser_of, provider)

    assert (answer.status_code, is_in(browser_of)) == (403, False)
    assert the_lines(one_site.engine)[-1].object == "provider Hospital account ended: Eva de Wit"


def test_a_session_begins_anew_at_each_sign_in(browser_of: Client, provider: IdentityProvider) -> None:
    comes_back(browser_of, provider)
    before = browser_of.cookies["ivigilant_session"]

    comes_back(browser_of, provider)
    after = browser_of.cookies["ivigilant_session"]
    browser_of.cookies.delete("ivigilant_session")
    browser_of.cookies.set("ivigilant_session", before, domain="testserver.local")

    assert (before != after, is_in(browser_of)) == (True, False)


@pytest.mark.parametrize(
    "elsewhere",
    [
        "https://evil.test/",
        "//evil.test/",
        "/\\evil.test",
        "javascript:alert(1)",
        "/a\r\nLocation: https://evil.test",
        "",
    ],
)
def test_a_sign_in_leads_to_no_other_site(browser_of: Client, provider: IdentityProvider, elsewhere: str) -> None:
    assert comes_back(browser_of, provider, next=elsewhere).headers["location"] == "/"


@pytest.mark.parametrize("state", ["", "x", "é"])
def test_an_answer_to_another_question_is_refused(
    browser_of: Client, provider: IdentityProvider, one_site: Site, state: str
) -> None:
    back = provider.approve(begins(browser_of), "eva")
    asked = {name: values[0] for name, values in parse_qs(urlsplit(back).query).items()} | {"state": state}

    answer = browser_of.get("/sign-in/back", params=asked)

    assert (answer.status_code, is_in(browser_of)) == (400, False)
    assert the_lines(one_site.engine)[-1].object == "provider Hospital state"


def test_a_sign_in_that_another_began_opens_nothing_in_this_browser(
    browser_of: Client, provider: IdentityProvider, one_site: Site
) -> None:
    back = provider.approve(begins(browser_of), "eva")

    with one_site.client(sign_in=SignInSettings(Provider(provider.settings()))) as victim:
        alone = victim.get(back)
        begins(victim)
        in_between = victim.get(back)

        assert (alone.status_code, in_between.status_code, is_in(victim)) == (400, 400, False)


def test_an_answer_counts_once_and_for_ten_minutes(
    browser_of: Client, provider: IdentityProvider, one_site: Site
) -> None:
    back = provider.approve(begins(browser_of), "eva")
    (begun,) = begun_cookies(browser_of)
    sealed = browser_of.cookies[begun]
    first = browser_of.get(back, follow_redirects=False)
    browser_of.cookies.clear()
    browser_of.cookies.set(begun, sealed, domain="testserver.local")
    again = browser_of.get(back)

    late = provider.approve(begins(browser_of), "eva")
    one_site.now = NOW + timedelta(minutes=10, seconds=1)

    assert (first.status_code, again.status_code, browser_of.get(late).status_code) == (303, 400, 400)
    told = [line.object for line in the_lines(one_site.engine) if line.outcome == "refused"]
    assert told == ["provider Hospital used before", "provider Hospital too late"]


def test_a_code_that_was_used_opens_nothing(browser_of: Client, provider: IdentityProvider) -> None:
    used = parse_qs(urlsplit(provider.approve(first := begins(browser_of), "eva")).query)
    assert comes_back(browser_of, provider).status_code == 303
    browser_of.post("/sign-out", data=form(browser_of))

    state = parse_qs(urlsplit(begins(browser_of)).query)["state"][0]
    asked = {"code": used["code"][0], "state": state, "iss": provider.address}
    answer = browser_of.get("/sign-in/back", params=asked)

    assert first
    assert (answer.status_code, is_in(browser_of)) == (400, False)


def test_an_answer_in_the_name_of_another_provider_is_refused(browser_of: Client, provider: IdentityProvider) -> None:
    for named in ("&iss=https://evil.test", ""):
        back = provider.approve(begins(browser_of), "eva").partition("&iss=")[0] + named

        assert (browser_of.get(back).status_code, is_in(browser_of)) == (400, False)


def test_who_is_denied_there_is_told_so(browser_of: Client, provider: IdentityProvider) -> None:
    provider.says = {"authorization_response_iss_parameter_supported": False}

    answer = browser_of.get(provider.deny(begins(browser_of)))

    assert (answer.status_code, "did not sign anybody in" in answer.text) == (403, True)


SECONDS = int(NOW.timestamp())
LIES: dict[str, dict[str, Any]] = {
    "another audience": {"aud": "other"},
    "no audience": {"aud": None},
    "several audiences and no party": {"aud": ["ivigilant", "other"]},
    "another party": {"aud": ["ivigilant", "other"], "azp": "other"},
    "another party alone": {"azp": "other"},
    "another issuer": {"iss": "https://evil.test"},
    "no issuer": {"iss": None},
    "expired": {"exp": SECONDS - 61},
    "no end": {"exp": None},
    "an end that is no number": {"exp": "tomorrow"},
    "of the future": {"iat": SECONDS + 120},
    "old": {"iat": SECONDS - 1000},
    "not valid yet": {"nbf": SECONDS + 600},
    "no nonce": {"nonce": None},
    "another nonce": {"nonce": "x"},
    "no subject": {"sub": None},
    "an empty subject": {"sub": ""},
    "a subject that is no text": {"sub": 7},
    "another access token": {"at_hash": "AAAAAAAAAAAAAAAAAAAAAA"},
}


@pytest.mark.parametrize("claims", LIES.values(), ids=LIES.keys())
def test_claims_that_do_not_fit_are_not_believed(
    browser_of: Client, provider: IdentityProvider, one_site: Site, claims: dict[str, Any]
) -> None:
    provider.claims = claims

    answer = comes_back(browser_of, provider)

    assert (answer.status_code, "could not be trusted" in answer.text) == (400, True)
    assert (accounts(one_site), is_in(browser_of)) == ([], False)
    assert the_lines(one_site.engine)[-1].outcome == "refused"


def test_several_audiences_are_believed_when_we_are_the_party(browser_of: Client, provider: IdentityProvider) -> None:
    provider.claims = {"aud": ["ivigilant", "other"], "azp": "ivigilant"}

    assert comes_back(browser_of, provider).status_code == 303


def unsigned(claims: dict[str, Any]) -> str:
    parts = jwt.encode({"alg": "HS256"}, claims, OctKey.import_key("x" * 32)).split(".")
    return f"eyJhbGciOiJub25lIn0.{parts[1]}."


def by_the_public_key(claims: dict[str, Any]) -> str:
    head, body, _ = jwt.encode({"alg": "HS256", "kid": "key-0"}, claims, OctKey.import_key("x" * 32)).split(".")
    mark = hmac.digest(KEYS[0].as_pem(private=False), f"{head}.{body}".encode(), "sha256")
    return f"{head}.{body}.{base64.urlsafe_b64encode(mark).rstrip(b'=').decode()}"


def by_another_key(claims: dict[str, Any]) -> str:
    return jwt.encode({"alg": "RS256", "kid": "key-0"}, claims, KEYS[1])


def by_a_key_of_its_own(claims: dict[str, Any]) -> str:
    return jwt.encode({"alg": "RS256", "kid": "key-0", "jwk": KEYS[1].as_dict(private=False)}, claims, KEYS[1])


def by_a_key_that_is_not_there(claims: dict[str, Any]) -> str:
    return jwt.encode({"alg": "RS256", "kid": "key-1"}, claims, KEYS[1])


FORGERIES: list[Callable[[dict[str, Any]], str]] = [
    unsigned,
    by_the_public_key,
    by_another_key,
    by_a_key_of_its_own,
    by_a_key_that_is_not_there,
]
FORGERIES += [lambda _: "", lambda _: "a.b.c", lambda _: "é.é.é"]


@pytest.mark.filterwarnings("ignore:Please use")
@pytest.mark.parametrize("sign", FORGERIES)
def test_what_the_provider_did_not_sign_is_not_believed(
    browser_of: Client, provider: IdentityProvider, one_site: Site, sign: Callable[[dict[str, Any]], str]
) -> None:
    comes_back(browser_of, provider, "leo")
    provider.sign = sign

    signed_in = comes_back(browser_of, provider)
    signed_out = browser_of.post("/sign-out/provider", data={"logout_token": provider.logout_token("leo")})

    assert (signed_in.status_code, signed_out.status_code) == (400, 400)
    assert accounts(one_site) == [("Leo Bos", "lead")]
    assert is_in(browser_of)


def test_a_new_key_is_fetched_once(browser_of: Client, provider: IdentityProvider) -> None:
    comes_back(browser_of, provider)
    provider.rotate()

    answers = [comes_back(browser_of, provider).status_code for _ in range(3)]

    assert (answers, provider.asked.count("/jwks")) == ([303, 303, 303], 2)


def test_whoever_invents_keys_does_not_have_them_fetched_each_time(
    browser_of: Client, provider: IdentityProvider, one_site: Site
) -> None:
    comes_back(browser_of, provider)
    one_site.now = NOW + timedelta(seconds=11)
    provider.sign = by_a_key_that_is_not_there

    answers = {
        browser_of.post("/sign-out/provider", data={"logout_token": provider.logout_token("eva")}).status_code
        for _ in range(20)
    }

    assert (answers, provider.asked.count("/jwks"), is_in(browser_of)) == ({400}, 2, True)


def test_keys_outlive_a_provider_that_is_away_for_a_while(
    browser_of: Client, provider: IdentityProvider, one_site: Site
) -> None:
    comes_back(browser_of, provider)
    one_site.now = NOW + timedelta(minutes=11)
    provider.says = {"jwks_uri": f"{provider.address}/nothing"}

    assert comes_back(browser_of, provider).status_code == 303
    one_site.now = NOW + timedelta(hours=5)
    assert comes_back(browser_of, provider).status_code == 503


@pytest.mark.parametrize(
    "says",
    [
        {"issuer": "https://evil.test"},
        {"token_endpoint": "http://evil.test/token"},
        {"authorization_endpoint": "javascript:alert(1)"},
        {"jwks_uri": None},
    ],
)
def test_a_provider_that_says_odd_things_of_itself_is_not_used(
    browser_of: Client, provider: IdentityProvider, says: dict[str, Any]
) -> None:
    provider.says = says

    answer = browser_of.get("/sign-in/provider", follow_redirects=False)

    assert (answer.status_code, "cannot be reached" in answer.text) == (503, True)


def test_a_provider_that_does_not_answer_keeps_nobody_waiting(one_site: Site, provider: IdentityProvider) -> None:
    provider.hangs = threading.Event()
    known = Provider(provider.settings(within_s=0.2))

    with one_site.client(sign_in=SignInSettings(known)) as client:
        answer = client.get("/sign-in/provider")

    assert answer.status_code == 503
    assert the_lines(one_site.engine)[-1].object.endswith("TimeoutError")


def test_while_it_does_not_answer_as_one_a_single_request_asks_for_all(provider: IdentityProvider) -> None:
    provider.says = {"issuer": "https://evil.test"}
    known = Provider(provider.settings())

    async def ask() -> list[object]:
        return await asyncio.gather(*(known.metadata(NOW) for _ in range(20)), return_exceptions=True)

    away = asyncio.run(ask())
    asked = len(provider.asked)
    provider.says = {}
    again = asyncio.run(known.metadata(NOW + timedelta(seconds=11)))

    assert {type(each) for each in away} == {ProviderAway}
    assert (asked, again.token) == (1, f"{provider.address}/token")


def test_signing_out_leads_to_the_provider(browser_of: Client, provider: IdentityProvider) -> None:
    comes_back(browser_of, provider)

    answer = browser_of.post("/sign-out", data=form(browser_of))

    where = answer.text.partition('content="0; url=')[2].partition('"')[0].replace("&amp;", "&")
    led = httpx.get(where, trust_env=False, timeout=60)
    assert (led.status_code, led.headers["location"]) == (302, f"{INBOX}/sign-in")
    assert (provider.sessions, is_in(browser_of)) == ({}, False)


def test_signing_out_works_while_the_provider_is_away_or_has_no_such_page(
    browser_of: Client, provider: IdentityProvider
) -> None:
    provider.says = {"end_session_endpoint": None}
    comes_back(browser_of, provider)

    answer = browser_of.post("/sign-out", data=form(browser_of), follow_redirects=False)

    assert (answer.headers["location"], is_in(browser_of)) == ("/sign-in", False)


def test_the_provider_ends_a_session(browser_of: Client, provider: IdentityProvider, one_site: Site) -> None:
    comes_back(browser_of, provider)
    (number,) = provider.sessions

    others = browser_of.post(
        "/sign-out/provider", data={"logout_token": provider.logout_token(None, sid="another")}
    ).status_code
    still = is_in(browser_of)
    ended = browser_of.post("/sign-out/provider", data={"logout_token": provider.logout_token(None, sid=number)})

    assert (others, still, ended.status_code, is_in(browser_of)) == (200, True, 200, False)
    line = the_lines(one_site.engine)[-1]
    assert (line.actor, line.action, line.object) == (
        "Eva de Wit",
        "sign_out",
        "provider Hospital ended by the provider",
    )


def test_of_a_provider_that_numbers_no_sessions_all_of_a_person_end(
    browser_of: Client, provider: IdentityProvider
) -> None:
    provider.claims = {"sid": None}
    comes_back(browser_of, provider)

    others = browser_of.post("/sign-out/provider", data={"logout_token": provider.logout_token("leo", sid="1")})
    still = is_in(browser_of)
    browser_of.post("/sign-out/provider", data={"logout_token": provider.logout_token("eva", sid="1")})

    assert (others.status_code, still, is_in(browser_of)) == (200, True, False)


def test_a_word_that_a_session_is_over_counts_once(browser_of: Client, provider: IdentityProvider) -> None:
    comes_back(browser_of, provider)
    token = provider.logout_token("eva")
    first = browser_of.post("/sign-out/provider", data={"logout_token": token}).status_code
    comes_back(browser_of, provider)

    again = browser_of.post("/sign-out/provider", data={"logout_token": token}).status_code

    assert (first, again, is_in(browser_of)) == (200, 400, True)


ODD_LOGOUTS: dict[str, dict[str, Any]] = {
    "no event": {"events": None},
    "another event": {"events": {"http://schemas.openid.net/event/other": {}}},
    "an event that is a list": {"events": ["http://schemas.openid.net/event/backchannel-logout"]},
    "a nonce": {"nonce": "x"},
    "another audience": {"aud": "other"},
    "another issuer": {"iss": "https://evil.test"},
    "nobody": {"sub": None},
    "no number": {"jti": None},
    "expired": {"exp": SECONDS - 61},
    "valid for ever": {"exp": SECONDS + 10**6},
    "old": {"iat": SECONDS - 1000},
    "of the future": {"iat": SECONDS + 120},
    "a session that is no text": {"sid": 7},
}


@pytest.mark.parametrize("changed", ODD_LOGOUTS.values(), ids=ODD_LOGOUTS.keys())
def test_a_word_that_is_odd_ends_no_session(
    browser_of: Client, provider: IdentityProvider, changed: dict[str, Any]
) -> None:
    comes_back(browser_of, provider)

    answer = browser_of.post("/sign-out/provider", data={"logout_token": provider.logout_token("eva", **changed)})

    assert (answer.status_code, is_in(browser_of)) == (400, True)


def test_the_site_says_how_long_ago_and_how_somebody_must_have_signed_in_there(
    one_site: Site, provider: IdentityProvider
) -> None:
    known = Provider(provider.settings(max_age=timedelta(hours=8), prompt="login"))
    with one_site.client(sign_in=SignInSettings(known)) as client:
        asked = parse_qs(urlsplit(begins(client)).query)
        without = comes_back(client, provider).status_code
        provider.claims = {"auth_time": SECONDS - 8 * 3600 - 61}
        long_ago = comes_back(client, provider).status_code
        provider.claims = {"auth_time": SECONDS - 8 * 3600}
        lately = comes_back(client, provider).status_code

    assert (asked["max_age"], asked["prompt"]) == (["28800"], ["login"])
    assert (without, long_ago, lately) == (400, 400, 303)


def test_an_address_can_begin_and_end_only_so_often_a_minute(one_site: Site, provider: IdentityProvider) -> None:
    known = SignInSettings(Provider(provider.settings()))
    with one_site.client(sign_in=known, sign_ins_per_minute=1) as client:
        begun = [client.get("/sign-in/provider", follow_redirects=False).status_code for _ in range(7)]
        ended = [client.post("/sign-out/provider", data={"logout_token": "odd"}).status_code for _ in range(61)]

    assert (begun, ended) == ([303] * 6 + [429], [400] * 60 + [429])
    lines = [line for line in the_lines(one_site.engine) if line.action == "sign_out"]
    assert {(line.actor, line.outcome, line.object) for line in lines} == {
        ("", "refused", "provider Hospital token refused: it cannot be read")
    }


def test_local_accounts_can_be_switched_off_but_for_an_emergency(one_site: Site, provider: IdentityProvider) -> None:
    one_site.add_user("els")
    one_site.add_user("emergency")
    known = Provider(provider.settings())

    with one_site.client(sign_in=SignInSettings(known)) as client:
        client.get("/sign-in")
        client.post("/sign-in", data=form(client, name="els", password=PASSWORD))
        before, session = is_in(client), client.cookies["ivigilant_session"]
    off = SignInSettings(known, local_accounts=False, break_glass=frozenset({"emergency"}))
    with one_site.client(sign_in=off) as client:
        shown = client.get("/sign-in").text
        client.cookies.set("ivigilant_session", session, domain="testserver.local")
        stayed = is_in(client)
        client.cookies.delete("ivigilant_session")
        answers = [
            client.post("/sign-in", data=form(client, name=name, password=PASSWORD), follow_redirects=False).status_code
            for name in ("els", "emergency")
        ]

    assert (before, stayed, answers) == (True, False, [401, 303])
    assert "noodaccount" in shown


def test_a_session_of_a_provider_that_the_site_file_names_no_more_is_over(
    one_site: Site, browser_of: Client, provider: IdentityProvider
) -> None:
    comes_back(browser_of, provider)
    session = browser_of.cookies["ivigilant_session"]

    with one_site.client() as client:
        client.cookies.set("ivigilant_session", session, domain="testserver.local")

        assert not is_in(client)
        assert client.get("/sign-in/provider").status_code == 404
        assert client.post("/sign-out/provider", data={"logout_token": "x"}).status_code == 404


def test_nobody_changes_here_what_the_provider_says(
    browser_of: Client, provider: IdentityProvider, one_site: Site
) -> None:
    comes_back(browser_of, provider)
    one_site.add_user("anna", role="administrator")
    browser_of.post("/sign-out", data=form(browser_of))
    browser_of.post("/sign-in", data=form(browser_of, name="anna", password=PASSWORD))

    shown = browser_of.get("/accounts").text
    changes = {"role": "lead", "password": "seven herons at dusk"}
    answers = [
        browser_of.post(f"/accounts/1/{change}", data=form(browser_of, value=value)).status_code
        for change, value in changes.items()
    ]

    assert "/accounts/1/end" in shown
    assert "/accounts/1/role" not in shown
    assert "/accounts/1/password" not in shown
    assert (answers, accounts(one_site)[0]) == ([422, 422], ("Eva de Wit", "pharmacist"))
