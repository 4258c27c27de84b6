"""Notices as a signed JSON POST.

The receiver checks `X-Signature: t=<seconds>,v1=<hex>`, where v1 is HMAC-SHA256 over `<t>.<body>` with the shared
secret, and uses `Idempotency-Key` (also `event_id`) to take a repeated notice once.
"""

import hashlib
import hmac
import json
import ssl
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from urllib.parse import urlsplit

import httpx

from forwarding.errors import Refused, Unreachable
from forwarding.notice import Notice

SCHEMA_VERSION = 1
_PASSING = {408, 425, 429}  # timeout, too early, too many: the same request may be taken later
_LOOPBACK = {"localhost", "127.0.0.1", "::1"}


def utc_now() -> datetime:
    """Read the clock; the default of `Webhook.clock`."""
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Webhook:
    """One receiver of signed notices."""

    name: str
    url: str
    secret: str = field(repr=False)
    timeout_s: float = 10.0
    plaintext: bool = False  # allow http to another machine
    proxy: str | None = None
    tls: ssl.SSLContext = field(default_factory=ssl.create_default_context, repr=False, compare=False)
    clock: Callable[[], datetime] = field(default=utc_now, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Refuse an address that would send in the clear, and an empty secret."""
        parts = urlsplit(self.url)
        secure = parts.scheme == "https" or self.plaintext or parts.hostname in _LOOPBACK
        if parts.scheme not in {"http", "https"} or not parts.hostname or not secure:
            raise ValueError(f"webhook {self.name}: the address must begin with https:// (or set plaintext)")
        if self.proxy is not None and urlsplit(self.proxy).scheme not in {"http", "https"}:
            raise ValueError(f"webhook {self.name}: the proxy must begin with http:// or https://")
        if not self.secret:
            raise ValueError(f"webhook {self.name}: a secret is needed to sign with")

    def forward(self, notice: Notice) -> None:
        """Post the notice once."""
        _judge(self._post(notice, _body(notice)))

    def _post(self, notice: Notice, body: bytes) -> int:
        """Give the status. The answer's body is never read: it could be endless."""
        headers = {
            "Content-Type": "application/json",
            "User-Agent": "ivigilant",
            "Idempotency-Key": notice.idempotency_key,
            "X-Signature": sign(body, self.secret, int(self.clock().timestamp())),
        }
        try:
            with (
                httpx.Client(verify=self.tls, timeout=self.timeout_s, proxy=self.proxy, trust_env=False) as client,
                client.stream("POST", self.url, content=body, headers=headers, follow_redirects=False) as answer,
            ):
                return answer.status_code
        except (httpx.UnsupportedProtocol, httpx.InvalidURL) as error:
            raise Refused("the address cannot be used") from error
        except httpx.TransportError as error:
            raise Unreachable(f"no answer: {type(error).__name__}") from error


def sign(body: bytes, secret: str, at: int) -> str:
    """Give the value of X-Signature."""
    digest = hmac.new(secret.encode(), b"%d." % at + body, hashlib.sha256).hexdigest()
    return f"t={at},v1={digest}"


def _body(notice: Notice) -> bytes:
    """Write the same bytes for the same notice."""
    return json.dumps(
        {
            "event_id": notice.idempotency_key,
            "type": f"alert.{notice.kind}",
            "occurred_at": notice.occurred_at.astimezone(UTC).isoformat(),
            "alert": {
                "id": notice.alert,
                "stream": notice.stream,
                "tier": notice.tier,
                "priority": notice.priority,
                "ward": notice.ward,
                "link": notice.link,
            },
            "schema_version": SCHEMA_VERSION,
            "seq": notice.sequence,
        },
        separators=(",", ":"),
    ).encode()


def _judge(status: int) -> None:
    if 200 <= status < 300:
        return
    if status >= 500 or status in _PASSING:
        raise Unreachable(f"HTTP {status}")
    if status == 410:
        raise Refused("HTTP 410: the receiver has switched this destination off")
    raise Refused(f"HTTP {status}")
