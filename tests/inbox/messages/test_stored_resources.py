"""The page of a stored FHIR line: element by element, the source of a fact marked, numbers hidden."""

import msgspec
import pytest

from inbox.http.masking import masker
from inbox.http.settings import BSN_AUTHORITIES
from tests.inbox.sites import Client, Site
from tests.parsers.fhir.builders import a_bundle, a_condition, a_patient
from tests.store.builders import a_message

BSN = {"system": "http://fhir.nl/fhir/NamingSystem/bsn", "value": "999900018"}


@pytest.mark.parametrize(
    ("resource", "path"),
    [
        (a_condition(), "Condition.code.coding[0]"),
        (a_bundle(a_patient(), a_condition()), "Bundle.entry[1].resource.code.coding[0]"),
    ],
)
def test_a_resource_is_shown_with_the_source_of_a_fact_marked(
    one_page: Client, one_site: Site, resource: dict[str, object], path: str
) -> None:
    with one_site.engine.begin() as connection:
        message = a_message(connection, raw=msgspec.json.encode(resource), type="FHIR", event="Condition")

    shown = one_page.get(f"/messages/{message}", params={"path": path}).text

    assert shown.count('id="marked"') == 1
    marked = shown[shown.index('id="marked"') :][:400]
    assert "code.coding[0].code" in marked
    assert "128053003" in marked


@pytest.mark.parametrize("raw", [b"{", b'{"a":1', b"{}", b'{"resourceType":5}', b'{"a":' * 100_000])
def test_a_line_that_cannot_be_read_is_shown_as_it_came(one_page: Client, one_site: Site, raw: bytes) -> None:
    with one_site.engine.begin() as connection:
        message = a_message(connection, state="parked", reason="unreadable", raw=raw, type="FHIR")

    assert one_page.get(f"/messages/{message}?path=Condition.code").status_code == 200


def test_a_citizen_service_number_in_a_resource_is_masked_wherever_it_stands() -> None:
    raw = msgspec.json.encode(a_patient(identifier=[BSN, {"system": "urn:oid:9.9", "value": "100000123"}]))

    shown = masker(raw, BSN_AUTHORITIES)(raw.decode())

    assert "999900018" not in shown
    assert "100000123" in shown
