"""Signing in and out, sessions, roles and forms from elsewhere."""

import html
import re
from datetime import timedelta

import pytest
import sqlalchemy as sa
from argon2 import PasswordHasher

from inbox.errors import AccountRefused
from inbox.http.forms import token_of
from inbox.people.accounts import add_user, check_password
from inbox.people.credentials import hash_of
from store import tables
from tests.inbox.builders import NOW, a_case, the_lines
from tests.inbox.sites import PASSWORD, Client, Site, form, sign_in


def test_who_is_not_signed_in_is_sent_to_the_sign_in_page_and_back(one_client: Client, one_site: Site) -> None:
    one_site.add_user("els")
    with one_site.engine.begin() as connection:
        alert = a_case(connection)

    sent = one_client.get(f"/alerts/{alert}", follow_redirects=False)
    one_client.get("/sign-in")
    back = one_client.post(
        "/sign-in",
        data=form(one_client, name="els", password=PASSWORD, next=f"/alerts/{alert}"),
        follow_redirects=False,
    )

    assert (sent.status_code, sent.headers["location"]) == (303, f"/sign-in?next=/alerts/{alert}")
    assert (back.status_code, back.headers["location"]) == (303, f"/alerts/{alert}")


def test_a_session_is_kept_as_a_hash_and_its_cookie_is_closed_to_scripts(client: Client, site: Site) -> None:
    site.add_user("els")

    client.get("/sign-in")
    answer = client.post("/sign-in", data=form(client, name="els", password=PASSWORD), follow_redirects=False)

    cookie = next(line for line in answer.headers.get_list("set-cookie") if line.startswith("ivigilant_session"))
    assert "HttpOnly" in cookie
    assert "SameSite=lax" in cookie
    with site.engine.connect() as connection:
        kept = connection.scalars(sa.select(tables.session.c.token_hash)).all()
    assert kept == [hash_of(client.cookies["ivigilant_session"])]


def test_over_https_the_cookies_are_secure_and_of_this_host_alone(one_site: Site) -> None:
    one_site.add_user("els")
    with one_site.client(secure_cookies=True, base_url="https://inbox.test") as client:
        made = client.get("/sign-in").headers.get_list("set-cookie")
        answer = client.post("/sign-in", data=form(client, name="els", password=PASSWORD), follow_redirects=False)
        page = client.get("/")

    cookies = [*made, *answer.headers.get_list("set-cookie")]
    assert {line.partition("=")[0] for line in cookies} == {"__Host-ivigilant_csrf", "__Host-ivigilant_session"}
    assert all("Secure" in line and "Path=/" in line and "Domain" not in line for line in cookies)
    assert "/sign-out" in page.text
    assert answer.headers["strict-transport-security"] == "max-age=31536000"


@pytest.mark.parametrize(
    ("name", "password", "actor", "tried"),
    [("els", "wrong password", "els", ""), ("nobody", PASSWORD, "", "unknown name "), ("", "", "", "unknown name ")],
)
def test_a_wrong_name_and_a_wrong_password_are_answered_alike(
    one_client: Client, one_site: Site, name: str, password: str, actor: str, tried: str
) -> None:
    one_site.add_user("els")

    one_client.get("/sign-in")
    answer = one_client.post("/sign-in", data=form(one_client, name=name, password=password))

    assert answer.status_code == 401
    assert "The name or password is incorrect" in answer.text or "Naam of wachtwoord klopt niet" in answer.text
    (line,) = the_lines(one_site.engine)
    assert (line.actor, line.action, line.outcome) == (actor, "sign_in", "refused")
    assert line.object.startswith(tried)
    assert "nobody" not in line.object


