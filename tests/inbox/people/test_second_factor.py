"""Codes of an authenticator beside a password: who begins with them, how they count, and who has lost them."""

import html
import re
from collections.abc import Iterator
from datetime import timedelta

import httpx
import pytest
import sqlalchemy as sa

from inbox.http.settings import SignInSettings
from inbox.people.accounts import change_password
from inbox.people.permissions import ROLES
from inbox.people.second_factor import reset, use_code
from store import tables
from tests.inbox.authenticator import code_at
from tests.inbox.builders import the_lines
from tests.inbox.sites import PASSWORD, Client, Site, form, sign_in


def offered(client: Client) -> tuple[str, str]:
    """Return the secret that the page shows, and the sealed one of its form."""
    shown = client.get("/second-factor").text
    assert "<svg" in shown
    assert "style=" not in shown.partition("<svg")[2].partition("</svg>")[0]
    typed = re.search(r"<code>([A-Z2-7 ]+)</code>", shown)
    sealed = re.search(r'name="offered" value="([^"]+)"', shown)
    assert typed is not None
    assert sealed is not None
    return typed[1].replace(" ", ""), html.unescape(sealed[1])


def confirms(client: Client, sealed: str, code: str, password: str = PASSWORD) -> httpx.Response:
    """Fill in the page that shows a secret."""
    return client.post("/second-factor", data=form(client, offered=sealed, code=code, password=password))


def begins(client: Client, site: Site) -> tuple[str, list[str]]:
    """Begin with a second factor; return its secret and the recovery codes."""
    secret, sealed = offered(client)
    answer = confirms(client, sealed, code_at(secret, site))
    assert answer.status_code == 200
    return secret, re.findall(r"<code>([a-z2-7-]{19})</code>", answer.text)


def leaves(client: Client) -> None:
    client.post("/sign-out", data=form(client))
    client.get("/sign-in")


def begun_in(answer: httpx.Response) -> str:
    """Return what the page that asks for a code brings back in place of the password."""
    begun = re.search(r'name="begun" value="([^"]+)"', answer.text)
    assert begun is not None
    return html.unescape(begun[1])


def half_of(client: Client) -> str:
    """Give the password of Els, and no code yet."""
    return begun_in(client.post("/sign-in", data=form(client, name="els", password=PASSWORD)))


def tries(client: Client, code: str, **filled: str) -> int:
    """Give the password on one page and a code on the next; return the status of the answer."""
    asked = client.post("/sign-in", data=form(client, name="els", password=PASSWORD))
    if asked.status_code != 200:
        return asked.status_code
    data = form(client, begun=begun_in(asked), code=code, **filled)
    return client.post("/sign-in", data=data, follow_redirects=False).status_code


@pytest.fixture
def els(site: Site) -> Iterator[Client]:
    """Els, whose address may try as often as it wants."""
    site.add_user("els")
    with site.client(sign_ins_per_minute=1000) as client:
        yield sign_in(client, "els")


def test_once_begun_a_password_alone_opens_nothing_and_a_code_does(els: Client, site: Site) -> None:
    secret, codes = begins(els, site)
    leaves(els)
    site.now += timedelta(seconds=30)

    half = els.post("/sign-in", data=form(els, name="els", password=PASSWORD))
    closed = els.get("/preferences", follow_redirects=False).status_code
    whole = tries(els, code_at(secret, site), next="/codes")

    assert ('name="begun"' in half.text, closed, whole) == (True, 303, 303)
    assert els.get("/preferences", follow_redirects=False).status_code == 200
    assert len(set(codes)) == 10


def test_a_wrong_code_begins_nothing(els: Client, site: Site) -> None:
    _, sealed = offered(els)

    wrong, forged = confirms(els, sealed, "000000"), confirms(els, "x", "000000")
    leaves(els)

    assert (wrong.status_code, forged.status_code) == (422, 422)
    assert (
        els.post("/sign-in", data=form(els, name="els", password=PASSWORD), follow_redirects=False).status_code == 303
    )


