"""A change is made only when a page of ours asks for it, in the session that it was made for."""

import re

import pytest
import sqlalchemy as sa
from litestar.routes import HTTPRoute

from inbox.http.forms import token_of
from store import tables
from tests.inbox.sites import PASSWORD, SECRET, Client, Site, form, sign_in

OTHERS = [
    {"Origin": "https://evil.test"},
    {"Origin": "null"},
    {"Origin": "http://testserver.local:8081"},
    {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "same-site"},
    {"Sec-Fetch-Site": "cross-site", "Origin": "http://testserver.local"},
]
WITHOUT_SESSION = ("/api/", "/fhir/", "/reply/", "/sign-in", "/sign-out/provider", "/language", "/cds-services/")
OURS = [{}, {"Origin": "http://testserver.local"}, {"Sec-Fetch-Site": "same-origin", "Origin": "null"}]


def changes(client: Client) -> list[str]:
    """Return the address of everything that changes something, each about something that may be there."""
    paths = [route.path for route in client.app.routes if isinstance(route, HTTPRoute) and "POST" in route.methods]
    return sorted("/".join("1" if part.startswith("{") else part for part in path.split("/")) for path in paths)


def what_is_stored(site: Site) -> list[object]:
    with site.engine.connect() as connection:
        return [
            connection.execute(sa.select(table)).all()
            for table in (tables.alert, tables.user, tables.session, tables.message)
        ]


@pytest.mark.parametrize("headers", OTHERS)
def test_nothing_changes_for_a_page_of_another_site(one_page: Client, one_site: Site, headers: dict[str, str]) -> None:
    one_site.with_case()
    before = what_is_stored(one_site)
    bearer = one_site.token("lead")

    for path in changes(one_page):
        more = bearer if path.startswith("/api/") else {}
        answer = one_page.post(path, data=form(one_page), headers=headers | more, follow_redirects=False)
        assert (path, answer.status_code) == (path, 303 if path == "/sign-in" else 403)

    assert what_is_stored(one_site) == before


def test_nothing_changes_with_the_token_of_another_session(one_page: Client, one_site: Site) -> None:
    one_site.with_case()
    of_els = form(one_page)
    one_site.add_user("lea", role="lead")
    with one_site.client() as other:
        other.cookies.set("ivigilant_csrf", one_page.cookies["ivigilant_csrf"], domain="testserver.local")
        sign_in(other, "lea")
        before = what_is_stored(one_site)

        for path in changes(other):
            if not path.startswith(WITHOUT_SESSION):
                assert (path, other.post(path, data=of_els).status_code) == (path, 403)

    assert what_is_stored(one_site) == before


@pytest.mark.parametrize("headers", OURS)
def test_a_page_of_ours_may_act(one_page: Client, one_site: Site, headers: dict[str, str]) -> None:
    alert = one_site.with_case()

    answer = one_page.post(f"/alerts/{alert}/take_on", data=form(one_page), headers=headers)

    assert answer.status_code == 200


def test_behind_a_proxy_a_page_is_of_the_address_that_people_use(one_site: Site) -> None:
    one_site.add_user("els")
    with one_site.client(base_url="http://inside.local", reached_at="https://inbox.hospital.test") as client:
        client.get("/sign-in")
        origins = (
            "https://inbox.hospital.test",
            "http://inside.local",
            "https://inside.local",
            "https://hospital.test",
        )
        answers = [
            client.post("/language", data=form(client, language="nl"), headers={"Origin": each}, follow_redirects=False)
            for each in origins
        ]

    assert [answer.status_code for answer in answers] == [303, 303, 403, 403]


def test_a_page_that_was_open_when_its_reader_signed_in_anew_is_given_the_token_of_now(
    one_page: Client, one_site: Site
) -> None:
    alert = one_site.with_case()
    typed = form(one_page, text="typed before")
    again = one_page.post(
        "/sign-in", data=form(one_page, name="els", password=PASSWORD), headers={"HX-Request": "true"}
    )

    refused = one_page.post(f"/alerts/{alert}/comment", data=typed).status_code
    fresh = typed | {"_csrf_token": again.headers["X-Form-Token"]}
    done = one_page.post(f"/alerts/{alert}/comment", data=fresh).status_code

    assert (again.status_code, refused, done) == (204, 403, 200)
    assert one_page.get("/banners").headers["X-Form-Token"] == fresh["_csrf_token"]


def test_the_form_of_a_page_holds_the_token_of_its_session(one_page: Client) -> None:
    found = re.findall(r'name="_csrf_token" value="([^"]*)"', one_page.get("/").text)

    assert set(found) == {token_of(SECRET, one_page.cookies["ivigilant_csrf"], one_page.cookies["ivigilant_session"])}


def test_a_form_that_is_very_large_is_not_read(one_page: Client) -> None:
    data = "a=1&" * (80 * 1024)

    answer = one_page.post("/language", content=data, headers={"Content-Type": "application/x-www-form-urlencoded"})

    assert answer.status_code == 413


def test_a_form_is_read_only_of_who_has_a_session(one_client: Client) -> None:
    headers = {"Content-Type": "application/x-www-form-urlencoded"}

    answer = one_client.post("/views", content="a=1&" * (80 * 1024), headers=headers, follow_redirects=False)

    assert answer.status_code == 303
    assert answer.headers["location"].startswith("/sign-in")
