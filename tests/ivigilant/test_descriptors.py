"""A process asks for the descriptors it needs, and makes do with those it gets."""

import resource
import subprocess
import sys
from collections.abc import Iterator

import pytest

from ivigilant.descriptors import SPARE, affordable


@pytest.fixture
def few() -> Iterator[None]:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (200, hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_the_limit_is_raised_as_far_as_is_needed(few: None) -> None:
    assert affordable(300, "links") == 300
    assert resource.getrlimit(resource.RLIMIT_NOFILE)[0] == 300 + SPARE


def test_where_it_cannot_be_raised_there_are_fewer_and_the_log_says_so() -> None:
    asking = "from ivigilant.descriptors import affordable; print('for', affordable(5000, 'links'))"

    done = subprocess.run(
        [sys.executable, "-c", asking],
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (200, 1000)),
        capture_output=True,
        text=True,
        check=True,
    )

    assert f"for {1000 - SPARE}" in done.stdout
    assert "process.few_descriptors" in done.stdout