def test_what_was_offered_to_one_is_not_taken_from_another(els: Client, site: Site) -> None:
    secret, sealed = offered(els)
    leaves(els)
    site.add_user("rik")
    sign_in(els, "rik")

    assert confirms(els, sealed, code_at(secret, site)).status_code == 422


def test_each_code_counts_once_and_only_around_its_time(els: Client, site: Site) -> None:
    secret, _ = begins(els, site)
    leaves(els)

    same = tries(els, code_at(secret, site))
    site.now += timedelta(seconds=90)
    answers = [tries(els, code_at(secret, site, steps)) for steps in (-2, 2, -1)]
    els.cookies.delete("ivigilant_session")
    again = tries(els, code_at(secret, site, -1))
    later = tries(els, f" {code_at(secret, site)[:3]} {code_at(secret, site)[3:]}")

    assert (same, answers, again, later) == (401, [401, 401, 303], 401, 303)


def test_a_recovery_code_counts_once_and_is_kept_as_a_hash(els: Client, site: Site) -> None:
    _, codes = begins(els, site)
    leaves(els)

    first = tries(els, codes[0].upper())
    leaves(els)
    answers = [tries(els, codes[0]), tries(els, codes[1].replace("-", " "))]

    assert (first, answers) == (303, [401, 303])
    with site.engine.connect() as connection:
        kept = connection.scalars(sa.select(tables.recovery_code.c.code_hash)).all()
        secret = connection.scalar(sa.select(tables.user.c.totp_secret))
    assert len(kept) == 8
    assert all(len(each) == 32 for each in kept)
    assert str(secret).startswith("gAAAA")


def test_wrong_codes_make_the_account_wait_and_a_right_password_between_them_does_not_help(
    els: Client, site: Site
) -> None:
    secret, codes = begins(els, site)
    leaves(els)
    site.now += timedelta(minutes=1)

    wrong = {tries(els, "000000") for _ in range(5)}
    waiting = [tries(els, code_at(secret, site)), tries(els, codes[0])]
    site.now += timedelta(seconds=31)
    later = tries(els, codes[0])

    assert (wrong, waiting, later) == ({401}, [401, 401], 303)


def test_half_a_sign_in_stands_for_five_minutes_and_for_no_other_account(els: Client, site: Site) -> None:
    secret, _ = begins(els, site)
    leaves(els)
    begun = half_of(els)
    site.now += timedelta(minutes=5, seconds=1)

    late = els.post("/sign-in", data=form(els, begun=begun, code=code_at(secret, site)))
    forged = els.post("/sign-in", data=form(els, begun="x", name="els", code=code_at(secret, site)))

    assert (late.status_code, forged.status_code) == (401, 401)


def test_a_page_that_asks_again_takes_both_at_once(els: Client, site: Site) -> None:
    secret, _ = begins(els, site)
    assert 'name="code"' in els.get("/preferences").text
    leaves(els)
    site.now += timedelta(minutes=1)
    headers = {"HX-Request": "true"}

    without = els.post("/sign-in", data=form(els, name="els", password=PASSWORD), headers=headers)
    filled = form(els, name="els", password=PASSWORD, code=code_at(secret, site))
    whole = els.post("/sign-in", data=filled, headers=headers)

    assert (without.status_code, whole.status_code) == (401, 204)


def test_a_role_that_needs_one_does_nothing_before_it_has_one(one_site: Site) -> None:
    one_site.add_user("lea", role="lead")
    one_site.add_user("els")
    one_site.add_user("safe", role="lead")
    how = SignInSettings(second_factor=frozenset({"lead"}), break_glass=frozenset({"safe"}))
    with one_site.client(sign_in=how) as client:
        sent = client.get("/sign-in") and client.post(
            "/sign-in", data=form(client, name="lea", password=PASSWORD, next="/codes"), follow_redirects=False
        )
        kept_out = client.get("/codes", follow_redirects=False).headers["location"]
        begins(client, one_site)
        let_in = client.get("/codes", follow_redirects=False).status_code
        leaves(client)
        others = []
        for name in ("els", "safe"):
            sign_in(client, name)
            others.append(client.get("/", follow_redirects=False).status_code)

    assert (sent.headers["location"], kept_out, let_in) == ("/second-factor", "/second-factor", 200)
    assert others == [200, 200]


