"""The entries of a patient's history: each an event as it was read, with its message."""

from collections.abc import Iterable
from datetime import datetime
from operator import itemgetter
from typing import Any

import msgspec

from clinical.events import AnyEvent
from clinical.identities import Name
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
        """When it took effect: the event's own time, else when it was sent."""
        return self.event.at or event_time(self.version)


class NewEntry(msgspec.Struct, frozen=True, gc=False):
    """One event for the history of one identity; a later version of the same kind and key takes its place."""

    identity: Name
    kind: str
    key: str
    version: str
    event: AnyEvent
    message_id: int
    control_id: str
    deleted: bool


_Place = tuple[str, str]  # version and path: the later one holds
_Row = tuple[_Place, bool, Any, int, int]  # version and path, then deleted, data, patient, message
_encoder = msgspec.json.Encoder(decimal_format="string")
_decoder = msgspec.json.Decoder(Stored)


def encode(control_id: str, event: AnyEvent) -> bytes:
    """Return the event as it is stored."""
    return _encoder.encode(Stored(control_id=control_id, event=event))


def decode(rows: Iterable[Iterable[Any]]) -> list[Entry]:
    """Return the entries that stand, oldest version first; what was withdrawn is left out.

    The rows are (patient, kind, key, version, deleted, data, message, path). What merged identities say about the same
    thing is one entry: a correction under the new number corrects the old one.
    """
    return [_decoded(*row) for row in _standing(rows)]


def fold_entries(entries: Iterable[NewEntry]) -> list[Entry]:
    """Return the same for entries that were never stored, one per key and identity."""
    rows = ((0, each.kind, each.key, each.version, each.deleted, each, 0, each.event.path) for each in entries)
    return [Entry(new.event, new.version, 0, new.message_id, new.control_id) for _, _, new, _, _ in _standing(rows)]


def _standing(rows: Iterable[Iterable[Any]]) -> list[_Row]:
    latest: dict[tuple[str, str], _Row] = {}
    for patient_id, kind, key, version, deleted, data, message_id, path in rows:
        held = latest.get((kind, key))
        if held is None or held[0] < (version, path):
            latest[kind, key] = (version, path), deleted, data, patient_id, message_id
    return sorted((row for row in latest.values() if not row[1]), key=itemgetter(0))


def _decoded(place: _Place, _deleted: bool, data: bytes, patient_id: int, message_id: int) -> Entry:
    stored = _decoder.decode(data)
    return Entry(stored.event, place[0], patient_id, message_id, stored.control_id)
