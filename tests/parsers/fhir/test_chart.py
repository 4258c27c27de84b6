"""The chart in FHIR."""

from decimal import Decimal
from typing import Any

import pytest

from clinical.events import Allergy, Condition, Observation, Procedure
from tests.parsers.fhir.builders import (
    ATC,
    LOINC,
    PATIENT,
    SNOMED,
    UCUM,
    Json,
    a_condition,
    an_observation,
    concept,
    events_of,
    one_of,
    quantity,
    reading_of,
)

_VERIFICATION = "http://terminology.hl7.org/CodeSystem/condition-ver-status"


@pytest.mark.parametrize(
    ("said", "certainty"),
    [
        ("confirmed", "confirmed"),
        ("provisional", "suspected"),
        ("differential", "suspected"),
        ("unconfirmed", "suspected"),
        ("refuted", "refuted"),
        ("something else", "confirmed"),
    ],
)
def test_how_certain_it_is_follows_from_its_verification(said: str, certainty: str) -> None:
    found = one_of(Condition, a_condition(verificationStatus=concept((_VERIFICATION, said))))

    assert (found.certainty, found.action) == (certainty, "assert")


def test_a_code_of_another_system_beside_the_verification_does_not_hide_it() -> None:
    status = concept((SNOMED, "410516002"), (_VERIFICATION, "refuted"))

    assert one_of(Condition, a_condition(verificationStatus=status)).certainty == "refuted"


def test_what_was_entered_in_error_is_withdrawn_also_when_it_names_nothing_any_more() -> None:
    status = concept((_VERIFICATION, "entered-in-error"))

    found = one_of(Condition, a_condition(verificationStatus=status, code={}))

    assert (found.action, found.key) == ("delete", one_of(Condition, a_condition()).key)


@pytest.mark.parametrize(
    ("said", "status"),
    [
        ("active", "active"),
        ("recurrence", "active"),
        ("relapse", "active"),
        ("inactive", "inactive"),
        ("remission", "resolved"),
        ("resolved", "resolved"),
        ("", "active"),
    ],
)
def test_its_status_is_the_clinical_one(said: str, status: str) -> None:
    assert one_of(Condition, a_condition(clinicalStatus=concept(("x", said)))).status == status


@pytest.mark.parametrize(
    ("written", "at", "precision"),
    [
        ("2019", "2018-12-31T23:00", "year"),
        ("2019-03", "2019-02-28T23:00", "month"),
        ("2019-03-02", "2019-03-01T23:00", "day"),
        ("2019-03-02T10:11:12+01:00", "2019-03-02T09:11", "second"),
        ("2019-03-02T10:11:12.123456789Z", "2019-03-02T10:11", "second"),
    ],
)
def test_its_onset_is_as_precise_as_it_was_sent(written: str, at: str, precision: str) -> None:
    onset = one_of(Condition, a_condition(onsetDateTime=written)).onset

    assert onset is not None
    assert (onset.at.isoformat()[:16], onset.precision) == (at, precision)


def test_a_period_began_when_it_began() -> None:
    onset = one_of(Condition, a_condition(onsetPeriod={"start": "2019-03-02", "end": "2019-04"})).onset

    assert onset is not None
    assert onset.precision == "day"


@pytest.mark.parametrize(
    "onset",
    [
        {"onsetAge": {"value": 55, "unit": "a"}},
        {"onsetString": "rond haar vijftigste"},
        {"onsetRange": {"low": {"value": 5}}},
        {},
    ],
)
def test_an_onset_that_is_no_date_is_unknown_or_at_the_latest_when_it_was_recorded(onset: dict[str, Any]) -> None:
    unknown = one_of(Condition, a_condition(**onset))
    recorded = one_of(Condition, a_condition(recordedDate="2024-05-06", **onset))

    assert (unknown.onset, unknown.flags) == (None, ())
    assert recorded.onset is not None
    assert recorded.flags == ("onset_is_recorded_date",)


@pytest.mark.parametrize("written", ["2019-02-30", "2019-13", "2019-00-00x", "9-9-9"])
def test_a_date_that_never_was_is_no_onset_and_is_told(written: str) -> None:
    found = one_of(Condition, a_condition(onsetDateTime=written))

    assert (found.onset, found.flags) == (None, ("unreadable_time",))


