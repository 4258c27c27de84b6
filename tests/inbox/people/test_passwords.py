"""Which passwords are refused, how an account waits, and how somebody changes her own."""

from datetime import timedelta

import pytest
import sqlalchemy as sa
from zxcvbn.frequency_lists import FREQUENCY_LISTS

from inbox.people.accounts import add_user, admit, change_password, check_password
from inbox.people.passwords import SHORTEST, fault_of
from store import tables
from tests.inbox.builders import NOW, the_lines
from tests.inbox.sites import PASSWORD, Client, Site, form, sign_in

NEW = "seven herons at dusk"


@pytest.mark.parametrize(
    "password",
    [
        "password123",
        "P@ssw0rd2026!",
        "Wachtwoord1",
        "welkom2026",
        "WelkomWelkom",
        "Ziekenhuis01!",
        "qwerty123456",
        "1234567890",
        "0987654321",
        "1q2w3e4r5t",
        "aaaaaaaaaaaa",
        "Zomer2026!!!",
        "ivigilant-2026",
        "a.visser2026",
        "asdfghjkl;'#1",
        "Michelle2026!",
        "butterfly1999",
        "abc123abc123",
        "iloveyou!iloveyou",
    ],
)
def test_what_everybody_tries_first_is_refused(password: str) -> None:
    assert fault_of(password, "a.visser") == "common"


@pytest.mark.parametrize("password", [PASSWORD, NEW, "long enough 1", "9f2c-77ab-01de", "8306194275103"])
def test_what_is_long_and_not_obvious_is_accepted(password: str) -> None:
    assert fault_of(password, "a.visser") is None


def test_every_most_used_password_that_is_long_enough_is_refused() -> None:
    most_used = [word for word in FREQUENCY_LISTS["passwords"] if len(word) >= SHORTEST]

    accepted = [word for word in most_used if fault_of(word) is None]

    assert len(FREQUENCY_LISTS["passwords"]) >= 3000
    assert accepted == []


def tries(client: Client, password: str) -> int:
    data = form(client, name="els", password=password)
    return client.post("/sign-in", data=data, follow_redirects=False).status_code


@pytest.fixture
def patient_client(one_site: Site) -> Client:
    """A browser whose address may try as often as it wants."""
    one_site.add_user("els")
    with one_site.client(sign_ins_per_minute=1000) as client:
        client.get("/sign-in")
        return client


def test_after_forty_wrong_passwords_the_right_one_does_not_just_succeed(
    patient_client: Client, one_site: Site
) -> None:
    answers = {tries(patient_client, f"wrong {number}") for number in range(40)}
    at_once = tries(patient_client, PASSWORD)
    one_site.now = NOW + timedelta(seconds=31)
    later = tries(patient_client, PASSWORD)

    assert (answers, at_once, later) == ({401}, 401, 303)


def test_an_account_waits_longer_after_each_further_wrong_password(patient_client: Client, one_site: Site) -> None:
    waits = []
    for number in range(12):
        tries(patient_client, f"wrong {number}")
        with one_site.engine.connect() as connection:
            until = connection.scalar(sa.select(tables.failed_sign_in.c.waits_until))
        waits.append((until - one_site.now).total_seconds() if until else 0)
        one_site.now = until or one_site.now

    assert waits == [0, 0, 0, 0, 30, 60, 120, 240, 480, 900, 900, 900]


def guesses(site: Site, source: str, password: str = "wrong") -> bool:
    with site.engine.begin() as connection:
        found = check_password(connection, "els", password)
        return admit(connection, "els", found, site.now, source) is not None


def test_whoever_guesses_on_one_machine_keeps_nobody_out_elsewhere(one_site: Site) -> None:
    one_site.add_user("els")
    for _ in range(130):
        guesses(one_site, "10.0.0.66")
        one_site.now += timedelta(minutes=15)

    assert not guesses(one_site, "10.0.0.66")
    assert guesses(one_site, "10.0.0.7", PASSWORD)
    assert not guesses(one_site, "10.0.0.66", PASSWORD)


