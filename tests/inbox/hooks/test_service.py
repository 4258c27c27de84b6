"""What a prescriber's system asks of an order before it is placed, and the cards it gets."""

from collections.abc import Iterator
from typing import Any

import pytest
import sqlalchemy as sa

from history.choices import Site
from inbox.alerts.act import OnAlert
from inbox.alerts.settling import REASONS, Acknowledgement
from inbox.hooks.service import SERVICES
from parsers.defaults import Defaults
from rules.knowledge import Knowledge
from tests.inbox.builders import the_lines
from tests.inbox.hooks.clients import ADDRESS, FEED, HookClient, a_request, hook_settings, hooked, searchset
from tests.inbox.sites import Site as Inbox
from tests.journeys.hospital import Hospital
from tests.parsers.builders import a_patient_message
from tests.parsers.fhir.builders import ATC, a_condition, a_dosage, a_patient, an_order, concept, quantity
from tests.parsers.medication.order_builders import ORC, rxe

Json = dict[str, Any]
SITE = Site(defaults={FEED: Defaults(authorities={"urn:oid:9.9": "ZKHA"})})
THROMBOSIS = a_patient_message("DG1|1||I80.2^DVT [been](http://x) <b>^I10|||F")
PLACED = ORC.replace("20250310120000", "20261122080000").replace("20250310091400", "20261121110000")
ORDER = a_patient_message(PLACED, rxe("32", "g"), kind="RDE^O11").replace(b"|C1|", b"|C2|")
JANSEN = a_patient(identifier=[{"system": "urn:oid:9.9", "value": "1000001", "type": concept(("x", "MR"))}])
DOSE = a_dosage(quantity(32, "g"), {"frequency": 1, "period": 1, "periodUnit": "d"})
NUMBER = {"system": "urn:oid:1.1", "value": "900001"}
DRAFT = an_order(DOSE, status="draft", identifier=[NUMBER])
PREFETCH = {"patient": JANSEN, "conditions": None}


@pytest.fixture
def hospital(sqlite_engine: sa.Engine, knowledge: Knowledge) -> Hospital:
    return Hospital(sqlite_engine, knowledge, SITE)


@pytest.fixture
def epd(hospital: Hospital) -> Iterator[HookClient]:
    with hooked(hospital) as client:
        yield client


def cards(epd: HookClient, hook: str = "order-sign", *drafts: Json, prefetch: Json | None = None) -> list[Json]:
    body = a_request(hook, *drafts, prefetch=PREFETCH if prefetch is None else prefetch)
    answer = epd.asks(f"ivig-{hook}", body)
    assert answer.status_code == 200, answer.text
    found: list[Json] = answer.json()["cards"]
    return found


def test_the_services_are_discovered(epd: HookClient) -> None:
    services = epd.discovers().json()["services"]

    assert {each["id"]: each["hook"] for each in services} == {
        f"ivig-{each.hook}": each.hook for each in SERVICES.values()
    }
    assert all(each["title"] and each["description"] for each in services)
    assert services[0]["prefetch"]["patient"] == "Patient/{{context.patientId}}"


def test_an_order_after_a_thrombosis_gets_a_card_as_the_standard_says(engine: sa.Engine, knowledge: Knowledge) -> None:
    hospital = Hospital(engine, knowledge, SITE)
    hospital.sends(THROMBOSIS)

    with hooked(hospital) as epd:
        (card,) = cards(epd, "order-sign", DRAFT)

    assert card["summary"].startswith("Contraindication: DVT")
    assert card["indicator"] == "critical"
    assert card["source"]["url"] == f"{ADDRESS}/rules/{card['source']['topic']['code']}"
    assert card["selectionBehavior"] == "at-most-one"
    assert [each["code"] for each in card["overrideReasons"]] == list(REASONS)
    assert all(each["display"] for each in card["overrideReasons"])
    assert "links" not in card
    assert "**To do now**\n\n1. " in card["detail"]


def test_nothing_is_stored_of_the_order_but_that_a_card_was_shown(hospital: Hospital, epd: HookClient) -> None:
    hospital.sends(THROMBOSIS)

    (card,) = cards(epd, "order-sign", DRAFT)

    assert hospital.rows("SELECT count(*) FROM medication_order")[0][0] == 0
    assert hospital.rows("SELECT count(*) FROM alert")[0][0] == 0
    (shown,) = hospital.rows("SELECT uuid, client, service, shown_to, patient_id, order_number, tier FROM card")
    assert tuple(shown) == (
        card["uuid"],
        "EPD",
        "ivig-order-sign",
        "Practitioner/COREPRACTITIONER1",
        1,
        "900001",
        "contraindication",
    )


