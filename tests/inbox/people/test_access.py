"""Every look, list, search and act, done or refused, is a line of the access log."""

import pytest
import sqlalchemy as sa

from store import tables
from tests.inbox.builders import NOW, a_case, a_person, the_lines
from tests.inbox.sites import Client, Site, form
from tests.store.builders import a_message


@pytest.mark.parametrize(
    ("path", "action"),
    [
        ("/", "list_alerts"),
        ("/notices", "list_notices"),
        ("/messages", "list_messages"),
        ("/codes", "list_codes"),
        ("/merges", "list_merges"),
        ("/api/v1/alerts", "list_alerts"),
        ("/api/v1/assessments", "list_assessments"),
        ("/api/v1/messages", "list_messages"),
        ("/api/v1/codes", "list_codes"),
        ("/api/v1/merges", "list_merges"),
    ],
)
def test_a_list_is_recorded_even_when_it_is_empty(one_page: Client, one_site: Site, path: str, action: str) -> None:
    before = len(the_lines(one_site.engine))

    answer = one_page.get(path, headers=one_site.token() if path.startswith("/api") else {})

    (line,) = the_lines(one_site.engine)[before:]
    assert answer.status_code == 200
    assert (line.action, line.outcome, line.patient_id) == (action, "done", None)


def test_a_message_that_only_mentions_patients_is_recorded_for_each_of_them(page: Client, site: Site) -> None:
    with site.engine.begin() as connection:
        mother, child = a_person(connection, "1", "1"), a_person(connection, "2", "2")
        message = a_message(connection, raw=b"", state="ignored")
        rows = [{"message_id": message, "patient_id": each} for each in (mother, child)]
        connection.execute(sa.insert(tables.mention), rows)

    page.get(f"/messages/{message}")

    looked = [line for line in the_lines(site.engine) if line.action == "view_message"]
    assert [line.patient_id for line in looked] == [mother, child]


def test_an_act_that_is_refused_is_recorded_with_its_alert_and_patient(page: Client, site: Site) -> None:
    with site.engine.begin() as connection:
        alert = a_case(connection)
        patient = connection.scalar(sa.select(tables.alert.c.patient_id))

    answer = page.post(f"/alerts/{alert}/override", data=form(page, reason=""))

    refused = [line for line in the_lines(site.engine) if line.outcome == "refused"]
    assert answer.status_code == 422
    assert [(line.actor, line.action, line.object, line.patient_id, line.at) for line in refused] == [
        ("els", "override", f"alert {alert}", patient, NOW)
    ]


def test_what_was_recorded_is_sealed_at_once(page: Client, site: Site) -> None:
    page.get("/")

    with site.engine.connect() as connection:
        lines, seals = (
            connection.scalar(sa.select(sa.func.count()).select_from(table))
            for table in (tables.access_log, tables.access_seal)
        )
    assert lines == seals == len(the_lines(site.engine)) > 1
