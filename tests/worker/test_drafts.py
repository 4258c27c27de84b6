"""An order that is not placed yet: judged with the stored history by the rules of the feed, and nothing written."""

from typing import Any

import pytest
import sqlalchemy as sa

from clinical.words import Tier
from history.choices import Site
from history.drafts import DraftEntry, DraftRequest, JudgedDrafts, PatientUnknown
from parsers.defaults import Defaults
from parsers.errors import UnreadableMessage
from rules.knowledge import Knowledge
from tests.journeys.hospital import Hospital
from tests.parsers.builders import a_patient_message
from tests.parsers.fhir.builders import (
    ATC,
    a_condition,
    a_dosage,
    a_patient,
    an_administration,
    an_order,
    concept,
    quantity,
)
from tests.parsers.medication.order_builders import ORC, rxe
from worker.drafts import judge_drafts

Json = dict[str, Any]
AUTHORITIES = {"urn:oid:9.9": "ZKHA"}
SITE = Site(defaults={"EPD": Defaults(authorities=AUTHORITIES)})
THROMBOSIS = a_patient_message("DG1|1||I80.2^DVT^I10|||F")
KNOWN = a_patient(identifier=[{"system": "urn:oid:9.9", "value": "1000001", "type": concept(("x", "MR"))}])
P1_IS_JANSEN = a_patient_message("MRG|p1^^^FHIR EPD", kind="ADT^A40").replace(b"|C1|", b"|C3|")
DIABETES_OF_ANOTHER = (
    a_patient_message("DG1|1||E11.9^DM^I10|||F").replace(b"1000001", b"1000002").replace(b"|C1|", b"|C4|")
)
BSN = "http://fhir.nl/fhir/NamingSystem/bsn"
DOSE = a_dosage(quantity(32, "g"), {"frequency": 1, "period": 1, "periodUnit": "d"})


@pytest.fixture
def hospital(sqlite_engine: sa.Engine, knowledge: Knowledge) -> Hospital:
    return Hospital(sqlite_engine, knowledge, SITE)


def draft(**elements: Any) -> Json:
    return an_order(DOSE, status="draft", **elements)


def entries(*resources: Json) -> list[DraftEntry]:
    return [DraftEntry(each) for each in resources]


def judged(hospital: Hospital, *known: Json, drafts: tuple[Json, ...] = ()) -> JudgedDrafts:
    request = DraftRequest("EPD", "p1", entries(*(drafts or (draft(),))), entries(*known), hospital.clock())
    with hospital.engine.connect() as connection:
        return judge_drafts(hospital.worker, connection, request)


def tier(found: JudgedDrafts, which: str = "m1") -> Tier:
    return found.drafts[which].tier


def rows(hospital: Hospital) -> list[int]:
    tables = ("message", "patient", "fact", "medication_order", "assessment", "alert", "merge_statement", "identifier")
    return [hospital.rows(f"SELECT count(*) FROM {table}")[0][0] for table in tables]


def test_a_draft_is_judged_with_the_stored_history_and_nothing_is_written(
    engine: sa.Engine, knowledge: Knowledge
) -> None:
    hospital = Hospital(engine, knowledge, SITE)
    hospital.sends(THROMBOSIS)
    before = rows(hospital)

    found = judged(hospital, KNOWN)

    assert tier(found) == Tier.CONTRAINDICATION
    assert found.root is not None
    assert rows(hospital) == before


def test_a_patient_of_whom_the_store_knows_nothing_is_judged_by_what_was_sent(hospital: Hospital) -> None:
    alone, with_history = judged(hospital, KNOWN), judged(hospital, KNOWN, a_condition())

    assert tier(alone) < Tier.CONTRAINDICATION == tier(with_history)
    assert alone.root is None


def test_a_patient_whom_neither_the_store_nor_the_request_names_is_not_judged(hospital: Hospital) -> None:
    hospital.sends(THROMBOSIS)

    with pytest.raises(PatientUnknown):
        judged(hospital)


def test_a_medicine_that_was_not_sent_along_is_named(hospital: Hospital) -> None:
    elsewhere = draft(medicationReference={"reference": "Medication/9"})
    del elsewhere["medicationCodeableConcept"]

    with pytest.raises(UnreadableMessage) as refused:
        judged(hospital, KNOWN, drafts=(elsewhere,))

    assert (refused.value.reason, refused.value.path) == (
        "medication_elsewhere",
        "Bundle.entry[1].resource.medicationReference",
    )


