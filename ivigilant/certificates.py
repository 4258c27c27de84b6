"""TLS on HL7 links, for who listens and for who sends."""

import ssl
from pathlib import Path

from ivigilant.errors import UnreadablePath, UnusableSettings
from ivigilant.settings import Settings


def listening_context(settings: Settings) -> ssl.SSLContext | None:
    """Give how the listener speaks TLS; None when it has no certificate. With a client CA, senders need one too."""
    certificate, key = settings.mllp_tls_certificate, settings.mllp_tls_key
    if certificate is None or key is None:
        if certificate or key or settings.mllp_tls_client_ca:
            raise UnusableSettings("IVIGILANT_MLLP_TLS_CERTIFICATE and IVIGILANT_MLLP_TLS_KEY are needed together")
        return None
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        context.load_cert_chain(certificate, key)
        if settings.mllp_tls_client_ca is not None:
            context.load_verify_locations(settings.mllp_tls_client_ca)
            context.verify_mode = ssl.CERT_REQUIRED
    except (OSError, ssl.SSLError) as error:
        raise UnusableSettings(f"IVIGILANT_MLLP_TLS_…: the certificates cannot be used: {error}") from None
    return context


def sending_context(authority: Path | None, certificate: Path | None, key: Path | None) -> ssl.SSLContext:
    """Give how a sender speaks TLS: whom it trusts, and who it says it is."""
    try:
        context = ssl.create_default_context(cafile=authority)
        if certificate is not None:
            context.load_cert_chain(certificate, key)
    except (OSError, ssl.SSLError) as error:
        raise UnreadablePath(f"the certificates cannot be used: {error}") from None
    return context
