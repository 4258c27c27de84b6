"""The authenticator app of somebody who signs in."""

import base64
import hmac

from tests.inbox.sites import Site


def code_at(secret: str, site: Site, steps: int = 0) -> str:
    """Return what an authenticator shows, worked out as RFC 6238 writes it."""
    count = int(site.now.timestamp()) // 30 + steps
    digest = hmac.digest(base64.b32decode(secret), count.to_bytes(8, "big"), "sha1")
    at = digest[-1] & 15
    return f"{(int.from_bytes(digest[at : at + 4], 'big') & 0x7FFFFFFF) % 10**6:06}"
