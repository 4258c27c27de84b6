"""Where an alert comes from, and who did what with it."""

import pytest

from tests.inbox.builders import an_event, the_lines
from tests.inbox.fhir.conftest import Reader, with_three
from tests.inbox.sites import Site


def test_what_the_rules_concluded_names_their_version_and_the_fields(reader: Reader, site: Site) -> None:
    alert = site.with_case()

    origin = reader.asks("Provenance/1").json()

    assert origin["target"] == [{"reference": f"DetectedIssue/{alert}", "type": "DetectedIssue"}]
    assert origin["contained"][0]["version"] == [{"type": {"text": "rules"}, "value": "2026.1"}]
    assert [agent["who"]["reference"] for agent in origin["agent"]] == ["#rules", "Device/ivigilant"]
    sources = [
        (each["what"]["identifier"]["value"], each["what"]["extension"][0]["valueString"]) for each in origin["entity"]
    ]
    assert sources == [("EPD2600021", "RXO[1]-1"), ("EPD2600022", "PRB[1]-3")]


def test_what_a_person_did_names_who_and_why(one_reader: Reader, one_site: Site) -> None:
    alert = one_site.with_case()
    with one_site.engine.begin() as connection:
        act = an_event(connection, alert, kind="overridden", actor="els", reason="will_monitor")

    origin = one_reader.asks(f"Provenance/{act}").json()

    assert origin["agent"][0]["who"]["reference"] == "Practitioner/els"
    assert origin["agent"][0]["who"]["identifier"] == {"system": "urn:ivigilant:account", "value": "els"}
    assert origin["reason"][0]["coding"][0]["code"] == "will_monitor"
    assert [each["code"] for each in origin["activity"]["coding"]] == ["UPDATE", "overridden"]
    assert "entity" not in origin


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ("", "4321"),
        ("target=DetectedIssue/1", "41"),
        ("target=1,3", "431"),
        ("target:DetectedIssue=2", "2"),
        ("patient=Patient/1", "421"),
        ("patient:identifier=ZKHA|1000002", "3"),
        ("agent=els", "4"),
        ("agent=Practitioner/els", "4"),
        ("agent:identifier=urn:ivigilant:account|els", "4"),
        ("agent=system", "321"),
        ("agent=Device/ivigilant", "321"),
        ("agent:Device=ivigilant", "321"),
        ("agent=Device/other", ""),
        ("agent:identifier=http://elsewhere|els", ""),
        ("recorded=2026-11-21", "4321"),
        ("recorded=ne2026-11-21", ""),
        ("_sort=recorded", "1234"),
        ("_id=2", "2"),
    ],
)
def test_a_search_finds_what_it_asks(reader: Reader, site: Site, asked: str, found: str) -> None:
    with_three(site)
    with site.engine.begin() as connection:
        an_event(connection, 1, kind="acknowledged", actor="els")

    assert reader.finds(f"Provenance?{asked}") == list(found)


def test_a_look_is_recorded_with_the_patient(one_reader: Reader, one_site: Site) -> None:
    with_three(one_site)

    one_reader.asks("Provenance/3")
    one_reader.asks("Provenance?target=DetectedIssue/3")

    lines = [(line.action, line.patient_id, line.object) for line in the_lines(one_site.engine)]
    assert lines == [("view_provenance", 2, "provenance 3"), ("list_provenances", 2, "provenances 3")]
