"""Requests that no page of ours sends: by a fault, by a curious reader, by a program that guesses."""

import pytest

from store.dump import dump
from tests.inbox.sites import PASSWORD, Client, Site, form

ZERO_BYTE = "%00"
TOO_LARGE = "9" * 30
TITLES = {
    400: ("The request was not understood", "Het verzoek is niet begrepen"),
    404: ("There is nothing here", "Hier is niets"),
    405: ("The request was not understood", "Het verzoek is niet begrepen"),
    413: ("This is too much at once", "Dit is te veel in één keer"),
    403: ("You are not allowed to do this", "Dit mag u niet doen"),
}


@pytest.mark.parametrize(
    "path",
    [
        f"/messages?control_id={ZERO_BYTE}",
        f"/messages?feed={ZERO_BYTE}",
        f"/codes?words={ZERO_BYTE}",
        f"/?ward={ZERO_BYTE}",
        f"/alerts?after={TOO_LARGE}",
        f"/live?after={TOO_LARGE}",
        f"/alerts/{TOO_LARGE}",
        f"/alerts/1/news?heard={TOO_LARGE}",
        f"/codes?decided={TOO_LARGE}",
        f"/merges/{TOO_LARGE}-1",
        f"/messages?before={TOO_LARGE}",
        f"/api/v1/alerts?patient={ZERO_BYTE}",
        f"/api/v1/events?after={TOO_LARGE}",
    ],
)
def test_an_address_nobody_wrote_is_not_a_fault_of_ours(page: Client, site: Site, path: str) -> None:
    site.with_case()

    answer = page.get(path, headers={"HX-Request": "true"} | site.token())

    assert answer.status_code < 500


@pytest.mark.parametrize(
    ("path", "field"), [("/search", "number"), ("/alerts/1/comment", "text"), ("/alerts/1/acknowledge", "note")]
)
def test_a_zero_byte_in_a_form_is_refused_or_looked_for(page: Client, site: Site, path: str, field: str) -> None:
    site.with_case()

    answer = page.post(path, data=form(page, **{field: "a\0b"}))

    assert answer.status_code < 500


@pytest.mark.parametrize(("path", "field"), [("/search", "number"), ("/alerts/1/comment", "text")])
def test_no_form_takes_a_file(one_page: Client, one_site: Site, path: str, field: str) -> None:
    one_site.with_case()
    with one_site.engine.connect() as connection:
        before = list(dump(connection))

    answer = one_page.post(path, data=form(one_page), files={field: ("note.pdf", b"%PDF-1.7")})

    assert 400 <= answer.status_code < 500
    with one_site.engine.connect() as connection:
        assert list(dump(connection)) == before


def test_a_zero_byte_in_a_name_signs_nobody_in(client: Client) -> None:
    client.get("/sign-in")

    answer = client.post("/sign-in", data=form(client, name="el\0s", password=PASSWORD), follow_redirects=False)

    assert answer.status_code in (400, 401)


@pytest.mark.parametrize(("place", "language"), [(0, "en"), (1, "nl")])
def test_what_is_refused_is_said_in_the_language_of_the_reader(one_page: Client, place: int, language: str) -> None:
    one_page.post("/language", data=form(one_page, language=language, back="/"))
    as_form = {"Content-Type": "application/x-www-form-urlencoded"}
    token = {"X-CSRFToken": form(one_page)["_csrf_token"]}

    answers = [
        one_page.get("/codes?again=x"),
        one_page.get("/nothing"),
        one_page.put("/search", headers=token),
        one_page.post("/search", content=b"number=" + b"1" * 11_000_000, headers=as_form | token),
        one_page.post("/alerts/1/acknowledge", data={"note": "from elsewhere"}),
    ]

    assert [answer.status_code for answer in answers] == list(TITLES)
    assert all(TITLES[answer.status_code][place] in answer.text for answer in answers)
