"""Redis killed with everything in it, and emptied: the database knows what is left to do."""

from collections.abc import Callable

import pytest
import redis
import sqlalchemy as sa

from tests.chaos.installation import Installation
from tests.chaos.reconciling import reconcile, settle
from tests.chaos.sender import Sending, moments_of
from tests.ivigilant.waiting import soon
from tests.services import RedisServer

Install = Callable[..., Installation]


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_a_redis_that_loses_everything_loses_no_message(
    install: Install,
    redis_server: RedisServer,
    watching: sa.Engine,
    messages: list[bytes],
    undisturbed: list[bytes],
) -> None:
    installation = install()
    installation.start()

    def lose_everything() -> None:
        redis_server.kill()
        redis_server.lose_everything()
        redis_server.start()

    def empty() -> None:
        with redis.Redis.from_url(redis_server.url) as client:
            client.flushall()

    moments = moments_of(len(messages), 6, seed=7, what=empty)
    moments |= moments_of(len(messages), 2, seed=8, what=lose_everything)
    sending = Sending(installation.mllp_port, messages, per_second=150, moments=moments)

    sending.begin()
    settle(watching, sending, installation.tend)

    reconcile(watching, sending, undisturbed)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_messages_are_acknowledged_while_redis_is_away_and_processed_when_it_is_back(
    install: Install,
    redis_server: RedisServer,
    watching: sa.Engine,
    messages: list[bytes],
    undisturbed: list[bytes],
) -> None:
    installation = install()
    installation.start()
    sending = Sending(installation.mllp_port, messages, moments={20: redis_server.kill})

    sending.begin()
    soon(lambda: not sending.busy, within_s=60)
    redis_server.start()
    settle(watching, sending, installation.tend)

    reconcile(watching, sending, undisturbed)