def test_an_administrator_takes_away_what_was_lost_and_it_is_recorded(one_site: Site) -> None:
    one_site.add_user("els")
    one_site.add_user("anna", role="administrator")
    with one_site.client() as client:
        sign_in(client, "els")
        begins(client, one_site)
        again = client.get("/second-factor").text
        leaves(client)
        sign_in(client, "anna")
        shown = client.get("/accounts").text
        taken = client.post("/accounts/1/second_factor", data=form(client), follow_redirects=False)
        nothing = client.post("/accounts/1/second_factor", data=form(client), follow_redirects=False)
        leaves(client)
        opened = client.post("/sign-in", data=form(client, name="els", password=PASSWORD), follow_redirects=False)

    assert "This account has a second factor" in again
    assert "/accounts/1/second_factor" in shown
    assert "/accounts/2/second_factor" not in shown
    assert (taken.status_code, nothing.status_code, opened.status_code) == (303, 422, 303)
    told = [(line.actor, line.action, line.object, line.outcome) for line in the_lines(one_site.engine)]
    assert ("els", "second_factor_begin", "", "done") in told
    assert ("anna", "account_second_factor", "account els", "done") in told


def test_a_session_that_somebody_found_open_begins_nothing_without_the_password(els: Client, site: Site) -> None:
    secret, sealed = offered(els)

    guesses = {confirms(els, sealed, code_at(secret, site), "a guess of mine").status_code for _ in range(5)}
    waiting = confirms(els, sealed, code_at(secret, site)).status_code
    with site.engine.connect() as connection:
        kept = connection.scalar(sa.select(tables.user.c.totp_secret))

    assert (guesses, waiting, kept) == ({422}, 422, None)
    refused = [line.object for line in the_lines(site.engine) if line.action == "second_factor_begin"]
    assert refused == ["password"] * 6


def test_beginning_ends_every_other_session_and_renews_its_own(els: Client, site: Site) -> None:
    with site.client() as elsewhere:
        sign_in(elsewhere, "els")
        before = els.cookies["ivigilant_session"]
        begins(els, site)
        copied = {"Cookie": f"ivigilant_session={before}"}
        others = elsewhere.get("/preferences", follow_redirects=False).status_code
        elsewhere.cookies.clear()
        stolen = elsewhere.get("/preferences", headers=copied, follow_redirects=False).status_code

    assert (others, stolen, els.get("/preferences", follow_redirects=False).status_code) == (303, 303, 200)
    assert els.post("/sign-out", data=form(els), follow_redirects=False).status_code == 303


def test_half_a_sign_in_opens_no_page_at_all(els: Client, site: Site) -> None:
    begins(els, site)
    leaves(els)
    els.post("/sign-in", data=form(els, name="els", password=PASSWORD))

    pages = ["/", "/preferences", "/password", "/second-factor", "/codes", "/search", "/live", "/figures"]
    opened = {path: els.get(path, follow_redirects=False).status_code for path in pages}
    own = els.post("/second-factor", data=form(els), follow_redirects=False).status_code

    assert {path: status for path, status in opened.items() if status in range(200, 300)} == {}
    assert own not in range(200, 300)


@pytest.mark.parametrize("changed", ["second factor", "password", "both"])
def test_half_a_sign_in_ends_with_what_it_stood_on(one_site: Site, changed: str) -> None:
    one_site.add_user("els")
    with one_site.client() as client:
        sign_in(client, "els")
        secret, _ = begins(client, one_site)
        leaves(client)
        begun = half_of(client)
        with one_site.engine.begin() as connection:
            if changed != "password":
                reset(connection, "els")
            if changed != "second factor":
                change_password(connection, "els", "another long one 77")
        one_site.now += timedelta(seconds=60)
        data = form(client, begun=begun, code=code_at(secret, one_site))
        answer = client.post("/sign-in", data=data, follow_redirects=False)

    assert (answer.status_code, "ivigilant_session" in answer.cookies) == (401, False)