def test_a_name_that_is_none_takes_as_long_as_one_that_is(one_site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    one_site.add_user("els")
    hashed: list[str] = []
    verify = PasswordHasher.verify

    def counted(hasher: PasswordHasher, known: str, password: str) -> bool:
        hashed.append(password)
        return verify(hasher, known, password)

    monkeypatch.setattr(PasswordHasher, "verify", counted)

    with one_site.engine.connect() as connection:
        found = [check_password(connection, name, "wrong password") for name in ("els", "nobody")]

    assert found == [None, None]
    assert len(hashed) == 2


def test_after_too_many_attempts_an_address_must_wait(one_site: Site) -> None:
    with one_site.client(sign_ins_per_minute=3) as client:
        client.get("/sign-in")
        answers = [client.post("/sign-in", data=form(client, name="els", password="?")) for _ in range(4)]

    assert [answer.status_code for answer in answers] == [401, 401, 401, 429]


def test_signing_in_does_not_lead_to_another_site(one_client: Client, one_site: Site) -> None:
    one_site.add_user("els")
    one_client.get("/sign-in")

    for elsewhere in ("https://evil.test/", "//evil.test/", "/\\evil.test"):
        data = form(one_client, name="els", password=PASSWORD, next=elsewhere)
        answer = one_client.post("/sign-in", data=data, follow_redirects=False)
        assert answer.headers["location"] == "/"


def test_a_form_from_another_site_does_nothing(one_client: Client, one_site: Site) -> None:
    one_site.add_user("els")
    with one_site.engine.begin() as connection:
        alert = a_case(connection)
    sign_in(one_client, "els")

    answer = one_client.post(f"/alerts/{alert}/acknowledge", data={"note": ""})

    assert answer.status_code == 403
    with one_site.engine.connect() as connection:
        assert connection.scalar(sa.select(tables.alert.c.status)) == "open"


def test_a_browser_that_remembers_another_installation_can_sign_in_at_the_second_try(
    one_client: Client, one_site: Site
) -> None:
    one_site.add_user("els")
    one_client.cookies.set("ivigilant_csrf", "of before", domain="testserver.local")

    one_client.get("/sign-in")
    of_before = {"_csrf_token": token_of("another secret", "of before", "")}
    first = one_client.post("/sign-in", data={"name": "els", "password": PASSWORD} | of_before)
    second = one_client.post("/sign-in", data=form(one_client, name="els", password=PASSWORD))

    assert (first.status_code, "/sign-out" in first.text) == (200, False)
    assert "/sign-out" in second.text


def test_signing_out_ends_the_session_in_the_database(client: Client, site: Site) -> None:
    site.add_user("els")
    sign_in(client, "els")
    token = client.cookies["ivigilant_session"]

    client.post("/sign-out", data=form(client))
    client.cookies.set("ivigilant_session", token)
    answer = client.get("/", follow_redirects=False)

    assert answer.headers["location"] == "/sign-in"
    assert [(line.actor, line.outcome) for line in the_lines(site.engine) if line.action == "sign_out"] == [
        ("els", "done")
    ]


def test_a_session_left_alone_ends_and_a_page_that_refreshes_itself_does_not_keep_it_alive(
    one_client: Client, one_site: Site
) -> None:
    one_site.add_user("els")
    sign_in(one_client, "els")

    one_site.now = NOW + timedelta(minutes=20)
    assert one_client.get("/alerts", headers={"HX-Request": "true"}).status_code == 200
    one_site.now = NOW + timedelta(minutes=31)
    refused = one_client.get("/alerts", headers={"HX-Request": "true"}, follow_redirects=False)

    assert (refused.status_code, refused.headers["HX-Redirect"]) == (401, "/sign-in")


def test_a_session_in_use_stays(one_client: Client, one_site: Site) -> None:
    one_site.add_user("els")
    sign_in(one_client, "els")

    for minutes in (20, 40, 60):
        one_site.now = NOW + timedelta(minutes=minutes)
        assert one_client.get("/", follow_redirects=False).status_code == 200
    one_site.now = NOW + timedelta(hours=13)
    assert one_client.get("/", follow_redirects=False).status_code == 303


def test_an_account_that_was_closed_opens_nothing_at_once(one_client: Client, one_site: Site) -> None:
    one_site.add_user("els")
    sign_in(one_client, "els")

    with one_site.engine.begin() as connection:
        connection.execute(sa.update(tables.user).values(active=False))

    assert one_client.get("/", follow_redirects=False).status_code == 303


def test_a_reader_sees_an_alert_and_cannot_settle_it(one_client: Client, one_site: Site) -> None:
    one_site.add_user("rik", role="viewer")
    with one_site.engine.begin() as connection:
        alert = a_case(connection)
    sign_in(one_client, "rik")

    shown = one_client.get(f"/alerts/{alert}")
    refused = one_client.post(f"/alerts/{alert}/acknowledge", data=form(one_client))

    assert "To settle it you need the role of pharmacist" in shown.text
    assert refused.status_code == 403


def test_a_language_is_remembered_with_the_account(client: Client, site: Site) -> None:
    site.add_user("els", language="en")
    sign_in(client, "els")

    client.post("/language", data=form(client, language="nl", back="/"))

    client.cookies.delete("ivigilant_language")
    assert "Geen open signalen" in client.get("/").text


def test_who_never_chose_a_language_reads_on_in_that_of_the_browser(one_client: Client, one_site: Site) -> None:
    with one_site.engine.begin() as connection:
        add_user(connection, "els", PASSWORD, "pharmacist", NOW)

    sign_in(one_client, "els")

    assert 'lang="en"' in one_client.get("/", headers={"Accept-Language": "en-GB"}).text
    assert 'lang="nl"' in one_client.get("/", headers={"Accept-Language": "nl-NL"}).text


def test_a_language_chosen_on_the_sign_in_page_holds_after_it(one_client: Client, one_site: Site) -> None:
    one_site.add_user("els", language="nl")
    one_client.get("/sign-in")

    asked = one_client.post("/language", data=form(one_client, language="en", back="/sign-in?next=/codes"))
    hidden = dict(re.findall(r'name="(next|language)" value="([^"]*)"', asked.text))
    shown = one_client.post("/sign-in", data=form(one_client, name="els", password=PASSWORD, **hidden))

    assert (shown.url.path, 'lang="en"' in shown.text) == ("/codes", True)


def test_the_language_another_chose_at_this_screen_is_not_that_of_who_signs_in(
    one_client: Client, one_site: Site
) -> None:
    for name, language in (("els", "en"), ("nel", "nl")):
        one_site.add_user(name, language=language)
    sign_in(one_client, "els")
    one_client.post("/language", data=form(one_client, language="en", back="/"))
    one_client.post("/sign-out", data=form(one_client))

    sign_in(one_client, "nel")

    assert 'lang="nl"' in one_client.get("/").text


def test_a_list_keeps_its_filters_when_another_language_is_chosen(one_page: Client) -> None:
    shown = one_page.get("/messages?state=parked&state=ignored").text

    back = re.search(r'name="back" value="([^"]*)"', shown)

    assert back is not None
    assert html.unescape(back[1]) == "/messages?state=parked&state=ignored"


def test_before_signing_in_the_browser_says_which_language(one_client: Client) -> None:
    assert "Aanmelden" in one_client.get("/sign-in", headers={"Accept-Language": "nl-NL,nl;q=0.9,en;q=0.8"}).text
    assert "Sign in" in one_client.get("/sign-in", headers={"Accept-Language": "en-GB,nl;q=0.4"}).text


def test_an_account_is_added_with_its_password_hashed(sqlite_engine: sa.Engine) -> None:
    with sqlite_engine.begin() as connection:
        add_user(connection, " els ", PASSWORD, "pharmacist", NOW)

        kept = connection.execute(sa.select(tables.user)).one()
        found = check_password(connection, "els", PASSWORD)

    assert (kept.name, kept.role) == ("els", "pharmacist")
    assert kept.password_hash.startswith("$argon2id$")
    assert found is not None


@pytest.mark.parametrize(
    ("name", "password", "role"),
    [("", PASSWORD, "viewer"), ("els", "short", "viewer"), ("els", PASSWORD, "emperor"), ("rik", PASSWORD, "viewer")],
)
def test_an_account_that_cannot_be_is_refused_with_what_to_change(
    one_site: Site, name: str, password: str, role: str
) -> None:
    one_site.add_user("rik")

    with pytest.raises(AccountRefused), one_site.engine.begin() as connection:
        add_user(connection, name, password, role, NOW)


@pytest.mark.parametrize(
    "name", ["Rik", "RIK ", "\ufb01nn", "jose\u0301", "JOSÉ", "r\u200bik", "el\ns", "el  s", "board", "x" * 101]
)
def test_two_accounts_never_look_alike_in_the_record(one_site: Site, name: str) -> None:
    one_site.token("viewer", "Board")
    for each in ("rik", "finn", "josé"):
        one_site.add_user(each)

    with pytest.raises(AccountRefused), one_site.engine.begin() as connection:
        add_user(connection, name, PASSWORD, "viewer", NOW)


def test_a_token_has_no_name_of_a_person(one_site: Site) -> None:
    one_site.add_user("els")

    with pytest.raises(AccountRefused):
        one_site.token("viewer", "Els")


def test_a_name_is_known_in_both_ways_of_writing_an_accent(one_client: Client, one_site: Site) -> None:
    one_site.add_user("josé")

    answer = sign_in(one_client, " jose\u0301 ").get("/", follow_redirects=False)

    assert answer.status_code == 200
    assert the_lines(one_site.engine)[-1].actor == "josé"


@pytest.mark.parametrize(("back", "status"), [(timedelta(minutes=4), 200), (timedelta(days=3), 303)])
def test_a_session_does_not_last_for_longer_because_the_clock_is_set_back(
    one_client: Client, one_site: Site, back: timedelta, status: int
) -> None:
    one_site.add_user("els")
    sign_in(one_client, "els")

    one_site.now = NOW - back

    assert one_client.get("/", follow_redirects=False).status_code == status


def test_nobody_waits_for_days_because_the_clock_was_ahead(one_client: Client, one_site: Site) -> None:
    one_site.add_user("els")
    one_client.get("/sign-in")
    for _ in range(6):
        one_client.post("/sign-in", data=form(one_client, name="els", password="wrong"))
    waits = one_client.post("/sign-in", data=form(one_client, name="els", password=PASSWORD), follow_redirects=False)

    one_site.now = NOW - timedelta(days=3)
    later = one_client.post("/sign-in", data=form(one_client, name="els", password=PASSWORD), follow_redirects=False)

    assert (waits.status_code, later.status_code) == (401, 303)
