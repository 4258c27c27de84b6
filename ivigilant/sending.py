"""Links to a listener, as `replay` and `demo` use them."""

import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from ivigilant.errors import UnreadablePath
from ivigilant.replaying import Link, OpenLink


def link_opener(host: str, port: int, context: ssl.SSLContext | None = None) -> OpenLink:
    """Give what opens one more link to this listener."""

    @asynccontextmanager
    async def open_link() -> AsyncIterator[Link]:
        yield None

    return open_link


def tls_context(authority: Path | None, certificate: Path | None, key: Path | None) -> ssl.SSLContext:
    """Give what a sender needs to speak TLS: whom it trusts, and who it says it is."""
    try:
        context = ssl.create_default_context(cafile=authority)
        if certificate is not None:
            context.load_cert_chain(certificate, key)
    except (OSError, ssl.SSLError) as error:
        raise UnreadablePath(f"the certificates cannot be used: {error}") from None
    return context