def test_guesses_count_together_whoever_sends_them_and_however(els: Client, site: Site) -> None:
    secret, _ = begins(els, site)
    leaves(els)
    site.now += timedelta(minutes=1)
    begun = half_of(els)

    for _ in range(3):
        els.post("/sign-in", data=form(els, begun=begun, code="000000"))
    with site.client(sign_ins_per_minute=1000) as another:
        another.get("/sign-in")
        whole = form(another, name="els", password=PASSWORD, code="000000")
        for _ in range(2):
            another.post("/sign-in", data=whole, headers={"HX-Request": "true"})
        waiting = [tries(client, code_at(secret, site)) for client in (els, another)]

    assert waiting == [401, 401]


def test_a_wrong_code_asks_for_the_code_alone_again_within_the_same_five_minutes(els: Client, site: Site) -> None:
    secret, _ = begins(els, site)
    leaves(els)
    begun = half_of(els)
    site.now += timedelta(minutes=4)

    again = els.post("/sign-in", data=form(els, begun=begun, code="000000"))
    shown = els.post("/sign-in", data=form(els, begun=begun_in(again), code=code_at(secret, site)))
    site.now += timedelta(minutes=2)
    late = els.post("/sign-in", data=form(els, begun=begun_in(again), code=code_at(secret, site)))

    assert (again.status_code, begun_in(again) == begun, 'role="alert"' in again.text) == (401, True, True)
    assert (shown.status_code, late.status_code) == (200, 401)


def test_a_session_that_was_put_into_the_browser_before_is_not_the_one_that_opens(els: Client, site: Site) -> None:
    secret, _ = begins(els, site)
    planted = els.cookies["ivigilant_session"]
    site.now += timedelta(minutes=1)

    assert tries(els, code_at(secret, site)) == 303
    opened = els.cookies["ivigilant_session"]
    with site.client() as thief:
        copied = {"Cookie": f"ivigilant_session={planted}"}
        found = thief.get("/preferences", headers=copied, follow_redirects=False).status_code

    assert (opened != planted, found) == (True, 303)


def test_the_access_log_says_what_a_sign_in_rested_on(one_site: Site) -> None:
    one_site.add_user("els")
    with one_site.client() as client:
        sign_in(client, "els")
        secret, codes = begins(client, one_site)
        leaves(client)
        one_site.now += timedelta(minutes=1)
        tries(client, "000000")
        tries(client, code_at(secret, one_site))
        leaves(client)
        tries(client, codes[3])

    told = [(line.object, line.outcome) for line in the_lines(one_site.engine) if line.action == "sign_in"]
    assert told == [("", "done"), ("wrong code", "refused"), ("code", "done"), ("recovery code", "done")]


def test_another_secret_of_the_inbox_opens_with_recovery_codes_alone(one_site: Site) -> None:
    one_site.add_user("els")
    with one_site.client() as client:
        sign_in(client, "els")
        secret, codes = begins(client, one_site)
        leaves(client)
    one_site.now += timedelta(minutes=1)
    with one_site.engine.connect() as connection:
        number = connection.scalar(sa.select(tables.user.c.id)) or 0

    with one_site.engine.begin() as connection:
        used = [
            use_code(connection, number, "another" * 5, code, one_site.now)
            for code in (code_at(secret, one_site), codes[0])
        ]

    assert used == [None, "recovery code"]


def test_programs_and_people_of_the_provider_are_not_asked(one_site: Site) -> None:
    how = SignInSettings(second_factor=frozenset(ROLES), break_glass=frozenset({"safe"}))
    with one_site.client(sign_in=how) as client:
        answer = client.get("/api/v1/alerts", headers=one_site.token("lead"))

    assert answer.status_code == 200
    assert how.needs_second_factor("eva", "lead", None)
    assert not how.needs_second_factor("eva", "lead", "https://login.hospital.example")
    assert not how.needs_second_factor("safe", "lead", None)
