"""Removal of the text of old messages, some per transaction: safe to stop at any moment.

The patients they mention are locked first, so that nothing new can cite a message while its text is removed.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial

import sqlalchemy as sa
import structlog

from store import message_queries, retention
from store.engine import reading
from store.locks import lock_people
from store.retention import Ages, Old
from worker.transactions import in_transaction

log = structlog.get_logger()

TOGETHER = 200  # messages per transaction

Kind = tuple[str, str, str]  # state, type, and why it is kept: "" for one that is removed


@dataclass(slots=True)
class PruneTally:
    """The number of messages of each kind, the size of their text, and the age of the oldest."""

    messages: Counter[Kind] = field(default_factory=Counter)
    size: Counter[Kind] = field(default_factory=Counter)
    oldest: dict[Kind, datetime] = field(default_factory=dict)
    last: int = 0  # the last message examined

    def add(self, row: Old, why: str) -> None:
        """Count one message."""
        kind = (row.state, f"{row.type}^{row.event}" if row.event else row.type, why)
        self.messages[kind] += 1
        self.size[kind] += row.size
        self.oldest[kind] = min(self.oldest.get(kind, row.received_at), row.received_at)

    def gone(self) -> tuple[int, int]:
        """Return how many messages go, and how many bytes."""
        return (
            sum(number for (_, _, why), number in self.messages.items() if not why),
            sum(number for (_, _, why), number in self.size.items() if not why),
        )


@dataclass(frozen=True, slots=True)
class Run:
    """Who prunes, under which name, at what time, and with which ages."""

    name: str
    actor: str
    now: datetime
    ages: Ages


def survey(engine: sa.Engine, run: Run, report: Callable[[int], None], together: int = TOGETHER) -> PruneTally:
    """Return what would be removed and what is kept and why, changing nothing; `report` gets the progress."""
    tally = PruneTally()
    for rows, last in _pages(engine, run, together):
        with reading(engine) as connection:
            why = retention.reasons_to_keep(connection, [row.id for row in rows]) if rows else {}
        for row in rows:
            tally.add(row, why.get(row.id, ""))
        tally.last = last
        report(last)
    return tally


def prune(engine: sa.Engine, run: Run, report: Callable[[int], None], together: int = TOGETHER) -> PruneTally:
    """Remove what may go, and record in the same transactions who did so; `report` gets the progress."""
    tally = PruneTally()
    for rows, last in _pages(engine, run, together):
        if rows:
            why, gone = in_transaction(engine, partial(_remove, run=run, rows=rows))
            for row in rows:
                if row.id in why or row.id in gone:
                    tally.add(row, why.get(row.id, ""))
        tally.last = last
        report(last)
    messages, size = tally.gone()
    log.info("prune.done", run=run.name, messages=messages, bytes=size)
    return tally


def _pages(engine: sa.Engine, run: Run, together: int) -> Iterator[tuple[list[Old], int]]:
    last: int | None = 0
    while last is not None:
        with reading(engine) as connection:
            found = retention.page(connection, run.ages, run.now, last, together)
        if found.last is not None:
            yield list(found.old), found.last
        last = found.last


def _remove(connection: sa.Connection, run: Run, rows: list[Old]) -> tuple[dict[int, str], set[int]]:
    """Remove those that nothing cites; return why the others are kept, and which were removed."""
    ids = [row.id for row in rows]
    named = message_queries.patients_of(connection, ids)
    lock_people(connection, {patient for several in named.values() for patient in several})
    why = retention.reasons_to_keep(connection, ids)
    gone = retention.remove(connection, set(ids) - why.keys(), run.now)
    if gone:
        size = sum(row.size for row in rows if row.id in gone)
        retention.note_pruning(connection, run.name, run.actor, run.now, len(gone), size, in_days(run.ages))
    return why, gone


def in_days(ages: Ages) -> dict[str, int | dict[str, int] | None]:
    """Return the ages as the record shows them."""
    return {
        "processed": ages.processed.days if ages.processed else None,
        "ignored": ages.ignored.days if ages.ignored else None,
        "types": {name: age.days for name, age in sorted(ages.types.items())},
    }
