"""What every page keeps to."""

import re

import pytest
import sqlalchemy as sa

from inbox.http.pages import evidence_of
from rules.knowledge import Knowledge, Rule
from store import tables
from tests.inbox.builders import (
    PROBLEM,
    a_case,
    a_conclusion,
    a_fact,
    a_finding,
    a_problem_message,
    the_log,
)
from tests.inbox.sites import Client, Site, form


def test_a_citizen_service_number_is_never_shown_whole(one_page: Client, one_site: Site) -> None:
    alert = one_site.with_case()

    listed, *shown = [one_page.get(path).text for path in ("/", f"/alerts/{alert}", "/messages/1")]

    assert "99990001" not in listed and "•" not in listed  # the list shows no number at all
    assert all("999900018" not in text and "••••••018" in text for text in shown)


def test_what_a_sender_wrote_is_text_and_never_markup(one_page: Client, one_site: Site) -> None:
    evil = "<script>alert(1)</script>"
    told = a_conclusion(findings=[a_finding(facts=[a_fact(display=evil)])])
    told["patient"] |= {"name": evil}
    told["order"] |= {"product": evil}
    with one_site.engine.begin() as connection:
        alert = a_case(connection, told=told)
        raw = PROBLEM.replace(b"Willem", evil.encode())
        message = a_problem_message(connection, body_hash=b"evil" * 8, raw=raw)

    shown = [one_page.get(path).text for path in ("/", f"/alerts/{alert}", f"/messages/{message}")]

    assert all(evil not in text and "&lt;script&gt;" in text for text in shown)


def test_every_rule_can_be_read(one_page: Client, one_site: Site) -> None:
    rules: tuple[Rule, ...] = one_site.knowledge.rules

    for rule in rules:
        shown = one_page.get(f"/rules/{rule.id}")
        assert shown.status_code == 200
        assert rule.title["en"].split()[0] in shown.text

    assert one_page.get("/rules/IG-NONE-1").status_code == 404


@pytest.mark.parametrize("path", ["/nothing", "/alerts/999", "/alerts/x", "/messages/999"])
def test_what_is_not_there_is_a_page_in_the_same_dress(one_page: Client, path: str) -> None:
    answer = one_page.get(path)

    assert answer.status_code == 404
    assert "There is nothing here" in answer.text
    assert "/static/inbox.css" in answer.text


def test_no_folder_is_listed_and_no_fault_shows_its_inside(one_page: Client) -> None:
    answers = [one_page.get(path, follow_redirects=False) for path in ("/static", "/static/", "/alerts/999")]

    assert [answer.status_code for answer in answers] == [404, 404, 404]
    assert not any("server" in answer.headers or "Traceback" in answer.text for answer in answers)
    assert one_page.app.debug is False


def test_the_page_of_a_database_that_is_away_says_that_it_tries_again_only_where_it_does(
    one_page: Client, one_site: Site
) -> None:
    comment = form(one_page, text="asked the ward")
    with one_site.engine.begin() as connection:
        connection.exec_driver_sql("ALTER TABLE alert RENAME TO away")

    shown = one_page.get("/")
    posted = one_page.post("/alerts/1/comment", data=comment)

    for answer, tries_again in ((shown, True), (posted, False)):
        assert (answer.status_code, "The database cannot be reached" in answer.text) == (503, True)
        assert ("tries again every" in answer.text, 'http-equiv="refresh"' in answer.text) == (tries_again,) * 2


def test_a_page_may_run_no_script_but_ours_and_is_kept_nowhere(one_client: Client) -> None:
    headers = one_client.get("/sign-in").headers

    assert "script-src 'self'" in headers["content-security-policy"]
    assert "unsafe" not in headers["content-security-policy"]
    assert headers["cache-control"] == "no-store"
    assert headers["x-content-type-options"] == "nosniff"


def test_who_looked_at_which_patient_is_recorded(page: Client, site: Site) -> None:
    alert = site.with_case()

    page.get("/")
    page.get(f"/alerts/{alert}")
    page.post(f"/alerts/{alert}/comment", data=form(page, text="hello"), follow_redirects=False)
    page.get("/messages/1")

    with site.engine.connect() as connection:
        patient = connection.scalar(sa.select(tables.patient.c.id))
    assert the_log(site.engine)[1:] == [
        ("els", "list_alerts", patient, f"alerts {alert}"),
        ("els", "view_alert", patient, f"alert {alert}"),
        ("els", "comment", patient, f"alert {alert}"),
        ("els", "view_message", patient, "message 1"),
    ]


def test_every_line_of_evidence_is_shown_in_the_language_of_the_reader_with_its_figures(knowledge: Knowledge) -> None:
    for rule in knowledge.rules:
        for line in rule.evidence:
            dutch = evidence_of(knowledge, rule.id, line, "nl")
            assert dutch != line
            assert evidence_of(knowledge, rule.id, line, "en") == line
            assert sorted(re.findall(r"\d+", dutch)) == sorted(re.findall(r"\d+", line)), line


def test_a_line_that_a_rule_no_longer_has_is_shown_as_it_was(knowledge: Knowledge) -> None:
    assert evidence_of(knowledge, "IG-VTE-001", "Somebody (1999): said so.", "nl") == "Somebody (1999): said so."
