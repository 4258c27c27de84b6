"""The auditor reads the access log, and nothing else; every look of hers is a line of it."""

from datetime import timedelta

import pytest

from inbox.people.access import record
from inbox.people.viewer import Viewer
from store import tables
from store.access_log import REFUSED
from tests.inbox.builders import NOW, a_person, the_lines
from tests.inbox.sites import Client, Site, form, sign_in
from tests.store.builders import insert

CITIZEN = "999900018"


@pytest.fixture
def auditor(one_client: Client, one_site: Site) -> Client:
    """Her browser, where others looked yesterday and today."""
    one_site.add_user("aude", role="auditor")
    with one_site.engine.begin() as connection:
        one = a_person(connection, "1001", "1")
        other = insert(connection, tables.patient, authority="NLMINBIZA", value=CITIZEN)
        els, rik = Viewer("els", "pharmacist", "10.0.0.7"), Viewer("rik", "viewer", "10.0.0.8")
        record(connection, els, "view_alert", NOW - timedelta(days=1), patients=[one], what="alert 1")
        record(connection, rik, "alerts:act", NOW, what="POST /alerts/1/override", outcome=REFUSED)
        record(connection, rik, "view_patient", NOW, patients=[other], what="patient 2")
    return sign_in(one_client, "aude")


def lines_shown(page: str) -> list[str]:
    """Return the object of each line of the table."""
    rows = page.split("<tbody>")[1].split("</tbody>", maxsplit=1)[0].split("<tr>")[1:] if "<tbody>" in page else []
    return [row.split("<td>")[3].partition("<")[0] for row in rows]


def test_nothing_is_shown_before_a_reason_is_given(auditor: Client, one_site: Site) -> None:
    before = len(the_lines(one_site.engine))
    shown = auditor.get("/access").text

    assert lines_shown(shown) == []
    assert not [hidden for hidden in ("alert 1", "patient 2", "1001", "No lines") if hidden in shown]
    assert len(the_lines(one_site.engine)) == before


def test_with_a_reason_alone_the_newest_lines_are_shown(auditor: Client) -> None:
    shown = auditor.post("/access", data=form(auditor, purpose="yearly check")).text

    assert lines_shown(shown) == ["–", "patient 2", "POST /alerts/1/override", "alert 1"]  # first her own sign-in
    assert "10.0.0.8" in shown
    assert "1001" in shown
    assert CITIZEN not in shown


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ({"patient": "1001"}, ["alert 1"]),
        ({"patient": "no such number"}, []),
        ({"actor": "rik"}, ["patient 2", "POST /alerts/1/override"]),
        ({"outcome": "refused"}, ["POST /alerts/1/override"]),
        ({"action": "view_alert"}, ["alert 1"]),
        ({"until": f"{NOW - timedelta(days=1):%Y-%m-%d}"}, ["alert 1"]),
        ({"since": f"{NOW:%Y-%m-%d}", "actor": "rik"}, ["patient 2", "POST /alerts/1/override"]),
    ],
)
def test_lines_are_found_by_patient_person_act_and_day(
    auditor: Client, asked: dict[str, str], found: list[str]
) -> None:
    shown = auditor.post("/access", data=form(auditor, purpose="yearly check", **asked))

    assert (shown.status_code, lines_shown(shown.text)) == (200, found)


def test_her_own_look_is_a_line_with_why_and_whom(auditor: Client, one_site: Site) -> None:
    auditor.post("/access", data=form(auditor, patient="1001", purpose="letter of the patient"))

    line = the_lines(one_site.engine)[-1]
    assert (line.actor, line.role, line.action, line.purpose) == (
        "aude",
        "auditor",
        "access_view",
        "letter of the patient",
    )
    assert line.patient_id is not None


def test_without_a_reason_nothing_is_found(auditor: Client) -> None:
    shown = auditor.post("/access", data=form(auditor, patient="1001", purpose=" "))

    assert (shown.status_code, lines_shown(shown.text)) == (422, [])
    assert "Give the reason for looking" in shown.text


def test_older_lines_follow(one_site: Site) -> None:
    one_site.add_user("aude", role="auditor")
    with one_site.client(rows_per_page=2) as client:
        sign_in(client, "aude")
        with one_site.engine.begin() as connection:
            for number in range(3):
                record(connection, Viewer("els", "viewer", ""), "view_alert", NOW, what=f"alert {number}")
        first = client.post("/access", data=form(client, actor="els", purpose="check")).text
        before = first.split('name="before" value="')[1].partition('"')[0]
        second = client.post("/access", data=form(client, actor="els", purpose="check", before=before)).text

    assert lines_shown(first) == ["alert 2", "alert 1"]
    assert lines_shown(second) == ["alert 0"]
