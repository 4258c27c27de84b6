"""The entries of a patient's history: each an event as it was read, with its message."""

from bisect import bisect_left
from collections.abc import Iterable
from datetime import datetime
from operator import attrgetter, itemgetter
from typing import Any, NamedTuple, Self

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
    kind: str = ""
    key: str = ""  # with the kind what it is about: a later entry of both takes its place

    @property
    def place(self) -> "Place":
        """Where it stands among the entries of its history."""
        return self.version, self.event.path, self.kind, self.key

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


def latest_entries(entries: Iterable[NewEntry]) -> list[NewEntry]:
    """Return the latest entry of each identity, kind and key, the first of a tie."""
    latest: dict[tuple[Name, str, str], NewEntry] = {}
    for entry in entries:
        key = entry.identity, entry.kind, entry.key
        if key not in latest or latest[key].version < entry.version:
            latest[key] = entry
    return list(latest.values())


Place = tuple[str, str, str, str]  # version and path: the later one holds; then kind and key, for a fixed order
_encoder = msgspec.json.Encoder(decimal_format="string")
_decoder = msgspec.json.Decoder(Stored)


def encode(control_id: str, event: AnyEvent) -> bytes:
    """Return the event as it is stored."""
    return _encoder.encode(Stored(control_id=control_id, event=event))


class StandingEntry(NamedTuple):
    """What stands of one kind and key."""

    place: Place
    patient_id: int
    message_id: int
    entry: Entry | None  # None once it was withdrawn


class EntryChange(NamedTuple):
    """One kind and key of which something else stands than before."""

    before: Entry | None
    after: Entry | None


class StandingEntries:
    """What stands of a history, whatever identity it was said of, withdrawn entries too; never changed."""

    __slots__ = ("_by_key", "_places", "entries")

    def __init__(self, by_key: dict[tuple[str, str], StandingEntry]) -> None:
        """Take what stands of every kind and key."""
        self._by_key = by_key
        held = sorted((each for each in by_key.values() if each.entry is not None), key=itemgetter(0))
        self.entries: list[Entry] = [each.entry for each in held if each.entry is not None]  # oldest version first
        self._places = [each.place for each in held]

    @classmethod
    def of(cls, rows: Iterable[Iterable[Any]]) -> Self:
        """Read stored rows: (patient, kind, key, version, deleted, data, message, path).

        What merged identities say about the same thing is one entry: a correction under the new number corrects the
        old one.
        """
        latest: dict[tuple[str, str], tuple[Any, ...]] = {}
        for row in rows:
            patient_id, kind, key, version, deleted, data, message_id, path = row
            held = latest.get((kind, key))
            if held is None or held[0] < (version, path):
                latest[kind, key] = (version, path), deleted, data, patient_id, message_id
        return cls(
            {
                (kind, key): _standing((*place, kind, key), deleted, data, patient_id, message_id)
                for (kind, key), (place, deleted, data, patient_id, message_id) in latest.items()
            }
        )

    def after(self, rows: Iterable[Iterable[Any]]) -> tuple["StandingEntries", list[EntryChange]] | None:
        """Return what stands once these rows are stored, each later than what is stored under its key or passed over.

        None where that cannot be told: of two rows with one version it depends on what other identities say.
        """
        by_key = self._by_key.copy()
        changed: dict[tuple[str, str], Entry | None] = {}
        for row in rows:
            patient_id, kind, key, version, deleted, data, message_id, path = row
            held = by_key.get((kind, key))
            new = _standing((version, path, kind, key), deleted, data, patient_id, message_id)
            if held is None or held.place[0] < version:
                changed.setdefault((kind, key), held.entry if held is not None else None)
                by_key[kind, key] = new
            elif held.place[0] == version and held != new:
                return None
        if not changed:
            return self, []
        made = StandingEntries.__new__(StandingEntries)
        made._by_key, made.entries, made._places = by_key, self.entries.copy(), self._places.copy()
        changes = [EntryChange(before, by_key[of].entry) for of, before in changed.items()]
        for before, after in changes:
            made._replace(before, after)
        return made, changes

    def _replace(self, before: Entry | None, after: Entry | None) -> None:
        if before is not None:
            at = bisect_left(self._places, before.place)
            del self._places[at], self.entries[at]
        if after is not None:
            at = bisect_left(self._places, after.place)
            self._places.insert(at, after.place)
            self.entries.insert(at, after)


def _standing(place: Place, deleted: bool, data: bytes, patient_id: int, message_id: int) -> StandingEntry:
    if deleted:
        return StandingEntry(place, patient_id, message_id, None)
    stored = _decoder.decode(data)
    entry = Entry(stored.event, place[0], patient_id, message_id, stored.control_id, *place[2:])
    return StandingEntry(place, patient_id, message_id, entry)


def decode(rows: Iterable[Iterable[Any]]) -> list[Entry]:
    """Return the entries that stand, oldest version first; what was withdrawn is left out. Rows as `of` reads them."""
    return StandingEntries.of(rows).entries


def fold_entries(entries: Iterable[NewEntry]) -> list[Entry]:
    """Return the same for entries that were never stored, one per key and identity."""
    latest: dict[tuple[str, str], NewEntry] = {}
    for new in entries:
        held = latest.get((new.kind, new.key))
        if held is None or (held.version, held.event.path) < (new.version, new.event.path):
            latest[new.kind, new.key] = new
    standing = (
        Entry(new.event, new.version, 0, new.message_id, new.control_id, new.kind, new.key)
        for new in latest.values()
        if not new.deleted
    )
    return sorted(standing, key=attrgetter("place"))