def test_guesses_from_very_many_addresses_make_a_new_one_wait_for_a_day(one_site: Site) -> None:
    one_site.add_user("els")
    guesses(one_site, "10.0.0.7")
    for number in range(99):
        guesses(one_site, f"10.0.1.{number}")

    at_once = [guesses(one_site, source, PASSWORD) for source in ("10.0.0.8", "10.0.0.7")]
    guesses(one_site, "10.0.0.7")
    one_site.now += timedelta(days=1, seconds=1)

    assert at_once == [False, True]
    assert guesses(one_site, "10.0.0.8", PASSWORD)


def test_another_password_ends_every_wait(one_site: Site) -> None:
    one_site.add_user("els")
    for _ in range(5):
        guesses(one_site, "10.0.0.7")
    with one_site.engine.begin() as connection:
        change_password(connection, "els", NEW)

    assert guesses(one_site, "10.0.0.7", NEW)


def test_the_right_password_begins_the_count_anew(patient_client: Client, one_site: Site) -> None:
    for number in range(4):
        tries(patient_client, f"wrong {number}")

    first = tries(patient_client, PASSWORD)
    tries(patient_client, "wrong again")
    second = tries(patient_client, PASSWORD)

    assert (first, second) == (303, 303)


def test_a_password_that_another_gave_is_changed_before_anything_else(one_client: Client, one_site: Site) -> None:
    with one_site.engine.begin() as connection:
        add_user(connection, "els", PASSWORD, "pharmacist", NOW, "en", must_change=True)
    one_client.get("/sign-in")
    data = form(one_client, name="els", password=PASSWORD, next="/messages")
    begun = one_client.post("/sign-in", data=data, follow_redirects=False)
    elsewhere = one_client.get("/messages", follow_redirects=False)
    asked = one_client.get("/password")
    changed = one_client.post(
        "/password", data=form(one_client, old=PASSWORD, new=NEW, again=NEW), follow_redirects=False
    )

    assert [answer.headers["location"] for answer in (begun, elsewhere, changed)] == ["/password", "/password", "/"]
    assert "This password was given to you" in asked.text
    assert "/messages" not in asked.text
    assert one_client.get("/messages", follow_redirects=False).status_code == 200


def test_changing_it_ends_every_other_session(one_page: Client, one_site: Site) -> None:
    with one_site.client() as other:
        sign_in(other, "els")
        one_page.post("/password", data=form(one_page, old=PASSWORD, new=NEW, again=NEW))

        assert other.get("/", follow_redirects=False).status_code == 303
    assert one_page.get("/", follow_redirects=False).status_code == 200
    assert ("els", "change_password", "done") in [
        (line.actor, line.action, line.outcome) for line in the_lines(one_site.engine)
    ]


@pytest.mark.parametrize(
    ("old", "new", "again", "said"),
    [
        ("not it at all", NEW, NEW, "The current password is incorrect"),
        (PASSWORD, NEW, "another one at dusk", "The two new passwords differ"),
        (PASSWORD, PASSWORD, PASSWORD, "This is the current password"),
        (PASSWORD, "short", "short", "at least ten characters"),
        (PASSWORD, "Welkom2026!", "Welkom2026!", "is too easy to guess"),
    ],
)
def test_a_change_that_is_refused_says_why_and_is_recorded(
    one_page: Client, one_site: Site, old: str, new: str, again: str, said: str
) -> None:
    answer = one_page.post("/password", data=form(one_page, old=old, new=new, again=again))

    line = the_lines(one_site.engine)[-1]
    assert answer.status_code == 422
    assert said in answer.text
    assert (line.action, line.outcome) == ("change_password", "refused")


def test_guessing_the_password_of_an_open_session_makes_the_account_wait_too(one_page: Client, one_site: Site) -> None:
    for number in range(5):
        one_page.post("/password", data=form(one_page, old=f"wrong {number}", new=NEW, again=NEW))

    answer = one_page.post("/password", data=form(one_page, old=PASSWORD, new=NEW, again=NEW))

    assert answer.status_code == 422


def test_a_new_password_from_whoever_keeps_accounts_ends_the_wait(patient_client: Client, one_site: Site) -> None:
    for number in range(5):
        tries(patient_client, f"wrong {number}")
    with one_site.engine.begin() as connection:
        change_password(connection, "els", NEW)

    assert tries(patient_client, NEW) == 303
