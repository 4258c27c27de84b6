"""Keeping batches in the database, over one connection of our own that is replaced when it breaks."""

import contextlib
from collections.abc import Callable, Sequence
from datetime import datetime

import sqlalchemy as sa

from listener.numbering import FeedNumbers
from store import feeds
from store.errors import StoreUnavailable
from store.messages import Arrival, Saved, save_batch

Save = Callable[[Sequence[Arrival]], Sequence[Saved]]


class Saving:
    """Saves for one thread: when it returns, what it was given is on disk."""

    def __init__(self, engine: sa.Engine, numbers: FeedNumbers | None = None, *, heard_every_s: float = 5.0) -> None:
        # A batch is one statement, so it needs no transaction around it, which would be two more trips to the server.
        self._engine = engine
        self._numbers = numbers or FeedNumbers()
        self._committing = engine.execution_options(isolation_level="AUTOCOMMIT")
        self._heard_every_s = heard_every_s
        self._heard: dict[int, datetime] = {}
        self._connection: sa.Connection | None = None

    def __call__(self, arrivals: Sequence[Arrival]) -> list[Saved]:
        """Keep them, or raise StoreUnavailable or MessageRefused; one broken connection is tried anew."""
        fresh = self._connection is None
        try:
            return self._save(arrivals)
        except StoreUnavailable:
            self.close()
            if fresh or self._engine.dialect.name == "sqlite":
                raise
        return self._save(arrivals)

    def close(self) -> None:
        """Let go of the connection."""
        if self._connection is not None:
            with contextlib.suppress(sa.exc.SQLAlchemyError):
                self._connection.invalidate()
                self._connection.close()
            self._connection = None

    def _save(self, arrivals: Sequence[Arrival]) -> list[Saved]:
        if self._connection is None:
            try:
                self._connection = self._committing.connect()
            except sa.exc.SQLAlchemyError as error:
                raise StoreUnavailable(type(error).__name__) from error
        try:
            arrivals = self._numbers.of_rows(self._engine, arrivals)
        except sa.exc.SQLAlchemyError as error:
            raise StoreUnavailable(type(error).__name__) from error
        saved = save_batch(self._connection, arrivals)
        self._note_heard(arrivals)
        return saved

    def _note_heard(self, arrivals: Sequence[Arrival]) -> None:
        """Note now and then when a feed was heard; what is saved stays saved when that fails."""
        for feed_id, at in {each.feed_id: each.received_at for each in arrivals}.items():
            before = self._heard.get(feed_id)
            if before is not None and (at - before).total_seconds() < self._heard_every_s:
                continue
            self._heard[feed_id] = at
            with contextlib.suppress(sa.exc.SQLAlchemyError), self._engine.begin() as connection:
                feeds.heard(connection, feed_id, at)
