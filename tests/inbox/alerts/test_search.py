"""Searching by a patient's number, which stands nowhere; and addresses that do not exist."""

import pytest
import sqlalchemy as sa

from store import merges, tables
from tests.inbox.builders import a_case, a_conclusion, a_finding, a_person, the_log
from tests.inbox.sites import Client, Site, form, sign_in
from tests.store.recorded import update_demographics


def test_a_patient_is_found_by_any_number_of_hers_and_the_number_is_in_no_address_and_no_log(
    page: Client, site: Site
) -> None:
    alert = site.with_case()

    for number in ("1000001", "ZKHA|1000001", " 999900018 "):
        found = page.post("/search", data=form(page, number=number))

        assert found.status_code == 200
        assert str(found.url).endswith("/search")
        assert f'href="/alerts/{alert}"' in found.text
        assert "DVT been, Jun 2019" in found.text
    searched = [line for line in the_log(site.engine) if line[1] == "search"]
    assert [(actor, what) for actor, _, _, what in searched] == [("els", "1 found by number")] * 3
    assert all(patient is not None for _, _, patient, _ in searched)


def test_an_order_is_found_by_its_number_and_one_without_an_alert_with_its_answer(page: Client, site: Site) -> None:
    alert = site.with_case()
    with site.engine.begin() as connection:
        told = a_conclusion(findings=[a_finding(tier="information")])
        silent = a_case(connection, patient=a_person(connection, "7", "8"), number="77", told=told, tier="information")
        connection.execute(sa.delete(tables.delivery))
        connection.execute(sa.update(tables.alert).where(tables.alert.c.id == silent).values(status="resolved"))

    by_order = page.post("/search", data=form(page, number="900001")).text
    by_patient = page.post("/search", data=form(page, number="7")).text

    assert f'href="/alerts/{alert}"' in by_order
    assert "Last answer for each order" in by_patient
    assert f'href="/alerts/{alert}"' not in by_patient


def test_a_number_that_nobody_has_finds_nothing_and_says_so(page: Client, site: Site) -> None:
    found = page.post("/search", data=form(page, number="404404")).text
    empty = page.post("/search", data=form(page, number="  ")).text

    assert "Nothing found" in found
    assert "Nothing found" in empty
    assert [line[2:] for line in the_log(site.engine) if line[1] == "search"] == [(None, "0 found by number")] * 2
    assert [line for line in the_log(site.engine) if "404404" in line[3]] == []


def a_berg(connection: sa.Connection, value: str, born: str = "1950-03-12", family: str = "van den Bérg") -> int:
    """A patient with this number, name and day of birth."""
    patient = a_person(connection, value, "")
    update_demographics(connection, [(patient, "1", {"family": family, "given": "Anna", "birth_date": born})])
    return patient


@pytest.mark.parametrize(
    "asked",
    [
        {"name": "berg"},
        {"name": "VAN DEN BERG", "born": "1950-03-12"},
        {"born": "1950-03-12"},
        {"number": "v.d. Berg, A. 12-03-1950"},  # the field above the list
    ],
)
def test_a_patient_is_found_by_name_and_birth_date_and_neither_is_in_any_log(
    page: Client, site: Site, asked: dict[str, str]
) -> None:
    alert = site.with_case()
    with site.engine.begin() as connection:
        (patient,) = connection.execute(sa.select(tables.alert.c.patient_id)).scalars()
        told = {"family": "van den Bérg", "given": "Anna", "birth_date": "1950-03-12"}
        update_demographics(connection, [(patient, "9", told)])
        a_berg(connection, "2", born="1981-01-01", family="Jansen")

    found = page.post("/search", data=form(page, **asked))

    assert str(found.url).endswith("/search")
    assert (
        f'<a class="more" href="/patients/{patient}"><bdi>van den Bérg, Anna</bdi></a> 12 Mar 1950 (76)' in found.text
    )
    assert "Jansen" not in found.text
    assert f'href="/alerts/{alert}"' in found.text
    (line,) = [line for line in the_log(site.engine) if line[1] == "search"]
    assert line[2:] == (patient, "1 found by name")


MISSED, DIFFERS = "No patient or order has this number.", "somebody with another name or birth date"


@pytest.mark.parametrize(
    ("asked", "told", "recorded"),
    [
        ({"number": "1", "name": "berg", "born": "1950-03-12"}, None, "1 found by number"),
        ({"number": "1", "name": "..."}, None, "1 found by number"),
        ({"number": "1", "name": "Jansen"}, DIFFERS, "1 found by number"),
        ({"number": "1", "name": "berg", "born": "1950-03-13"}, DIFFERS, "1 found by number"),
        ({"number": "404404", "name": "berg"}, MISSED, "1 found by name"),
        ({"number": "404404", "born": "1950-03-12"}, MISSED, "1 found by name"),
        ({"number": "van den Berg", "born": "1950-03-12"}, None, "1 found by name"),  # the name in the field above
    ],
)
def test_a_number_that_does_not_go_with_the_name_beside_it_is_said_to(
    one_page: Client, one_site: Site, asked: dict[str, str], told: str | None, recorded: str
) -> None:
    with one_site.engine.begin() as connection:
        patient = a_berg(connection, "1")
        a_berg(connection, "2", born="1981-01-01", family="Jansen")

    found = one_page.post("/search", data=form(one_page, **asked)).text

    assert f'href="/patients/{patient}"' in found
    assert [each for each in (MISSED, DIFFERS) if each in found] == ([told] if told else [])
    assert [line[2:] for line in the_log(one_site.engine) if line[1] == "search"] == [(patient, recorded)]


