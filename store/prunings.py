"""The record of who had the text of how many messages removed, and when: a row per transaction, only added to."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from store.work_tables import pruning


@dataclass(frozen=True, slots=True)
class Pruning:
    """One run: who began it when, by which ages, and how much went."""

    run: str
    actor: str
    at: datetime
    messages: int
    size: int


def note(
    connection: sa.Connection, run: str, actor: str, at: datetime, messages: int, size: int, ages: Mapping[str, Any]
) -> None:
    """Write what this transaction removes."""
    row = {"run": run, "actor": actor, "at": at, "messages": messages, "bytes": size, "ages": dict(ages)}
    connection.execute(sa.insert(pruning).values(**row))


def last(connection: sa.Connection) -> Pruning | None:
    """Give the newest run; None when there never was one."""
    newest = sa.select(pruning.c.run).order_by(pruning.c.id.desc()).limit(1).scalar_subquery()
    query = sa.select(
        pruning.c.run,
        pruning.c.actor,
        sa.func.max(pruning.c.at).label("at"),
        sa.func.sum(pruning.c.messages).label("messages"),
        sa.func.sum(pruning.c.bytes).label("size"),
    ).where(pruning.c.run == newest)
    row = connection.execute(query.group_by(pruning.c.run, pruning.c.actor)).one_or_none()
    return None if row is None else Pruning(row.run, row.actor, row.at, int(row.messages), int(row.size))


def total(connection: sa.Connection) -> int:
    """Tell of how many messages the text is gone."""
    return int(connection.execute(sa.select(sa.func.coalesce(sa.func.sum(pruning.c.messages), 0))).scalar_one())
