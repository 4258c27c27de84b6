"""An administrator keeps the accounts, sees nothing of a patient, and cannot change an account of his own."""

import pytest
import sqlalchemy as sa

from store import tables
from tests.inbox.builders import the_lines
from tests.inbox.sites import PASSWORD, Client, Site, form, sign_in

NEW = "seven herons at dusk"


@pytest.fixture
def administrator(one_client: Client, one_site: Site) -> Client:
    """His browser, where Els has an account too: the second."""
    for name, role in (("ad", "administrator"), ("els", "pharmacist")):
        one_site.add_user(name, role=role)
    return sign_in(one_client, "ad")


def accounts(site: Site) -> dict[str, tuple[str, bool, bool]]:
    """Return of each name the role, whether it may be used, and whether its password must be changed."""
    user = tables.user.c
    with site.engine.connect() as connection:
        rows = connection.execute(sa.select(user.name, user.role, user.active, user.must_change))
        return {row.name: (row.role, row.active, row.must_change) for row in rows}


def test_an_account_is_added_and_chooses_its_password_at_first(administrator: Client, one_site: Site) -> None:
    shown = administrator.post("/accounts", data=form(administrator, name="rik", role="viewer", password=NEW))

    line = next(line for line in the_lines(one_site.engine) if line.action == "account_add")
    assert "rik" in shown.text
    assert accounts(one_site)["rik"] == ("viewer", True, True)
    assert (line.actor, line.object, line.outcome) == ("ad", "account rik viewer", "done")


@pytest.mark.parametrize(
    ("change", "value", "after"),
    [
        ("role", "lead", ("lead", True, False)),
        ("end", "", ("pharmacist", False, False)),
        ("password", NEW, ("pharmacist", True, True)),
    ],
)
def test_an_account_is_changed_and_that_is_recorded(
    administrator: Client, one_site: Site, change: str, value: str, after: tuple[str, bool, bool]
) -> None:
    administrator.post(f"/accounts/2/{change}", data=form(administrator, value=value))

    assert accounts(one_site)["els"] == after
    lines = [line for line in the_lines(one_site.engine) if line.action == f"account_{change}"]
    assert [(line.actor, line.outcome) for line in lines] == [("ad", "done")]
    assert NEW not in lines[0].object


def test_an_account_that_was_ended_is_resumed(administrator: Client, one_site: Site) -> None:
    for change in ("end", "resume"):
        administrator.post(f"/accounts/2/{change}", data=form(administrator))

    assert accounts(one_site)["els"] == ("pharmacist", True, False)


@pytest.mark.parametrize(("change", "value"), [("role", "lead"), ("end", ""), ("password", NEW)])
def test_nobody_gives_a_role_to_an_account_of_his_own(
    administrator: Client, one_site: Site, change: str, value: str
) -> None:
    before = accounts(one_site)

    answer = administrator.post(f"/accounts/1/{change}", data=form(administrator, value=value))

    assert answer.status_code == 422
    assert accounts(one_site) == before
    assert [(line.action, line.outcome) for line in the_lines(one_site.engine)][-1] == (f"account_{change}", "refused")


@pytest.mark.parametrize(
    "values",
    [
        {"name": "els", "role": "viewer", "password": NEW},
        {"name": "rik", "role": "emperor", "password": NEW},
        {"name": "rik", "role": "viewer", "password": "Welkom2026!"},
    ],
)
def test_what_cannot_be_is_refused_and_nothing_that_was_typed_is_recorded(
    administrator: Client, one_site: Site, values: dict[str, str]
) -> None:
    answer = administrator.post("/accounts", data=form(administrator, **values))

    line = the_lines(one_site.engine)[-1]
    assert (answer.status_code, set(accounts(one_site))) == (422, {"ad", "els"})
    assert (line.action, line.object, line.outcome) == ("account_add", "", "refused")


def test_an_account_or_change_that_is_none_is_not_found(administrator: Client) -> None:
    paths = ("/accounts/9/end", "/accounts/x/end", "/accounts/2/promote")

    answers = [administrator.post(path, data=form(administrator, value=PASSWORD)).status_code for path in paths]

    assert answers == [404, 404, 404]
