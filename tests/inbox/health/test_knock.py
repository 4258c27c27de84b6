"""A listener that only seems to be there is found out."""

import contextlib
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
import uvloop

from inbox.health.knock import Place, unanswered
from listener.batching import Saving
from listener.config import ListenerConfig, Port
from listener.feeds import FeedProfile, one_feed
from listener.server import Listener
from tests.listener.authority import Authority, server
from tests.ports import free_port


@pytest.fixture
def closed() -> Place:
    return Place("127.0.0.1", free_port())


@pytest.fixture
def hanging() -> Iterator[Place]:
    """A process that stands still: the kernel takes links in its name."""
    with socket.create_server(("127.0.0.1", 0)) as door:
        yield Place("127.0.0.1", door.getsockname()[1])


@contextlib.contextmanager
def listening(engine: sa.Engine, port: Port) -> Iterator[Listener]:
    """A listener in a thread of its own."""
    listener = Listener(
        ListenerConfig(ports=(port,)), Saving(engine), lambda _lane, _ids: None, one_feed(FeedProfile(1))
    )
    loop, started, ending = uvloop.new_event_loop(), threading.Event(), threading.Event()

    def run() -> None:
        loop.run_until_complete(listener.start())
        started.set()
        loop.run_until_complete(loop.run_in_executor(None, ending.wait))
        loop.run_until_complete(listener.stop())
        loop.close()

    thread = threading.Thread(target=run)
    thread.start()
    try:
        assert started.wait(60)
        yield listener
    finally:
        ending.set()
        thread.join(60)


@pytest.mark.parametrize("tls", [False, True], ids=["plain", "tls"])
def test_a_listener_that_serves_is_known_by_closing_what_is_closed(
    sqlite_engine: sa.Engine, tmp_path: Path, tls: bool
) -> None:
    port = Port(port=0, tls=server(Authority(tmp_path)) if tls else None)
    with listening(sqlite_engine, port) as listener:
        found = [unanswered(Place("127.0.0.1", listener.ports[0]), within_s=60) for _ in range(5)]

        assert found == [None] * 5


def test_where_nobody_listens_nobody_answers(closed: Place) -> None:
    assert unanswered(closed, within_s=60) == "connection refused"


def test_a_listener_that_hangs_does_not_answer_though_it_can_be_connected_to(hanging: Place) -> None:
    assert unanswered(hanging, within_s=0.2) == "does not answer"


def test_an_address_is_written_as_others_read_it() -> None:
    assert [str(Place("listener", 2575)), str(Place("::1", 2575))] == ["listener:2575", "[::1]:2575"]