def test_who_looked_at_whom_is_recorded(hospital: Hospital, epd: HookClient) -> None:
    hospital.sends(THROMBOSIS)

    cards(epd, "order-sign", DRAFT)

    (line,) = the_lines(hospital.engine)
    assert (line.actor, line.role, line.action, line.patient_id, line.on_behalf) == (
        "EPD",
        "cds-client",
        "judge_draft",
        1,
        "Practitioner/COREPRACTITIONER1",
    )


def test_a_patient_who_is_unknown_here_is_recorded_by_the_id_at_the_client(hospital: Hospital, epd: HookClient) -> None:
    cards(epd, "order-sign", DRAFT)

    (line,) = the_lines(hospital.engine)
    assert line.patient_id is None
    assert line.object.endswith(" Patient/p1")


def test_a_summary_is_short(hospital: Hospital, epd: HookClient) -> None:
    hospital.sends(THROMBOSIS.replace(b"DVT [been]", b"DVT [been]" + b" zeer lange tekst" * 20))

    (card,) = cards(epd, "order-sign", DRAFT)

    assert len(card["summary"]) == 139
    assert card["summary"].endswith("…")


def test_what_a_sender_wrote_is_no_markup(hospital: Hospital, epd: HookClient) -> None:
    hospital.sends(THROMBOSIS)

    (card,) = cards(epd, "order-sign", DRAFT)

    assert "DVT \\[been\\](http://x) \\<b\\>" in card["detail"]
    assert "<b>" not in card["detail"]


def test_the_card_is_in_the_language_that_is_asked_for_else_in_the_hospitals(
    hospital: Hospital, epd: HookClient
) -> None:
    hospital.sends(THROMBOSIS)
    body = a_request("order-sign", DRAFT, prefetch=PREFETCH)

    dutch = epd.asks("ivig-order-sign", body, language="fr").json()["cards"][0]

    assert dutch["summary"].startswith("Contra-indicatie: DVT")
    assert "**Nu doen**" in dutch["detail"]


def test_what_was_sent_along_counts_where_the_store_knows_nothing(epd: HookClient) -> None:
    with_history = PREFETCH | {"conditions": searchset(a_condition())}

    assert [card["indicator"] for card in cards(epd, "order-sign", DRAFT, prefetch=with_history)] == ["critical"]


def test_an_order_that_is_still_being_filled_in_gets_no_card_for_what_is_missing(epd: HookClient) -> None:
    bare = an_order(status="draft")

    assert [card["indicator"] for card in cards(epd, "order-sign", bare)] == ["info"]
    assert cards(epd, "order-select", bare) == []


def test_only_what_was_selected_gets_a_card(hospital: Hospital, epd: HookClient) -> None:
    hospital.sends(THROMBOSIS)
    other = an_order(DOSE, id="m2", status="draft")

    found = epd.asks(
        "ivig-order-select",
        a_request("order-select", DRAFT, other, prefetch=PREFETCH, selections=["MedicationRequest/m2"]),
    ).json()["cards"]

    assert len(found) == 1
    assert len(cards(epd, "order-sign", DRAFT, other)) == 2


def test_drafts_without_an_id_are_told_apart(hospital: Hospital, epd: HookClient) -> None:
    hospital.sends(THROMBOSIS)
    nameless = {name: value for name, value in DRAFT.items() if name not in ("id", "identifier")}

    assert len(cards(epd, "order-sign", nameless, nameless)) == 2


@pytest.mark.parametrize("status", ["cancelled", "completed", "entered-in-error", "stopped"])
def test_an_order_that_is_taken_back_gets_no_card(hospital: Hospital, epd: HookClient, status: str) -> None:
    hospital.sends(THROMBOSIS)

    assert cards(epd, "order-sign", DRAFT | {"status": status}) == []


@pytest.mark.parametrize("status", ["cancelled", "completed", "entered-in-error", "stopped"])
@pytest.mark.parametrize(
    "shared", [{"identifier": [NUMBER]}, {"priorPrescription": {"reference": "MedicationRequest/m2"}}]
)
def test_an_order_that_is_taken_back_silences_no_other(
    hospital: Hospital, epd: HookClient, status: str, shared: Json
) -> None:
    hospital.sends(THROMBOSIS)
    taken_back = an_order(DOSE, status=status) | shared
    live = an_order(DOSE, id="m2", status="draft", identifier=[NUMBER])

    assert len(cards(epd, "order-sign", live, taken_back)) == 1
    assert len(cards(epd, "order-sign", taken_back, live)) == 1