def test_a_placeholder_is_no_onset() -> None:
    assert one_of(Condition, a_condition(onsetDateTime="0001-01-01")).onset is None


@pytest.mark.parametrize(
    "abated",
    [
        {"abatementDateTime": "2020"},
        {"abatementPeriod": {"start": "2020"}},
        {"abatementAge": {"value": 55}},
        {"abatementString": "na een jaar"},
    ],
)
def test_what_has_abated_is_resolved(abated: dict[str, Any]) -> None:
    assert one_of(Condition, a_condition(**abated)).status == "resolved"


@pytest.mark.parametrize("text", ["geen DVT", "moeder DVT", "DVT been links"])
def test_what_the_words_say_of_it_is_left_to_the_rules(text: str) -> None:
    found = one_of(Condition, a_condition(code={"text": text}))

    assert (found.codings, found.text, found.certainty) == ((), text, "confirmed")


def test_the_letter_of_a_german_code_says_how_sure_it_is() -> None:
    german = "http://fhir.de/CodeSystem/bfarm/icd-10-gm"

    found = one_of(Condition, a_condition(code=concept((german, "I26.9A"), shown="Lungenembolie")))

    assert (found.codings[0].code, found.certainty) == ("I26.9", "refuted")


def test_a_display_that_is_repeated_as_text_was_typed_by_nobody() -> None:
    said = "Verdenking op DVT uitgesloten"

    assert one_of(Condition, a_condition(code=concept((SNOMED, "1"), text=said, shown=said))).certainty == "confirmed"


def test_every_code_keeps_its_own_system() -> None:
    code = concept(
        (SNOMED, "128053003"),
        ("http://hl7.org/fhir/sid/icd-10", "I80.2"),
        ("http://hl7.org/fhir/sid/icpc-1-nl", "K94.01"),
        ("urn:oid:2.16.840.1.113883.2.4.4.1.902.40", "12"),
        ("urn:oid:9.8.7", "eigen"),
    )

    found = one_of(Condition, a_condition(code=code))

    assert [each.system for each in found.codings] == ["SNOMED", "ICD10", "ICPC", "GS40", "9.8.7"]
    assert found.path == "Condition.code.coding[0]"


@pytest.mark.parametrize(
    ("category", "kind"),
    [("encounter-diagnosis", "diagnosis"), ("problem-list-item", "problem"), ("health-concern", "problem")],
)
def test_a_diagnosis_of_a_visit_is_told_from_a_problem(category: str, kind: str) -> None:
    assert one_of(Condition, a_condition(category=[concept(("x", category))])).category == kind


def test_what_names_nothing_says_nothing() -> None:
    assert events_of(a_condition(code={"coding": [{"system": SNOMED}]})) == ()


def test_without_an_id_it_is_known_by_its_code_and_day() -> None:
    keys = [one_of(Condition, a_condition(id="", onsetDateTime=day)).key for day in ("2019-01-02", "2019-01-03")]

    assert keys == ["problem:SNOMED:128053003:20190102", "problem:SNOMED:128053003:20190103"]


@pytest.mark.parametrize(
    ("said", "status"),
    [
        ("final", "final"),
        ("amended", "corrected"),
        ("corrected", "corrected"),
        ("preliminary", "preliminary"),
        ("unknown", "preliminary"),
        ("registered", "no_value"),
        ("cancelled", "withdrawn"),
        ("entered-in-error", "withdrawn"),
    ],
)
def test_every_status_has_its_effect(said: str, status: str) -> None:
    assert one_of(Observation, an_observation(status=said, valueQuantity=quantity(75, "kg"))).status == status


@pytest.mark.parametrize(
    "value",
    [
        {},
        {"dataAbsentReason": concept(("x", "unknown"))},
        {"valueQuantity": {"unit": "kg"}},
        {"valueQuantity": {}},
        {"valueString": "  "},
        {"valueInteger": True},
        {"valueCodeableConcept": {}},
        {"valueRange": {}},
    ],
)
def test_without_a_value_there_is_no_value_and_the_place_is_that_of_the_test(value: dict[str, Any]) -> None:
    found = one_of(Observation, an_observation(**value))

    assert (found.status, found.value, found.number) == ("no_value", "", None)


