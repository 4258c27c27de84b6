"""One entry of a patient's history: an event as it was read, with the message it came from."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec

from parsers.events import AnyEvent, Struct
from store.versions import event_time


class Stored(Struct, frozen=True, kw_only=True):
    """What the `data` column of a fact holds."""

    control_id: str  # MSH-10, so that an alert can name its message without looking it up
    event: AnyEvent


@dataclass(frozen=True, slots=True)
class Entry:
    """One event of the history, ordered by its version."""

    event: AnyEvent
    version: str
    patient_id: int
    message_id: int
    control_id: str

    @property
    def happened_at(self) -> datetime | None:
        """When it took effect: the event's own time, else when it was told."""
        return self.event.at or event_time(self.version)


_encoder = msgspec.json.Encoder(decimal_format="string")
_decoder = msgspec.json.Decoder(Stored)


def encode(control_id: str, event: AnyEvent) -> bytes:
    """The event as it is stored."""
    return _encoder.encode(Stored(control_id=control_id, event=event))


def decode(rows: Iterable[Any]) -> list[Entry]:
    """The entries that stand, oldest version first; what was withdrawn is left out.

    What merged identities say of the same thing is one entry: a correction under the new number corrects the old one.
    """
    latest: dict[tuple[str, str], Any] = {}
    for row in rows:
        known = latest.get((row.kind, row.key))
        if known is None or (known.version, known.path) < (row.version, row.path):
            latest[row.kind, row.key] = row
    entries = [_entry(row) for row in latest.values() if not row.deleted]
    entries.sort(key=lambda entry: (entry.version, entry.event.path))
    return entries


def _entry(row: Any) -> Entry:
    stored = _decoder.decode(row.data)
    return Entry(stored.event, row.version, row.patient_id, row.message_id, stored.control_id)
