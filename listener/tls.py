"""TLS for a port: our certificate, the client certificates we trust, and renewal while links stay open."""

import ssl
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import structlog
from cryptography import x509

from forwarding.certificates import UnusableChain, load_chain
from listener.errors import OddConfig

log = structlog.get_logger()

SOON, URGENT = timedelta(days=30), timedelta(days=7)  # before a certificate ends


@dataclass(frozen=True, slots=True)
class TlsFiles:
    """The PEM files."""

    certificate: Path
    key: Path
    client_authorities: Path | None  # the authorities of client certificates; None: a sender needs none


class ServerTls:
    """The TLS settings of one port."""

    def __init__(self, files: TlsFiles) -> None:
        self._files = files
        self._seen: tuple[int, ...] = ()
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.minimum_version = ssl.TLSVersion.TLSv1_2
        try:
            self._load()
        except (OSError, ValueError) as error:  # an SSLError is an OSError
            raise OddConfig(f"{files.certificate} and its key cannot be used: {_why(error)}") from error

    def refresh(self) -> None:
        """Reload files that changed; if they are invalid, keep the old ones and log it."""
        try:
            if self._changed() != self._seen:
                self._load()
                log.info("tls.renewed", expires_at=self.expires_at.isoformat())
        except (OSError, ValueError) as error:
            log.error("tls.not_renewed", error=_why(error), expires_at=self.expires_at.isoformat())

    def _load(self) -> None:
        files = self._files
        seen = self._changed()
        expires_at = x509.load_pem_x509_certificate(files.certificate.read_bytes()).not_valid_after_utc
        load_chain(self.context, files.certificate, files.key)
        if files.client_authorities is not None:
            self.context.load_verify_locations(files.client_authorities)
            self.context.verify_mode = ssl.CERT_REQUIRED
        self.expires_at: datetime = expires_at
        self._seen = seen

    def _changed(self) -> tuple[int, ...]:
        files = (self._files.certificate, self._files.key, self._files.client_authorities)
        return tuple(path.stat().st_mtime_ns for path in files if path is not None)


def _why(error: OSError | ValueError) -> str:
    if isinstance(error, UnusableChain):
        return str(error)
    if isinstance(error, OSError) and error.filename is not None:
        return f"{error.filename} cannot be read ({error.strerror})"
    return (
        "the files hold no PEM certificate" if isinstance(error, ValueError) else "the client CA holds no certificate"
    )


HUNG_UP = "hung_up"  # so does a load balancer's probe
_REASONS = {  # of OpenSSL: in our own words
    "CERTIFICATE_VERIFY_FAILED": "certificate_not_trusted",
    "PEER_DID_NOT_RETURN_A_CERTIFICATE": "no_certificate",
    "WRONG_VERSION_NUMBER": "not_tls",
    "HTTP_REQUEST": "not_tls",
    "UNKNOWN_PROTOCOL": "not_tls",
    "PACKET_LENGTH_TOO_LONG": "not_tls",
    "RECORD_LAYER_FAILURE": "not_tls",
    "UNSUPPORTED_PROTOCOL": "old_tls",
    "VERSION_TOO_LOW": "old_tls",
    "NO_SHARED_CIPHER": "no_shared_cipher",
    "TLSV1_ALERT_UNKNOWN_CA": "ours_not_trusted",
    "SSLV3_ALERT_BAD_CERTIFICATE": "ours_not_trusted",
    "SSLV3_ALERT_CERTIFICATE_UNKNOWN": "ours_not_trusted",
    "SSLV3_ALERT_CERTIFICATE_EXPIRED": "ours_not_trusted",
}


def handshake_fault(error: Exception) -> tuple[str, str]:
    """Return why a handshake failed, as one word to count by and in OpenSSL's own words."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return "certificate_not_trusted", error.verify_message
    if isinstance(error, ssl.SSLError):
        reason = (error.reason or "").upper().replace(" ", "_")
        return _REASONS.get(reason, "other"), reason or type(error).__name__
    if isinstance(error, TimeoutError | ConnectionAbortedError):
        return "too_slow", type(error).__name__
    return HUNG_UP, type(error).__name__


class ExpiryAlarm:
    """Warns that a certificate expires: at 30 days, at 7 days, and then every day."""

    def __init__(self) -> None:
        self._warned: dict[str, tuple[bool, datetime]] = {}

    def look(self, port: str, expires_at: datetime, now: datetime) -> None:
        """Log a warning when it is time, an error when it is urgent."""
        left = expires_at - now
        if left > SOON:
            self._warned.pop(port, None)
            return
        urgent = left <= URGENT
        before = self._warned.get(port)
        if before is not None and before[0] == urgent and now - before[1] < timedelta(days=1):
            return
        self._warned[port] = (urgent, now)
        log_at = log.error if urgent else log.warning
        log_at("tls.certificate_ends", port=port, expires_at=expires_at.isoformat(), days_left=left.days)


def names_in(certificate: dict[str, Any] | None) -> tuple[str, ...]:
    """Return the common name and the alternative names of a client certificate."""
    if not certificate:
        return ()
    common = [value for part in certificate.get("subject", ()) for name, value in part if name == "commonName"]
    alternative = [value for _, value in certificate.get("subjectAltName", ())]
    return tuple(dict.fromkeys(common + alternative))
