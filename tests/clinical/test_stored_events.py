"""What a database holds of earlier releases is read, and would be written in the same bytes today."""

from pathlib import Path

import msgspec
import pytest

from clinical.events import AnyEvent
from history.entries import Stored, encode

_STORED = (Path(__file__).parent / "stored_events.jsonl").read_bytes().splitlines()
_STORABLE = ("condition", "procedure", "allergy", "observation", "order", "administration")


def test_the_sample_holds_every_kind_of_event_that_is_kept() -> None:
    kinds = {msgspec.json.decode(line)["event"]["event"] for line in _STORED}

    assert kinds == set(_STORABLE)


@pytest.mark.parametrize("line", _STORED, ids=range(len(_STORED)))
def test_an_event_stored_by_an_earlier_release_is_written_again_in_the_same_bytes(line: bytes) -> None:
    stored = msgspec.json.decode(line, type=Stored)

    assert encode(stored.control_id, stored.event) == line


@pytest.mark.parametrize("line", _STORED, ids=range(len(_STORED)))
def test_two_readings_of_a_stored_event_are_equal_and_share_the_hash_of_their_codes(line: bytes) -> None:
    one, other = (_codings(msgspec.json.decode(line, type=Stored).event) for _ in range(2))

    assert one == other
    assert [hash(coding) for coding in one] == [hash(coding) for coding in other]


def _codings(event: AnyEvent) -> tuple[object, ...]:
    return tuple(getattr(event, "codings", ()))
