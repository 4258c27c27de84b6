"""A message that would take minutes to read is left to a person, and holds nobody else up."""

from parsers.reading import MOST_SEGMENTS
from tests.ivigilant.site_hospital import a_message, an_order
from tests.journeys.hospital import Hospital


def test_a_message_with_too_many_segments_is_parked_and_the_others_go_on(hospital: Hospital) -> None:
    endless = a_message(control="C9") + b"ZZZ|1\r" * MOST_SEGMENTS

    hospital.sends(endless, an_order())

    assert hospital.states() == {"C9": "parked", "O1": "processed"}
    assert [tuple(row) for row in hospital.rows("SELECT reason, detail FROM message WHERE control_id = 'C9'")] == [
        ("too_many_segments", "more than 100,000 segments")
    ]
