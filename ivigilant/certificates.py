"""TLS on HL7 links, for the listener and for senders."""

import ssl
from pathlib import Path

from forwarding.certificates import load_chain
from ivigilant.errors import UnreadablePath, UnusableSettings
from ivigilant.settings import Settings
from listener.tls import ServerTls, TlsFiles


def listening_tls(settings: Settings) -> ServerTls | None:
    """Return the listener's TLS settings, None without a certificate. With a client CA, senders need one too."""
    certificate, key = settings.mllp_tls_certificate, settings.mllp_tls_key
    if certificate is not None and key is not None:
        return ServerTls(TlsFiles(certificate, key, settings.mllp_tls_client_ca))
    if certificate or key or settings.mllp_tls_client_ca:
        raise UnusableSettings("IVIGILANT_MLLP_TLS_CERTIFICATE and IVIGILANT_MLLP_TLS_KEY are needed together")
    return None


def sending_context(authority: Path | None, certificate: Path | None, key: Path | None) -> ssl.SSLContext:
    """Return a sender's TLS context: the authority it trusts and its own certificate."""
    try:
        context = ssl.create_default_context(cafile=authority)
        if certificate is not None:
            load_chain(context, certificate, key)
    except (OSError, ssl.SSLError) as error:
        raise UnreadablePath(f"the certificates cannot be used: {error}") from None
    return context