def test_an_entry_of_the_drafts_without_an_order_is_refused(epd: HookClient) -> None:
    body = a_request("order-sign", DRAFT, prefetch=PREFETCH)
    body["context"]["draftOrders"]["entry"] = [{"fullUrl": "urn:uuid:6f1c"}]

    assert refused(epd, body) == (400, "context.draftOrders.entry[0].resource: should be a resource")


def test_a_draft_may_point_to_its_medication_by_the_address_of_the_entry(hospital: Hospital, epd: HookClient) -> None:
    hospital.sends(THROMBOSIS)
    body = a_request("order-sign", prefetch=PREFETCH)
    draft = without(DRAFT, "medicationCodeableConcept") | {"medicationReference": {"reference": "urn:uuid:6f1c"}}
    medication = {"resourceType": "Medication", "id": "x1", "code": DRAFT["medicationCodeableConcept"]}
    body["context"]["draftOrders"]["entry"] = [
        {"fullUrl": "urn:uuid:6f1c", "resource": medication},
        {"fullUrl": "urn:uuid:6f1d", "resource": draft},
    ]

    answer = epd.asks("ivig-order-sign", body)

    assert [card["indicator"] for card in answer.json()["cards"]] == ["critical"]


def test_what_a_search_adds_about_itself_is_passed_over(epd: HookClient) -> None:
    found = searchset({"resourceType": "OperationOutcome", "issue": []}, a_condition())
    found["entry"].append({"fullUrl": "https://epd.example/fhir/Condition/9", "search": {"mode": "include"}})

    assert len(cards(epd, "order-sign", DRAFT, prefetch=PREFETCH | {"conditions": found})) == 1


def test_other_orders_get_no_card(epd: HookClient) -> None:
    paracetamol = an_order(status="draft", medicationCodeableConcept=concept((ATC, "N02BE01"), text="paracetamol"))
    diet = {"resourceType": "NutritionOrder", "id": "n1", "status": "draft", "patient": {"reference": "Patient/p1"}}

    assert cards(epd, "order-sign", paracetamol, diet) == []


def test_who_opens_a_chart_sees_what_nobody_settled(hospital: Hospital, epd: HookClient) -> None:
    hospital.sends(THROMBOSIS, ORDER)
    alert = hospital.alerts()[0]["id"]

    (card,) = cards(epd, "patient-view")
    hospital.does(OnAlert(alert, Acknowledgement(done_as="no_action_needed")))
    settled = cards(epd, "patient-view")

    assert card["links"] == [
        {"label": "Open the alert in the inbox", "url": f"{ADDRESS}/alerts/{alert}", "type": "absolute"}
    ]
    assert settled == []


def refused(epd: HookClient, body: Any, service: str = "ivig-order-sign") -> tuple[int, str]:
    answer = epd.asks(service, body)
    assert answer.headers["content-type"].startswith("application/problem+json")
    return answer.status_code, answer.json()["detail"]


def without(body: Json, *path: str) -> Json:
    """The same, without a part of it."""
    first, *rest = path
    return {
        name: without(value, *rest) if name == first else value for name, value in body.items() if name != first or rest
    }


ASKED = a_request("order-sign", DRAFT, prefetch=PREFETCH)
OF_ANOTHER = {"reference": "Patient/p2"}


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"{", "body: it cannot be read as JSON"),
        (b"[]", "body: Expected `object`, got `array`"),
        (without(ASKED, "hook"), "body: Object missing required field `hook`"),
        (without(ASKED, "hookInstance"), "body: Object missing required field `hookInstance`"),
        (without(ASKED, "context"), "body: Object missing required field `context`"),
        (ASKED | {"hook": "patient-view"}, "hook: ivig-order-sign answers order-sign"),
        (without(ASKED, "context", "patientId"), "context.patientId: is needed"),
        (without(ASKED, "context", "userId"), "context.userId: is needed"),
        (without(ASKED, "context", "draftOrders"), "context.draftOrders: should be a Bundle"),
        (
            a_request("order-sign", DRAFT | {"subject": OF_ANOTHER}, prefetch=PREFETCH),
            "context.draftOrders.entry[0].resource.subject: is not the patient of context.patientId",
        ),
        (
            a_request(
                "order-sign", DRAFT, prefetch=PREFETCH | {"conditions": searchset(a_condition(subject=OF_ANOTHER))}
            ),
            "prefetch.conditions.entry[0].resource.subject: is not the patient of context.patientId",
        ),
        (
            a_request("order-sign", DRAFT, prefetch={"patient": JANSEN | {"id": "p2"}}),
            "prefetch.patient.id: is not the patient of context.patientId",
        ),
        (a_request("order-sign", DRAFT, prefetch={"patient": {}}), "prefetch.patient: should be a resource"),
        (
            a_request("order-sign", DRAFT, prefetch={"conditions": {"resourceType": "Bundle", "entry": [{}]}}),
            "prefetch.conditions.entry[0].resource: should be a resource",
        ),
    ],
)
def test_what_cannot_be_judged_is_refused_with_what_and_where(epd: HookClient, body: Any, said: str) -> None:
    assert refused(epd, body) == (400, said)


