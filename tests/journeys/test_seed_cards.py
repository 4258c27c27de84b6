"""The seed cases before the order is placed: history from HL7, the order a draft in FHIR, and a card that says it."""

from typing import Any

import pytest
import sqlalchemy as sa

from history.choices import Site
from parsers.defaults import Defaults
from rules.knowledge import Knowledge
from synthetic.medicines import Drug
from tests.inbox.hooks.clients import FEED, a_request, hooked
from tests.journeys.hospital import Hospital
from tests.journeys.pharmacist import pharmacist_of
from tests.journeys.vignettes import Telling, Vignette, drug_of, read_vignettes
from tests.parsers.fhir.builders import ATC, LOINC, a_dosage, a_patient, an_observation, an_order, concept, quantity
from tests.rules import vignettes as cases

Json = dict[str, Any]
SITE = Site(defaults={FEED: Defaults(authorities={"urn:oid:9.9": "ZKHA"})})
INDICATORS = {"CONTRAINDICATION": "critical", "HIGH": "warning"}


def is_seed(vignette: Vignette) -> bool:
    """Whether it really happened, or must stay silent; and asks about a new order, in terms that a draft can say."""
    order = vignette.told.get("order", {})
    is_plain = bool(order) and not {"then", "same_course_already_alerted"} & order.keys()
    return is_plain and ("really happened" in vignette.told["origin"] or vignette.expected.tier == "NONE")


def draft_of(told: Json, now: str) -> Json:
    """The order of the case as the prescriber's system drafts it."""
    order, drug = told["order"], drug_of(told["order"])
    dose = next((quantity(order[key], unit) for key, unit in cases.BASIS.items() if key in order), None)
    days = order.get("days", 1)
    gap = 1 if order.get("consecutive_days", days) > 1 or days == 1 else 5
    repeat = {"boundsPeriod": {"start": now}, "frequency": 1, "period": gap, "periodUnit": "d", "count": days}
    dosage = a_dosage(None, repeat, route=concept(text=order["route"]) if order["route"] else {})
    given: Json = {"doseQuantity": dose} if dose else {}
    if not order.get("no_rate"):
        given |= _rate(order)
    reasons = [concept((ICD, code)) for code in [cases.BRANDS.get(order.get("brand", ""), ("", ""))[1]] if code]
    return an_order(
        dosage | {"doseAndRate": [given]},
        status="draft",
        medicationCodeableConcept=_named(drug),
        authoredOn=now,
        **({"reasonCode": reasons} if reasons else {}),
    )


ICD = "http://hl7.org/fhir/sid/icd-10"


def _named(drug: Drug) -> Json:
    coding = [(ATC, drug.code.other[0])] if drug.code.other else []
    return concept(*coding, text=drug.code.text)


def _rate(order: Json) -> Json:
    if "mg_per_kg_min" in order:
        return {"rateQuantity": quantity(order["mg_per_kg_min"], "mg/kg/min")}
    return {"rateQuantity": quantity(order.get("g_per_h", 5), "g/h")}


def prefetch_of(vignette: Vignette, now: str) -> Json:
    number = {"system": "urn:oid:9.9", "value": f"92000{vignette.told['id'][1:]}", "type": concept(("x", "MR"))}
    told: Json = {"patient": a_patient(identifier=[number])}
    if weight := vignette.told["order"].get("weight_kg"):
        told["measurements"] = an_observation(
            code=concept((LOINC, "29463-7")), valueQuantity=quantity(weight, "kg"), effectiveDateTime=now
        )
    return told


@pytest.mark.parametrize("vignette", [each for each in read_vignettes() if is_seed(each)], ids=lambda each: each.name)
def test_a_card_says_what_the_inbox_would_say(
    sqlite_engine: sa.Engine, knowledge: Knowledge, vignette: Vignette
) -> None:
    hospital = Hospital(sqlite_engine, knowledge, SITE)
    with pharmacist_of(hospital) as pharmacist:
        telling = Telling(vignette, hospital, pharmacist)
        telling.tell_before()
    now = hospital.clock().isoformat()

    with hooked(hospital) as epd:
        body = a_request("order-sign", draft_of(vignette.told, now), prefetch=prefetch_of(vignette, now))
        answer = epd.asks("ivig-order-sign", body)

    expected = vignette.expected
    found = [(each["indicator"], each["source"]["topic"]["code"]) for each in answer.json()["cards"]]
    assert [indicator for indicator, _ in found] == (
        [] if expected.tier == "NONE" else [INDICATORS.get(expected.tier, "info")]
    )
    assert all(rule in expected.rules for _, rule in found)
