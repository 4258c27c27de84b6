"""Links that break in the middle of a frame or before the answer, messages that come twice and in any order."""

import random
from collections.abc import Callable

import pytest
import sqlalchemy as sa

from tests.chaos.installation import Installation
from tests.chaos.reconciling import reconcile, settle
from tests.chaos.sender import Mishaps, Sending

Install = Callable[..., Installation]


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_torn_frames_cut_links_repetition_and_any_order_end_the_same(
    install: Install, watching: sa.Engine, messages: list[bytes], undisturbed: list[bytes]
) -> None:
    installation = install()
    installation.start()
    shuffled = random.Random(11).sample(messages, len(messages))
    mishaps = Mishaps(torn=15, cut=8, repeated=15)
    sending = Sending(installation.mllp_port, shuffled, seed=12, links=6, mishaps=mishaps)

    sending.begin()
    settle(watching, sending, installation.tend)

    reconcile(watching, sending, undisturbed)
    assert sum(sending.repeats.values()) > len(messages) // 10
