"""TLS on HL7 links, for the listener and for senders."""

import ssl
from collections.abc import Sequence
from datetime import datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import TYPE_CHECKING

from forwarding.certificates import load_chain
from ivigilant.errors import UnreadablePath, UnusableSettings
from ivigilant.settings import Settings
from listener.tls import ServerTls, TlsFiles

if TYPE_CHECKING:
    from cryptography import x509


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


SELF_SIGNED_FOR = timedelta(days=730)


def self_signed(names: Sequence[str], now: datetime) -> tuple[str, str]:
    """Make a certificate for these names or addresses, which vouches for itself, and its key; both PEM.

    A sender trusts it by having it. It keeps links from being read until the hospital's own takes its place.
    """
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, names[0])])
    made = (
        x509.CertificateBuilder(subject, subject, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))  # a sender's clock may be behind
        .not_valid_after(now + SELF_SIGNED_FOR)
        .add_extension(x509.SubjectAlternativeName([_named(name) for name in names]), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    private = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return made.public_bytes(pem).decode(), private.decode()


def _named(name: str) -> "x509.GeneralName":
    from cryptography import x509

    try:
        return x509.IPAddress(ip_address(name))
    except ValueError:
        return x509.DNSName(name)
