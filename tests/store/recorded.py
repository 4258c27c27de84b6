"""What messages add about patients, recorded as a worker does."""

from collections.abc import Callable, Collection, Iterable

import sqlalchemy as sa

from store import merges, patients
from store.patients import PatientChanges, SentFields
from store.recording import Recording, write


def update_demographics(connection: sa.Connection, entries: Iterable[SentFields]) -> set[int]:
    """Record the latest of every field; return the patients whose orders may be answered otherwise."""
    sent = list(entries)
    return _recorded(connection, {each[0] for each in sent}, lambda changes: changes.add_demographics(sent))


def mark_has_ivig(connection: sa.Connection, ids: Collection[int]) -> set[int]:
    return _recorded(connection, ids, lambda changes: changes.mark_has_ivig(ids))


def add_flag(connection: sa.Connection, ids: Collection[int], flag: str) -> set[int]:
    return _recorded(connection, ids, lambda changes: changes.add_flag(ids, flag))


def _recorded(connection: sa.Connection, ids: Collection[int], change: Callable[[PatientChanges], None]) -> set[int]:
    changes = PatientChanges(patients.of_ids(connection, merges.merge_set(connection, ids)))
    change(changes)
    return write(connection, Recording((), (), changes, ())).changed