def number_of(value: str) -> Json:
    return {"identifier": {"system": "urn:oid:9.9", "value": value}}


def inside(value: str) -> Json:
    """A condition whose patient is contained in it."""
    patient = {"resourceType": "Patient", "id": "x", "identifier": [number_of(value)["identifier"]]}
    return a_condition(subject={"reference": "#x"}, contained=[patient])


@pytest.mark.parametrize("of_another", [a_condition(subject=number_of("1000002")), inside("1000002")])
def test_a_condition_that_names_another_patient_by_number_is_refused(epd: HookClient, of_another: Json) -> None:
    body = a_request("order-sign", DRAFT, prefetch=PREFETCH | {"conditions": searchset(of_another)})

    assert refused(epd, body) == (
        400,
        "prefetch.conditions.entry[0].resource.subject: is not the patient of context.patientId",
    )


@pytest.mark.parametrize("own", [a_condition(subject=number_of("1000001")), inside("1000001")])
def test_a_condition_that_names_the_patient_by_number_counts(epd: HookClient, own: Json) -> None:
    found = cards(epd, "order-sign", DRAFT, prefetch=PREFETCH | {"conditions": searchset(own)})

    assert [card["indicator"] for card in found] == ["critical"]


def about(reference: str, server: str | None = "https://epd.example/fhir") -> Json:
    """A request with a thrombosis of whoever this reference points to."""
    condition = a_condition(subject={"reference": reference})
    body = a_request("order-sign", DRAFT, prefetch=PREFETCH | {"conditions": searchset(condition)})
    return body | {"fhirServer": server} if server else without(body, "fhirServer")


@pytest.mark.parametrize(
    "body",
    [
        about("https://other.example/fhir/Patient/p1"),
        about("https://other.example/fhir/Patient/p1/_history/2"),
        about("https://epd.example/fhir/other/Patient/p1"),
        about("https://epd.example/fhir/p1"),
        about("https://epd.example/fhir/Patient/p1", server=None),  # nobody says whose address it is
    ],
)
def test_the_same_id_at_another_server_is_another_patient(epd: HookClient, body: Json) -> None:
    assert refused(epd, body) == (
        400,
        "prefetch.conditions.entry[0].resource.subject: is not the patient of context.patientId",
    )


@pytest.mark.parametrize(
    "body",
    [
        about("https://epd.example/fhir/Patient/p1"),
        about("http://EPD.example/fhir/Patient/p1/_history/2", server="https://epd.example/fhir/"),
        about("Patient/p1", server=None),
    ],
)
def test_a_reference_to_the_patient_at_the_clients_server_counts(epd: HookClient, body: Json) -> None:
    found = epd.asks("ivig-order-sign", body).json()["cards"]

    assert [card["indicator"] for card in found] == ["critical"]


def test_selections_are_needed_where_the_standard_asks_for_them(epd: HookClient) -> None:
    body = without(a_request("order-select", DRAFT, prefetch=PREFETCH), "context", "selections")

    assert refused(epd, body, "ivig-order-select") == (
        400,
        "context.selections: should be a list of references to draftOrders",
    )


def test_what_is_missing_and_cannot_be_missed_is_asked_for(epd: HookClient) -> None:
    elsewhere = without(DRAFT, "medicationCodeableConcept") | {"medicationReference": {"reference": "Medication/9"}}

    assert refused(epd, a_request("order-sign", DRAFT)) == (
        412,
        "prefetch.patient is needed: this patient is not known here",
    )
    assert refused(epd, a_request("order-sign", elsewhere, prefetch=PREFETCH)) == (
        412,
        "context.draftOrders.entry[0].resource.medicationReference: "
        "the Medication is needed, in draftOrders or contained",
    )


