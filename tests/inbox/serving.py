"""An inbox on a real port, for browsers and for streams that do not end."""

import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import uvicorn
from litestar import Litestar

from inbox.http.connections import NamedProxies
from tests.inbox.sites import Site, an_app


@contextmanager
def serving(site: Site, proxies: Sequence[str] = (), **settings: object) -> Iterator[str]:
    """Serve the inbox and give its address."""
    with an_app(site.parts(**settings)) as app:
        yield from _served(app, proxies)


def _served(app: Litestar, proxies: Sequence[str]) -> Iterator[str]:
    named = NamedProxies(app, proxies)
    config = uvicorn.Config(
        named, host="127.0.0.1", port=0, log_config=None, timeout_graceful_shutdown=1, proxy_headers=False
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        deadline = time.monotonic() + 90
        while not server.started:
            assert thread.is_alive(), "the inbox did not start"
            assert time.monotonic() < deadline, "the inbox did not start in time"
            time.sleep(0.01)
        port = server.servers[0].sockets[0].getsockname()[1]
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        thread.join(90)
