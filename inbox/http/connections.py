"""Limits on connections whose request does not arrive: in time and in number."""

from asyncio import TimerHandle, Transport
from collections.abc import Iterable, Sequence
from typing import Any

import h11
import structlog
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware
from uvicorn.protocols.http.h11_impl import H11Protocol

log = structlog.get_logger()

_READ = (h11.DONE, h11.MUST_CLOSE, h11.CLOSED, h11.SWITCHED_PROTOCOL)


class BoundedHttp(H11Protocol):
    """HTTP that closes a connection whose request does not come, or comes too slowly.

    At the limit on connections, the one whose request is overdue longest makes room for the newest. A connection whose
    request is being answered, or that listens to the live page, is left alone.
    """

    head_within_s = 10.0  # from the connection, or the first byte of a later request, to the end of its headers
    whole_within_s = 60.0
    at_most = 1000

    def connection_made(self, transport: Transport) -> None:  # type: ignore[override]  # as uvicorn's own
        """Expect a request soon."""
        self._deadline: TimerHandle | None = None
        self._opened_at = self.loop.time()
        super().connection_made(transport)
        self._expect(self.head_within_s)
        if len(self.connections) > self.at_most:
            _make_room(each for each in self.connections if isinstance(each, BoundedHttp) and each is not self)

    def data_received(self, data: bytes) -> None:
        """Read on; once the request is whole, its sender has no deadline."""
        before = self.conn.their_state
        super().data_received(data)
        after = self.conn.their_state
        if after in _READ or self.transport.is_closing():
            self._expect(None)
        elif after is h11.SEND_BODY and before is not h11.SEND_BODY:
            self._expect(self.whole_within_s)
        elif self._deadline is None:
            self._expect(self.head_within_s)

    def connection_lost(self, exc: Exception | None) -> None:
        """Expect nothing more."""
        self._expect(None)
        super().connection_lost(exc)

    @property
    def is_awaited(self) -> bool:
        """Whether its request is still incomplete."""
        return self._deadline is not None

    def give_up(self) -> None:
        """Close it: its request took too long."""
        self._expect(None)
        self.connections.discard(self)
        self.transport.abort()

    def _expect(self, within_s: float | None) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
        self._deadline = None if within_s is None else self.loop.call_later(within_s, self.give_up)


def _make_room(others: Iterable[BoundedHttp]) -> None:
    awaited = [each for each in others if each.is_awaited]
    if awaited:
        min(awaited, key=lambda each: each._opened_at).give_up()


class NamedProxies:
    """The application behind these proxies: the source of a request is what they forward, else the peer itself.

    The first time that another machine forwards a request, the log says what to set.
    """

    most_warned = 10  # machines; anybody can send such a header

    def __init__(self, app: Any, proxies: Sequence[str]) -> None:
        self._forwarded = ProxyHeadersMiddleware(app, list(proxies))
        self._warned: set[str] = set()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Answer one request."""
        if scope["type"] == "http" and any(name == b"x-forwarded-for" for name, _ in scope["headers"]):
            self._warn_unless_named(scope["client"][0] if scope.get("client") else "")
        await self._forwarded(scope, receive, send)

    def _warn_unless_named(self, address: str) -> None:
        if address in self._warned or len(self._warned) >= self.most_warned or address in self._forwarded.trusted_hosts:
            return
        self._warned.add(address)
        log.warning(
            "inbox.proxy_not_named",
            address=address,
            advice="This machine forwards requests for others and counts as their sender, so that they share its limit "
            "on sign-ins and its place in the access log. If it is your proxy, name it in IVIGILANT_TRUSTED_PROXIES.",
        )


def bounded(at_most: int) -> type[BoundedHttp]:
    """Return the protocol with this limit on connections."""
    values: dict[str, Any] = {"at_most": at_most}
    return type("BoundedHttp", (BoundedHttp,), values)
