"""A process asks for the descriptors it needs, and makes do with those it gets."""

import resource
from collections.abc import Iterator

import pytest

from ivigilant.descriptors import SPARE, affordable


@pytest.fixture
def few() -> Iterator[int]:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (200, hard))
    yield hard
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_the_limit_is_raised_as_far_as_is_needed(few: int) -> None:
    assert affordable(300, "links") == 300
    assert resource.getrlimit(resource.RLIMIT_NOFILE)[0] == 300 + SPARE


def test_where_it_cannot_be_raised_there_are_fewer_and_the_log_says_so(
    few: int, capsys: pytest.CaptureFixture[str]
) -> None:
    if few == resource.RLIM_INFINITY:
        pytest.skip("this machine has no limit to meet")

    assert affordable(few, "links") == few - SPARE
    assert "process.few_descriptors" in capsys.readouterr().out
