"""DG1 and PRB."""

from datetime import UTC, datetime

import pytest

from clinical.codes import Coding
from clinical.events import Condition
from parsers.chart.conditions import UNNUMBERED
from parsers.defaults import Defaults
from parsers.reading import read
from tests.parsers.builders import DEFAULTS, a_patient_message


def conditions(*segments: str, kind: str = "ADT^A08", defaults: Defaults = DEFAULTS) -> list[Condition]:
    events = read(a_patient_message(*segments, kind=kind), defaults).events
    return [event for event in events if isinstance(event, Condition)]


def a_dg1(**fields: str) -> str:
    values = {3: "I26.9^Longembolie^I10", 5: "20190614", **{int(name[1:]): value for name, value in fields.items()}}
    return "DG1|" + "|".join(values.get(number, "") for number in range(1, 23))


def a_prb(**fields: str) -> str:
    values = {1: "AD", 2: "20250308145900", 3: "I26.9^Longembolie^I10", 4: "P1^EPD"}
    values.update({int(name[1:]): value for name, value in fields.items()})
    return "PRB|" + "|".join(values.get(number, "") for number in range(1, 21))


def test_a_diagnosis_carries_both_its_codes() -> None:
    (diagnosis,) = conditions(a_dg1(f3="I80.2^Flebitis^I10^128053003^DVT^SCT", f6="F"))

    assert diagnosis.category == "diagnosis"
    assert diagnosis.codings == (
        Coding(system="ICD10", code="I80.2", display="Flebitis"),
        Coding(system="SNOMED", code="128053003", display="DVT"),
    )
    assert diagnosis.path == "DG1[1]-3"
    assert diagnosis.key == "diagnosis:ICD10:I802:20190614"
    assert diagnosis.onset is not None
    assert diagnosis.onset.precision == "day"


@pytest.mark.parametrize(
    ("kind", "certainty"), [("F", "confirmed"), ("A", "confirmed"), ("W", "suspected"), ("", "confirmed")]
)
def test_a_working_diagnosis_is_a_suspicion(kind: str, certainty: str) -> None:
    assert conditions(a_dg1(f6=kind))[0].certainty == certainty


@pytest.mark.parametrize(
    ("sent", "action"), [("A", "assert"), ("U", "assert"), ("", "assert"), ("D", "delete"), ("X", "delete")]
)
def test_only_an_explicit_action_deletes(sent: str, action: str) -> None:
    diagnosis = conditions(a_dg1(f20="DX1^EPD", f21=sent))[0]

    assert (diagnosis.action, diagnosis.key) == (action, "diagnosis:EPD|DX1")


def test_a_deletion_also_covers_what_was_said_of_that_code_and_day_without_a_number() -> None:
    (snapshot,) = conditions(a_dg1())

    deleted = conditions(a_dg1(f20="DX1^EPD", f21="D"))

    assert [each.action for each in deleted] == ["delete", "delete"]
    assert [each.key for each in deleted] == ["diagnosis:EPD|DX1", snapshot.key]


def test_a_deletion_without_a_number_takes_nothing_back() -> None:
    (snapshot,) = conditions(a_dg1())

    (deleted,) = conditions(a_dg1(f21="D"))

    assert (deleted.action, deleted.flags) == ("delete", (UNNUMBERED,))
    assert deleted.key != snapshot.key


def test_a_message_without_diagnoses_says_nothing_about_them() -> None:
    assert conditions() == []
    assert conditions("DG1|1") == []


def test_a_number_without_a_namespace_is_the_senders() -> None:
    assert conditions(a_dg1(f20="DX1"))[0].key == "diagnosis:EPD|DX1"


def test_older_senders_name_the_code_system_in_the_field_before() -> None:
    assert conditions(a_dg1(f2="I10", f3="I26.9", f4="Longembolie"))[0].codings[0].system == "ICD10"


@pytest.mark.parametrize("words", ["geen DVT", "moeder DVT", "verdenking longembolie"])
def test_what_the_words_of_a_diagnosis_say_of_it_is_left_to_the_rules(words: str) -> None:
    (diagnosis,) = conditions(a_dg1(f3="", f4=words))

    assert (diagnosis.text, diagnosis.certainty, diagnosis.path) == (words, "confirmed", "DG1[1]-4")


