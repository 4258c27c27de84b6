"""The access log, read by a system of the auditor."""

from datetime import timedelta

import pytest

from inbox.fhir.access_lines import audit_event
from store import access_log
from store.access_log import REFUSED, AccessLine
from tests.inbox.builders import NOW, a_person, the_lines
from tests.inbox.fhir.conftest import Reader
from tests.inbox.sites import Site


def with_lines(site: Site) -> None:
    """Six lines: a sign-in, three looks at an alert, an act that was refused, and a list of a program for somebody."""
    with site.engine.begin() as connection:
        one, other = a_person(connection), a_person(connection, "1000002", "999900029")
        rows: tuple[tuple[str, str, int | None, str, dict[str, str]], ...] = (
            ("els", "sign_in", None, "", {}),
            ("els", "view_alert", one, "alert 1", {}),
            ("rik", "view_alert", other, "alert 2", {}),
            ("els", "acknowledge", one, "alert 1", {"outcome": REFUSED, "purpose": "ward round"}),
            ("board", "list_alerts", one, "alerts 1 2", {"on_behalf": "rik"}),
            ("els", "export_rules", None, "rules", {}),
        )
        lines = [
            AccessLine(
                at=NOW - timedelta(hours=6 - place),
                actor=actor,
                role="pharmacist",
                action=action,
                patient_id=patient,
                object=what,
                **more,
            )
            for place, (actor, action, patient, what, more) in enumerate(rows)
        ]
        access_log.write(connection, lines)


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ("", "654321"),
        ("_sort=date", "123456"),
        ("_id=2,4", "42"),
        ("patient=1", "542"),
        ("patient:identifier=ZKHA|1000002", "3"),
        ("agent=els", "6421"),
        ("agent=rik", "53"),
        ("agent:identifier=rik", "53"),
        ("altid=els", "6421"),
        ("entity=Patient/2", "3"),
        ("entity=2", "3"),
        ("entity:identifier=ZKHA|1000001", "542"),
        ("type=110114", "1"),
        ("type=http://dicom.nema.org/resources/ontology/DCM|110110", "432"),
        ("type=110112", "5"),
        ("type=110100", "6"),
        ("type:not=110110", "651"),
        ("type=http://elsewhere|110110", ""),
        ("subtype=view_alert", "32"),
        ("subtype=urn:ivigilant:action|view_alert,sign_in", "321"),
        ("subtype:not=view_alert", "6541"),
        ("action=R", "532"),
        ("action=E", "641"),
        ("action=http://hl7.org/fhir/audit-event-action|R", "532"),
        ("action:not=R", "641"),
        ("outcome=4", "4"),
        ("outcome:not=4", "65321"),
        ("outcome=8", ""),
        ("date=ge2026-11-21T09:00:00Z&date=lt2026-11-21T11:00:00Z", "43"),
        ("date=2026-11-21T13:05:00%2B01:00", "6"),
        ("date=ap2026-11-21", "654321"),
        ("date=sa2026-11-21", ""),
        ("patient=1&type=110112", "5"),
        ("patient=7", ""),
    ],
)
def test_a_search_finds_what_it_asks(auditor: Reader, site: Site, asked: str, found: str) -> None:
    with_lines(site)

    assert auditor.finds(f"AuditEvent?{asked}") == list(found)


def test_who_looked_at_one_alert_is_found_by_it(auditor: Reader, site: Site) -> None:
    alert = site.with_case()
    Reader(auditor.client, site.token("pharmacist", "els")).asks(f"DetectedIssue/{alert}")

    found = auditor.asks(f"AuditEvent?entity=DetectedIssue/{alert}").json()

    (event,) = [each["resource"] for each in found["entry"]]
    assert event["agent"][0]["altId"] == "els"
    assert event["entity"][0]["what"]["reference"] == "Patient/1"
    assert event["entity"][1]["what"]["reference"] == f"DetectedIssue/{alert}"


def test_an_event_is_that_of_the_export_with_references(one_auditor: Reader, one_site: Site) -> None:
    with_lines(one_site)
    line = the_lines(one_site.engine)[3]

    event = one_auditor.asks(f"AuditEvent/{line.id}").json()

    exported = audit_event(line, None, "IVIgilant")
    assert {name: event[name] for name in exported if name not in ("agent", "entity")} == {
        name: value for name, value in exported.items() if name not in ("agent", "entity")
    }
    assert (event["agent"][0]["altId"], event["agent"][0]["who"]["identifier"]["value"]) == ("els", "els")


def test_a_look_at_the_log_is_one_line_of_it_whatever_it_shows(one_auditor: Reader, one_site: Site) -> None:
    with_lines(one_site)

    one_auditor.asks("AuditEvent?type=110110")
    one_auditor.asks("AuditEvent?patient:identifier=ZKHA|1000001&action=R")
    one_auditor.asks("AuditEvent/3")

    lines = [(line.action, line.patient_id, line.object) for line in the_lines(one_site.engine)[6:]]
    assert lines == [
        ("access_view", None, "type=110110"),
        ("access_view", 1, "action=R"),
        ("access_view", 2, "line 3"),
    ]


def test_nobody_but_the_auditor_reads_the_log(one_reader: Reader, one_auditor: Reader, one_site: Site) -> None:
    with_lines(one_site)

    refused = one_reader.asks("AuditEvent")
    other = one_auditor.asks("DetectedIssue")

    assert (refused.status_code, other.status_code) == (403, 403)
    assert refused.json()["issue"][0]["code"] == "forbidden"
    assert [line.outcome for line in the_lines(one_site.engine)[6:]] == ["refused", "refused"]


@pytest.mark.parametrize("asked", ["patient=77", "entity=Patient/77", "entity=77"])
def test_who_looked_at_somebody_who_is_no_longer_stored_is_still_found(auditor: Reader, site: Site, asked: str) -> None:
    with site.engine.begin() as connection:
        line = AccessLine(at=NOW, actor="els", role="lead", action="view_patient", patient_id=77)
        access_log.write(connection, [line])

    found = auditor.asks(f"AuditEvent?{asked}").json()

    assert [each["resource"]["entity"][0]["what"]["display"] for each in found["entry"]] == [
        "patient 77, no longer stored"
    ]
    assert [line.patient_id for line in the_lines(site.engine)] == [77, None]
