"""Merges, circles and un-merges of any kind, with a pharmacist's hand between them: nothing depends on the order."""

import random
from collections.abc import Callable, Sequence
from datetime import timedelta

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from inbox.merges.acts import Merge, Unmerge, may_be_retired
from rules.knowledge import Knowledge
from store import feeds, merges, tables
from store.merges import SourcedStatement, Unclear
from store.messages import Arrival, raw_of, save_batch
from store.retention import Ages
from tests.journeys.drawing import stories_of_identity
from tests.journeys.hospital import Hospital
from tests.journeys.stories import Happening, messages
from tests.journeys.test_stories import checks, emptied
from worker.prune import Run, prune
from worker.rebuild import rebuild

YEAR = timedelta(days=365)


@pytest.fixture
def other(knowledge: Knowledge, fresh_engine: Callable[[], sa.Engine]) -> Hospital:
    """A hospital that hears the same in another order."""
    return Hospital(fresh_engine(), knowledge)


def lines(hospital: Hospital) -> list[SourcedStatement]:
    """What was said of every two."""
    with hospital.engine.connect() as connection:
        return sorted(merges.newest(connection, None, 1000), key=lambda each: each.pair)


def interferes(hospital: Hospital, die: random.Random) -> None:
    """Els parts two who are merged, or merges two who were parted, whichever she meets first."""
    found = lines(hospital)
    if not found:
        return
    spoken = die.choice(found)
    hospital.clock.passes(minutes=die.choice([0, 1, 60]))
    if not spoken.undone:
        hospital.does(Unmerge(spoken.pair, "looked it up"))
    elif may_be_retired(spoken):
        hospital.does(Merge(spoken.pair, "looked it up", spoken.survivor_id))


def lives(hospital: Hospital, story: Sequence[Happening], die: random.Random) -> None:
    """The story comes in, some of it processed late, and Els interferes now and then."""
    for message in messages(story):
        hospital.receives(message)
        if die.random() < 0.7:
            hospital.processes(hospital.waiting())
        if die.random() < 0.4:
            interferes(hospital, die)
    hospital.processes(hospital.waiting())


def copied(hospital: Hospital, other: Hospital, die: random.Random) -> None:
    """The same rows of messages, kept and processed in any other order and in other batches."""
    query = sa.select(tables.message, tables.feed.c.name.label("feed_name")).join(tables.feed)
    with hospital.engine.connect() as connection:
        rows = list(connection.execute(query).all())
    die.shuffle(rows)
    with other.engine.begin() as connection:
        ids = feeds.ids_of(connection, [row.feed_name for row in rows])
        arrivals = [_arrival(row, ids[row.feed_name]) for row in rows]
        kept = [saved.id for saved in save_batch(connection, arrivals)]
    while kept:
        size = die.choice([1, 2, 5])
        other.processes(kept[:size])
        kept = kept[size:]


def _arrival(row: sa.Row[tuple[object, ...]], feed_id: int) -> Arrival:
    told = {name: row._mapping[name] for name in Arrival.__struct_fields__ if name in row._mapping}
    again = {"feed_id": feed_id, "raw": raw_of(row), "state": "received", "reason": None, "detail": None, "flags": ()}
    return Arrival(**(told | again))


def by_merges(hospital: Hospital) -> list[Unclear]:
    """Who is unclear because of merges; a citizen number that is carried wrongly is corrected by its sender."""
    with hospital.engine.connect() as connection:
        return [one for one in merges.unclear(connection) if one.why != "citizen_number"]


@checks
@given(story=stories_of_identity(), seed=st.integers(0, 999))
def test_a_hand_between_merges_commutes_with_everything(
    story: list[Happening], seed: int, hospital: Hospital, other: Hospital
) -> None:
    die = random.Random(seed)
    for each in (hospital, other):
        emptied(each.engine)
        each.clock.now = hospital.clock.now

    lives(hospital, story, die)
    copied(hospital, other, die)

    assert other.dump() == hospital.dump()
    before = hospital.dump()
    run = Run("r", "els", hospital.clock.now + 9 * YEAR, Ages(YEAR, YEAR))
    prune(hospital.engine, run, lambda _: None)
    rebuild(hospital.worker, lambda _: None)
    assert hospital.dump() == before


@checks
@given(story=stories_of_identity(), seed=st.integers(0, 999))
def test_parting_everybody_who_is_unclear_leaves_nobody_unclear(
    story: list[Happening], seed: int, hospital: Hospital
) -> None:
    emptied(hospital.engine)
    lives(hospital, story, random.Random(seed))

    for _ in range(20):
        work = by_merges(hospital)
        if not work:
            break
        members = {member for one in work for member in one.person.members}
        spoken = next(each for each in lines(hospital) if not each.undone and set(each.pair) <= members)
        hospital.clock.passes(minutes=1)
        hospital.does(Unmerge(spoken.pair, "looked it up"))
        hospital.processes(hospital.waiting())

    assert by_merges(hospital) == []
