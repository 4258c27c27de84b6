"""The queue rings soonest for orders, loses nothing to a killed worker, and says at once when Redis is away."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import redis

from ivigilant.broker import BUSY, CROWDED, PROCESS, Bell, make_celery, transport_options
from tests.ivigilant.waiting import soon

# Writes the ids of each task to a file; holds on to a task that names 13 until it is killed.
WORKER = f"""
import sys, time
from ivigilant.broker import make_celery
app = make_celery(sys.argv[1])
app.conf.broker_transport_options |= {{"visibility_timeout": 1, "unacked_restore_interval": 1}}
@app.task(name="{PROCESS}")
def process(ids):
    with open(sys.argv[2], "a") as file:
        file.write(",".join(map(str, ids)) + "\\n")
    while 13 in ids and sys.argv[3] == "hold":
        time.sleep(0.1)
app.Worker(concurrency=1, pool="prefork", loglevel="ERROR").start()
"""


def test_orders_are_taken_before_older_history(redis_url: str, done: Path) -> None:
    bell = Bell(make_celery(redis_url))
    for number in range(3):
        bell.process("history", [number])
    bell.process("orders", [100, 101])

    with a_worker(redis_url, done):
        soon(lambda: len(lines(done)) >= 4)

    assert lines(done)[0] == "100,101"


def test_a_task_comes_back_when_its_worker_is_killed(redis_url: str, done: Path) -> None:
    with a_worker(redis_url, done, "hold") as killed:
        Bell(make_celery(redis_url)).process("history", [13])
        soon(lambda: lines(done) == ["13"])
        os.killpg(killed.pid, signal.SIGKILL)

    with a_worker(redis_url, done):
        soon(lambda: lines(done)[:2] == ["13", "13"])


def test_ringing_returns_when_redis_is_away() -> None:
    bell = Bell(make_celery("redis://127.0.0.1:1/0"))

    bell.process("orders", [1])  # would hang, or raise, where publishing waits for its queue
    bell.deliver()


def test_what_is_probably_still_queued_is_not_queued_again(redis_url: str) -> None:
    bell = Bell(make_celery(redis_url))
    for number in range(BUSY):
        bell.process("history", [number])

    bell.process_unless_busy("history", [1])
    bell.process_unless_busy("orders", [2])

    with redis.Redis.from_url(redis_url) as client:
        assert (client.llen("history"), client.llen("orders")) == (BUSY, 1)


def test_a_lane_is_crowded_when_tasks_wait_in_it(redis_url: str) -> None:
    bell = Bell(make_celery(redis_url))

    for number in range(CROWDED):
        bell.process("history", [number])

    assert [bell.is_crowded(lane) for lane in ("history", "orders")] == [True, False]
    assert not Bell(make_celery("redis://127.0.0.1:1/0")).is_crowded("history")


def test_a_slow_task_is_not_run_beside_itself() -> None:
    app = make_celery("redis://127.0.0.1/0")

    assert transport_options()["visibility_timeout"] > app.conf.task_time_limit


@pytest.fixture
def done(tmp_path: Path) -> Path:
    return tmp_path / "done"


@contextmanager
def a_worker(redis_url: str, done: Path, manner: str = "quick") -> Iterator["subprocess.Popen[bytes]"]:
    command = [sys.executable, "-c", WORKER, redis_url, str(done), manner]
    environment = dict(os.environ) | {"PYTHONPATH": str(Path.cwd())}
    with subprocess.Popen(command, env=environment, start_new_session=True, stdout=subprocess.DEVNULL) as process:
        try:
            yield process
        finally:
            process.terminate()
            process.wait(timeout=90)


def lines(path: Path) -> list[str]:
    return path.read_text().splitlines() if path.exists() else []
