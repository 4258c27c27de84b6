"""Connections on which no request comes shut out nobody."""

import contextlib
import resource
import socket
import threading
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
import uvicorn

from inbox.http.connections import BoundedHttp

HALF = b"GET / HTTP/1.1\r\nHost: inbox\r\nX-Slow: "
MANY = 1100


async def answer(scope: Any, receive: Any, send: Any) -> None:
    """Read the whole request and answer it."""
    if scope["type"] == "lifespan":
        return
    while (await receive()).get("more_body"):
        pass
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
    await send({"type": "http.response.body", "body": b"ok"})


@contextlib.contextmanager
def serving(**limits: float) -> Iterator[tuple[int, uvicorn.Server]]:
    """A web server in a thread of its own."""
    protocol = type("Limited", (BoundedHttp,), dict(limits))
    config = uvicorn.Config(answer, port=0, http=protocol, log_config=None, lifespan="off", backlog=1024)
    server, listening = uvicorn.Server(config), socket.create_server(("127.0.0.1", 0), backlog=1024)
    thread = threading.Thread(target=server.run, args=([listening],))
    thread.start()
    try:
        yield listening.getsockname()[1], server
    finally:
        server.should_exit = True
        thread.join(90)


def reads_until_closed(link: socket.socket) -> bytes:
    link.settimeout(90)
    with contextlib.suppress(ConnectionResetError):
        return link.recv(100)
    return b""


def test_a_request_whose_headers_do_not_end_loses_its_connection() -> None:
    with serving(head_within_s=0.2) as (port, _), socket.create_connection(("127.0.0.1", port)) as link:
        link.sendall(HALF)

        assert reads_until_closed(link) == b""


def test_a_connection_on_which_nothing_comes_is_closed() -> None:
    with serving(head_within_s=0.2) as (port, _), socket.create_connection(("127.0.0.1", port)) as link:
        assert reads_until_closed(link) == b""


def test_a_body_that_does_not_end_loses_its_connection() -> None:
    with serving(whole_within_s=0.2) as (port, _), socket.create_connection(("127.0.0.1", port)) as link:
        link.sendall(b"POST / HTTP/1.1\r\nHost: inbox\r\nContent-Length: 100\r\n\r\nhalf")

        assert reads_until_closed(link) == b""


def test_the_next_request_of_a_connection_has_a_deadline_too() -> None:
    with serving(head_within_s=2.0) as (port, _), socket.create_connection(("127.0.0.1", port)) as link:
        link.sendall(b"GET / HTTP/1.1\r\nHost: inbox\r\n\r\n")
        answered = b""
        while not answered.endswith(b"ok"):
            more = link.recv(1000)
            assert more
            answered += more
        link.sendall(HALF)

        assert reads_until_closed(link) == b""


@pytest.fixture
def descriptors() -> Iterator[int]:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    enough = 4 * MANY if hard == resource.RLIM_INFINITY else min(4 * MANY, hard)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, enough), hard))
    yield min(MANY, max(soft, enough) // 3)
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_more_than_a_thousand_half_sent_headers_shut_out_nobody(descriptors: int) -> None:
    with (
        serving(at_most=200) as (port, server),
        contextlib.ExitStack() as links,
        httpx.Client(base_url=f"http://127.0.0.1:{port}", trust_env=False, timeout=90) as reader,
    ):
        assert reader.get("/").text == "ok"
        for _ in range(descriptors):
            link = links.enter_context(socket.create_connection(("127.0.0.1", port)))
            with contextlib.suppress(ConnectionError):
                link.sendall(HALF)

        assert reader.get("/").text == "ok"
        assert httpx.get(f"http://127.0.0.1:{port}/", trust_env=False, timeout=90).text == "ok"
        assert len(server.server_state.connections) <= 201