def test_what_was_withdrawn_stays_withdrawn_without_its_value() -> None:
    assert one_of(Observation, an_observation(status="entered-in-error")).status == "withdrawn"


@pytest.mark.parametrize(
    ("code", "value", "number", "unit"),
    [
        ("29463-7", quantity(75.5, "kg"), "75.5", "kg"),
        ("8302-2", quantity(178, "cm"), "178", "cm"),
        ("6301-6", quantity(2.5, "{INR}"), "2.5", "{INR}"),
        ("14682-9", quantity(110, "umol/L"), "110", "umol/L"),
        ("33914-3", quantity(58, "mL/min/{1.73_m2}"), "58", "mL/min/{1.73_m2}"),
        ("777-3", quantity(250, "10*9/L"), "250", "10*9/L"),
        ("29463-7", {"value": 75, "unit": "kilo"}, "75", "kg"),
        ("777-3", {"value": 250, "unit": "x10^9/l"}, "250", "10*9/L"),
        ("29463-7", {"value": 75, "unit": "kg", "system": "urn:oid:2.1", "code": "205"}, "75", "kg"),
        ("29463-7", {"value": 75}, "75", "kg"),
        ("29463-7", {"value": 185}, "185", ""),
    ],
)
def test_a_measurement_has_its_number_and_unit(code: str, value: dict[str, Any], number: str, unit: str) -> None:
    found = one_of(Observation, an_observation(code=concept((LOINC, code)), valueQuantity=value))

    assert (found.codings[0].code, found.number, found.unit) == (code, Decimal(number), unit)
    assert found.path == "Observation.valueQuantity"


@pytest.mark.parametrize("comparator", ["<", "<=", ">=", ">"])
def test_a_comparator_is_kept(comparator: str) -> None:
    value = {"value": 0.5, "comparator": comparator, "unit": "mg/L", "system": UCUM, "code": "mg/L"}

    found = one_of(Observation, an_observation(valueQuantity=value))

    assert (found.comparator, found.number, found.value) == (comparator, Decimal("0.5"), f"{comparator}0.5")


@pytest.mark.parametrize(
    ("said", "comparator", "number"),
    [("<0,5", "<", "0.5"), ("2,6", "", "2.6"), (">5000", ">", "5000"), ("zie opmerking", "", None)],
)
def test_a_number_in_words_is_read(said: str, comparator: str, number: str | None) -> None:
    found = one_of(Observation, an_observation(valueString=said))

    assert (found.value, found.comparator) == (said, comparator)
    assert found.number == (Decimal(number) if number else None)


def test_a_coded_value_is_kept_with_its_code() -> None:
    value = concept((SNOMED, "10828004"), shown="Positief")

    found = one_of(Observation, an_observation(code={"text": "Factor V Leiden"}, valueCodeableConcept=value))

    assert (found.text, found.value, found.value_codings[0].code) == ("Factor V Leiden", "Positief", "10828004")


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ({"valueInteger": 7}, "7"),
        ({"valueBoolean": True}, "true"),
        ({"valueRange": {"low": quantity(1, "g"), "high": quantity(2, "g")}}, "1-2"),
        ({"valueRatio": {"numerator": {"value": 1}, "denominator": {"value": 80}}}, "1:80"),
    ],
)
def test_other_values_are_shown(value: dict[str, Any], shown: str) -> None:
    assert one_of(Observation, an_observation(**value)).value == shown


def test_each_component_is_a_result_of_its_own() -> None:
    pressure = [
        {"code": concept((LOINC, "8480-6")), "valueQuantity": quantity(120, "mm[Hg]")},
        {"code": concept((LOINC, "8462-4")), "valueQuantity": quantity(80, "mm[Hg]")},
    ]

    found = [each for each in events_of(an_observation(component=pressure)) if isinstance(each, Observation)]

    assert [(each.codings[0].code, each.number) for each in found] == [
        ("8480-6", Decimal(120)),
        ("8462-4", Decimal(80)),
    ]
    assert [each.path for each in found] == [f"Observation.component[{n}].valueQuantity" for n in (0, 1)]
    assert len({each.key for each in found}) == 2