def test_a_number_too_long_to_be_one_is_refused_by_name_and_not_passed_over(hospital: Hospital) -> None:
    long = {**KNOWN, "identifier": [{"system": "urn:oid:9.9", "value": "1" * 251}]}

    with pytest.raises(UnreadableMessage) as refused:
        judged(hospital, long)

    assert (refused.value.reason, refused.value.path) == ("long_patient_number", "Bundle.entry[0].resource")


def test_doses_that_the_store_has_are_not_counted_again_from_the_request(hospital: Hospital) -> None:
    given = a_patient_message(
        "ORC|RE|900^EPD", "RXA|0|1|20261119100000|20261119140000|J06BA02^IVIG^ATC|30|g||||||||||||CP|A", kind="RAS^O17"
    )
    hospital.sends(given)
    again = an_administration(dosage={"dose": quantity(30, "g")})

    with_doses, without = judged(hospital, KNOWN, again), judged(hospital, KNOWN)

    assert len(without.drafts["m1"].case.doses) == 1
    assert with_doses.drafts["m1"].case.doses == without.drafts["m1"].case.doses


def test_doses_of_which_the_store_knows_nothing_count(hospital: Hospital) -> None:
    found = judged(hospital, KNOWN, an_administration(dosage={"dose": quantity(30, "g")}))

    assert [dose.given for dose in found.drafts["m1"].case.doses] == [True]


def test_an_anticoagulant_that_is_drafted_too_counts_for_the_other(hospital: Hospital) -> None:
    hospital.sends(THROMBOSIS)
    apixaban = an_order(
        a_dosage(quantity(5, "mg"), {"frequency": 2, "period": 1, "periodUnit": "d"}),
        id="m2",
        status="draft",
        medicationCodeableConcept=concept((ATC, "B01AF02"), text="apixaban 5 mg"),
    )

    found = judged(hospital, KNOWN, drafts=(draft(), apixaban))

    assert sorted(found.drafts) == ["m1"]
    assert "apixaban" in found.drafts["m1"].conclusion.content["protection"]["en"].lower()


def test_a_number_written_in_another_way_is_the_same_patient(hospital: Hospital) -> None:
    hospital.sends(THROMBOSIS)
    padded = a_patient(identifier=[{"system": "urn:oid:9.9", "value": "0001000001", "type": concept(("x", "MR"))}])

    assert tier(judged(hospital, padded)) == Tier.CONTRAINDICATION


def numbered(number: str) -> Json:
    return a_patient(identifier=[{"system": "urn:oid:9.9", "value": number, "type": concept(("x", "MR"))}])


def test_a_number_that_the_request_moves_to_another_patient_does_not_bring_the_history_of_the_first(
    hospital: Hospital,
) -> None:
    hospital.sends(THROMBOSIS, P1_IS_JANSEN, DIABETES_OF_ANOTHER)

    before, after = judged(hospital, KNOWN), judged(hospital, numbered("1000002"))

    assert tier(before) == Tier.CONTRAINDICATION > tier(after)
    assert not before.judged.person.is_unclear
    assert after.judged.person.is_unclear
    assert ("ZKHA", "1000001") not in after.judged.person.identities
    assert after.judged.person.identities[0] == ("ZKHA", "1000002")


def test_a_number_that_moves_to_a_patient_the_store_does_not_know_brings_nothing_of_the_first(
    hospital: Hospital,
) -> None:
    hospital.sends(THROMBOSIS, P1_IS_JANSEN)

    found = judged(hospital, numbered("1000002"))

    assert tier(found) < Tier.CONTRAINDICATION
    assert found.judged.person.is_unclear


def parted(one: str, other: str) -> bytes:
    """The two are two patients after all."""
    return a_patient_message(f"PID|2||{other}", kind="ADT^A37", pid=f"PID|1||{one}").replace(b"|C1|", b"|C5|")


OF_EPD, JANSEN, ANOTHER = "p1^^^FHIR EPD", "1000001^^^ZKHA^PI", "1000009^^^ZKHA^PI"
P1_ALONE = a_patient_message("DG1|1||E11.9^DM^I10|||F", pid=f"PID|1||{OF_EPD}").replace(b"|C1|", b"|C6|")


