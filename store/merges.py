"""Merged identities: pointers that are followed when read, so a merge commutes with everything and can be undone."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass

import sqlalchemy as sa

from store import patients, tables
from store.rowsets import among


@dataclass(frozen=True, slots=True)
class Person:
    """Identities that are one person; the root is the one the others point to."""

    root: int
    members: frozenset[int]


def merge_set(connection: sa.Connection, ids: Collection[int]) -> set[int]:
    """Give these identities and all that are the same person as one of them."""
    return set(_pointers(connection, ids))


def persons(connection: sa.Connection, ids: Collection[int]) -> list[Person]:
    """Give the persons behind these identities, each once, in the order of their root."""
    pointers = _pointers(connection, ids)
    members: dict[int, set[int]] = {}
    in_circle: dict[int, frozenset[int]] = {}
    for start in pointers:
        end, circle = _follow(pointers, start)
        members.setdefault(end, set()).add(start)
        in_circle[end] = circle
    names = _names(connection, {id_ for circle in in_circle.values() for id_ in circle if len(circle) > 1})
    found = []
    for end, same in members.items():
        circle = in_circle[end]
        # Two merges that point at each other are one person all the same; the smallest name is its root.
        root = min(circle, key=lambda id_: names[id_]) if len(circle) > 1 else end
        found.append(Person(root, frozenset(same)))
    return sorted(found, key=lambda person: person.root)


def lock_merge_set(connection: sa.Connection, ids: Collection[int]) -> set[int]:
    """Hold these identities and all that are the same person, also when a merge came in between."""
    held: set[int] = set()
    wanted = merge_set(connection, ids)  # all of them are locked in one order, so two workers cannot deadlock
    while wanted != held:
        patients.lock(connection, wanted)
        # Who waited for a lock sees what was merged meanwhile only in a new statement.
        held, wanted = wanted, wanted | merge_set(connection, wanted)
    return held


def set_pointer(connection: sa.Connection, retired_id: int, survivor_id: int | None, version: str) -> bool:
    """Point one identity to another, or to none to undo a merge; the latest version stays. True when it changed.

    Both must be locked. A merge of an identity with itself says nothing, and nothing is kept of it.
    """
    if retired_id == survivor_id:
        return False
    patient = tables.patient
    change = (
        sa.update(patient)
        .where(patient.c.id == retired_id)
        .where(sa.or_(patient.c.merge_version.is_(None), patient.c.merge_version < version))
        .values(merged_into=survivor_id, merge_version=version)
    )
    return connection.execute(change).rowcount == 1


def _pointers(connection: sa.Connection, ids: Iterable[int]) -> dict[int, int | None]:
    """Every identity connected with these, and where it points; one query when nothing was merged."""
    patient = tables.patient
    pointers: dict[int, int | None] = {}
    frontier = set(ids)
    while frontier:
        near = among(connection, patient.c.id, frontier) | among(connection, patient.c.merged_into, frontier)
        rows = connection.execute(sa.select(patient.c.id, patient.c.merged_into).where(near)).all()
        asked = frontier
        frontier = set()
        for row in rows:
            frontier |= {id_ for id_ in (row.id, row.merged_into) if id_ is not None and id_ not in pointers}
            pointers[row.id] = row.merged_into
        frontier -= asked
    return pointers


def _follow(pointers: dict[int, int | None], start: int) -> tuple[int, frozenset[int]]:
    """Where a chain ends: its last identity, or for a circle its smallest id and all that are in it."""
    path = [start]
    while (target := pointers.get(path[-1])) is not None:
        if target in path:
            circle = frozenset(path[path.index(target) :])
            return min(circle), circle
        path.append(target)
    return path[-1], frozenset({path[-1]})


def _names(connection: sa.Connection, ids: set[int]) -> dict[int, patients.Name]:
    if not ids:
        return {}
    return {id_: (row["authority"], row["value"]) for id_, row in patients.of_ids(connection, ids).items()}
