"""Patient numbers."""

import pytest

from clinical.identities import Identifier
from parsers.chart.patients import read_patient
from parsers.defaults import Defaults
from parsers.hl7.identifiers import usual_spelling, valid_bsn
from tests.parsers.builders import DEFAULTS, a_segment

BSN = Identifier(authority="NLMINBIZA", value="999900018", type="NNNLD")


def read(numbers: str, defaults: Defaults = DEFAULTS) -> list[tuple[str, str]]:
    patient = read_patient(a_segment(f"PID|1||{numbers}"), defaults)
    return [(each.authority, each.value) for each in patient]


@pytest.mark.parametrize(
    "numbers",
    [
        "1000001^^^ZKHA^PI~999900018^^^NLMINBIZA^NNNLD",
        "999900018^^^NLMINBIZA^NNNLD~1000001^^^ZKHA^PI",
        "999900018^^^NLMINBIZA^NI~V1^^^ZKHA^VN~1000001^^^ZKHA^MR",
        "999900018^^^&2.16.840.1.113883.2.4.6.3&ISO~1000001^^^ZKHA",
    ],
)
def test_the_record_number_is_the_identity_wherever_it_stands(numbers: str) -> None:
    assert read(numbers) == [("ZKHA", "1000001"), ("NLMINBIZA", "999900018")]


def test_a_bsn_leads_only_when_it_is_alone() -> None:
    assert read_patient(a_segment("PID|1||999900018^^^NLMINBIZA^NNNLD~ZD1^^^ZorgDomein^VN"), DEFAULTS) == (BSN,)


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ("999900018", "999900018"),
        ("9999.00.018", "999900018"),
        ("10000008", "010000008"),
        ("10000000", ""),
        ("999900019", ""),
        ("000000000", ""),
        ("x", ""),
    ],
)
def test_a_bsn_passes_the_eleven_test_or_is_dropped(sent: str, kept: str) -> None:
    assert valid_bsn(sent) == kept


def test_the_authority_is_the_namespace_else_the_oid_else_the_feeds() -> None:
    defaults = Defaults(authority="HOME")

    assert read("1^^^A&1.2&ISO~2^^^&1.2&ISO~3", defaults) == [("A", "1"), ("1.2", "2"), ("HOME", "3")]


def test_the_site_says_whose_number_counts() -> None:
    defaults = Defaults(mrn_authorities=("NEW", "OLD"))

    assert read("1^^^OTHER^MR~2^^^OLD^MR~3^^^NEW^XY", defaults) == [("NEW", "3"), ("OLD", "2"), ("OTHER", "1")]


def test_leading_zeros_are_kept_and_blanks_around_are_not() -> None:
    assert read(" 000123 ^^^A^MR") == [("A", "000123")]


@pytest.mark.parametrize("number", ["0", "000000", "99999999", "UNKNOWN", "Onbekend", '""', "-"])
def test_a_placeholder_makes_no_patient(number: str) -> None:
    assert read(f"{number}^^^A^MR") == []


def test_older_fields_are_read_only_when_pid_3_is_empty() -> None:
    assert read_patient(a_segment("PID|1|11|22|33"), DEFAULTS)[0].value == "22"
    assert read_patient(a_segment("PID|1|11||33"), DEFAULTS)[0].value == "11"
    assert read_patient(a_segment("PID|1|||33"), DEFAULTS)[0].value == "33"


def test_a_visit_account_or_policy_is_no_patient() -> None:
    assert read("1^^^A^VN~2^^^A^AN~3^^^A^MC~4^^^A^ANON-P") == []


@pytest.mark.parametrize(
    ("sent", "usual"),
    [
        (("zkha", "00123"), ("ZKHA", "123")),
        (("ZKHA", "0A12"), ("ZKHA", "0A12")),
        (("ZKHA", "000"), ("ZKHA", "000")),
        (("2.16.528.1", "12"), ("ZKHA", "12")),
        (("Epic", "12"), ("EPIC", "12")),
    ],
)
def test_a_number_has_one_usual_spelling(sent: tuple[str, str], usual: tuple[str, str]) -> None:
    defaults = Defaults(authorities={"2.16.528.1": "ZKHA"})

    found = usual_spelling(Identifier(authority=sent[0], value=sent[1]), defaults)

    assert (found.authority, found.value) == usual


def test_noughts_and_check_digits_are_as_the_site_file_says() -> None:
    number = Identifier(authority="ZKHA", value="00128")

    assert usual_spelling(number, Defaults(padded_numbers=False)).value == "00128"
    assert usual_spelling(number, Defaults(check_digits=True)).value == "12"
    assert usual_spelling(number, Defaults(authority="Zkha")).authority == "Zkha"
