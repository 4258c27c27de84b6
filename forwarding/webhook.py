"""Notices sent as a signed JSON POST.

The receiver checks `X-Signature: t=<seconds>,v1=<hex>`, where v1 is HMAC-SHA256 over `<t>.<body>` with the shared
secret, and uses `Idempotency-Key` (also `event_id`) to accept a repeated notice only once.
"""

import hashlib
import hmac
import ssl
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import ClassVar, Literal
from urllib.parse import urlsplit

from forwarding.contract import DestinationForm, ProcessSettings, secret_in
from forwarding.deadline import DEADLINE_S, within
from forwarding.errors import OddDestination
from forwarding.http import answer_to, check_address, judge
from forwarding.notice import AnyNotice, as_json


def utc_now() -> datetime:
    """Read the clock; the default of `Webhook.clock`."""
    return datetime.now(UTC)


class WebhookForm(DestinationForm):
    """A system that gets a signed POST."""

    kind: Literal["webhook"]
    deadline_s: ClassVar[float] = DEADLINE_S
    url: str
    secret_file: Path
    plaintext: bool = False

    def open(self, settings: ProcessSettings) -> "Webhook":
        """Return the webhook, with the secret that the file holds now."""
        return Webhook(self.name, self.url, secret_in(self, "secret_file"), plaintext=self.plaintext)


@dataclass(frozen=True, slots=True)
class Webhook:
    """One receiver of signed notices."""

    name: str
    url: str
    secret: str = field(repr=False)
    timeout_s: float = DEADLINE_S
    plaintext: bool = False  # allow http to another machine
    proxy: str | None = None
    tls: ssl.SSLContext = field(default_factory=ssl.create_default_context, repr=False, compare=False)
    clock: Callable[[], datetime] = field(default=utc_now, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Reject an address that would send unencrypted, and an empty secret."""
        check_address(f"webhook {self.name}", self.url, plaintext=self.plaintext)
        if self.proxy is not None and urlsplit(self.proxy).scheme not in {"http", "https"}:
            raise OddDestination(f"webhook {self.name}: the proxy must begin with http:// or https://")
        if not self.secret:
            raise OddDestination(f"webhook {self.name}: a secret is needed to sign with")

    def forward(self, notice: AnyNotice) -> None:
        """Post the notice once."""
        judge(within(self.timeout_s, self._post(notice, as_json(notice))))

    async def _post(self, notice: AnyNotice, body: bytes) -> int:
        """Return the status; the body of the answer is never read."""
        headers = {
            "Content-Type": "application/json",
            "User-Agent": "ivigilant",
            "Idempotency-Key": notice.idempotency_key,
            "X-Signature": sign(body, self.secret, int(self.clock().timestamp())),
        }
        posted = answer_to("POST", self.url, headers=headers, content=body, tls=self.tls, proxy=self.proxy)
        async with posted as answer:
            return answer.status_code


def sign(body: bytes, secret: str, at: int) -> str:
    """Return the value of X-Signature."""
    digest = hmac.new(secret.encode(), b"%d." % at + body, hashlib.sha256).hexdigest()
    return f"t={at},v1={digest}"
