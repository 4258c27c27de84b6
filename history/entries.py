"""One entry of a patient's history: an event as it was read, with the message it came from."""

from collections.abc import Iterable
from datetime import datetime
from operator import itemgetter
from typing import Any

import msgspec

from clinical.events import AnyEvent
from clinical.values import Value
from clinical.versions import event_time


class Stored(Value, frozen=True, kw_only=True):
    """What the `data` column of a fact holds."""

    control_id: str  # MSH-10, so that an alert can name its message without looking it up
    event: AnyEvent


class Entry(msgspec.Struct, frozen=True, gc=False):
    """One event of the history, ordered by its version. A struct: a year of history is some thousand of them."""

    event: AnyEvent
    version: str
    patient_id: int
    message_id: int
    control_id: str

    @property
    def happened_at(self) -> datetime | None:
        """When it took effect: the event's own time, else when it was told."""
        return self.event.at or event_time(self.version)


_Told = tuple[tuple[str, str], bool, bytes, int, int]  # version and path, deleted, data, patient, message
_PLACE = itemgetter(0)
_encoder = msgspec.json.Encoder(decimal_format="string")
_decoder = msgspec.json.Decoder(Stored)


def encode(control_id: str, event: AnyEvent) -> bytes:
    """The event as it is stored."""
    return _encoder.encode(Stored(control_id=control_id, event=event))


def decode(rows: Iterable[Iterable[Any]]) -> list[Entry]:
    """The entries that stand, oldest version first; what was withdrawn is left out. The rows are as `store.facts.ROW`.

    What merged identities say of the same thing is one entry: a correction under the new number corrects the old one.
    """
    latest: dict[tuple[str, str], _Told] = {}
    for patient_id, kind, key, version, deleted, data, message_id, path in rows:
        known = latest.get((kind, key))
        if known is None or known[0] < (version, path):
            latest[kind, key] = (version, path), deleted, data, patient_id, message_id
    told = sorted((each for each in latest.values() if not each[1]), key=_PLACE)
    return [_entry(*each) for each in told]


def _entry(place: tuple[str, str], _deleted: bool, data: bytes, patient_id: int, message_id: int) -> Entry:
    stored = _decoder.decode(data)
    return Entry(stored.event, place[0], patient_id, message_id, stored.control_id)