def test_the_number_of_an_order_beside_the_name_of_somebody_else_is_said_to_differ(
    one_page: Client, one_site: Site
) -> None:
    alert = one_site.with_case()
    with one_site.engine.begin() as connection:
        a_berg(connection, "1")

    found = one_page.post("/search", data=form(one_page, number="900001", name="berg")).text

    assert f'href="/alerts/{alert}"' in found
    assert DIFFERS in found


def test_of_several_people_with_a_name_only_the_people_are_shown_and_each_look_is_recorded(
    page: Client, site: Site
) -> None:
    with site.engine.begin() as connection:
        ours = [a_berg(connection, str(number), born=f"19{number}-01-01") for number in range(50, 53)]

    found = page.post("/search", data=form(page, name="berg")).text

    assert [f'href="/patients/{patient}"' in found for patient in ours] == [True] * 3
    assert 'id="answers"' not in found
    assert [line[2:] for line in the_log(site.engine) if line[1] == "search"] == [(n, "3 found by name") for n in ours]


def test_too_many_are_cut_and_the_page_says_so(page: Client, site: Site) -> None:
    with site.engine.begin() as connection:
        for number in range(52):
            a_berg(connection, str(number))

    found = page.post("/search", data=form(page, name="berg")).text

    assert found.count("van den Bérg, Anna") == 50
    assert "There are more than 50" in found


def test_two_numbers_of_one_person_are_one_find(page: Client, site: Site) -> None:
    with site.engine.begin() as connection:
        first, second = a_berg(connection, "1"), a_berg(connection, "2")
        connection.execute(sa.update(tables.patient).where(tables.patient.c.id == second).values(merged_into=first))
        assert len(merges.persons(connection, {first, second})) == 1

    found = page.post("/search", data=form(page, name="berg")).text

    assert found.count("van den Bérg, Anna") == 1


@pytest.mark.parametrize("asked", [{"name": "404"}, {"name": "berg", "born": "1950-13-45"}, {"name": "..."}, {}])
def test_nobody_is_found_by_another_name_or_by_nothing(page: Client, site: Site, asked: dict[str, str]) -> None:
    with site.engine.begin() as connection:
        a_berg(connection, "1", family="Jansen")

    assert "Nothing found" in page.post("/search", data=form(page, **asked)).text


def test_who_is_not_signed_in_searches_nothing(one_client: Client, one_site: Site) -> None:
    one_client.get("/sign-in")
    with one_site.engine.begin() as connection:
        a_berg(connection, "1")

    found = one_client.post("/search", data=form(one_client, name="berg"), follow_redirects=False)

    assert found.status_code in (302, 303, 401)
    assert "Bérg" not in found.text


def test_an_operator_searches_nobody(one_client: Client, one_site: Site) -> None:
    one_site.add_user("otto", role="operator")
    sign_in(one_client, "otto")

    assert one_client.post("/search", data=form(one_client, name="berg")).status_code == 403


def test_a_number_in_the_address_is_not_looked_at_and_a_form_of_another_site_neither(page: Client, site: Site) -> None:
    alert = site.with_case()

    asked = page.get("/search?number=1000001").text
    forged = page.post("/search", data={"number": "1000001"})

    assert "1000001" not in asked
    assert f"/alerts/{alert}" not in asked
    assert forged.status_code == 403


@pytest.mark.parametrize("address", ["/nowhere", "/alerts/1/nowhere", "/messages/1/x/y", "/alerts/999999"])
def test_at_an_address_that_does_not_exist_one_who_is_signed_in_finds_the_way_back(
    one_page: Client, address: str
) -> None:
    shown = one_page.get(address)

    assert shown.status_code == 404
    assert 'href="/messages"' in shown.text
    assert "els" in shown.text
    assert "There is nothing here" in shown.text


def test_who_is_not_signed_in_sees_no_navigation_and_a_program_gets_a_problem_document(
    one_client: Client, one_site: Site
) -> None:
    stranger = one_client.get("/nowhere")
    program = one_client.get("/api/v1/nowhere", headers=one_site.token("viewer"))

    assert stranger.status_code == 404
    assert 'href="/messages"' not in stranger.text
    assert program.status_code == 404
    assert program.headers["content-type"].startswith("application/problem+json")
