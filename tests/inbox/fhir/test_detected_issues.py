"""Alerts read as DetectedIssue."""

from datetime import timedelta

import pytest

from forwarding.detected_issue import system_of
from forwarding.notice import Notice
from tests.forwarding.builders import a_notice
from tests.forwarding.fhir_server import FhirStore
from tests.forwarding.receivers import open_receiver
from tests.inbox.builders import NOW, a_case, a_conclusion, a_finding, a_person, an_event, the_lines
from tests.inbox.fhir.conftest import Reader, ids_in, with_three
from tests.inbox.sites import Site

BASE = "http://testserver.local"


def test_an_alert_is_an_issue_with_its_order_and_what_it_was_found_from(reader: Reader, site: Site) -> None:
    alert = site.with_case()

    issue = reader.asks(f"DetectedIssue/{alert}").json()

    assert (issue["status"], issue["severity"], issue["code"]["text"]) == ("preliminary", "high", "Contraindication")
    assert issue["identifier"] == [{"system": f"{BASE}/alerts", "value": str(alert)}]
    assert issue["patient"]["identifier"] == {"value": "1000001", "assigner": {"display": "ZKHA"}}
    (implicated,) = issue["implicated"]
    assert (implicated["reference"], implicated["identifier"]["value"]) == ("#order", "900001")
    assert [code["code"] for code in issue["code"]["coding"]] == ["contraindication", "COND"]
    (order,) = issue["contained"]
    assert (order["status"], order["medicationCodeableConcept"]["text"]) == ("active", "Privigen 100 mg/ml")
    (evidence,) = issue["evidence"]
    assert [code["coding"][0]["code"] for code in evidence["code"]] == ["IG-VTE-001", "I80.2"]
    assert evidence["code"][1]["coding"][0]["system"] == "http://hl7.org/fhir/sid/icd-10"
    assert evidence["detail"][0]["display"] == "EPD2600022 PRB[1]-3"


def test_what_is_read_here_is_what_is_posted_to_a_server(one_reader: Reader, one_site: Site) -> None:
    alert = one_site.with_case()
    notice: Notice = a_notice(alert=str(alert), link=f"{BASE}/alerts/{alert}", language="en")
    with open_receiver(FhirStore()) as server:
        server.destination().forward(notice)
        (posted,) = server.of("DetectedIssue")

    read = one_reader.asks(f"DetectedIssue/{alert}").json()

    same = ("resourceType", "identifier", "status", "severity", "code", "reference")
    assert {name: read[name] for name in same} == {name: posted[name] for name in same}
    assert read["extension"][0]["url"] == posted["extension"][0]["url"] == f"{system_of(notice.link)}#sequence"


@pytest.mark.parametrize(("language", "severity"), [("nl", "Contra-indicatie"), ("en", "Contraindication")])
def test_an_issue_speaks_the_language_that_is_asked(
    one_reader: Reader, one_site: Site, language: str, severity: str
) -> None:
    alert = one_site.with_case()

    issue = one_reader.asks(f"DetectedIssue/{alert}", headers={"Accept-Language": language}).json()

    assert (issue["language"], issue["code"]["text"]) == (language, severity)


def test_what_was_done_is_its_mitigation(one_reader: Reader, one_site: Site) -> None:
    alert = one_site.with_case(status="overridden")
    with one_site.engine.begin() as connection:
        an_event(connection, alert, kind="taken_on", actor="els")
        an_event(connection, alert, kind="overridden", actor="els", reason="will_monitor", note="Called the ward")

    issue = one_reader.asks(f"DetectedIssue/{alert}").json()

    taken_on, overridden = issue["mitigation"]
    assert issue["status"] == "final"
    assert taken_on["action"]["coding"][0]["code"] == "taken_on"
    assert overridden["action"]["coding"][1] == {"system": "urn:ivigilant:override-reason", "code": "will_monitor"}
    assert overridden["action"]["text"] == "Goes ahead, with reason: the patient will be monitored"
    assert overridden["author"]["identifier"]["value"] == "els"


def test_what_was_taken_back_or_came_before_it_reopened_is_no_mitigation(one_reader: Reader, one_site: Site) -> None:
    alert = one_site.with_case()
    with one_site.engine.begin() as connection:
        an_event(connection, alert, kind="acknowledged", actor="els", reason="order_stopped")
        an_event(connection, alert, kind="reopened", data={"why": "by_hand"})
        act = an_event(connection, alert, kind="taken_on", actor="rik")
        an_event(connection, alert, kind="undone", actor="rik", data={"event": act, "what": "taken_on"})

    issue = one_reader.asks(f"DetectedIssue/{alert}").json()

    assert "mitigation" not in issue


