"""A task that is written without Celery is the one that Celery would have written."""

import base64
import json
from typing import Any

import redis

from ivigilant.broker import EVERY_QUEUE, PROCESS, Bell, make_celery
from ivigilant.task_text import task_text

OF_ONE_TASK = ("id", "root_id", "correlation_id", "delivery_tag", "reply_to", "origin")  # other each time


def test_a_task_is_written_as_celery_writes_it(redis_url: str) -> None:
    app, numbers = make_celery(redis_url), [[1, 22, 2**40]]

    for queue in EVERY_QUEUE:
        app.send_task(
            PROCESS, args=numbers, argsrepr=json.dumps(numbers).replace(" ", ""), queue=queue, ignore_result=True
        )
        Bell(app).process(queue, numbers[0])

    for queue in EVERY_QUEUE:
        ours, celerys = tasks_in(redis_url, queue)
        assert without(OF_ONE_TASK, ours) == without(OF_ONE_TASK, celerys)


def test_every_task_has_numbers_of_its_own() -> None:
    first, second = (json.loads(task_text(PROCESS, "orders", [1])) for _ in range(2))

    for task in (first, second):
        assert task["headers"]["id"] == task["headers"]["root_id"] == task["properties"]["correlation_id"]
    numbers = {number for task in (first, second) for number in numbers_of(task)}
    assert len(numbers) == 4


def tasks_in(redis_url: str, queue: str) -> list[dict[str, Any]]:
    """Return the tasks of a queue, the last first, each with its body as values."""
    with redis.Redis.from_url(redis_url) as client:
        tasks = [json.loads(text) for text in client.lrange(queue, 0, -1)]
    return [task | {"body": json.loads(base64.b64decode(task["body"]))} for task in tasks]


def numbers_of(task: dict[str, Any]) -> tuple[str, str]:
    return task["headers"]["id"], task["properties"]["delivery_tag"]


def without(names: tuple[str, ...], task: dict[str, Any]) -> dict[str, Any]:
    """Return the task with nothing at these names, which stay."""
    parts = {name: part for name, part in task.items() if isinstance(part, dict)}
    return task | {name: part | {each: None for each in names if each in part} for name, part in parts.items()}
