"""Searching by a patient's number, which stands nowhere; and addresses that do not exist."""

import pytest
import sqlalchemy as sa

from store import tables
from tests.inbox.builders import a_case, a_conclusion, a_finding, a_person, the_log
from tests.inbox.sites import Client, Site, form


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
    assert [(actor, what) for actor, _, _, what in searched] == [("els", "1 found")] * 3
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

    assert "Nothing found with this number" in found
    assert "Nothing found with this number" in empty
    assert [line for line in the_log(site.engine) if "404404" in line[3]] == []


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
    program = one_client.get("/api/v1/nowhere", headers=one_site.token("reader"))

    assert stranger.status_code == 404
    assert 'href="/messages"' not in stranger.text
    assert program.status_code == 404
    assert program.headers["content-type"].startswith("application/problem+json")