def test_it_was_taken_when_it_was_effective_else_when_it_was_issued() -> None:
    period = one_of(Observation, an_observation(effectiveDateTime="2026", effectivePeriod={"start": "2026-01-02"}))
    without = an_observation(issued="2026-01-05T10:00:00Z")
    del without["effectiveDateTime"]
    issued = one_of(Observation, without)
    without["effectivePeriod"] = {"start": "2026-01-02", "end": "2026-01-03"}
    began = one_of(Observation, without)

    assert period.taken is not None
    assert period.taken.precision == "year"
    assert issued.taken is not None
    assert issued.taken.at.isoformat() == "2026-01-05T10:00:00+00:00"
    assert began.taken is not None
    assert began.taken.at.isoformat() == "2026-01-01T23:00:00+00:00"


def test_its_range_and_interpretation_are_kept() -> None:
    limits = [{"low": quantity(60, "umol/L"), "high": quantity(110.0, "umol/L")}]

    found = one_of(
        Observation,
        an_observation(
            valueQuantity=quantity(200, "umol/L"), referenceRange=limits, interpretation=[concept(("x", "h"))]
        ),
    )

    assert (found.range, found.abnormal) == ("60-110.0", "H")


def a_procedure(**elements: Any) -> Json:
    code = concept((SNOMED, "234319005"), text="Splenectomie")
    head = {"resourceType": "Procedure", "id": "r1", "status": "completed", "subject": PATIENT, "code": code}
    return head | elements


@pytest.mark.parametrize(
    ("status", "action"),
    [
        ("completed", "assert"),
        ("in-progress", "assert"),
        ("stopped", "assert"),
        ("not-done", "delete"),
        ("entered-in-error", "delete"),
    ],
)
def test_what_was_not_done_is_withdrawn(status: str, action: str) -> None:
    found = one_of(Procedure, a_procedure(status=status))

    assert (found.action, found.key, found.path) == (
        action,
        "FHIR import|Procedure/r1",
        "Procedure.code.coding[0]",
    )


def test_what_is_only_planned_is_no_history() -> None:
    assert reading_of(a_procedure(status="preparation")).ignored == "unknown_type"


@pytest.mark.parametrize(
    ("performed", "precision"),
    [
        ({"performedDateTime": "2019"}, "year"),
        ({"performedPeriod": {"start": "2019-03-02", "end": "2019-03-03"}}, "day"),
        ({"performedString": "als kind"}, None),
        ({"performedAge": {"value": 7, "unit": "a"}}, None),
        ({}, None),
    ],
)
def test_when_it_was_done_is_as_precise_as_it_was_told(performed: Json, precision: str | None) -> None:
    found = one_of(Procedure, a_procedure(**performed))

    assert (found.performed.precision if found.performed else None) == precision


def test_a_procedure_that_names_nothing_says_nothing() -> None:
    assert events_of(a_procedure(code={})) == ()


_STATUS = "http://terminology.hl7.org/CodeSystem/allergyintolerance-verification"


def an_allergy(**elements: Any) -> Json:
    code = concept((ATC, "J06BA02"), text="IVIG")
    return {"resourceType": "AllergyIntolerance", "id": "i1", "patient": PATIENT, "code": code} | elements


def test_an_allergy_is_told_with_its_code_and_patient() -> None:
    found = one_of(Allergy, an_allergy())

    assert (found.codings[0].code, found.text, found.action) == ("J06BA02", "IVIG", "assert")
    assert (found.path, found.patient[0].value) == ("AllergyIntolerance.code.coding[0]", "p1")


@pytest.mark.parametrize("said", ["entered-in-error", "refuted"])
def test_what_is_refuted_or_an_error_is_withdrawn_by_its_id_alone(said: str) -> None:
    status = concept((SNOMED, "1"), (_STATUS, said))

    found = one_of(Allergy, an_allergy(verificationStatus=status, code={}))

    assert (found.action, found.key) == ("delete", "FHIR import|AllergyIntolerance/i1")


@pytest.mark.parametrize("code", [concept((SNOMED, "716186003")), {"text": "Geen bekend"}, {"text": "NKDA"}, {}])
def test_none_known_is_no_allergy(code: Json) -> None:
    assert events_of(an_allergy(code=code)) == ()
