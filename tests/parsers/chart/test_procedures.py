"""PR1."""

from datetime import UTC, datetime

from clinical.events import Procedure
from parsers.reading import read
from tests.parsers.builders import DEFAULTS, a_patient_message


def procedures(*segments: str, kind: str = "ADT^A01") -> list[Procedure]:
    events = read(a_patient_message(*segments, kind=kind), DEFAULTS).events
    return [event for event in events if isinstance(event, Procedure)]


def test_a_procedure_has_a_code_and_a_day() -> None:
    (hip,) = procedures("PR1|1||5-820^Totale heupprothese^L||20250120|P")

    assert (hip.codings[0].code, hip.text, hip.path) == ("5-820", "Totale heupprothese", "PR1[1]-3")
    assert hip.performed is not None
    assert (hip.performed.at, hip.performed.precision) == (datetime(2025, 1, 19, 23, tzinfo=UTC), "day")


def test_a_withdrawn_procedure_is_deleted_by_its_number() -> None:
    (hip,) = procedures("PR1|1||5-820^Heup^L||20250120" + "|" * 14 + "OP1^OK|D", kind="BAR^P12")

    assert (hip.action, hip.key) == ("delete", "procedure:OK|OP1")


def test_a_procedure_in_words_alone_is_kept_and_an_empty_one_is_not() -> None:
    assert [each.text for each in procedures("PR1|1|||Knie links|20250120", "PR1|2")] == ["Knie links"]
