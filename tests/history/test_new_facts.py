"""Which risk facts are new since the answer that somebody acted on."""

from pathlib import Path
from typing import Any

import msgspec
import pytest
import yaml

import rules
from clinical.conclusions import StoredConclusion
from history import alerting
from tests.knowledge_folders import our_knowledge


def new_facts(before: Any, now: Any) -> list[dict[str, Any]]:
    was, is_ = (msgspec.convert(each, StoredConclusion) for each in (before, now))
    return alerting.new_facts(was, is_, our_knowledge().terms)


DVT = {"code": "I80.2", "display": "DVT been", "at": "2026-03-02T00:00:00+01:00"}


def a_fact(**told: Any) -> dict[str, Any]:
    return {"kind": "condition", "system": "ICD10", "precision": "day", "certainty": "confirmed", **DVT, **told}


def an_answer(*facts: dict[str, Any], tier: str = "contraindication", points: dict[str, int] | None = None) -> Any:
    counted = [
        {"name": name, "title": {"en": name}, "points": each, "of": "patient"} for name, each in (points or {}).items()
    ]
    return {
        "findings": [{"rule": "IG-VTE-002", "tier": tier, "facts": list(facts)}],
        "points": {"patient": sum((points or {}).values()), "counted": counted},
    }


def found(*now: dict[str, Any], before: dict[str, Any] | None = None) -> list[str]:
    known = before or a_fact()
    return [each["display"] for each in new_facts(an_answer(known), an_answer(known, *now))]


@pytest.mark.parametrize(
    "again",
    [
        {"at": DVT["at"]},
        {"at": "2026-03-16T00:00:00+01:00"},  # at discharge, under the same code
        {"code": "I80.1", "display": "flebitis", "at": "2026-03-16T00:00:00+01:00"},  # coded more precisely
        {"system": "SNOMED", "code": "128053003", "display": "DVT"},  # in another list, of the same day
        {"system": "SNOMED", "code": "404223003", "display": "DVT of leg", "at": "2026-03-09T00:00:00+01:00"},
        {"system": "SNOMED", "code": "429098002", "display": "VTE", "at": "2026-03-03T00:00:00+01:00"},
        {"system": "", "code": "", "display": "trombosebeen links", "at": "2026-03-03T00:00:00+01:00"},
        {"code": "I82.9", "display": "trombose", "at": "2026-03-09T00:00:00+01:00"},
        {"at": "2026-05-31T00:00:00+02:00"},  # in the same words, dated by a visit while the event is current
        {"system": "", "code": "", "display": "trombosebeen", "at": None},  # in words, without a date
        {"at": "2015-03-02T00:00:00+01:00"},  # an older one: what it means has rules of its own
        {"kind": "medication", "at": "2026-04-02T00:00:00+02:00"},
    ],
)
def test_the_same_event_said_again_is_not_new(again: dict[str, Any]) -> None:
    assert found(a_fact(**again)) == []


@pytest.mark.parametrize(
    "event",
    [
        {"code": "I80.1", "at": "2026-03-17T00:00:00+01:00"},  # another code of the disease, more than two weeks later
        {"display": "recidief DVT", "at": "2026-03-17T00:00:00+01:00"},
        {"at": "2026-06-01T00:00:00+02:00"},  # the same code and words, when the known event is history
        {"system": "SNOMED", "code": "59282003"},  # in the lungs, on the same day, in another system
        {"system": "", "code": ""},
        {"system": "", "code": "", "display": "longembolie, geen DVT"},
        {"code": "I26.9", "at": "2026-04-02T00:00:00+02:00"},
        {"code": "I67.6"},
        {"code": "I81"},
        {"code": "I26.9"},  # on the same day, in the lungs
        {"code": "I26.9", "at": "2026-03-03T00:00:00+01:00", "certainty": "suspected"},
        {"system": "SNOMED", "code": "59282003", "at": "2026-03-03T00:00:00+01:00"},
    ],
)
def test_a_later_or_another_event_of_the_deciding_kind_is_new(event: dict[str, Any]) -> None:
    new = a_fact(**{"display": DVT["display"] if event.keys() == {"at"} else "longembolie", **event})

    assert found(new) == [new["display"]]


@pytest.mark.parametrize(
    ("known", "again"),
    [
        ({"code": "59282003", "display": "PE"}, {"code": "706870000", "display": "acute PE"}),
        ({"code": "59282003", "display": "PE"}, {"system": "ICD10", "code": "I26.9", "display": "longembolie"}),
        ({"code": "59282003", "display": "PE"}, {"system": "", "code": "", "display": "Longembolie rechts"}),
        ({"code": "59282003", "display": "PE"}, {"system": "", "code": "", "display": "VTE"}),
        ({"code": "128053003", "display": "DVT"}, {"code": "404223003", "display": "DVT of leg"}),
        ({"system": "", "code": "", "display": "DVT en longembolie"}, {"system": "ICD10", "code": "I26.9"}),
    ],
)
@pytest.mark.parametrize("day", ["2026-03-02", "2026-03-03", "2026-03-16"])
def test_one_embolism_in_other_codes_and_words_is_one(known: dict[str, Any], again: dict[str, Any], day: str) -> None:
    before = a_fact(**{"system": "SNOMED", **known})

    assert found(a_fact(**{"system": "SNOMED", **again, "at": f"{day}T00:00:00+01:00"}), before=before) == []


