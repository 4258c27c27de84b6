"""A disk that is full for a while: nothing new is kept or acknowledged meanwhile, and nothing is lost."""

import resource
from collections.abc import Callable

import pytest
import sqlalchemy as sa

from tests.chaos.installation import UNSEEN, Installation
from tests.chaos.reconciling import expect_nothing_kept, reconcile, settle
from tests.chaos.sender import Sending
from tests.ivigilant.waiting import soon

PAGE_BYTES = 4096  # of SQLite
Install = Callable[..., Installation]


class FullDisk:
    """Lets no process of an installation write more than it has."""

    def __init__(self, installation: Installation) -> None:
        self._installation = installation

    def begin(self) -> None:
        """Nothing may be written past the first page of a file: neither a commit nor a line of a log fits."""
        self._limit(PAGE_BYTES)

    def end(self) -> None:
        """There is room again."""
        self._limit(resource.RLIM_INFINITY)

    def _limit(self, size: int) -> None:
        for pid in [pid for role in UNSEEN for pid in self._installation.pids(role)]:
            resource.prlimit(pid, resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_nothing_new_is_acknowledged_while_the_disk_is_full_and_nothing_is_lost(
    install: Install, watching: sa.Engine, messages: list[bytes], undisturbed: list[bytes]
) -> None:
    installation = install()
    installation.start()
    disk = FullDisk(installation)
    sending = Sending(installation.mllp_port, messages, moments={60: disk.begin})

    sending.begin()
    soon(lambda: len(sending.codes) >= 60, within_s=60)
    expect_nothing_kept(watching, sending)
    disk.end()
    settle(watching, sending, installation.tend)

    reconcile(watching, sending, undisturbed)
