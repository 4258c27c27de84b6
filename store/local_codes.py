"""Codes of a house that no value set holds: noted as they are seen, mapped or dismissed by people.

Noting only ever adds rows, so workers do not wait for each other over a code that every second message carries.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

import msgspec
import sqlalchemy as sa

from store.engine import to_json
from store.message_queries import Waiting, wait_again
from store.rowsets import PARAMETER, Types, rowset
from store.tables import message
from store.upserting import insert_or
from store.work_tables import local_code, local_code_seen, local_code_version

LOCK = 0x1717  # held by those who note codes, and alone by who changes what a code means

_CODES: Types = {"kind": sa.Text(), "system": sa.Text(), "code": sa.Text()}
_SEEN: Types = {"code_id": sa.BigInteger(), "message_id": sa.BigInteger(), "path": sa.Text()}

Key = tuple[str, str, str]  # kind, system, code


class LocalCode(msgspec.Struct, frozen=True, kw_only=True):
    """A code that no value set holds, and what became of it."""

    id: int
    kind: str  # product | diagnosis
    system: str
    code: str
    display: str  # the sender's words for the code
    likely: str  # a value set that these words name, or ""
    first_seen: datetime
    state: str  # open | mapped | dismissed | known: a value set holds it by now
    value_set: str | None  # it is mapped to
    reason: str | None  # why it was dismissed
    decided_by: str | None
    decided_at: datetime | None
    decisions: int  # how many there were: who decides says which she saw


@dataclass(frozen=True, slots=True)
class Sighting:
    """One code in one message."""

    kind: str
    system: str
    code: str
    display: str
    likely: str
    message_id: int
    path: str

    @property
    def key(self) -> Key:
        """By what the code is known."""
        return self.kind, self.system, self.code


def hold(connection: sa.Connection) -> None:
    """Keep every mapping as it is until this transaction ends. On SQLite one who writes is alone anyway."""
    if connection.dialect.name == "postgresql":
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock_shared(LOCK)))


def begin_change(connection: sa.Connection) -> None:
    """Wait until all that is being noted is committed, and let nothing more be noted until this transaction ends."""
    if connection.dialect.name == "postgresql":
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(LOCK)))


def version(connection: sa.Connection) -> int:
    """Tell how often mappings changed."""
    number: int = connection.execute(sa.select(local_code_version.c.number)).scalar_one()
    return number


def mapped(connection: sa.Connection) -> dict[str, list[tuple[str, str]]]:
    """Give system and code of every mapped code, by value set."""
    query = sa.select(local_code.c.value_set, local_code.c.system, local_code.c.code)
    members: dict[str, list[tuple[str, str]]] = {}
    for row in connection.execute(query.where(local_code.c.state == "mapped").order_by(local_code.c.id)):
        members.setdefault(row.value_set, []).append((row.system, row.code))
    return members


def note(connection: sa.Connection, sightings: Collection[Sighting], now: datetime) -> None:
    """Keep which codes were seen and where; noted again, nothing changes."""
    if not sightings:
        return
    ids = _ids(connection, sightings, now)
    paths: dict[tuple[int, int], str] = {}
    for each in sorted(sightings, key=lambda sighting: sighting.path):
        paths.setdefault((ids[each.key], each.message_id), each.path)
    told = [{"code_id": code, "message_id": number, "path": path} for (code, number), path in sorted(paths.items())]
    connection.execute(_insert_seen(connection.dialect.name), {PARAMETER: to_json(told)})


def _ids(connection: sa.Connection, sightings: Iterable[Sighting], now: datetime) -> dict[Key, int]:
    """The row of every code; of a new one, one is made."""
    codes = {each.key: each for each in sightings}
    ids = _find(connection, codes)
    missing = sorted(codes.keys() - ids.keys())
    if missing:
        rows = [_row(codes[key], now) for key in missing]
        connection.execute(insert_or(connection.dialect.name, local_code).on_conflict_do_nothing(), rows)
        ids |= _find(connection, missing)
    return ids


def _row(sighting: Sighting, now: datetime) -> dict[str, Any]:
    row = {"kind": sighting.kind, "system": sighting.system, "code": sighting.code, "display": sighting.display}
    return row | {"likely": sighting.likely, "first_seen": now, "state": "open", "decisions": 0}


def _find(connection: sa.Connection, keys: Iterable[Key]) -> dict[Key, int]:
    told = to_json([dict(zip(_CODES, key, strict=True)) for key in sorted(keys)])
    found = connection.execute(_find_query(connection.dialect.name), {PARAMETER: told})
    return {(row.kind, row.system, row.code): row.id for row in found}


@cache
def _find_query(dialect: str) -> sa.Executable:
    asked = rowset(dialect, _CODES)
    same = sa.and_(*(local_code.c[name] == asked.c[name] for name in _CODES))
    return sa.select(local_code.c.id, *(local_code.c[name] for name in _CODES)).join(asked, same)


@cache
def _insert_seen(dialect: str) -> sa.Executable:
    told = rowset(dialect, _SEEN)
    values = sa.select(*(told.c[name] for name in _SEEN)).where(sa.true())
    return insert_or(dialect, local_code_seen).from_select(list(_SEEN), values).on_conflict_do_nothing()


@dataclass(frozen=True, slots=True)
class CodeDecision:
    """What somebody made of a code."""

    state: str  # open, mapped, dismissed or known
    by: str
    at: datetime
    value_set: str | None = None
    reason: str | None = None


def decide(connection: sa.Connection, code_id: int, decision: CodeDecision) -> None:
    """Note what a code means from now on; `begin_change` comes before."""
    change = sa.update(local_code).where(local_code.c.id == code_id)
    connection.execute(
        change.values(
            state=decision.state,
            value_set=decision.value_set,
            reason=decision.reason,
            decided_by=decision.by,
            decided_at=decision.at,
            decisions=local_code.c.decisions + 1,
        )
    )
    connection.execute(sa.update(local_code_version).values(number=local_code_version.c.number + 1))


def process_again(connection: sa.Connection, code_ids: Collection[int]) -> list[Waiting]:
    """Let every message these codes were seen in be processed again; the sweep queues them."""
    seen = sa.select(local_code_seen.c.message_id).where(local_code_seen.c.code_id.in_(sorted(code_ids)))
    which = sa.and_(message.c.id.in_(seen), message.c.pruned_at.is_(None))
    return wait_again(connection, which, queued_at=None)


def with_states(connection: sa.Connection, states: Sequence[str]) -> list[LocalCode]:
    """Give the codes in these states."""
    query = sa.select(local_code).where(local_code.c.state.in_(states))
    return [LocalCode(**row) for row in connection.execute(query.order_by(local_code.c.id)).mappings()]