def test_two_who_were_parted_and_whom_the_request_joins_must_be_checked(hospital: Hospital) -> None:
    hospital.sends(THROMBOSIS, P1_ALONE, parted(OF_EPD, JANSEN))

    found = judged(hospital, KNOWN)

    assert tier(found) == Tier.CONTRAINDICATION
    assert found.judged.person.is_unclear


def test_whom_somebody_else_was_parted_from_need_not_be_checked(hospital: Hospital) -> None:
    hospital.sends(THROMBOSIS, P1_ALONE, parted(JANSEN, ANOTHER))

    found = judged(hospital, KNOWN)

    assert tier(found) == Tier.CONTRAINDICATION
    assert not found.judged.person.is_unclear


def by_bsn(number: str = "999900018") -> Json:
    return a_patient(identifier=[{"system": BSN, "value": number}])


def with_bsn(number: str, bsn: str = "999900018") -> bytes:
    return (
        a_patient_message("DG1|1||I80.2^DVT^I10|||F")
        .replace(b"1000001", number.encode())
        .replace(b"^^^ZKHA^PI", f"^^^ZKHA^PI~{bsn}^^^NLMINBIZA^NNNLD".encode())
        .replace(b"|C1|", f"|B{number}|".encode())
    )


def test_a_citizen_number_alone_leads_to_the_only_patient_who_carries_it(hospital: Hospital) -> None:
    hospital.sends(with_bsn("1000001"))

    found = judged(hospital, by_bsn())

    assert tier(found) == Tier.CONTRAINDICATION
    assert not found.judged.person.is_unclear


def test_a_citizen_number_alone_leaves_a_patient_whom_the_store_knows_by_the_id_of_the_client(
    hospital: Hospital,
) -> None:
    hospital.sends(with_bsn("1000001"), P1_IS_JANSEN)

    found = judged(hospital, by_bsn())

    assert tier(found) == Tier.CONTRAINDICATION
    assert not found.judged.person.is_unclear


def test_a_citizen_number_that_two_patients_carry_leads_to_neither(hospital: Hospital) -> None:
    hospital.sends(with_bsn("1000001"), with_bsn("1000002"))

    found = judged(hospital, by_bsn())

    assert found.root is None
    assert found.judged.person.is_unclear


def test_two_patients_of_the_hospital_with_one_citizen_number_stay_two(hospital: Hospital) -> None:
    hospital.sends(with_bsn("1000001"))
    other = a_patient(
        identifier=[
            {"system": "urn:oid:9.9", "value": "1000002", "type": concept(("x", "MR"))},
            {"system": BSN, "value": "999900018"},
        ]
    )

    found = judged(hospital, other)

    assert tier(found) < Tier.CONTRAINDICATION
    assert found.root is None


def test_drafts_without_a_product_of_ours_get_no_answer(hospital: Hospital) -> None:
    paracetamol = an_order(status="draft", medicationCodeableConcept=concept((ATC, "N02BE01"), text="paracetamol"))

    assert judged(hospital, KNOWN, drafts=(paracetamol,)).drafts == {}


def test_only_the_drafts_are_judged_beside_the_doses_of_every_order(hospital: Hospital) -> None:
    hospital.sends(THROMBOSIS, a_patient_message(ORC, rxe("32", "g"), kind="RDE^O11").replace(b"|C1|", b"|C2|"))

    found = judged(hospital, KNOWN)

    assert [answer.order.filler for answer in found.judged.answers] == ["FHIR EPD|MedicationRequest/m1"]
    assert {dose.order for dose in found.drafts["m1"].case.doses} == {"EPD|1"}


def test_of_a_chart_that_is_opened_every_order_is_judged(hospital: Hospital) -> None:
    hospital.sends(THROMBOSIS, a_patient_message(ORC, rxe("32", "g"), kind="RDE^O11").replace(b"|C1|", b"|C2|"))
    request = DraftRequest("EPD", "p1", (), entries(KNOWN), hospital.clock())

    with hospital.engine.connect() as connection:
        found = judge_drafts(hospital.worker, connection, request)

    assert [answer.order.placer for answer in found.judged.answers] == ["EPD|1"]