@pytest.mark.parametrize(
    ("code", "bare", "certainty"),
    [
        ("I26.9A", "I26.9", "refuted"),
        ("I26.9 A", "I26.9", "refuted"),
        ("I26.9V", "I26.9", "suspected"),
        ("I26.9G", "I26.9", "confirmed"),
        ("I80.28 Z L", "I80.28", "confirmed"),
        ("I80.28GR", "I80.28", "confirmed"),
        ("I26.9", "I26.9", "confirmed"),
        ("I82.4Z1", "I82.4Z1", "confirmed"),
    ],
)
def test_the_letter_of_a_german_code_says_how_sure_it_is(code: str, bare: str, certainty: str) -> None:
    (diagnosis,) = conditions(a_dg1(f3=f"{code}^Lungenembolie^I10GM2026"))
    (problem,) = conditions(a_prb(f3=f"{code}^Lungenembolie^I10G2024"), kind="PPR^PC1")

    for found in (diagnosis, problem):
        assert (found.codings[0].system, found.codings[0].code, found.certainty) == ("ICD10", bare, certainty)


def test_the_letter_of_another_system_is_part_of_the_code() -> None:
    (diagnosis,) = conditions(a_dg1(f3="K94A^DVT^LOCAL"))

    assert (diagnosis.codings[0].code, diagnosis.certainty) == ("K94A", "confirmed")


def test_a_problem_is_known_by_its_own_number_and_time() -> None:
    (problem,) = conditions(a_prb(f7="20190614", f9="20191231"), kind="PPR^PC1")

    assert problem.category == "problem"
    assert problem.key == "problem:EPD|P1"
    assert problem.at == datetime(2025, 3, 8, 13, 59, tzinfo=UTC)
    assert problem.status == "resolved"
    assert problem.onset is not None
    assert problem.resolved is not None


@pytest.mark.parametrize(
    ("confirmation", "life_cycle", "status", "certainty"),
    [
        ("CONF^Confirmed", "INACTIVE^Voorgeschiedenis", "inactive", "confirmed"),
        ("ACTIVE", "", "active", "confirmed"),
        ("RESOLVED", "", "resolved", "confirmed"),
        ("", "Opgelost", "resolved", "confirmed"),
        ("Verdenking", "Actief", "active", "suspected"),
        ("^provisional", "^active", "active", "suspected"),
        ("Uitgesloten", "", "active", "refuted"),
        ("niet actief", "", "inactive", "confirmed"),
        ("unconfirmed", "", "active", "suspected"),
        ("", "", "active", "confirmed"),
        ("17", "42", "active", "confirmed"),
    ],
)
def test_status_words_are_found_in_either_field(
    confirmation: str, life_cycle: str, status: str, certainty: str
) -> None:
    (problem,) = conditions(a_prb(f13=confirmation, f14=life_cycle), kind="PPR^PC2")

    assert (problem.status, problem.certainty, problem.action) == (status, certainty, "assert")


@pytest.mark.parametrize(
    "word", ["DELETED^Foutief ingevoerd", "entered-in-error", "Ten onrechte^foutieve invoer", "ERROR"]
)
def test_an_entry_in_error_is_deleted_whatever_the_event(word: str) -> None:
    deleted = conditions(a_prb(f1="UP", f14=word), kind="PPR^PC2")

    assert [each.action for each in deleted] == ["delete", "delete"]


@pytest.mark.parametrize(
    ("event", "sent", "action", "status", "flags"),
    [
        ("PC3", "DE", "delete", "active", ()),
        ("PC3", "", "delete", "active", ()),
        ("PC3", "UP", "assert", "active", ("action_conflict",)),
        ("PC2", "DE", "assert", "inactive", ("removed_from_list",)),
        ("PC1", "UC", "assert", "active", ()),
        ("PC2", "CO", "assert", "active", ()),
    ],
)
def test_a_problem_goes_only_when_it_was_an_error(
    event: str, sent: str, action: str, status: str, flags: tuple[str, ...]
) -> None:
    problem = conditions(a_prb(f1=sent), kind=f"PPR^{event}")[0]

    assert (problem.action, problem.status, problem.flags) == (action, status, flags)


@pytest.mark.parametrize("action", ["LI", "UN"])
def test_linking_a_problem_changes_nothing(action: str) -> None:
    assert conditions(a_prb(f1=action), kind="PPR^PC2") == []


def test_a_problem_without_a_number_is_known_by_code_and_day() -> None:
    (problem,) = conditions(a_prb(f4="", f16="20190614"), kind="PPR^PC3")

    assert problem.key == "problem:ICD10:I269:20190614"


def test_the_site_may_name_its_own_status_words() -> None:
    defaults = Defaults(problem_statuses={"42": "resolved"})

    assert conditions(a_prb(f14="42"), kind="PPR^PC2", defaults=defaults)[0].status == "resolved"
