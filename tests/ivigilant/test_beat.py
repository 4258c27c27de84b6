"""The beat sweeps, says that it lives, and goes on when the database or the queue is away."""

import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import sqlalchemy as sa

from ivigilant.beat import Beat, repeat
from store import heartbeats
from store.engine import connect

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


def test_a_beat_sweeps_rings_and_says_that_it_lives(engine: sa.Engine) -> None:
    done: list[str] = []

    Beat(engine, lambda: NOW, sweep=lambda: done.append("swept"), ring=lambda: done.append("rung")).once()

    assert done == ["swept", "rung"]
    with engine.connect() as connection:
        assert heartbeats.last(connection) == {"beat": NOW}


def test_a_database_that_is_away_does_not_stop_the_beat(tmp_path: Path) -> None:
    rung: list[str] = []
    without_tables = connect(f"sqlite:///{tmp_path / 'empty'}")

    Beat(without_tables, lambda: NOW, sweep=lambda: None, ring=lambda: rung.append("rung")).once()

    assert rung == ["rung"]


def test_what_is_repeated_goes_on_after_it_failed() -> None:
    stopping, turns = threading.Event(), list[int]()

    def work() -> None:
        turns.append(len(turns))
        if len(turns) == 3:
            stopping.set()
        raise ValueError(turns)

    repeat(work, timedelta(0), stopping)

    assert turns == [0, 1, 2]
