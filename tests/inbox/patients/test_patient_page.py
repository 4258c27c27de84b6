"""The page of one patient: the picture, every order with its answer, decisions, messages, and who looked."""

import pytest

from tests.inbox.builders import (
    a_case,
    a_conclusion,
    a_finding,
    a_person,
    a_text,
    an_answer,
    an_event,
    an_order_row,
    an_order_told,
    the_log,
)
from tests.inbox.sites import Client, Site, form, sign_in


def test_the_page_holds_orders_answers_decisions_messages_and_the_picture(page: Client, site: Site) -> None:
    alert = site.with_case(status="overridden")
    with site.engine.begin() as connection:
        an_event(connection, alert, kind="overridden", actor="rik", reason="will_monitor", note="Doppler on day 3")

    shown = page.get("/patients/1").text

    for said in (
        "1000001",
        "DVT been, Jun 2019",
        "Goes ahead, with reason",
        "Doppler on day 3",
        "Privigen",
        'class="clot"',  # the thrombosis of 2019 at the edge of the picture
        "/messages/1?path=PRB%5B1%5D-3#marked",
        "EPD2600022",
    ):
        assert said in shown


def test_an_order_without_an_alert_says_why_not(one_page: Client, one_site: Site) -> None:
    told = a_conclusion(
        findings=[],
        trace=[
            {"rule": "IG-VTE-001", "condition": "ordered: intravenous-immunoglobulin", "held": True, "saw": ""},
            {"rule": "IG-VTE-001", "condition": "is: prior-vte", "held": False, "saw": ""},
        ],
        order=an_order_told(start="2026-11-22T09:00:00+00:00"),
    )
    with one_site.engine.begin() as connection:
        patient = a_person(connection)
        a_case(connection, patient=patient)
        an_answer(connection, 1, patient, told, tier="none", priority="none", signature="s2")

    shown = one_page.get(f"/patients/{patient}").text

    assert "no risk factor known" in shown
    assert "Prior venous thromboembolism: prior venous thromboembolism" in shown
    assert "is: prior-vte" not in shown


def test_an_order_with_quiet_findings_names_them_and_says_where_they_are_shown(
    one_page: Client, one_site: Site
) -> None:
    finding = a_finding(tier="moderate", channel="with-order", title=a_text("Leeftijd", "Age and dose"))
    with one_site.engine.begin() as connection:
        patient = a_person(connection)
        told = a_conclusion(findings=[finding], channel="with-order")
        order = an_order_row(connection, patient, "900001", told)
        an_answer(connection, order, patient, told, tier="moderate", priority="routine")

    shown = one_page.get(f"/patients/{patient}").text

    assert "Age and dose" in shown
    assert "shown with the order only" in shown
    assert "not raised" not in shown


def test_an_order_that_was_answered_often_hides_no_other_and_what_is_cut_is_counted(
    one_page: Client, one_site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("inbox.patients.patient_page.MOST", 2)
    with one_site.engine.begin() as connection:
        patient = a_person(connection)
        for number in (1, 2, 3):
            told = a_conclusion(order=an_order_told(placer=f"EPD|90000{number}"))
            order = an_order_row(connection, patient, f"90000{number}", told)
            for signature in ("a", "b", "c"):
                an_answer(connection, order, patient, told, tier="none", priority="none", signature=signature)

    shown = one_page.get(f"/patients/{patient}").text

    assert [f"90000{number}" in shown for number in (1, 2, 3)] == [False, True, True]
    assert "2 of 3" in shown


def test_who_looks_is_recorded_and_shown_to_the_next(one_client: Client, one_site: Site) -> None:
    one_site.with_case()
    for name in ("els", "rik"):
        one_site.add_user(name)
    sign_in(one_client, "rik")
    one_client.get("/patients/1")
    sign_in(one_client, "els")

    shown = one_client.get("/patients/1").text

    assert ("rik", "view_patient", 1, "patient 1") in the_log(one_site.engine)
    assert "<b>rik</b>" in shown.split('id="looked"')[1]
    assert "<b>els</b>" not in shown.split('id="looked"')[1]  # not before she looked


def test_a_number_of_no_patient_shows_nothing_and_is_not_recorded(one_page: Client, one_site: Site) -> None:
    answer = one_page.get("/patients/77")

    assert answer.status_code == 404
    assert not [line for line in the_log(one_site.engine) if line[1] == "view_patient"]


def test_the_search_leads_to_the_page_of_whom_it_found(one_page: Client, one_site: Site) -> None:
    one_site.with_case()

    found = one_page.post("/search", data=form(one_page, number="1000001")).text

    assert 'href="/patients/1"' in found
