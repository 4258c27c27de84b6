"""Codes and the systems they are of."""

import pytest

from clinical.codes import Coding
from parsers.defaults import Defaults
from parsers.hl7.codes import read_all_codings, read_codings, read_words, system_named
from tests.parsers.builders import DEFAULTS, a_segment


@pytest.mark.parametrize(
    ("sent", "ours"),
    [
        ("I10", "ICD10"),
        ("ICD-10-NL", "ICD10"),
        ("icd10", "ICD10"),
        ("2.16.840.1.113883.6.3", "ICD10"),
        ("I10C", "ICD10CM"),
        ("ICD-10-CM", "ICD10CM"),
        ("LN", "LOINC"),
        ("SCT", "SNOMED"),
        ("urn:oid:2.16.840.1.113883.6.96", "SNOMED"),
        ("WC", "ATC"),
        ("GS-PRK", "PRK"),
        ("2.16.840.1.113883.2.4.4.7", "HPK"),
        ("G_STANDAARD", "ZI"),
        ("HL70162", "HL70162"),
        ("HL7162", "HL70162"),
        ("99zkh", "99ZKH"),
        ("L", "L"),
        ("", ""),
    ],
)
def test_a_system_has_one_name_whatever_it_is_called(sent: str, ours: str) -> None:
    assert system_named(sent) == ours


def test_a_field_says_one_thing_in_several_systems() -> None:
    segment = a_segment("RXE||X1^Mixture^L^J06BA02^Immunoglobulins^ATC^^^as typed^99990011^IVIG^GS-HPK")

    assert [(each.system, each.code) for each in read_codings(segment, 2, DEFAULTS)] == [
        ("L", "X1"),
        ("ATC", "J06BA02"),
        ("HPK", "99990011"),
    ]
    assert read_words(segment, 2) == "Mixture; Immunoglobulins; IVIG; as typed"


def test_words_without_a_code_are_words() -> None:
    segment = a_segment("RXO|^Nanogam^L^J06BA02^Ig^ATC")

    assert read_codings(segment, 1, DEFAULTS) == (Coding(system="ATC", code="J06BA02", display="Ig"),)
    assert read_words(segment, 1) == "Nanogam; Ig"


def test_a_bare_value_is_a_code_without_a_system_and_its_own_words() -> None:
    segment = a_segment("RXO|Kiovig 10 g")

    assert read_codings(segment, 1, DEFAULTS) == (Coding(system="", code="Kiovig 10 g"),)
    assert read_words(segment, 1) == "Kiovig 10 g"


def test_the_site_names_its_own_systems() -> None:
    defaults = Defaults(code_systems={"ZKH": "PRK"})

    assert read_codings(a_segment("RXO|1^x^ZKH"), 1, defaults)[0].system == "PRK"
    assert read_codings(a_segment("RXO|1^x^I10"), 1, defaults)[0].system == "ICD10"


def test_repetitions_are_gathered_once_each() -> None:
    segment = a_segment("RXE||||||||||||||||||||||||||G61.0^a^I10~G61.0^a^I10~D80^b^I10")

    assert [each.code for each in read_all_codings(segment, 26, DEFAULTS)] == ["G61.0", "D80"]
