"""Names of fields."""

import pytest

from parsers.hl7.dictionary import component_name, field_name, is_in_version, name_of


@pytest.mark.parametrize(
    ("segment", "field", "version", "name"),
    [
        ("PRB", 3, "2.5", "Problem ID"),
        ("DG1", 3, "2.3.1", "Diagnosis Code"),
        ("ORC", 9, "2.3", "Date/Time of Transaction"),
        ("OBX", 14, "2.4", "Date/Time of the Observation"),
        ("DG1", 21, "2.3", "Diagnosis Action Code"),
        ("PID", 3, "", "Patient Identifier List"),
        ("PID", 3, "9.9", "Patient Identifier List"),
        ("ZZZ", 1, "2.5", ""),
        ("PID", 99, "2.5", ""),
    ],
)
def test_a_field_has_a_name_for_people(segment: str, field: int, version: str, name: str) -> None:
    assert field_name(segment, field, version) == name


def test_a_path_has_a_name_for_people() -> None:
    assert name_of("PID[1]-3(2).4", "2.5") == "Patient Identifier List, Assigning Authority"
    assert name_of("PRB[2]-3", "2.5") == "Problem ID"
    assert name_of("PRB[2]", "2.5") == ""
    assert component_name("PRB", 3, 2) == "Text"


def test_a_version_is_known_by_its_own_table() -> None:
    assert is_in_version("DG1", 21, "2.5")
    assert not is_in_version("DG1", 21, "2.3")
    assert not is_in_version("DG1", 21, "")
