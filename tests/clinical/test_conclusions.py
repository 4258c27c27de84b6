"""A stored conclusion reads whatever release stored it, and is written as it was."""

import msgspec
import pytest

from clinical.conclusions import StoredCase, StoredConclusion, read_conclusion
from tests.inbox.builders import a_conclusion


def test_what_an_older_release_stored_reads_with_what_it_did_not_know_left_open() -> None:
    older = a_conclusion()

    read = read_conclusion(msgspec.json.encode(older))

    assert (read.channel, read.points, read.case) == (None, None, None)
    assert read.findings[0].rule == "IG-VTE-001"
    assert read.order.dose_g == (80.0, 80.0)
    assert [number.value for number in read.patient.identifiers] == ["1000001", "999900018"]


def test_a_field_of_a_later_release_is_passed_over() -> None:
    assert read_conclusion(b'{"findings": [], "later": {"than": "this"}}') == StoredConclusion()


@pytest.mark.parametrize(("case", "written"), [(None, False), (StoredCase(lots=["L1"]), True)])
def test_only_what_came_after_an_infusion_is_written_with_a_case(case: StoredCase | None, written: bool) -> None:
    content = StoredConclusion(case=case).as_json()

    assert ("case" in content) is written
    assert read_conclusion(msgspec.json.encode(content)) == StoredConclusion(case=case)
