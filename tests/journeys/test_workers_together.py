"""Many workers at once on the same patients: one alert per order, and nobody waits for ever."""

import random
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from functools import partial

import psycopg
import pytest
import sqlalchemy as sa

from inbox.alerts.act import AlertAct, OnAlert
from inbox.alerts.settling import TakenOn
from inbox.alerts.sleeping import Snooze
from inbox.errors import ActRefused, AlertSettled
from rules.knowledge import Knowledge
from store.engine import connect
from tests.journeys.hospital import Hospital
from tests.journeys.stories import Diagnosed, Given, Happening, Merged, Ordered, Problem, Unmerged, messages
from tests.thoroughness import SECONDS

WORKERS = 8
PATIENTS = ("1", "2", "3", "4")


@pytest.fixture
def busy(postgres_url: str, knowledge: Knowledge) -> Iterator[Hospital]:
    """A hospital on PostgreSQL with a connection for every worker."""
    engine = connect(postgres_url, pool_size=WORKERS + 1, durable=False)
    yield Hospital(engine, knowledge)
    engine.dispose()


def process_at_once(hospital: Hospital, batches: Sequence[Sequence[int]]) -> None:
    with ThreadPoolExecutor(WORKERS) as pool:
        for _ in pool.map(hospital.processes, batches):
            pass


@pytest.fixture
def deadlocks(busy: Hospital) -> list[BaseException]:
    """Every deadlock that PostgreSQL had to break; a worker would have tried again and not told."""
    broken: list[BaseException] = []

    def note(context: sa.ExceptionContext) -> None:
        if isinstance(context.original_exception, psycopg.errors.DeadlockDetected):
            broken.append(context.original_exception)

    sa.event.listen(busy.engine, "handle_error", note)
    return broken


def test_a_hundred_tasks_on_one_order_raise_one_alert(busy: Hospital) -> None:
    told = [Diagnosed(), *(Ordered(at=number, grams="30") for number in range(100))]
    ids = busy.receives(*messages(told))

    process_at_once(busy, [[id_] for id_ in ids])

    with busy.engine.connect() as connection:
        kinds = connection.execute(sa.text("SELECT kind FROM alert_event WHERE kind = 'raised'")).scalars().all()
    assert [row["status"] for row in busy.alerts()] == ["open"]
    assert len(kinds) == 1
    assert busy.waiting() == []


def test_the_same_messages_in_a_hundred_tasks_are_processed_once(busy: Hospital) -> None:
    ids = busy.receives(*messages([Diagnosed(), Ordered(at=1), Given(at=30, started=24)]))

    process_at_once(busy, [ids] * 100)

    assert len(busy.alerts()) == 1
    assert set(busy.states().values()) == {"processed"}


def test_patients_merged_and_split_while_their_orders_cross_never_deadlock(
    busy: Hospital, deadlocks: list[BaseException]
) -> None:
    die = random.Random(8)
    ends = time.monotonic() + SECONDS
    rounds = 0

    while rounds < 2 or time.monotonic() < ends:
        ids = busy.receives(*messages(crossing(die, rounds)))
        process_at_once(busy, [die.sample(ids, 5) for _ in range(WORKERS * 4)])
        rounds += 1
    while waiting := busy.waiting():
        busy.processes(waiting)

    assert deadlocks == []
    assert set(busy.states().values()) == {"processed"}


def test_who_plans_while_workers_judge_the_same_patient_leaves_one_time_of_each_kind(
    busy: Hospital, deadlocks: list[BaseException]
) -> None:
    busy.sends(*messages([Problem(), Ordered(at=3, starts=30)]))
    (alert,) = [row["id"] for row in busy.alerts()]
    changes = [Ordered(at=4 + n, starts=30 - n, grams=str(30 + 10 * n), control="XO") for n in range(6)]
    ids = busy.receives(*[each.replace(b"|M0", b"|N0") for each in messages(changes)])
    acts: list[AlertAct] = [TakenOn(), Snooze(busy.clock() + timedelta(minutes=20), "awaits_ward")] * 3
    judged = [partial(busy.processes, [id_]) for id_ in ids]
    planned = [partial(acts_or_is_late, busy, OnAlert(alert, act)) for act in acts]

    with ThreadPoolExecutor(WORKERS) as pool:
        for done in [pool.submit(work) for pair in zip(judged, planned, strict=True) for work in pair]:
            done.result()

    standing = busy.rows("SELECT kind, due_at FROM due WHERE done_at IS NULL")
    owned = [row.due_at for row in standing if row.kind in ("take_on", "owner")]
    assert deadlocks == []
    assert busy.rows("SELECT count(*) FROM alert_event WHERE kind = 'snoozed'")[0][0] == len(acts) // 2
    assert len({row.kind for row in standing}) == len(standing) > 0
    assert busy.rows("SELECT due_at FROM alert")[0].due_at == min(owned, default=None)


def acts_or_is_late(hospital: Hospital, act: OnAlert) -> None:
    with suppress(ActRefused, AlertSettled):
        hospital.does(act)


def crossing(die: random.Random, start: int) -> list[Happening]:
    """What makes workers meet: merges both ways, and orders under either number."""
    told: list[Happening] = []
    for number in range(40):
        one, other = die.sample(PATIENTS, 2)
        kinds: list[Happening] = [
            Merged(who=one, retired=(other,)),
            Unmerged(who=one, other=other),
            Ordered(who=one, number=f"{100 + die.randrange(4)}"),
            Given(who=other, number=f"{100 + die.randrange(4)}"),
            Problem(who=f"{one}+", number=f"P{die.randrange(3)}"),
            Problem(who=f"+{one}", number=f"P{die.randrange(3)}"),
        ]
        told.append(replace(die.choice(kinds), at=start * 40 + number))
    return told