@pytest.mark.parametrize(
    "words", ["DVT, geen longembolie", "DVT; LE uitgesloten", "VTE", "trombose", "long-standing DVT"]
)
def test_what_a_known_fact_denies_or_leaves_open_does_not_hide_an_embolism(words: str) -> None:
    before = a_fact(system="", code="", display=words)

    assert found(a_fact(code="I26.9", display="longembolie"), before=before) == ["longembolie"]


VISITS = [f"2026-0{month}-02T00:00:00+02:00" for month in (4, 5, 6, 7, 8)]


def test_an_event_dated_anew_by_every_visit_is_said_again() -> None:
    for visits in range(1, 6):
        assert found(*[a_fact(at=day) for day in VISITS[:visits]]) == []


def test_between_visits_a_recurrence_or_an_embolism_is_new() -> None:
    visits = [a_fact(at=day) for day in VISITS]
    recurrence = a_fact(code="I80.1", display="recidief DVT", at="2026-05-09T00:00:00+02:00")
    embolism = a_fact(code="I26.9", display="longembolie", at="2026-05-09T00:00:00+02:00")

    assert found(*visits, recurrence, embolism) == ["recidief DVT", "longembolie"]
    settled = an_answer(a_fact(), *visits)
    now = new_facts(settled, an_answer(a_fact(), *visits, recurrence, embolism))
    assert [each["display"] for each in now] == ["recidief DVT", "longembolie"]


def by_rules(**facts: list[dict[str, Any]]) -> Any:
    findings = [{"rule": rule, "tier": "contraindication", "facts": each} for rule, each in facts.items()]
    return {"findings": findings, "points": {"patient": 0, "counted": []}}


def test_an_event_that_has_become_history_is_known_to_the_rule_that_finds_it_then() -> None:
    old, embolism = a_fact(at="2015-03-02T00:00:00+01:00"), a_fact(code="I26.9", display="longembolie")
    in_snomed = a_fact(system="SNOMED", code="59282003", display="PE")

    assert new_facts(by_rules(prior=[old], current=[embolism]), by_rules(prior=[old, embolism])) == []
    assert new_facts(by_rules(prior=[old], current=[embolism]), by_rules(prior=[old, embolism, in_snomed])) == []


def test_what_a_history_was_written_down_on_does_not_hide_an_event() -> None:
    history = a_fact(code="Z86.711", display="history of PE", at="2026-03-05T00:00:00+01:00")
    embolism = a_fact(code="I26.9", display="longembolie", at="2026-03-04T00:00:00+01:00")
    before = by_rules(prior=[history], current=[a_fact()])

    (new,) = new_facts(before, by_rules(prior=[history], current=[a_fact(), embolism]))

    assert new["code"] == "I26.9"


def test_another_disease_of_a_local_rule_is_itself() -> None:
    infarction = a_fact(code="I21.9", display="hartinfarct")

    assert found(a_fact(code="I63.9", display="herseninfarct"), before=infarction) == ["herseninfarct"]
    assert found(a_fact(code="I21.0", display="voorwandinfarct"), before=infarction) == []


def codes_of_thromboses() -> list[tuple[str, str]]:
    """Every code in the value set, but those that are prefixes of words."""
    path = Path(rules.__file__).parent / "value_sets" / "venous-thromboembolism.yaml"
    codes = yaml.safe_load(path.read_text())["codes"]
    return [(each["system"], str(each["code"])) for each in codes if each["system"] != "TEXT"]


def test_every_code_of_a_thrombosis_has_its_site() -> None:
    sites = ("I26.9", "I80.2", "I67.6", "I81")
    known = [a_fact(code=site, display=site) for site in sites]

    strange = [
        (system, code)
        for system, code in codes_of_thromboses()
        if all(found(a_fact(system=system, code=code, display="?"), before=each) for each in known)
    ]

    assert strange == []


def test_every_embolism_of_the_lungs_is_another_disease_than_a_thrombosis_of_the_leg() -> None:
    lungs = {("ICD10", "I26"), ("ICD10CM", "I26.99"), ("ICD9", "4151"), ("ICPC", "K93"), ("SNOMED", "706870000")}

    assert lungs <= set(codes_of_thromboses())
    for system, code in lungs:
        assert found(a_fact(system=system, code=code, display="?")) == ["?"]


def test_an_event_is_told_once_though_two_lists_hold_it() -> None:
    embolism = a_fact(code="I26.9", display="longembolie")

    assert found(embolism, {**embolism, "system": "ICD10"}) == ["longembolie"]


def test_what_a_new_rule_found_is_told_by_its_rule() -> None:
    nothing: Any = {"findings": [], "points": {"patient": 0, "counted": []}}

    assert new_facts(nothing, an_answer(a_fact())) == []


def test_a_condition_that_is_no_contraindication_is_dated_anew_at_every_visit() -> None:
    before, later = a_fact(code="I50.9"), a_fact(code="I50.9", at="2026-06-02T00:00:00+02:00")

    assert new_facts(an_answer(before, tier="high"), an_answer(before, later, tier="high")) == []


def test_a_risk_factor_that_adds_points_is_new_and_one_that_takes_the_place_of_another_is_not() -> None:
    settled = an_answer(points={"obesity": 1})

    assert new_facts(settled, an_answer(points={"obesity": 1, "oestrogen": 2})) == [{"title": {"en": "oestrogen"}}]
    assert new_facts(settled, an_answer(points={"age": 1})) == []
    assert new_facts(settled, an_answer(points={"obesity": 1, "old-malignancy": 0})) == []


def test_an_answer_from_before_there_were_points_makes_no_factor_new() -> None:
    old: dict[str, Any] = {"findings": []}

    assert new_facts(old, an_answer(points={"oestrogen": 2})) == []