def test_a_client_that_has_this_version_already_gets_nothing_more(reader: Reader, site: Site) -> None:
    alert = site.with_case()
    first = reader.asks(f"DetectedIssue/{alert}")
    tag = first.headers["etag"]

    same = reader.asks(f"DetectedIssue/{alert}", headers={"If-None-Match": f'W/"other", {tag}'})
    with site.engine.begin() as connection:
        an_event(connection, alert, kind="acknowledged", actor="els")
    later = reader.asks(f"DetectedIssue/{alert}", headers={"If-None-Match": tag})

    assert first.headers["last-modified"] == "Sat, 21 Nov 2026 13:05:00 GMT"
    assert tag == f'W/"{first.json()["meta"]["versionId"]}"'
    assert (same.status_code, same.content, same.headers["etag"]) == (304, b"", tag)
    assert later.status_code == 200
    assert later.headers["etag"] != tag


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ("", "321"),
        ("status=preliminary", "21"),
        ("status=http://hl7.org/fhir/observation-status|final", "3"),
        ("status=|final", "3"),
        ("status=http://elsewhere|final", ""),
        ("status=cancelled", ""),
        ("status:not=final", "21"),
        ("status=preliminary,final", "321"),
        ("status=preliminary&status=final", ""),
        ("severity=high", "21"),
        ("severity=moderate", "3"),
        ("severity:not=high", "3"),
        ("code=high", "2"),
        (f"code={BASE}/alerts%23tier|contraindication", "1"),
        (f"code={BASE}/alerts%23tier|", "321"),
        ("code=nothing", ""),
        ("code=http://terminology.hl7.org/CodeSystem/v3-ActCode|COND", "321"),
        ("code=http://terminology.hl7.org/CodeSystem/v3-ActCode|", "321"),
        ("code=|COND", ""),
        ("code:not=COND", ""),
        ("code=&severity=moderate", "3"),
        ("status=&identified=&_count=", "321"),
        ("author=Device/ivigilant", "321"),
        ("author=Device/other", ""),
        ("implicated:identifier=EPD|900001", "2"),
        ("implicated:identifier=900001,900002", "32"),
        ("implicated:identifier=APO|F77", "321"),
        ("implicated:identifier=LAB|900001", ""),
        ("implicated=MedicationRequest/1", ""),
        ("identifier=2", "2"),
        (f"identifier={BASE}/alerts|2", "2"),
        ("identifier=http://elsewhere|2", ""),
        ("_id=1,3", "31"),
        ("_id=nothing", ""),
        ("patient=1", "21"),
        ("patient=Patient/2", "3"),
        ("patient:Patient=2", "3"),
        (f"patient={BASE}/fhir/Patient/2", "3"),
        ("patient=Patient/1,Patient/2", "321"),
        ("patient=99", ""),
        ("patient:identifier=ZKHA|1000002", "3"),
        ("patient.identifier=1000002", "3"),
        ("patient:identifier=ZKHB|1000002", ""),
        ("identified=2026-11-21", "321"),
        ("identified=2026", "321"),
        ("identified=lt2026-11", ""),
        ("identified=ge2026-11-21T12:05:00%2B01:00&identified=lt2026-11-21T12:06:00Z", "32"),
        ("identified=gt2026-11-21T12:05", "3"),
        ("identified=2026-11-21T12:05", "2"),
        ("_lastUpdated=ge2026-11-21T11:05:00Z", "32"),
        ("_sort=identified", "123"),
        ("_sort=-_lastUpdated", "321"),
        ("_sort=_id", "123"),
        ("_count=1", "3"),
        ("nonsense=7", "321"),
        ("_include=DetectedIssue:patient", "321"),
        ("_elements=status", "321"),
    ],
)
def test_a_search_finds_what_it_asks(reader: Reader, site: Site, asked: str, found: str) -> None:
    assert with_three(site) == [1, 2, 3]

    assert reader.finds(f"DetectedIssue?{asked}") == list(found)


