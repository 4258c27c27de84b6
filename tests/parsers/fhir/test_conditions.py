"""Condition: what is certain, since when, and what in words alone is no diagnosis of the patient's own."""

from typing import Any

import pytest

from clinical.events import Condition
from tests.parsers.fhir.builders import SNOMED, a_condition, concept, events_of, one_of

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


@pytest.mark.parametrize(
    ("text", "certainty"),
    [
        ("geen DVT", "refuted"),
        ("moeder DVT", "family"),
        ("PE uitgesloten", "refuted"),
        ("verdenking longembolie", "suspected"),
        ("DVT been links", "confirmed"),
    ],
)
def test_words_alone_may_deny_what_they_name(text: str, certainty: str) -> None:
    found = one_of(Condition, a_condition(code={"text": text}))

    assert (found.codings, found.text, found.certainty) == ((), text, certainty)
    assert found.path == "Condition.code.text"


def test_words_beside_a_code_only_cast_doubt_on_it() -> None:
    found = one_of(Condition, a_condition(code=concept((SNOMED, "128053003"), text="geen DVT", shown="DVT")))

    assert (found.certainty, found.flags) == ("suspected", ("text_says_refuted",))


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