def test_a_token_opens_the_door_once(hospital: Hospital, epd: HookClient) -> None:
    token = epd.token("/ivig-order-sign")

    first, again = (epd.asks("ivig-order-sign", ASKED, token=token).status_code for _ in range(2))

    assert (first, again) == (200, 401)
    assert hospital.rows("SELECT count(*) FROM spent_token")[0][0] == 1


@pytest.mark.parametrize(("body", "first"), [(b"{", 400), (a_request("order-sign", DRAFT), 412)])
def test_a_request_that_is_refused_uses_its_token_up(epd: HookClient, body: Any, first: int) -> None:
    token = epd.token("/ivig-order-sign")

    assert [epd.asks("ivig-order-sign", body, token=token).status_code for _ in range(2)] == [first, 401]


@pytest.mark.parametrize(
    ("body", "what", "user"),
    [
        (b"{", "ivig-order-sign: body: it cannot be read as JSON", ""),
        (
            about("https://other.example/fhir/Patient/p1"),
            "ivig-order-sign d1577c69-dfbe-44ad-ba6d-3e05e953b2ea Patient/p1: "
            "prefetch.conditions.entry[0].resource.subject: is not the patient of context.patientId",
            "Practitioner/COREPRACTITIONER1",
        ),
        (
            a_request("order-sign", DRAFT),
            "ivig-order-sign d1577c69-dfbe-44ad-ba6d-3e05e953b2ea Patient/p1: "
            "prefetch.patient is needed: this patient is not known here",
            "Practitioner/COREPRACTITIONER1",
        ),
    ],
)
def test_who_asked_in_vain_is_recorded(hospital: Hospital, epd: HookClient, body: Any, what: str, user: str) -> None:
    refused(epd, body)

    (line,) = the_lines(hospital.engine)
    assert (line.actor, line.action, line.outcome) == ("EPD", "judge_draft", "refused")
    assert (line.object, line.on_behalf) == (what, user)


def test_what_no_database_keeps_is_left_out_of_the_record(engine: sa.Engine, knowledge: Knowledge) -> None:
    hospital = Hospital(engine, knowledge, SITE)
    body = a_request("order-sign", DRAFT, prefetch=PREFETCH, userId="Practitioner/\0 7") | {"hookInstance": "a\0b"}

    with hooked(hospital) as epd:
        assert epd.asks("ivig-order-sign", body).status_code == 200

    (line,) = the_lines(engine)
    assert (line.object, line.on_behalf) == ("ivig-order-sign ab Patient/p1", "Practitioner/ 7")


def test_a_token_is_forgotten_when_it_could_not_be_used_any_more(hospital: Hospital, epd: HookClient) -> None:
    epd.discovers()
    hospital.clock.passes(minutes=7)

    with hooked(hospital) as later:
        later.discovers()

    assert hospital.rows("SELECT count(*) FROM spent_token")[0][0] == 1


@pytest.mark.parametrize("path", ["", "/ivig-order-sign"])
def test_nobody_is_answered_without_a_token_of_a_client(epd: HookClient, path: str) -> None:
    asked = {"Authorization": "Bearer nothing"}

    answers = [epd.http.get("/cds-services"), epd.http.get("/cds-services", headers=asked)]
    if path:
        answers = [epd.http.post(f"/cds-services{path}", headers=headers, json=ASKED) for headers in ({}, asked)]

    assert [answer.status_code for answer in answers] == [401, 401]
    assert all(answer.headers["www-authenticate"] == "Bearer" for answer in answers)


def test_a_token_for_one_service_opens_no_other(epd: HookClient) -> None:
    answer = epd.asks("ivig-order-sign", ASKED, token=epd.token("/ivig-order-select"))

    assert (answer.status_code, answer.json()["detail"]) == (401, "the audience is not this address")


def test_a_service_that_does_not_exist_is_not_found(epd: HookClient) -> None:
    assert epd.asks("ivig-other", ASKED).status_code == 404


def test_without_a_client_in_the_site_file_there_is_nothing(one_site: Inbox) -> None:
    with one_site.client() as client, one_site.client(hooks=hook_settings()) as unjudged:
        answers = [each.get("/cds-services") for each in (client, unjudged)]
        answers += [each.post("/cds-services/ivig-order-sign", json=ASKED) for each in (client, unjudged)]

    assert {answer.status_code for answer in answers} == {404}