@pytest.mark.parametrize(
    "number", ["http://fhir.nl/fhir/NamingSystem/bsn|999900029", "NLMINBIZA|999900029", "999900029", "1,999900029"]
)
@pytest.mark.parametrize("name", ["patient:identifier", "patient.identifier"])
def test_a_citizen_service_number_is_looked_for_by_form_and_refused_in_an_address(
    one_reader: Reader, one_site: Site, name: str, number: str
) -> None:
    with_three(one_site)

    by_form = one_reader.asks("DetectedIssue/_search", "POST", data={name: number})
    in_address = [
        one_reader.asks("DetectedIssue", params={name: number}),
        one_reader.asks("DetectedIssue/_search", "POST", params={name: number}),
    ]

    assert ids_in(by_form.json()) == ["3"]
    assert [answer.status_code for answer in in_address] == [400, 400]
    assert "999900029" not in "".join(answer.text for answer in in_address)


def test_pages_follow_each_other_whatever_is_raised_meanwhile(reader: Reader, site: Site) -> None:
    with_three(site)
    link, seen, totals = "DetectedIssue?_count=1", [], []
    while link:
        page = reader.asks(link).json()
        seen += ids_in(page)
        totals.append(page["total"])
        link = next((each["url"] for each in page["link"] if each["relation"] == "next"), "")
        link = link.removeprefix(f"{BASE}/fhir/")
        with site.engine.begin() as connection:
            a_case(connection, patient=1, number=f"91{len(seen)}", opened_at=NOW + timedelta(hours=1))

    assert seen == ["3", "2", "1"]
    assert totals == [3, 4, 5]


def test_a_link_holds_no_number_of_a_patient_that_came_by_form(one_reader: Reader, one_site: Site) -> None:
    with_three(one_site)
    form = {"patient:identifier": "ZKHA|1000001", "_count": "1"}

    page = one_reader.asks("DetectedIssue/_search", "POST", data=form).json()
    nobody = one_reader.asks("DetectedIssue/_search", "POST", data={"patient:identifier": "ZKHA|1000009"}).json()

    links = {each["relation"]: each["url"].removeprefix(f"{BASE}/fhir/") for each in page["link"]}
    assert "1000001" not in "".join(links.values())
    assert one_reader.finds(links["next"]) == ["1"]
    assert one_reader.finds(links["self"]) == ["2"]
    assert "1000009" not in nobody["link"][0]["url"]
    assert one_reader.finds(nobody["link"][0]["url"].removeprefix(f"{BASE}/fhir/")) == []


def test_the_number_alone_can_be_asked(one_reader: Reader, one_site: Site) -> None:
    with_three(one_site)

    answers = [one_reader.asks(f"DetectedIssue?severity=high&{each}").json() for each in ("_summary=count", "_count=0")]

    assert [(each["total"], "entry" in each) for each in answers] == [(2, False), (2, False)]


def test_what_each_alert_came_from_comes_along(one_reader: Reader, one_site: Site) -> None:
    with_three(one_site)

    page = one_reader.asks("DetectedIssue?patient=2&_revinclude=Provenance:target").json()

    assert (ids_in(page), ids_in(page, "include"), page["total"]) == (["3"], ["3"], 1)
    assert page["entry"][1]["resource"]["target"][0]["reference"] == "DetectedIssue/3"


def test_a_patient_known_by_a_citizen_number_alone_is_named_by_its_last_digits(
    one_reader: Reader, one_site: Site
) -> None:
    with one_site.engine.begin() as connection:
        alert = a_case(connection, patient=a_person(connection, "999900018"))
        connection.exec_driver_sql("UPDATE patient SET authority = 'NLMINBIZA'")

    answer = one_reader.asks(f"DetectedIssue/{alert}")

    assert "999900018" not in answer.text
    rendered = answer.json()["patient"]["identifier"]["_value"]["extension"][0]["valueString"]
    assert rendered == "••••••018"


def test_an_answer_of_an_older_release_is_an_issue_too(one_reader: Reader, one_site: Site) -> None:
    bare = a_conclusion(text={}, findings=[a_finding(facts=[], title={})], patient={}, trace=[])
    bare["order"] = {"filler": "", "state": ""}
    alert = one_site.with_case(told=bare)

    answer = one_reader.asks(f"DetectedIssue/{alert}")

    assert answer.status_code == 200
    assert answer.json()["contained"][0]["status"] == "unknown"


def test_each_read_and_search_is_recorded_with_its_patients(reader: Reader, site: Site) -> None:
    with_three(site)
    asked = ("DetectedIssue/3", "DetectedIssue?patient=1", "DetectedIssue?patient=1&status=final&_summary=count")

    for each in asked:
        reader.asks(each)

    lines = [(line.action, line.patient_id, line.object) for line in the_lines(site.engine)]
    assert lines == [("view_alert", 2, "alert 3"), ("list_alerts", 1, "alerts 1 2"), ("list_alerts", 1, "alerts")]
